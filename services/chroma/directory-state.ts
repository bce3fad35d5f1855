import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import type { ChromaFacts, LogState } from '../../source/core/inspection.js';
import { quickCheck } from '../sqlite/inspect.js';
import type { StoredCollection } from './collections.js';
import { readMigrations, type Schema } from './schema.js';
import { textOf } from './values.js';
import { appliedSequence } from './wal.js';

/** Tables that are read in full. The log is not checked page by page, since that would read every vector in it; its rows are walked instead. */
const checkedTables = [
	...['migrations', 'tenants', 'databases', 'collections', 'collection_metadata', 'segments', 'segment_metadata', 'max_seq_id'],
	...['embeddings', 'embedding_metadata', 'embedding_metadata_array', 'embeddings_queue_config'],
];

/** `ok`, or the first complaint of PRAGMA quick_check, with the table. */
export function integrityOf(database: Database.Database): string {
	const present = tablesOf(database);
	for (const table of checkedTables) {
		const complaint = present.has(table) ? quickCheck(database, table) : null;
		if (complaint !== null) return `${table}: ${complaint}`;
	}
	return 'ok';
}

export function migrationsOf(database: Database.Database): ChromaFacts['migrations'] {
	if (!tablesOf(database).has('migrations')) return {};
	return Object.fromEntries(readMigrations(database));
}

/** `automatically_purge` of the queue's configuration (0.5.6 and later). */
export function logPurging(database: Database.Database): boolean | null {
	if (!tablesOf(database).has('embeddings_queue_config')) return null;
	const text = database.prepare('SELECT config_json_str FROM embeddings_queue_config ORDER BY id DESC LIMIT 1').pluck().get();
	try {
		const config: unknown = JSON.parse(textOf(text ?? ''));
		const purge = typeof config === 'object' && config !== null && 'automatically_purge' in config ? config.automatically_purge : null;
		return typeof purge === 'boolean' ? purge : null;
	} catch {
		return null;
	}
}

/** Log rows by topic, from one walk. */
export interface LogTopic {
	readonly rows: number;
	readonly first: number;
	readonly last: number;
}

export function logTopics(database: Database.Database): ReadonlyMap<string, LogTopic> {
	if (!tablesOf(database).has('embeddings_queue')) return new Map();
	const rows = database.prepare('SELECT topic, count(*), min(seq_id), max(seq_id) FROM embeddings_queue GROUP BY topic').raw().all() as [
		unknown,
		number,
		number,
		number,
	][];
	return new Map(rows.map(([topic, count, first, last]) => [textOf(topic), { rows: count, first, last }]));
}

/** Rows of topics that no collection has: their collections were deleted. */
export function strayLogRows(topics: ReadonlyMap<string, LogTopic>, collections: readonly StoredCollection[]): number {
	const known = new Set(collections.map(({ topic }) => topic));
	return [...topics].reduce((sum, [topic, { rows }]) => sum + (known.has(topic) ? 0 : rows), 0);
}

/** `pending`: after `indexUpTo`. */
export function logState(
	database: Database.Database,
	collection: StoredCollection,
	topic: LogTopic | undefined,
	indexUpTo: number,
	unreadableRows: number,
): LogState {
	const pending =
		topic === undefined || topic.last <= indexUpTo
			? 0
			: (database
					.prepare('SELECT count(*) FROM embeddings_queue WHERE topic = ? AND seq_id > ?')
					.pluck()
					.get(collection.topic, indexUpTo) as number);
	return {
		rows: topic?.rows ?? 0,
		first: topic?.first ?? null,
		last: topic?.last ?? null,
		pending,
		recordsUpTo: appliedSequence(database, collection.metadataSegment),
		unreadableRows,
	};
}

/** List values of records that are gone (Chroma 1.5 leaves them behind and uses row numbers again). */
export function strayListValues(database: Database.Database, schema: Schema): number {
	if (!schema.lists) return 0;
	return database
		.prepare('SELECT count(*) FROM embedding_metadata_array a WHERE NOT EXISTS (SELECT 1 FROM embeddings e WHERE e.id = a.id)')
		.pluck()
		.get() as number;
}

/** Index folders in the copied directory that are the segment of no collection. */
export function staleFolders(database: Database.Database, directory: string): ChromaFacts['staleFolders'] {
	const known = new Set((database.prepare('SELECT id FROM segments').pluck().all() as unknown[]).map((id) => textOf(id).toLowerCase()));
	return readdirSync(directory, { withFileTypes: true })
		.filter((entry) => entry.isDirectory() && !known.has(entry.name.toLowerCase()))
		.map(({ name }) => ({ name, bytes: bytesIn(join(directory, name)) }))
		.sort((a, b) => (a.name < b.name ? -1 : 1));
}

const bytesIn = (folder: string): number => readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

const tablesOf = (database: Database.Database): ReadonlySet<string> =>
	new Set(database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[]);
