import { isUtf8 } from 'node:buffer';
import Database from 'better-sqlite3';
import { RepotError } from '../../source/core/errors.js';
import { InvalidUtf8 } from '../../source/core/mapping/cast-result.js';
import type { CopyStep } from '../../source/core/plan/types.js';
import type { Cursor } from '../../source/core/ports.js';
import type { RawRecord, Reader } from '../feed/reader.js';
import { quoteName } from './schema.js';
import { sourceError } from './source-errors.js';
import { type TableOrder, tableOrder } from './table-order.js';

/** Opens a snapshot for reading with little memory: the pages are read once, in order, so that a large cache would hold nothing of use. */
export function openSnapshot(path: string): Database.Database {
	const connection = new Database(path, { readonly: true, fileMustExist: true });
	connection.pragma('cache_size = -2048');
	connection.pragma('mmap_size = 0');
	return connection;
}

/**
 * Reads the tables of one snapshot in keyset order. A record's values are strings, bigints (INTEGER), numbers (REAL), Buffers (BLOB) and
 * null; text whose bytes are not UTF-8 comes as `InvalidUtf8`. `path` is the original, for errors.
 */
export function sqliteReader(connection: Database.Database, path: string): Reader {
	// CAST AS BLOB gives the bytes in the database's own encoding. Text of a UTF-16 database is transcoded by SQLite and always valid here.
	const checksBytes = connection.pragma('encoding', { simple: true }) === 'UTF-8';
	return {
		read(step, fields, from) {
			const table = tableOf(step);
			const where = `${path}, table ${table}`;
			try {
				const order = tableOrder(connection, table);
				return new TableRecords(connection, order, fields, from, where, checksBytes);
			} catch (thrown) {
				throw sourceError(thrown, where);
			}
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
		connection: Database.Database,
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
		const statement = connection
			.prepare(`SELECT ${list} FROM ${order.fromSql} ${order.afterSql(from)}`)
			.raw()
			.safeIntegers();
		this.#rows = statement.iterate(...order.parametersOf(from)) as IterableIterator<unknown[]>;
		this.#bytesOf = checksBytes ? bytesReader(connection, order, fields) : null;
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
	connection: Database.Database,
	order: TableOrder,
	fields: readonly string[],
): (field: number, key: readonly unknown[]) => Uint8Array {
	const statements = new Map<number, Database.Statement<unknown[], unknown>>();
	return (field, key) => {
		let statement = statements.get(field);
		if (statement === undefined) {
			const column = quoteName(fields[field] as string);
			statement = connection.prepare(`SELECT CAST(${column} AS BLOB) FROM ${order.fromSql} ${order.oneSql}`).pluck();
			statements.set(field, statement);
		}
		return statement.get(...key) as Uint8Array;
	};
}
