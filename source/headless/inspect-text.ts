import type { ErrorFact } from '../core/errors.js';
import { formatBytes, formatCount, formatQuantity } from '../core/format.js';
import {
	damageMarks,
	damageWords,
	documentWords,
	indexWords,
	journalWords,
	logWords,
	metadataWords,
	profileWords,
	purgingWords,
	shapeWords,
	soundnessWords,
	spaceWords,
	vectorPlaceWords,
} from '../core/inspect-words.js';
import type { ChromaInspection, ChromaServerInspection, CollectionInspection, Damage, SqliteInspection } from '../core/inspection.js';
import type { ChromaCollection, SourceTable } from '../core/ports.js';
import { cutText, printable, textWidth, wrapText } from '../core/text-width.js';
import { errorLines } from './error-text.js';
import { paint, type TextStyle, type Tone } from './style.js';
import { tableLines } from './table.js';

const width = 80;
const labelWidth = 12;

/** One source of an inspection, or why there is none. */
export type Inspected =
	| SqliteInspection
	| ChromaInspection
	| ChromaServerInspection
	| { readonly kind: 'unreadable'; readonly path: string; readonly error: ErrorFact };

/** Everything that was found, source by source, in 80 columns. */
export function inspectionLines(sources: readonly Inspected[], style: TextStyle): readonly string[] {
	return sources.flatMap((source, at) => [...(at === 0 ? [] : ['']), ...sourceLines(source, style)]);
}

function sourceLines(source: Inspected, style: TextStyle): readonly string[] {
	if (source.kind === 'unreadable') return [heading('Not readable', source.path, style), ...errorLines(source.error, style)];
	if (source.kind === 'chroma-server') return serverLines(source, style);
	return source.kind === 'sqlite' ? sqliteLines(source, style) : chromaLines(source, style);
}

/** Commands and paths are never broken or cut: a line of them can be copied. */
const heading = (what: string, name: string, style: TextStyle): string => `${paint(style, 'strong', what)}  ${printable(name)}`;

/** `  label       text`, wrapped under itself. No line for an empty text. */
function labelled(label: string, text: string, style: TextStyle, tone?: Tone): readonly string[] {
	if (text === '') return [];
	return wrapText(text, width - labelWidth - 4).map((part, at) => {
		const shown = tone === undefined ? part : paint(style, tone, part);
		return `  ${paint(style, 'quiet', (at === 0 ? label : '').padEnd(labelWidth))}  ${shown}`;
	});
}

const soundTone = ({ integrity }: { readonly integrity: string }): Tone => (integrity === 'ok' ? 'good' : 'look');

function sqliteLines(sqlite: SqliteInspection, style: TextStyle): readonly string[] {
	const tables = sqlite.tables.filter(({ derived }) => !derived);
	const derived = sqlite.tables.filter((table) => table.derived).map(({ name }) => name);
	const rows = tables.reduce((sum, table) => sum + table.rows, 0);
	const beyond = [
		...(sqlite.views === 0 ? [] : [formatQuantity(sqlite.views, 'view')]),
		...(sqlite.triggers === 0 ? [] : [formatQuantity(sqlite.triggers, 'trigger')]),
		...(sqlite.encoding === 'UTF-8' ? [] : [`text in ${sqlite.encoding}`]),
	];
	return [
		heading('SQLite database', sqlite.path, style),
		...labelled(
			'size',
			[formatBytes(sqlite.bytes), formatQuantity(tables.length, 'table'), formatQuantity(rows, 'row'), ...beyond].join(', '),
			style,
		),
		...labelled('state', soundnessWords(sqlite), style, soundTone(sqlite)),
		...labelled('journal', journalWords(sqlite), style),
		...labelled('profile', profileWords(sqlite.profile), style),
		...labelled('left out', derived.length === 0 ? '' : `${formatQuantity(derived.length, 'search table')}: ${derived.join(', ')}`, style),
		...damageLines(sqlite.damage, 'table', style),
		...(tables.length === 0 ? [] : ['', ...tableTable(tables, sqlite, style)]),
	];
}

function tableTable(tables: readonly SourceTable[], { unreadable }: SqliteInspection, style: TextStyle): readonly string[] {
	const right = 'right' as const;
	const ellipsis = style.unicode ? '…' : '...';
	const lost = new Set(unreadable.map(({ table }) => table));
	const rows = tables.map((table) => [
		cutText(table.name, 28, 'end', ellipsis),
		lost.has(table.name) ? '?' : formatCount(table.rows),
		formatCount(table.columns.length),
		formatCount(table.indexes.length),
		cutText(keyWords(table), 12, 'end', ellipsis),
		[...new Set(table.foreignKeys.map(({ parent }) => parent))].join(', '),
	]);
	const titles = ['TABLE', 'ROWS', 'COLUMNS', 'INDEXES', 'KEY', 'REFERS TO'];
	const used = titles.slice(0, 5).map((title, at) => Math.max(title.length, ...rows.map((row) => textWidth(row[at] ?? ''))) + 2);
	const room = Math.max(9, width - 2 - used.reduce((sum, cells) => sum + cells, 0));
	const columns = titles.map((title, at) => ({ title, align: at >= 1 && at <= 3 ? right : ('left' as const) }));
	const fitted = style.tables ? rows.map((row) => row.map((cell, at) => (at === 5 ? cutText(cell, room, 'end', ellipsis) : cell))) : rows;
	return tableLines(columns, fitted, style);
}

function keyWords({ columns }: SourceTable): string {
	const key = columns.filter(({ primaryKey }) => primaryKey > 0).sort((a, b) => a.primaryKey - b.primaryKey);
	return key.length === 0 ? 'none' : key.map(({ name }) => name).join(', ');
}

function chromaLines(chroma: ChromaInspection, style: TextStyle): readonly string[] {
	const { collections } = chroma;
	const records = collections.reduce((sum, collection) => sum + collection.records, 0);
	const migrations = Object.entries(chroma.migrations).map(([kind, version]) => `${kind} ${version}`);
	return [
		heading('Chroma directory', chroma.path, style),
		...labelled(
			'size',
			[formatBytes(chroma.bytes), formatQuantity(collections.length, 'collection'), formatQuantity(records, 'record')].join(', '),
			style,
		),
		...labelled('written by', chroma.version === 'empty' ? '' : `Chroma ${chroma.version} (${migrations.join(', ')})`, style),
		...labelled('state', soundnessWords(chroma), style, soundTone(chroma)),
		...labelled('journal', journalWords(chroma), style),
		...labelled('log', chroma.version === 'empty' ? '' : purgingWords(chroma.logPurging), style),
		...damageLines(chroma.damage, 'collection', style),
		...collections.flatMap((collection) => ['', ...collectionLines(collection, style)]),
	];
}

function serverLines({ path, version, collections, damage }: ChromaServerInspection, style: TextStyle): readonly string[] {
	const records = collections.reduce((sum, collection) => sum + collection.records, 0);
	return [
		heading('Chroma server', path, style),
		...labelled('size', [formatQuantity(collections.length, 'collection'), formatQuantity(records, 'record')].join(', '), style),
		...labelled('answers as', version, style),
		...damageLines(damage, 'collection', style),
		...collections.flatMap((collection) => [
			'',
			...factLines(
				collection,
				[
					['records', shapeWords(collection)],
					['space', collection.space],
				],
				style,
			),
		]),
	];
}

type Facts = readonly (readonly [label: string, text: string])[];

function collectionLines(collection: CollectionInspection, style: TextStyle): readonly string[] {
	const { records, metadataKeys, problem } = collection;
	const documents = documentWords(collection);
	const facts: Facts =
		problem !== null
			? [['not readable', problem]]
			: [
					['records', [shapeWords(collection), documents].filter((part) => part !== '').join(', ')],
					['space', spaceWords(collection)],
					['vectors', vectorPlaceWords(collection)],
					['log', logWords(collection)],
					['index', indexWords(collection)],
					['keys', metadataWords(metadataKeys, records)],
				];
	return factLines(collection, facts, style);
}

function factLines({ name, id, tenant, database, metadata }: ChromaCollection, facts: Facts, style: TextStyle): readonly string[] {
	return [
		heading('Collection', name, style),
		...labelled('place', `${tenant} / ${database}`, style),
		...labelled('id', id, style),
		...facts.flatMap(([label, text]) => labelled(label, text, style)),
		...labelled('metadata', metadata ?? '', style),
	];
}

const tones: Readonly<Record<Damage['severity'], Tone>> = { block: 'bad', warn: 'look', info: 'quiet' };

function damageLines(damage: readonly Damage[], aboutWord: 'collection' | 'table', style: TextStyle): readonly string[] {
	return damage.flatMap((fault) => {
		const mark = damageMarks[fault.severity].padEnd(labelWidth);
		return wrapText(`${damageWords(fault, aboutWord)} [${fault.code}]`, width - labelWidth - 4).map(
			(part, at) => `  ${at === 0 ? paint(style, tones[fault.severity], mark) : ' '.repeat(labelWidth)}  ${part}`,
		);
	});
}
