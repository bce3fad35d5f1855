/** What the sources screen says about a dataset, and which part of it is chosen. Pure. */

import { formatBytes, formatCommand, formatCompact, formatCount, formatQuantity } from '../source/core/format.js';
import { damageMarks, damageWords, journalWords, soundnessWords, spaceWords, vectorPlaceWords } from '../source/core/inspect-words.js';
import type { ChromaInspection, ChromaServerInspection, SqliteInspection } from '../source/core/inspection.js';
import type { DatasetDescription, DatasetSummary } from '../source/core/operations.js';
import type { ChromaCollection } from '../source/core/ports.js';
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
		...(chroma === null ? [] : chromaLines(chroma, collection, width)),
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

function sqliteLines(sqlite: SqliteInspection, width: number): readonly LineSpec[] {
	const moved = sqlite.tables.filter((table) => !table.derived);
	const derived = sqlite.tables.length - moved.length;
	const rows = moved.reduce((sum, table) => sum + table.rows, 0);
	const head = `${formatQuantity(moved.length, 'table')}   ${formatQuantity(rows, 'row')}   ${formatBytes(sqlite.bytes)}`;
	const tables = moved.map((table) => `${table.name} ${formatCount(table.rows)}`).join('   ');
	const leftOut = `${formatQuantity(derived, 'search table')} left out`;
	const isShort = width < 72;
	return [
		line({ text: 'SQLite', tone: 'strong', width: labelWidth }, { text: head }),
		...paragraph(tables, width - labelWidth - 1, 'dim', 0).map(({ parts }) => line({ text: '', width: labelWidth }, ...parts)),
		line(
			{ text: '', width: labelWidth },
			soundness(sqlite),
			{ text: `   journal ${journalWords(sqlite)}`, tone: 'dim' },
			{ text: derived === 0 || isShort ? '' : `   ${leftOut}`, tone: 'dim' },
		),
		...(derived > 0 && isShort ? [line({ text: '', width: labelWidth }, { text: leftOut, tone: 'dim' })] : []),
		...damageLines(sqlite, width),
	];
}

const soundness = (source: SqliteInspection | ChromaInspection) => {
	const isSound = source.integrity === 'ok';
	return { text: `${isSound ? '' : '! '}${soundnessWords(source)}`, tone: isSound ? 'good' : 'warn' } as const;
};

const mostDamage = 3;
const tones = { block: 'bad', warn: 'warn', info: 'dim' } as const;
const aboutWords = { sqlite: 'table', chroma: 'collection', 'chroma-server': 'collection' } as const;

/** The gravest faults; `repot inspect` tells all of them. */
function damageLines({ kind, path, damage }: SqliteInspection | Chroma, width: number): readonly LineSpec[] {
	const told = damage.slice(0, mostDamage).flatMap((fault) => {
		const text = `${damageMarks[fault.severity]}  ${damageWords(fault, aboutWords[kind], 2)}`;
		return paragraph(text, width - labelWidth - 1, tones[fault.severity], 0);
	});
	const left = damage.length - mostDamage;
	const rest: readonly LineSpec[] =
		left > 0 ? [{ parts: [{ text: `${formatCount(left)} more: ${formatCommand(['repot', 'inspect', path])}`, tone: 'dim' }] }] : [];
	return [...told, ...rest].map(({ parts }) => line({ text: '', width: labelWidth }, ...parts));
}

/** What is lost or cannot be read, one sentence each; what costs nothing is left to `repot inspect`. */
export function faultSentences({ sqlite, chroma }: DatasetDescription): readonly string[] {
	const sources = [sqlite, chroma].filter((source) => source !== null);
	return sources.flatMap(({ kind, damage }) =>
		damage.filter(({ severity }) => severity !== 'info').map((fault) => damageWords(fault, aboutWords[kind])),
	);
}

type Chroma = ChromaInspection | ChromaServerInspection;

function chromaLines(chroma: Chroma, chosen: string | null, width: number): readonly LineSpec[] {
	const collection = chroma.collections.find(({ name }) => name === chosen);
	if (collection === undefined) {
		return [
			line(
				{ text: 'Chroma', tone: 'strong', width: labelWidth },
				{ text: `${formatQuantity(chroma.collections.length, 'collection')}   ${sizeOf(chroma)}` },
				{ text: '   c chooses one', tone: 'warn' },
			),
			...underChroma(chroma, width),
		];
	}
	const others = chroma.collections.length - 1;
	return [
		line(
			{ text: 'Chroma', tone: 'strong', width: labelWidth },
			{ text: collection.name },
			{ text: others === 0 ? '' : `   c for the other ${formatCount(others)}`, tone: 'dim' },
		),
		...collectionWords(chroma, collection.id).map((text) => line({ text: '', width: labelWidth }, { text, tone: 'dim' })),
		...underChroma(chroma, width),
	];
}

/** What is known of one collection; a server does not tell where its vectors are, nor who named the space. */
function collectionWords(chroma: Chroma, id: string): readonly string[] {
	const shapeOf = ({ records, dimension }: ChromaCollection): string =>
		dimension === null ? formatCompact(records) : `${formatCompact(records)} x ${dimension}`;
	if (chroma.kind === 'chroma-server')
		return chroma.collections.filter((one) => one.id === id).map((one) => `${shapeOf(one)}   ${one.space}   ${sizeOf(chroma)}`);
	return chroma.collections
		.filter((one) => one.id === id)
		.flatMap((one) => [
			`${shapeOf(one)}   ${spaceWords(one)}   ${sizeOf(chroma)}   format ${chroma.version}`,
			`vectors: ${vectorPlaceWords(one)}`,
		]);
}

/** A server does not tell how many bytes it holds. */
const sizeOf = (chroma: Chroma): string => (chroma.kind === 'chroma-server' ? chroma.version : formatBytes(chroma.bytes));

const underChroma = (chroma: Chroma, width: number): readonly LineSpec[] => [
	...(chroma.kind === 'chroma-server' ? [] : [line({ text: '', width: labelWidth }, soundness(chroma))]),
	...damageLines(chroma, width),
];
