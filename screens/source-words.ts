/** What the sources screen says about a dataset, and which part of it is chosen. Pure. */

import { formatBytes, formatCompact, formatCount, formatQuantity } from '../source/core/format.js';
import type { DatasetDescription, DatasetSummary } from '../source/core/operations.js';
import type { ChromaDescription, SqliteDescription } from '../source/core/ports.js';
import { type LineSpec, line, paragraph } from './lines.js';

/** Either source alone is a whole job too. */
export type Parts = 'both' | 'sqlite' | 'chroma';

export const partsWords: Record<Parts, string> = { both: 'SQLite and Chroma', sqlite: 'SQLite', chroma: 'Chroma' };

export interface SourcesChoice {
	readonly sqlitePath: string | null;
	readonly chromaPath: string | null;
	readonly collection: string | null;
}

export interface SourcesAnswer extends SourcesChoice {
	readonly name: string;
	readonly dataset: DatasetSummary;
	readonly parts: Parts;
}

/** The paths of the chosen parts. A collection that was picked counts only where there is a Chroma path. */
export function chosenParts(dataset: DatasetSummary, parts: Parts, collection: string | null): SourcesChoice {
	const chromaPath = parts === 'sqlite' ? null : dataset.chromaPath;
	return {
		sqlitePath: parts === 'chroma' ? null : dataset.sqlitePath,
		chromaPath,
		collection: chromaPath === null ? null : (collection ?? dataset.collection),
	};
}

/** Why this dataset cannot be chosen as it is, or null. */
export function obstacleTo(description: DatasetDescription): string | null {
	const [problem] = description.problems;
	if (problem !== undefined) return problem;
	if (description.sqlite === null && description.chroma === null) return 'neither source could be opened';
	if (description.chroma !== null && description.collection === null) return 'choose a collection';
	return null;
}

const labelWidth = 9;

export function descriptionLines(description: DatasetDescription, parts: Parts, width: number): readonly LineSpec[] {
	const { sqlite, chroma, problems, collection } = description;
	return [
		...(sqlite === null ? [] : sqliteLines(sqlite, width)),
		...(chroma === null ? [] : chromaLines(chroma, collection)),
		...problems.flatMap((problem) =>
			paragraph(problem, width - 3, 'bad', 0).map((spec, index) => line({ text: index === 0 ? 'X  ' : '   ', tone: 'bad' }, ...spec.parts)),
		),
		...(problems.length > 0 && parts === 'both' && (sqlite !== null || chroma !== null)
			? [line({ text: '   p moves only the part that works', tone: 'dim' })]
			: []),
		...(parts === 'both'
			? []
			: [line({ text: 'Moves', tone: 'dim', width: labelWidth }, { text: `only ${partsWords[parts]}`, tone: 'warn' })]),
	];
}

function sqliteLines(sqlite: SqliteDescription, width: number): readonly LineSpec[] {
	const moved = sqlite.tables.filter((table) => !table.derived);
	const derived = sqlite.tables.length - moved.length;
	const rows = moved.reduce((sum, table) => sum + table.rows, 0);
	const head = `${formatQuantity(moved.length, 'table')}   ${formatQuantity(rows, 'row')}   ${formatBytes(sqlite.bytes)}`;
	const tables = moved.map((table) => `${table.name} ${formatCount(table.rows)}`).join('   ');
	const leftOut = `${formatQuantity(derived, 'search table')} left out`;
	const isShort = width < 72;
	const sound = sqlite.integrity === 'ok';
	return [
		line({ text: 'SQLite', tone: 'strong', width: labelWidth }, { text: head }),
		...paragraph(tables, width - labelWidth - 1, 'dim', 0).map(({ parts }) => line({ text: '', width: labelWidth }, ...parts)),
		line(
			{ text: '', width: labelWidth },
			sound ? { text: 'integrity ok', tone: 'good' } : { text: `! ${sqlite.integrity}`, tone: 'warn' },
			{ text: `   journal ${sqlite.journalMode}`, tone: 'dim' },
			{ text: derived === 0 || isShort ? '' : `   ${leftOut}`, tone: 'dim' },
		),
		...(derived > 0 && isShort ? [line({ text: '', width: labelWidth }, { text: leftOut, tone: 'dim' })] : []),
	];
}

function chromaLines(chroma: ChromaDescription, chosen: string | null): readonly LineSpec[] {
	const collection = chroma.collections.find(({ name }) => name === chosen);
	if (collection === undefined) {
		return [
			line(
				{ text: 'Chroma', tone: 'strong', width: labelWidth },
				{ text: `${formatQuantity(chroma.collections.length, 'collection')}   ${formatBytes(chroma.bytes)}` },
				{ text: '   c chooses one', tone: 'warn' },
			),
		];
	}
	const shape =
		collection.dimension === null ? formatCompact(collection.records) : `${formatCompact(collection.records)} x ${collection.dimension}`;
	const others = chroma.collections.length - 1;
	return [
		line(
			{ text: 'Chroma', tone: 'strong', width: labelWidth },
			{ text: collection.name },
			{ text: others === 0 ? '' : `   c for the other ${formatCount(others)}`, tone: 'dim' },
		),
		line(
			{ text: '', width: labelWidth },
			{ text: `${shape}   ${collection.space}   ${formatBytes(chroma.bytes)}   format ${chroma.version}`, tone: 'dim' },
		),
		...chroma.notes.map((note) => line({ text: '', width: labelWidth }, { text: note, tone: 'dim' })),
	];
}
