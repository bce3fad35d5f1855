import type Database from 'better-sqlite3';
import type { ColumnRefusal } from '../../source/core/mapping/cast-record.js';
import { describeValue } from '../../source/core/mapping/cast-result.js';
import { rawOf } from '../../source/core/mapping/record-json.js';
import type { CopyStep, ForeignKey } from '../../source/core/plan/types.js';
import type { RawRecord } from '../reader.js';
import { columnsOf, listTables, quoteName } from '../sqlite/schema.js';
import { type TableOrder, tableOrder } from '../sqlite/table-order.js';

/** Says of a record whether one of its foreign keys leads nowhere. */
export interface ForeignKeyGuard {
	/** Null: the key is whole. */
	check(record: RawRecord): ColumnRefusal | null;
}

/** Key of a record as a Reject spells it: one column as text, several as a JSON array. Null when a part is NULL: such a key refers to nothing. */
function keyText(parts: readonly unknown[]): string | null {
	if (parts.some((part) => part === null || part === undefined)) return null;
	const texts = parts.map((part) => rawOf(part).raw ?? '');
	return texts.length === 1 ? (texts[0] ?? '') : JSON.stringify(texts);
}

/**
 * A guard for one foreign key, or null when nothing can go wrong with it: no orphan in the snapshot and no parent set aside.
 * `orphans`: cursors of records whose parent does not exist. `setAside`: keys of parents that do not go to the target, in the terms of the
 * foreign key's parent columns.
 */
export function foreignKeyGuard(
	step: CopyStep,
	fields: readonly string[],
	key: ForeignKey,
	orphans: ReadonlySet<string>,
	setAside: ReadonlySet<string>,
): ForeignKeyGuard | null {
	const column = step.columns.findIndex(({ name }) => name === key.columns[0]);
	const places = sourceColumns(step, key).map((name) => fields.indexOf(name));
	if ((orphans.size === 0 && setAside.size === 0) || places.includes(-1)) return null;
	const refers = (record: RawRecord): string => places.map((place) => describeValue(record.values[place])).join(', ');
	return {
		check(record) {
			if (orphans.size > 0 && orphans.has(record.cursor)) {
				return { column, code: 'ORPHAN', reason: `${key.parent} has no row with ${key.parentColumns.join(', ')} = ${refers(record)}` };
			}
			if (setAside.size === 0) return null;
			const text = keyText(places.map((place) => record.values[place]));
			if (text === null || !setAside.has(text)) return null;
			return { column, code: 'ORPHAN_OF_REJECTED', reason: `it refers to ${key.parent} ${refers(record)}, which is set aside itself` };
		},
	};
}

/** Source columns of a foreign key, in its order. */
export const sourceColumns = (step: Pick<CopyStep, 'columns'>, key: ForeignKey): string[] =>
	key.columns.map((name) => step.columns.find((column) => column.name === name)?.source ?? name);

/**
 * Cursors of the records of `table` whose foreign key has all parts and no parent row in the snapshot. Compared byte by byte, as the target
 * will, whatever collation SQLite was told; NULL anywhere in the key is no reference (MATCH SIMPLE).
 */
export function findOrphans(connection: Database.Database, table: string, columns: readonly string[], key: ForeignKey): Set<string> {
	const order = tableOrder(connection, table);
	const child = columns.map((name) => `c.${quoteName(name)}`);
	const parentThere = listTables(connection).some(({ name }) => name.toLowerCase() === key.parent.toLowerCase());
	const complete = child.map((name) => `${name} IS NOT NULL`).join(' AND ');
	const matches = child.map((name, index) => `p.${quoteName(key.parentColumns[index] ?? '')} COLLATE BINARY = ${name}`).join(' AND ');
	const missing = parentThere ? `NOT EXISTS (SELECT 1 FROM ${quoteName(key.parent)} AS p WHERE ${matches})` : 'TRUE';
	const childTable = `${quoteName(table)} AS c`;
	if (order.keySql.length === 0) {
		return positionsOf(connection, `SELECT ${complete} AND ${missing} FROM ${childTable} NOT INDEXED`, order);
	}
	const keys = order.keySql.map((name) => `c.${name}`).join(', ');
	// The join, unlike NOT EXISTS, lets SQLite build an index of its own when the parent's has another collation.
	const sql = parentThere
		? `SELECT ${keys} FROM ${childTable} LEFT JOIN ${quoteName(key.parent)} AS p ON ${matches} WHERE ${complete} AND p.${quoteName(key.parentColumns[0] ?? '')} IS NULL`
		: `SELECT ${keys} FROM ${childTable} WHERE ${complete}`;
	const found = new Set<string>();
	for (const row of connection.prepare(sql).raw().safeIntegers().iterate()) found.add(order.cursorOf(row as unknown[]));
	return found;
}

function positionsOf(connection: Database.Database, sql: string, order: TableOrder): Set<string> {
	const found = new Set<string>();
	let position = 0n;
	for (const orphan of connection.prepare(sql).pluck().iterate()) {
		if (orphan === 1) found.add(order.cursorOf([position]));
		position++;
	}
	return found;
}

/**
 * Keys of set-aside parents in the terms of the foreign key's parent columns. A foreign key to other columns than the parent's key is
 * translated by a look at every parent row; `keyNames` are the source columns that `keys` are spelled in.
 */
export function translateKeys(
	connection: Database.Database,
	key: ForeignKey,
	keys: ReadonlySet<string>,
	keyNames: readonly string[] | null,
): ReadonlySet<string> {
	const names = keyNames ?? primaryKey(connection, key.parent);
	const same = names.length === key.parentColumns.length && names.every((name, index) => sameName(name, key.parentColumns[index]));
	if (keys.size === 0 || same || names.length === 0) return keys;
	const list = [...names, ...key.parentColumns].map(quoteName).join(', ');
	const found = new Set<string>();
	for (const row of connection
		.prepare(`SELECT ${list} FROM ${quoteName(key.parent)}`)
		.raw()
		.safeIntegers()
		.iterate()) {
		const values = row as unknown[];
		const own = keyText(values.slice(0, names.length));
		const referred = keyText(values.slice(names.length));
		if (own !== null && referred !== null && keys.has(own)) found.add(referred);
	}
	return found;
}

const sameName = (a: string, b: string | undefined): boolean => b !== undefined && a.toLowerCase() === b.toLowerCase();

const primaryKey = (connection: Database.Database, table: string): string[] =>
	columnsOf(connection, table)
		.filter((column) => column.primaryKey > 0)
		.sort((a, b) => a.primaryKey - b.primaryKey)
		.map(({ name }) => name);
