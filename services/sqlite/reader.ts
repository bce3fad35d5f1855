import { isUtf8 } from 'node:buffer';
import type BetterSqlite from 'better-sqlite3';
import { RepotError } from '../../source/core/errors.js';
import { InvalidUtf8 } from '../../source/core/mapping/cast-result.js';
import type { CopyStep } from '../../source/core/plan/types.js';
import type { Cursor } from '../../source/core/ports.js';
import type { RawRecord, Reader } from '../reader.js';
import { Database } from './engine.js';
import { countRows, quoteName } from './schema.js';
import { sourceError } from './source-errors.js';
import { type TableOrder, tableOrder } from './table-order.js';

/** Opens a snapshot for reading with little memory: the pages are read once, in order, so that a large cache would hold nothing of use. */
export function openSnapshot(path: string): BetterSqlite.Database {
	const connection = new Database(path, { readonly: true, fileMustExist: true });
	connection.pragma('cache_size = -2048');
	connection.pragma('mmap_size = 0');
	return connection;
}

/**
 * Reads the tables of one snapshot in keyset order. A record's values are strings, bigints (INTEGER), numbers (REAL), Buffers (BLOB) and
 * null; text whose bytes are not UTF-8 comes as `InvalidUtf8`. `path` is the original, for errors.
 */
export function sqliteReader(connection: BetterSqlite.Database, path: string): Reader {
	// CAST AS BLOB gives the bytes in the database's own encoding. Text of a UTF-16 database is transcoded by SQLite and always valid here.
	const checksBytes = connection.pragma('encoding', { simple: true }) === 'UTF-8';
	const statements = new Statements(connection);
	const orders = new Map<string, TableOrder>();
	const orderOf = (table: string): TableOrder => {
		const order = orders.get(table) ?? tableOrder(connection, table);
		orders.set(table, order);
		return order;
	};
	return {
		read(step, fields, from) {
			const table = tableOf(step);
			const where = `${path}, table ${table}`;
			try {
				return new TableRecords(statements, orderOf(table), fields, from, where, checksBytes);
			} catch (thrown) {
				throw sourceError(thrown, where);
			}
		},
		positions(step) {
			const table = tableOf(step);
			const guarded = <T>(work: () => T): T => {
				try {
					return work();
				} catch (thrown) {
					throw sourceError(thrown, `${path}, table ${table}`);
				}
			};
			return {
				count: () => guarded(() => countRows(connection, table)),
				ahead: (from, places) => guarded(() => cursorAhead(statements, orderOf(table), from, places)),
			};
		},
		close() {
			connection.close();
		},
	};
}

export function tableOf(step: Pick<CopyStep, 'id' | 'source'>): string {
	if (step.source.kind === 'sqlite') return step.source.table;
	throw new RepotError({ kind: 'internal', code: 'WRONG_SOURCE', message: `step ${step.id} does not read a SQLite table` });
}

/** Statements of one connection, prepared once: a sample begins to read at a thousand places. One that is still being stepped through is left alone. */
class Statements {
	readonly #connection: BetterSqlite.Database;
	readonly #prepared = new Map<string, BetterSqlite.Statement<unknown[], unknown>>();

	constructor(connection: BetterSqlite.Database) {
		this.#connection = connection;
	}

	/** Rows come as arrays, integers as bigints. */
	get(sql: string): BetterSqlite.Statement<unknown[], unknown> {
		let statement = this.#prepared.get(sql);
		if (statement === undefined || statement.busy) {
			statement = this.#connection.prepare(sql).raw().safeIntegers();
			this.#prepared.set(sql, statement);
		}
		return statement;
	}
}

/** SQLite passes over the rows in between by itself. Records that are counted have their place for a cursor. */
function cursorAhead(statements: Statements, order: TableOrder, from: Cursor | null, places: number): Cursor | null {
	if (order.keySql.length === 0) return order.cursorOf([order.startOf(from) + BigInt(places - 1)]);
	const sql = `SELECT ${order.keySql.join(', ')} FROM ${order.fromSql} ${order.afterSql(from)} LIMIT 1 OFFSET ?`;
	const key = statements.get(sql).get(...order.parametersOf(from), BigInt(places - 1)) as unknown[] | undefined;
	return key === undefined ? null : order.cursorOf(key);
}

const replacement = '\ufffd';

/** One row. The cursor is spelled only when somebody asks: of a batch, the first and the last. */
class TableRecord implements RawRecord {
	readonly values: unknown[];
	readonly #order: TableOrder;
	readonly #key: readonly unknown[];

	constructor(values: unknown[], order: TableOrder, key: readonly unknown[]) {
		this.values = values;
		this.#order = order;
		this.#key = key;
	}

	get cursor(): Cursor {
		return this.#order.cursorOf(this.#key);
	}
}

class TableRecords implements IterableIterator<RawRecord> {
	readonly #rows: IterableIterator<unknown[]>;
	readonly #order: TableOrder;
	readonly #fields: readonly string[];
	readonly #where: string;
	readonly #bytesOf: ((field: number, key: readonly unknown[]) => Uint8Array) | null;
	#position: bigint;

	constructor(
		statements: Statements,
		order: TableOrder,
		fields: readonly string[],
		from: Cursor | null,
		where: string,
		checksBytes: boolean,
	) {
		this.#order = order;
		this.#fields = fields;
		this.#where = where;
		this.#position = order.startOf(from);
		const columns = [...fields.map(quoteName), ...order.keySql];
		// A table is read without any column when all its values are constants; the row itself still counts.
		const list = columns.length === 0 ? 'NULL' : columns.join(', ');
		const statement = statements.get(`SELECT ${list} FROM ${order.fromSql} ${order.afterSql(from)}`);
		this.#rows = statement.iterate(...order.parametersOf(from)) as IterableIterator<unknown[]>;
		this.#bytesOf = checksBytes ? bytesReader(statements, order, fields) : null;
	}

	[Symbol.iterator](): this {
		return this;
	}

	next(): IteratorResult<RawRecord> {
		let row: IteratorResult<unknown[]>;
		try {
			row = this.#rows.next();
		} catch (thrown) {
			throw sourceError(thrown, this.#where);
		}
		if (row.done === true) return { done: true, value: undefined };
		const values = row.value;
		const count = this.#fields.length;
		const key = this.#takeKey(values, count);
		if (this.#bytesOf !== null) {
			for (let field = 0; field < count; field++) {
				const value = values[field];
				if (typeof value === 'string' && value.includes(replacement)) values[field] = this.#checked(value, field, key);
			}
		}
		return { done: false, value: new TableRecord(values, this.#order, key) };
	}

	/** The key's values stand after the fields. */
	#takeKey(values: unknown[], count: number): readonly unknown[] {
		const parts = this.#order.keySql.length;
		if (parts === 1) return [values.pop()];
		const key = values.splice(count);
		return parts === 0 ? [this.#position++] : key;
	}

	return(): IteratorResult<RawRecord> {
		this.#rows.return?.();
		return { done: true, value: undefined };
	}

	/** SQLite's driver puts U+FFFD in place of bytes that are not UTF-8, and nobody can tell it from one that was written: the bytes can. */
	#checked(value: string, field: number, key: readonly unknown[]): string | InvalidUtf8 {
		const bytes = this.#bytesOf?.(field, key);
		return bytes === undefined || isUtf8(bytes) ? value : new InvalidUtf8(bytes);
	}
}

function bytesReader(
	statements: Statements,
	order: TableOrder,
	fields: readonly string[],
): (field: number, key: readonly unknown[]) => Uint8Array {
	return (field, key) => {
		const column = quoteName(fields[field] as string);
		const [bytes] = statements.get(`SELECT CAST(${column} AS BLOB) FROM ${order.fromSql} ${order.oneSql}`).get(...key) as [Uint8Array];
		return bytes;
	};
}
