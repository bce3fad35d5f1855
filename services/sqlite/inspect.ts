import type Database from 'better-sqlite3';
import type { SqliteFacts } from '../../source/core/inspection.js';
import type { SourceIndex, SourceTable, SqliteDescription } from '../../source/core/ports.js';
import { openSnapshot } from './reader.js';
import { columnsOf, countRows, foreignKeysOf, indexesOf, type ListedTable, listTables, quoteName } from './schema.js';
import type { Snapshot } from './snapshot.js';
import { reasonOf, sourceError } from './source-errors.js';

/**
 * What a snapshot holds: tables with exact row counts, columns, indexes and foreign keys, and what PRAGMA quick_check says. `path` is the
 * original, for the description and for errors. Damage that SQLite can live with is told in `integrity`; when not even the
 * schema can be read, throws RepotError (source).
 */
export function inspectSqlite(snapshot: Pick<Snapshot, 'path' | 'bytes' | 'journalMode'>, path: string): SqliteDescription {
	let connection: Database.Database | null = null;
	try {
		connection = openSnapshot(snapshot.path);
		const complaints: string[] = [];
		const tables: SourceTable[] = [];
		for (const listed of listTables(connection)) tables.push(describeTable(connection, listed, complaints));
		return {
			path,
			bytes: snapshot.bytes,
			tables,
			integrity: quickCheck(connection) ?? complaints[0] ?? 'ok',
			journalMode: snapshot.journalMode,
		};
	} catch (thrown) {
		throw sourceError(thrown, path);
	} finally {
		connection?.close();
	}
}

/** What a snapshot holds beyond its description, for `repot inspect`. */
export function inspectFurther(
	snapshot: Pick<Snapshot, 'path'>,
	description: SqliteDescription,
): Pick<SqliteFacts, 'encoding' | 'views' | 'triggers' | 'unreadable'> {
	const connection = openSnapshot(snapshot.path);
	try {
		const kinds = connection.prepare('SELECT type, count(*) FROM sqlite_schema GROUP BY type').raw().all() as [string, number][];
		const count = (kind: string): number => kinds.find(([name]) => name === kind)?.[1] ?? 0;
		return {
			encoding: String(connection.pragma('encoding', { simple: true })),
			views: count('view'),
			triggers: count('trigger'),
			unreadable: unreadableTables(connection, description),
		};
	} catch (thrown) {
		throw sourceError(thrown, description.path);
	} finally {
		connection.close();
	}
}

/** A table that cannot be counted stands in the description with no rows; the reason is told here. */
function unreadableTables(connection: Database.Database, { tables }: SqliteDescription): SqliteFacts['unreadable'] {
	return tables
		.filter(({ derived, rows }) => !derived && rows === 0)
		.flatMap(({ name }) => {
			try {
				countRows(connection, name);
				return [];
			} catch (thrown) {
				return [{ table: name, reason: reasonOf(thrown) }];
			}
		});
}

function describeTable(connection: Database.Database, listed: ListedTable, complaints: string[]): SourceTable {
	const { name, withoutRowid } = listed;
	const derived = listed.type === 'virtual' || listed.type === 'shadow';
	const facts = { name, withoutRowid, derived };
	try {
		return {
			...facts,
			columns: columnsOf(connection, name),
			indexes: indexesOf(connection, name).map((index) => (derived ? index : measured(connection, name, index))),
			foreignKeys: foreignKeysOf(connection, name),
			rows: countRows(connection, name),
		};
	} catch (thrown) {
		// A virtual table of a module that is not here cannot be opened, and need not be: its data is derived.
		if (derived) return { ...facts, columns: [], indexes: [], foreignKeys: [], rows: 0 };
		complaints.push(`table ${name} cannot be read: ${reasonOf(thrown)}`);
		return { ...facts, ...schemaOnly(connection, name), rows: 0 };
	}
}

/**
 * An index with the length of its longest entry: a target's index may have less room. octet_length reads lengths from the records' headers
 * (https://sqlite.org/lang_corefunc.html#octet_length) of the index alone, 200,000 entries in a few hundredths of a second.
 */
function measured(connection: Database.Database, table: string, index: SourceIndex): SourceIndex {
	if (index.partial || index.columns.length === 0) return index;
	try {
		const lengths = index.columns.map((column) => `coalesce(octet_length(${quoteName(column)}), 0)`).join(' + ');
		const bytes = connection
			.prepare(`SELECT max(${lengths}) FROM ${quoteName(table)}`)
			.pluck()
			.get() as number | null;
		if (bytes === null) return index;
		// Lengths are those of the database's encoding; UTF-16 takes two bytes at least where UTF-8 takes three at most.
		const inUtf8 = connection.pragma('encoding', { simple: true }) === 'UTF-8';
		return { ...index, longest: inUtf8 ? bytes : Math.ceil(bytes * 1.5) };
	} catch {
		// One with a collation of the application's own, or damaged: reading the table tells of damage that matters.
		return index;
	}
}

function schemaOnly(connection: Database.Database, table: string): Pick<SourceTable, 'columns' | 'indexes' | 'foreignKeys'> {
	try {
		return { columns: columnsOf(connection, table), indexes: indexesOf(connection, table), foreignKeys: foreignKeysOf(connection, table) };
	} catch {
		return { columns: [], indexes: [], foreignKeys: [] };
	}
}

/** What quick_check says of values rather than of the file: the casts judge those, record by record. */
const brokenConstraint = /^(NULL value in|CHECK constraint failed in|non-\w+ value in|\w+ value in) /;

/** The first complaint about the file in one line, or null when there is none. `table`: about that table only. */
export function quickCheck(connection: Database.Database, table?: string): string | null {
	try {
		const scope = table === undefined ? '100000' : quoteName(table);
		for (const answer of connection.prepare(`PRAGMA quick_check(${scope})`).pluck().iterate() as IterableIterator<string>) {
			const found = answer.split('\n').find((line) => line !== 'ok' && !line.startsWith('***') && !brokenConstraint.test(line));
			if (found !== undefined) return found;
		}
		return null;
	} catch (thrown) {
		const reason = reasonOf(thrown);
		return /no such collation sequence/.test(reason) ? `not checked: ${reason}, which only its application defines` : reason;
	}
}
