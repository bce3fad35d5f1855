import type Database from 'better-sqlite3';
import type { SourceColumn, SourceIndex, SourceTable } from '../../source/core/ports.js';

/** An identifier of SQLite, quoted. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A table as `PRAGMA table_list` tells it. */
export interface ListedTable {
	readonly name: string;
	readonly type: 'table' | 'view' | 'shadow' | 'virtual';
	readonly withoutRowid: boolean;
}

/** Tables of the main schema, SQLite's own (`sqlite_...`) and views left out, by name. */
export function listTables(connection: Database.Database): ListedTable[] {
	const rows = connection
		.prepare("SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' AND type <> 'view' ORDER BY name")
		.all() as { name: string; type: ListedTable['type']; wr: number }[];
	return rows.filter(({ name }) => !name.startsWith('sqlite_')).map(({ name, type, wr }) => ({ name, type, withoutRowid: wr === 1 }));
}

/** Exact row count. */
export function countRows(connection: Database.Database, table: string): number {
	try {
		return connection
			.prepare(`SELECT count(*) FROM ${quoteName(table)}`)
			.pluck()
			.get() as number;
	} catch {
		// The count walks the smallest index; one with a collation of the application's own, or a damaged one, leaves the table itself readable.
		return connection
			.prepare(`SELECT count(*) FROM ${quoteName(table)} NOT INDEXED`)
			.pluck()
			.get() as number;
	}
}

/** Columns in table order. Generated ones are in, hidden ones of virtual tables are not (https://www.sqlite.org/pragma.html#pragma_table_xinfo). */
export function columnsOf(connection: Database.Database, table: string): SourceColumn[] {
	const rows = connection
		.prepare('SELECT name, type, "notnull", pk, dflt_value, hidden FROM pragma_table_xinfo(?) WHERE hidden <> 1')
		.all(table);
	return (rows as { name: string; type: string; notnull: number; pk: number; dflt_value: string | null; hidden: number }[]).map((row) => ({
		name: row.name,
		type: row.type.toUpperCase(),
		notNull: row.notnull === 1,
		primaryKey: row.pk,
		defaultSql: row.dflt_value,
		generated: row.hidden > 1,
	}));
}

/** Indexes but that of the primary key. A UNIQUE constraint's own index is reported as unique, without SQL. */
export function indexesOf(connection: Database.Database, table: string): SourceIndex[] {
	const list = connection.prepare('SELECT name, "unique", partial FROM pragma_index_list(?) WHERE origin <> \'pk\' ORDER BY name');
	const keys = connection.prepare('SELECT name, cid FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno');
	const sql = connection.prepare("SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = ?").pluck();
	return (list.all(table) as { name: string; unique: number; partial: number }[]).map((index) => {
		const columns = keys.all(index.name) as { name: string | null; cid: number }[];
		const onExpression = columns.some(({ name }) => name === null);
		return {
			name: index.name,
			unique: index.unique === 1,
			columns: onExpression ? [] : columns.map(({ name }) => name ?? ''),
			partial: index.partial === 1,
			sql: (sql.get(index.name) as string | null | undefined) ?? null,
		};
	});
}

/** Foreign keys; one that names no parent columns means the parent's primary key. */
export function foreignKeysOf(connection: Database.Database, table: string): SourceTable['foreignKeys'] {
	const rows = connection
		.prepare('SELECT id, "table" AS parent, "from" AS child, "to" AS target, on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq')
		.all(table) as { id: number; parent: string; child: string; target: string | null; on_delete: string }[];
	return [...new Set(rows.map(({ id }) => id))].flatMap((id) => {
		const parts = rows.filter((row) => row.id === id);
		const [first] = parts;
		if (first === undefined) return [];
		const named = parts.flatMap(({ target }) => (target === null ? [] : [target]));
		const parentColumns = named.length === parts.length ? named : primaryKeyOf(connection, first.parent);
		return [{ columns: parts.map(({ child }) => child), parent: first.parent, parentColumns, onDelete: first.on_delete }];
	});
}

const primaryKeyOf = (connection: Database.Database, table: string): string[] =>
	connection.prepare('SELECT name FROM pragma_table_xinfo(?) WHERE pk > 0 ORDER BY pk').pluck().all(table) as string[];
