import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type BetterSqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { RawRecord } from '../../../services/reader.js';
import { Database } from '../../../services/sqlite/engine.js';
import { inspectSqlite } from '../../../services/sqlite/inspect.js';
import { openSnapshot, sqliteReader } from '../../../services/sqlite/reader.js';
import { takeSnapshot } from '../../../services/sqlite/snapshot.js';
import { RepotError } from '../../../source/core/errors.js';
import { InvalidUtf8 } from '../../../source/core/mapping/cast-result.js';
import { column, tableStep } from '../mapping/steps.js';
import { hasReal, makeDatabase, realFolder, realReason, temporaryFolder } from './support.js';

/** A reader over a fresh database; the test folder and the connection go together. */
const open = (sql: string | ((database: BetterSqlite.Database) => void)) => {
	const path = join(temporaryFolder(), 'app.db');
	if (typeof sql === 'string') makeDatabase(path, sql);
	else {
		const database = new Database(path);
		sql(database);
		database.close();
	}
	return sqliteReader(openSnapshot(path), path);
};

const read = (reader: ReturnType<typeof open>, table: string, fields: readonly string[], from: string | null = null): RawRecord[] => [
	...reader.read(tableStep(table, [column('id', 'text')]), fields, from),
];
const values = (records: readonly RawRecord[]): unknown[] => records.map((record) => record.values);

/** Reading must go on after every record exactly where it stopped. */
function expectResumable(reader: ReturnType<typeof open>, table: string, fields: readonly string[]): void {
	const all = read(reader, table, fields);
	all.forEach((record, index) => {
		expect(values(read(reader, table, fields, record.cursor))).toEqual(values(all.slice(index + 1)));
	});
	expect(new Set(all.map(({ cursor }) => cursor)).size).toBe(all.length);
}

describe('positions', () => {
	it.each([
		['rowids with gaps', 'CREATE TABLE t (v); INSERT INTO t (rowid, v) VALUES (-9, 1), (2, 1), (5, 1), (70, 1), (9223372036854775807, 1)'],
		[
			'a key',
			"CREATE TABLE t (v, w, PRIMARY KEY (v, w)) WITHOUT ROWID; INSERT INTO t VALUES (1, 'b'), (1, 'c'), (1.5, ''), ('x', 1), (x'00', 1)",
		],
		[
			'no name left for the rowid',
			'CREATE TABLE t (rowid, _rowid_, oid); INSERT INTO t VALUES (3, 1, 1), (2, 1, 1), (1, 1, 1), (0, 1, 1), (9, 1, 1)',
		],
	])('are those of the records: %s', (_order, sql) => {
		const reader = open(sql);
		const positions = reader.positions?.(tableStep('t', [column('id', 'text')]));
		const cursors = read(reader, 't', []).map(({ cursor }) => cursor);
		expect(positions?.count()).toBe(5);
		[null, ...cursors].forEach((from, start) => {
			for (let places = 1; start + places <= 5; places++) expect(positions?.ahead(from, places)).toBe(cursors[start + places - 1]);
		});
	});

	it('past the end are none', () => {
		const positions = open('CREATE TABLE t (v); INSERT INTO t VALUES (1)').positions?.(tableStep('t', [column('id', 'text')]));
		expect(positions?.ahead(null, 2)).toBeNull();
		expect(positions?.ahead('1', 1)).toBeNull();
	});
});

describe('reading a table', () => {
	it('goes on in two readings of the same fields at once, and after one was left early', () => {
		const reader = open('CREATE TABLE t (v); INSERT INTO t VALUES (1), (2), (3)');
		const step = tableStep('t', [column('id', 'text')]);
		const first = reader.read(step, ['v'], null);
		expect(first.next().value?.values).toEqual([1n]);
		expect(values([...reader.read(step, ['v'], null)])).toEqual([[1n], [2n], [3n]]);
		expect(first.next().value?.values).toEqual([2n]);
		first.return?.();
		expect(values([...reader.read(step, ['v'], null)])).toEqual([[1n], [2n], [3n]]);
	});

	it('gives storage classes as they are: exact integers, reals, text, bytes, NULL', () => {
		const reader = open("CREATE TABLE t (v); INSERT INTO t VALUES (9223372036854775807), (1.5), (1.0), ('text'), (x'00ff'), (NULL), ('')");
		expect(values(read(reader, 't', ['v']))).toEqual([[9223372036854775807n], [1.5], [1], ['text'], [Buffer.of(0, 255)], [null], ['']]);
	});

	it('gives only the fields asked for, in that order', () => {
		const reader = open('CREATE TABLE t (a, b, c); INSERT INTO t VALUES (1, 2, 3)');
		expect(values(read(reader, 't', ['c', 'a']))).toEqual([[3n, 1n]]);
		expect(values(read(reader, 't', []))).toEqual([[]]);
	});

	it('goes on after any cursor, over gaps, negative and far rowids', () => {
		const reader = open("CREATE TABLE t (v); INSERT INTO t (rowid, v) VALUES (-9, 'a'), (1, 'b'), (5, 'c'), (9223372036854775807, 'd')");
		expectResumable(reader, 't', ['v']);
	});

	it('goes on by the primary key of a table without rowid, whatever its types', () => {
		const reader = open(
			`CREATE TABLE t (a, b TEXT, v, PRIMARY KEY (a, b)) WITHOUT ROWID;
			INSERT INTO t VALUES (1, 'x', 1), (1, 'y', 2), (9007199254740993, '', 3), (1.5, 'z', 4), ('text', '"', 5), (x'00ff', 'é', 6), ('9', 'n', 7)`,
		);
		expect(read(reader, 't', ['v'])).toHaveLength(7);
		expectResumable(reader, 't', ['v']);
	});

	it('is not misled by columns called like the rowid', () => {
		const reader = open(
			`CREATE TABLE one (rowid TEXT, v); INSERT INTO one VALUES ('z', 1), ('a', 2);
			CREATE TABLE all_three (rowid TEXT, oid TEXT, _rowid_ TEXT); INSERT INTO all_three VALUES ('c', 'x', 'y'), ('b', 'x', 'y'), ('a', 'x', 'y');
			CREATE TABLE with_key (rowid INTEGER PRIMARY KEY, oid TEXT, _rowid_ TEXT); INSERT INTO with_key VALUES (3, 'x', 'y'), (1, 'x', 'y')`,
		);
		expect(values(read(reader, 'one', ['rowid', 'v']))).toEqual([
			['z', 1n],
			['a', 2n],
		]);
		for (const table of ['one', 'all_three', 'with_key']) expectResumable(reader, table, ['rowid']);
	});

	it('quotes names of tables and columns', () => {
		const reader = open('CREATE TABLE "a ""b"" select" ("group ""x""" TEXT, "from" TEXT); INSERT INTO "a ""b"" select" VALUES (1, 2)');
		expect(values(read(reader, 'a "b" select', ['group "x"', 'from']))).toEqual([['1', '2']]);
	});

	it('keeps NUL inside text', () => {
		const reader = open("CREATE TABLE t (v TEXT); INSERT INTO t VALUES (CAST(x'610062' AS TEXT))");
		expect(values(read(reader, 't', ['v']))).toEqual([['a\0b']]);
	});

	it('tells bytes that are not UTF-8 from a U+FFFD that was written', () => {
		const reader = open("CREATE TABLE t (v TEXT); INSERT INTO t VALUES (CAST(x'c328' AS TEXT)), (CAST(x'efbfbd' AS TEXT)), ('plain')");
		const [bad, written, plain] = read(reader, 't', ['v']).map((record) => record.values[0]);
		expect(bad).toBeInstanceOf(InvalidUtf8);
		expect(bad instanceof InvalidUtf8 ? Buffer.from(bad.bytes) : null).toEqual(Buffer.of(0xc3, 0x28));
		expect(written).toBe('\ufffd');
		expect(plain).toBe('plain');
	});

	it('finds such bytes in a table without rowid and by position too', () => {
		const reader = open(
			`CREATE TABLE keyed (k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID; INSERT INTO keyed VALUES ('a', 'ok'), ('b', CAST(x'ff' AS TEXT));
			CREATE TABLE counted (rowid TEXT, oid TEXT, _rowid_ TEXT); INSERT INTO counted VALUES ('ok', 1, 2), (CAST(x'fe' AS TEXT), 1, 2)`,
		);
		expect(read(reader, 'keyed', ['v'])[1]?.values[0]).toEqual(new InvalidUtf8(Buffer.of(0xff)));
		expect(read(reader, 'counted', ['rowid'])[1]?.values[0]).toEqual(new InvalidUtf8(Buffer.of(0xfe)));
	});

	it('reads text of a UTF-16 database, replacement characters included', () => {
		const reader = open("PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (v TEXT); INSERT INTO t VALUES ('é\ufffd😀')");
		expect(values(read(reader, 't', ['v']))).toEqual([['é\ufffd😀']]);
	});

	it('can be left in the middle and closed', () => {
		const reader = open('CREATE TABLE t (v); INSERT INTO t VALUES (1), (2), (3)');
		for (const record of reader.read(tableStep('t', [column('v', 'text')]), ['v'], null)) {
			expect(record.values).toEqual([1n]);
			break;
		}
		expect(() => reader.close()).not.toThrow();
	});

	it('names a table or column that is gone', () => {
		const reader = open('CREATE TABLE t (v)');
		expect(() => read(reader, 'gone', ['v'])).toThrow(expect.objectContaining({ code: 'NO_SUCH_TABLE' }));
		expect(() => read(reader, 't', ['gone'])).toThrow(RepotError);
	});
});

describe.skipIf(!hasReal)(`databases of real applications${realReason}`, () => {
	const files = hasReal ? readdirSync(join(realFolder, 'sqlite')).filter((name) => name.endsWith('.db')) : [];

	it.each(files)('%s gives every row or a RepotError', async (file) => {
		const path = join(realFolder, 'sqlite', file);
		const snapshot = await takeSnapshot({ database: path, companions: () => [], into: temporaryFolder() });
		const { tables } = inspectSqlite(snapshot, path);
		const reader = sqliteReader(openSnapshot(snapshot.path), path);
		for (const table of tables.filter(({ derived }) => !derived)) {
			const fields = table.columns.map(({ name }) => name);
			try {
				const records = read(reader, table.name, fields);
				if (!file.includes('corrupt')) expect(records).toHaveLength(table.rows);
				const middle = records[Math.floor(records.length / 2)];
				if (middle !== undefined) {
					expect(read(reader, table.name, fields, middle.cursor)).toHaveLength(records.length - Math.floor(records.length / 2) - 1);
				}
			} catch (thrown) {
				if (!(thrown instanceof RepotError)) throw thrown;
				expect(`${file} ${table.name} ${thrown.code}`).toMatch(/corrupt_diskfull|schema_16.db (fields|tags|templates) UNKNOWN_COLLATION/);
			}
		}
		reader.close();
	});
});
