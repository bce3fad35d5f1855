import type Database from 'better-sqlite3';
import { RepotError } from '../../source/core/errors.js';
import type { Cursor } from '../../source/core/ports.js';
import { decodeKey, encodeKey } from './cursor.js';
import { columnsOf, listTables, quoteName } from './schema.js';

/** How one table is walked in an order that can be taken up again: by rowid, by the primary key, or by position. */
export interface TableOrder {
	/** Table clause. NOT INDEXED keeps SQLite from walking another index, and from opening one whose collation is not here. */
	readonly fromSql: string;
	/** Expressions of the key, selected after the fields. Empty when records are counted instead. */
	readonly keySql: readonly string[];
	/** WHERE and ORDER BY for everything after a cursor. */
	afterSql(from: Cursor | null): string;
	parametersOf(from: Cursor | null): unknown[];
	/** WHERE for the one record with a key. */
	readonly oneSql: string;
	cursorOf(key: readonly unknown[]): Cursor;
	/** Position of the first record after a cursor; only counted records need it. */
	startOf(from: Cursor | null): bigint;
}

/** Throws RepotError (source) when the snapshot has no such table. */
export function tableOrder(connection: Database.Database, table: string): TableOrder {
	const listed = listTables(connection).find(({ name }) => name.toLowerCase() === table.toLowerCase());
	if (listed === undefined) {
		throw new RepotError({
			kind: 'source',
			code: 'NO_SUCH_TABLE',
			message: `the source has no table ${table}`,
			next: ['Plan again: the source changed since the plan was made'],
		});
	}
	const columns = columnsOf(connection, listed.name);
	const fromSql = `${quoteName(listed.name)} NOT INDEXED`;
	if (listed.withoutRowid) {
		const key = columns.filter(({ primaryKey }) => primaryKey > 0).sort((a, b) => a.primaryKey - b.primaryKey);
		return byKey(
			fromSql,
			key.map(({ name }) => quoteName(name)),
		);
	}
	const rowid = rowidName(columns);
	return rowid === null ? byPosition(fromSql) : byRowid(fromSql, rowid);
}

/** A column may be called rowid, and then that word means the column; of the three names SQLite knows, one that is free. */
function rowidName(columns: readonly { readonly name: string; readonly type: string; readonly primaryKey: number }[]): string | null {
	const taken = new Set(columns.map(({ name }) => name.toLowerCase()));
	const free = ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
	if (free !== undefined) return free;
	const key = columns.filter(({ primaryKey }) => primaryKey > 0);
	const [only] = key;
	return key.length === 1 && only?.type === 'INTEGER' ? quoteName(only.name) : null;
}

const byRowid = (fromSql: string, rowid: string): TableOrder => ({
	fromSql,
	keySql: [rowid],
	afterSql: (from) => `${from === null ? '' : `WHERE ${rowid} > ? `}ORDER BY ${rowid}`,
	parametersOf: (from) => (from === null ? [] : [BigInt(from)]),
	oneSql: `WHERE ${rowid} = ?`,
	cursorOf: ([key]) => String(key),
	startOf: () => 0n,
});

const byKey = (fromSql: string, names: readonly string[]): TableOrder => {
	const list = names.join(', ');
	const marks = names.map(() => '?').join(', ');
	return {
		fromSql,
		keySql: names,
		afterSql: (from) => `${from === null ? '' : `WHERE (${list}) > (${marks}) `}ORDER BY ${list}`,
		parametersOf: (from) => (from === null ? [] : decodeKey(from)),
		oneSql: `WHERE (${list}) = (${marks})`,
		cursorOf: encodeKey,
		startOf: () => 0n,
	};
};

/** All three names of the rowid are columns. A full scan still walks the rowids upwards, the same way every time: the snapshot does not change. */
const byPosition = (fromSql: string): TableOrder => ({
	fromSql,
	keySql: [],
	afterSql: () => 'LIMIT -1 OFFSET ?',
	parametersOf: (from) => [from === null ? 0n : BigInt(from) + 1n],
	oneSql: 'LIMIT 1 OFFSET ?',
	cursorOf: ([position]) => String(position),
	startOf: (from) => (from === null ? 0n : BigInt(from) + 1n),
});
