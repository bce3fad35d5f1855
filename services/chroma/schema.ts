import type Database from 'better-sqlite3';
import { chromaProblem } from './problems.js';

/** What the tables of this directory can hold; told by the columns that are there, never by a version number. */
export interface Schema {
	/** Releases that write this schema, e.g. `1.3-1.4`; `empty` for a database in which nothing was ever stored: without tables, or without all of them. */
	readonly version: string;
	/** `collections.topic` names the WAL topic (before 0.5). */
	readonly collectionTopic: boolean;
	/** `tenants` and `databases` exist (from 0.4.15). */
	readonly databases: boolean;
	readonly configJson: boolean;
	readonly schemaJson: boolean;
	/** `bool_value` beside the other typed columns, per table. */
	readonly recordBooleans: boolean;
	readonly collectionBooleans: boolean;
	/** `embedding_metadata_array` exists (from 1.5). */
	readonly lists: boolean;
}

/** Newest migration of each kind that this reader knows; all of Chroma 0.4.0 to 1.5.9. */
const newestKnown: Readonly<Record<string, number>> = { embeddings_queue: 2, metadb: 6, sysdb: 10 };

const requiredColumns: Readonly<Record<string, readonly string[]>> = {
	collections: ['id', 'name', 'dimension'],
	collection_metadata: ['collection_id', 'key', 'str_value', 'int_value', 'float_value'],
	segments: ['id', 'type', 'scope', 'collection'],
	segment_metadata: ['segment_id', 'key', 'str_value'],
	embeddings: ['id', 'segment_id', 'embedding_id', 'seq_id'],
	embedding_metadata: ['id', 'key', 'string_value', 'int_value', 'float_value'],
	embeddings_queue: ['seq_id', 'operation', 'topic', 'id', 'vector', 'encoding', 'metadata'],
	max_seq_id: ['segment_id', 'seq_id'],
};

const emptySchema: Schema = {
	version: 'empty',
	collectionTopic: false,
	databases: false,
	configJson: false,
	schemaJson: false,
	recordBooleans: false,
	collectionBooleans: false,
	lists: false,
};

/** Reads which Chroma wrote the directory. Throws a RepotError for a database that is not Chroma's or is newer than this reader. */
export function readSchema(database: Database.Database, where: string): Schema {
	const tables = new Set(database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all() as string[]);
	if (tables.size === 0) return emptySchema;
	const columns = (table: string): Set<string> =>
		new Set(database.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(table) as string[]);
	if (!recordsMigrations(columns('migrations'))) throw notChroma(where, [...tables]);
	const migrations = readMigrations(database);
	refuseUnknown(migrations, where);
	if (isUnfinished(database, tables)) return emptySchema;
	refuseMissing(columns, where);
	const collections = columns('collections');
	return {
		version: releaseOf(migrations),
		collectionTopic: collections.has('topic'),
		databases: collections.has('database_id') && tables.has('databases'),
		configJson: collections.has('config_json_str'),
		schemaJson: collections.has('schema_str'),
		recordBooleans: columns('embedding_metadata').has('bool_value'),
		collectionBooleans: columns('collection_metadata').has('bool_value'),
		lists: tables.has('embedding_metadata_array'),
	};
}

/** Other programs have a table `migrations` too. */
const recordsMigrations = (columns: ReadonlySet<string>): boolean =>
	['dir', 'version', 'filename', 'hash'].every((name) => columns.has(name));

/**
 * Chroma makes its tables one migration after another before it takes any data. A first start that was stopped in between leaves some tables, none of
 * them with a row. (0.x may stop between a change of a table and the note that it was made; no Chroma opens the directory then, and nothing is lost.)
 */
function isUnfinished(database: Database.Database, tables: ReadonlySet<string>): boolean {
	if (Object.keys(requiredColumns).every((table) => tables.has(table))) return false;
	const hasRows = (table: string): boolean => tables.has(table) && database.prepare(`SELECT 1 FROM ${table} LIMIT 1`).get() !== undefined;
	return !['collections', 'embeddings', 'embeddings_queue'].some(hasRows);
}

/** The newest version of each kind of migration, by kind. */
export function readMigrations(database: Database.Database): ReadonlyMap<string, number> {
	const rows = database.prepare('SELECT dir, max(version) FROM migrations GROUP BY dir ORDER BY dir').raw().all() as [string, number][];
	return new Map(rows.map(([kind, version]) => [kind, Number(version)]));
}

function refuseUnknown(migrations: ReadonlyMap<string, number>, where: string): void {
	const unknown = [...migrations].filter(([kind, version]) => version > (newestKnown[kind] ?? -1));
	if (unknown.length === 0) return;
	const names = unknown.map(([kind, version]) =>
		newestKnown[kind] === undefined ? `${kind} ${version} (unknown kind)` : `${kind} ${version} (known up to ${newestKnown[kind]})`,
	);
	throw chromaProblem({
		code: 'CHROMA_SCHEMA_UNKNOWN',
		message: 'This directory was written by a Chroma newer than this program knows (0.4 to 1.5.9)',
		where,
		why: `migrations: ${names.join(', ')}`,
		next: ['Update repot', 'Or export the collection with the Chroma that wrote it'],
	});
}

function refuseMissing(columns: (table: string) => ReadonlySet<string>, where: string): void {
	const missing = Object.entries(requiredColumns).flatMap(([table, names]) => {
		const present = columns(table);
		return present.size === 0 ? [table] : names.filter((name) => !present.has(name)).map((name) => `${table}.${name}`);
	});
	if (missing.length === 0) return;
	throw chromaProblem({
		code: 'CHROMA_SCHEMA_UNKNOWN',
		message: 'chroma.sqlite3 lacks tables or columns that every known Chroma has',
		where,
		why: `missing: ${missing.join(', ')}`,
		next: ['Open a copy of the directory once with the Chroma that wrote it: it completes an unfinished migration', 'Update repot'],
	});
}

/** Releases by their newest migrations; a directory that a newer Chroma opened counts as that Chroma's. */
function releaseOf(migrations: ReadonlyMap<string, number>): string {
	const metadb = migrations.get('metadb') ?? 0;
	const sysdb = migrations.get('sysdb') ?? 0;
	if (metadb >= 6) return '1.5';
	if (sysdb >= 10) return '1.3-1.4';
	if (metadb >= 5) return '1.0-1.2';
	if (metadb >= 4 || sysdb >= 8) return '0.5.6-0.6.3';
	if (sysdb >= 7) return '0.5.4-0.5.5';
	if (sysdb >= 6) return '0.5.1-0.5.3';
	if (sysdb >= 5) return '0.5.0';
	if (sysdb >= 4) return '0.4.15-0.4.24';
	if (metadb >= 3) return '0.4.6-0.4.14';
	if (metadb >= 2) return '0.4.4-0.4.6';
	return '0.4.0-0.4.3';
}

function notChroma(where: string, tables: readonly string[]): Error {
	return chromaProblem({
		code: 'CHROMA_NOT_CHROMA',
		message: 'chroma.sqlite3 is not a database that Chroma made',
		where,
		why: `tables found: ${tables.slice(0, 8).join(', ')}${tables.length > 8 ? ', ...' : ''}`,
		next: ['Point --chroma-path at the directory that your application passes to chromadb.PersistentClient(path=...)'],
	});
}
