/** What the sources screen says about a dataset, and which part of it is chosen. Pure. */

import { formatBytes, formatCommand, formatCompact, formatCount, formatQuantity } from '../source/core/format.js';
import { damageMarks, damageWords, journalWords, soundnessWords, spaceWords, vectorPlaceWords } from '../source/core/inspect-words.js';
import type { ChromaInspection, ChromaServerInspection, SqliteInspection } from '../source/core/inspection.js';
import type { DatasetDescription, DatasetSummary } from '../source/core/operations.js';
import { shownName } from '../source/core/plan/collection.js';
import type { ChromaCollection } from '../source/core/ports.js';
import { type LineSpec, line, paragraph } from './lines.js';

/** Either source alone is a whole job too. */
export type Parts = 'both' | 'sqlite' | 'chroma';

export const partsWords: Record<Parts, string> = { both: 'SQLite and Chroma', sqlite: 'SQLite', chroma: 'Chroma' };

export interface SourcesChoice {
	readonly sqlitePath: string | null;
	readonly chromaPath: string | null;
	readonly collections: readonly string[];
}

export interface SourcesAnswer extends SourcesChoice {
	readonly name: string;
	readonly dataset: DatasetSummary;
	readonly parts: Parts;
}

/** The paths of the chosen parts. Collections that were picked (null: none were) count only where there is a Chroma path. */
export function chosenParts(dataset: DatasetSummary, parts: Parts, picked: readonly string[] | null): SourcesChoice {
	const chromaPath = parts === 'sqlite' ? null : dataset.chromaPath;
	return {
		sqlitePath: parts === 'chroma' ? null : dataset.sqlitePath,
		chromaPath,
		collections: chromaPath === null ? [] : (picked ?? dataset.collections),
	};
}

/** Why this dataset cannot be chosen as it is, or null. */
export function obstacleTo(description: DatasetDescription): string | null {
	const [problem] = description.problems;
	if (problem !== undefined) return problem;
	if (description.sqlite === null && description.chroma === null) return 'neither source could be opened';
	if (description.chroma !== null && description.collections.length === 0) return 'choose a collection';
	return null;
}

const labelWidth = 9;

export function descriptionLines(description: DatasetDescription, parts: Parts, width: number): readonly LineSpec[] {
	const { sqlite, chroma, problems, collections } = description;
	return [
		...(sqlite === null ? [] : sqliteLines(sqlite, width)),
		...(chroma === null ? [] : chromaLines(chroma, collections, width)),
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

const underLabel = (text: string): LineSpec => line({ text: '', width: labelWidth }, { text, tone: 'dim' });

function chromaLines(chroma: Chroma, chosen: readonly ChromaCollection[], width: number): readonly LineSpec[] {
	return [...chosenLines(chroma, chosen, width), ...soundnessLines(chroma), ...damageLines(chroma, width)];
}

function chosenLines(chroma: Chroma, chosen: readonly ChromaCollection[], width: number): readonly LineSpec[] {
	const [only] = chosen;
	const others = chroma.collections.length - chosen.length;
	const theOthers = `c for the other ${formatCount(others)}`;
	if (only === undefined) {
		return [
			line(
				{ text: 'Chroma', tone: 'strong', width: labelWidth },
				{ text: `${formatQuantity(chroma.collections.length, 'collection')}   ${sizeWords(chroma)}` },
				{ text: '   c chooses', tone: 'warn' },
			),
			...namesOf(chroma.collections, chroma, width),
		];
	}
	if (chosen.length > 1) {
		return [
			line(
				{ text: 'Chroma', tone: 'strong', width: labelWidth },
				{ text: formatQuantity(chosen.length, 'collection') },
				{ text: `   ${factWords(chroma)}   ${others === 0 ? 'c for fewer' : theOthers}`, tone: 'dim' },
			),
			...namesOf(chosen, chroma, width),
			underLabel(shapeOfAll(chosen)),
			...vectorLines(chroma, chosen),
		];
	}
	return [
		line(
			{ text: 'Chroma', tone: 'strong', width: labelWidth },
			{ text: only.name },
			{ text: others === 0 ? '' : `   ${theOthers}`, tone: 'dim' },
		),
		underLabel(`${shapeOf(only)}   ${spaceOf(chroma, only)}   ${factWords(chroma)}`),
		...vectorLines(chroma, chosen),
	];
}

/** A server tells nothing of the files behind it. */
const soundnessLines = (chroma: Chroma): readonly LineSpec[] =>
	chroma.kind === 'chroma-server' ? [] : [line({ text: '', width: labelWidth }, soundness(chroma))];

/** A server does not tell how many bytes it holds, nor in which format. */
const sizeWords = (chroma: Chroma): string => (chroma.kind === 'chroma-server' ? chroma.version : formatBytes(chroma.bytes));
const factWords = (chroma: Chroma): string =>
	chroma.kind === 'chroma-server' ? chroma.version : `${formatBytes(chroma.bytes)}   format ${chroma.version}`;

/** Names, as many as two lines hold. */
function namesOf(collections: readonly ChromaCollection[], chroma: Chroma, width: number): readonly LineSpec[] {
	const room = width - labelWidth - 1;
	const all = paragraph(collections.map((collection) => shownName(collection, chroma.collections)).join('   '), room, 'dim', 0);
	const shown = all.slice(0, mostNameLines).map(({ parts }) => line({ text: '', width: labelWidth }, ...parts));
	return all.length <= mostNameLines ? shown : [...shown, underLabel('... c lists them all')];
}

const mostNameLines = 2;

const shapeOf = ({ records, dimension }: ChromaCollection): string =>
	dimension === null ? formatCompact(records) : `${formatCompact(records)} x ${dimension}`;

/** The space, and in a directory what says so. */
function spaceOf(chroma: Chroma, { id, space }: ChromaCollection): string {
	const found = chroma.kind === 'chroma' ? chroma.collections.find((one) => one.id === id) : undefined;
	return found === undefined ? space : spaceWords(found);
}

/** Where the vectors of all these are; a server does not tell. */
function vectorLines(chroma: Chroma, chosen: readonly ChromaCollection[]): readonly LineSpec[] {
	if (chroma.kind === 'chroma-server') return [];
	const found = chroma.collections.filter(({ id }) => chosen.some((one) => one.id === id));
	const sum = (of: (one: (typeof found)[number]) => number): number => found.reduce((total, one) => total + of(one), 0);
	const places = {
		vectorsInLog: sum((one) => one.vectorsInLog),
		vectorsInIndex: sum((one) => one.vectorsInIndex),
		missingVectors: { count: sum((one) => one.missingVectors.count) },
	};
	return [underLabel(`vectors: ${vectorPlaceWords(places)}`)];
}

/** `2 340 records x 256, 1024   cosine, l2`. */
function shapeOfAll(collections: readonly ChromaCollection[]): string {
	const records = collections.reduce((sum, collection) => sum + collection.records, 0);
	const dimensions = [...new Set(collections.flatMap(({ dimension }) => dimension ?? []))].sort((a, b) => a - b);
	const spaces = [...new Set(collections.map(({ space }) => space))];
	return `${formatQuantity(records, 'record')}${dimensions.length === 0 ? '' : ` x ${dimensions.join(', ')}`}   ${spaces.join(', ')}`;
}
