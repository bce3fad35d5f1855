import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectSqlite } from '../../../services/sqlite/inspect.js';
import { takeSnapshot } from '../../../services/sqlite/snapshot.js';
import { RepotError } from '../../../source/core/errors.js';
import type { SqliteDescription } from '../../../source/core/ports.js';
import { hasReal, makeDatabase, realFolder, realReason, temporaryFolder } from './support.js';

async function inspect(path: string): Promise<SqliteDescription> {
	const snapshot = await takeSnapshot({ database: path, companions: () => [], into: temporaryFolder() });
	return inspectSqlite(snapshot, path);
}

const inspectSql = (sql: string): Promise<SqliteDescription> => inspect(makeDatabase(join(temporaryFolder(), 'app.db'), sql));

const tableOf = (description: SqliteDescription, name: string) => {
	const table = description.tables.find((candidate) => candidate.name === name);
	if (table === undefined) throw new Error(`no table ${name}`);
	return table;
};

describe('what a database holds', () => {
	it('names columns with types, keys, defaults and how they are computed', async () => {
		const description = await inspectSql(
			`CREATE TABLE t (id integer PRIMARY KEY, name varchar(20) NOT NULL DEFAULT 'x', loose, twice INTEGER GENERATED ALWAYS AS (id * 2) STORED);
			INSERT INTO t (id) VALUES (1), (2)`,
		);
		expect(description.integrity).toBe('ok');
		expect(tableOf(description, 't')).toMatchObject({
			rows: 2,
			withoutRowid: false,
			derived: false,
			columns: [
				{ name: 'id', type: 'INTEGER', notNull: false, primaryKey: 1, defaultSql: null, generated: false },
				{ name: 'name', type: 'VARCHAR(20)', notNull: true, primaryKey: 0, defaultSql: "'x'", generated: false },
				{ name: 'loose', type: '', notNull: false, primaryKey: 0, defaultSql: null, generated: false },
				{ name: 'twice', type: 'INTEGER', notNull: false, primaryKey: 0, defaultSql: null, generated: true },
			],
		});
	});

	it('names indexes: unique constraints, partial ones, and ones on expressions', async () => {
		const description = await inspectSql(
			`CREATE TABLE t (a TEXT PRIMARY KEY, b, c, UNIQUE (b, c));
			CREATE INDEX plain ON t (c, b); CREATE UNIQUE INDEX part ON t (c) WHERE c > 0; CREATE INDEX expr ON t (lower(b))`,
		);
		expect(tableOf(description, 't').indexes).toEqual([
			{ name: 'expr', unique: false, columns: [], partial: false, sql: 'CREATE INDEX expr ON t (lower(b))' },
			{ name: 'part', unique: true, columns: ['c'], partial: true, sql: 'CREATE UNIQUE INDEX part ON t (c) WHERE c > 0' },
			{ name: 'plain', unique: false, columns: ['c', 'b'], partial: false, sql: 'CREATE INDEX plain ON t (c, b)' },
			{ name: 'sqlite_autoindex_t_2', unique: true, columns: ['b', 'c'], partial: false, sql: null },
		]);
	});

	it('gives the longest entry of an index, in bytes', async () => {
		const sql = `CREATE TABLE t (a TEXT PRIMARY KEY, b TEXT, c); CREATE INDEX one ON t (b); CREATE INDEX two ON t (c, b); CREATE INDEX part ON t (b) WHERE c > 0;
			INSERT INTO t VALUES ('x', 'äöü', 12345), ('y', 'abc', NULL), ('z', NULL, x'00112233445566778899')`;
		const lengths = async (encoding: string) =>
			Object.fromEntries(
				tableOf(await inspectSql(`PRAGMA encoding = '${encoding}'; ${sql}`), 't').indexes.map((index) => [index.name, index.longest]),
			);
		expect(await lengths('UTF-8')).toEqual({ one: 6, two: 11, part: undefined });
		// An upper bound: what takes two bytes there may take three.
		expect(await lengths('UTF-16le')).toEqual({ one: 9, two: 24, part: undefined });
	});

	it('names foreign keys, also those that leave the parent columns out', async () => {
		const description = await inspectSql(
			`CREATE TABLE p (x, y, z, PRIMARY KEY (y, x));
			CREATE TABLE c (a, b, d REFERENCES p (z) ON DELETE SET NULL, FOREIGN KEY (a, b) REFERENCES p ON DELETE CASCADE)`,
		);
		expect(tableOf(description, 'c').foreignKeys).toEqual([
			{ columns: ['a', 'b'], parent: 'p', parentColumns: ['y', 'x'], onDelete: 'CASCADE' },
			{ columns: ['d'], parent: 'p', parentColumns: ['z'], onDelete: 'SET NULL' },
		]);
	});

	it('marks full-text tables and their shadows as derived, and leaves views and its own tables out', async () => {
		const description = await inspectSql(
			`CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t DEFAULT VALUES; CREATE VIEW v AS SELECT * FROM t;
			CREATE VIRTUAL TABLE words USING fts5 (body); INSERT INTO words VALUES ('a')`,
		);
		const derived = description.tables.filter((table) => table.derived).map(({ name }) => name);
		expect(description.tables.map(({ name }) => name)).toEqual([...derived, 't'].sort());
		expect(derived).toEqual(['words', 'words_config', 'words_content', 'words_data', 'words_docsize', 'words_idx']);
	});

	it('survives names that are words, quotes and rowid aliases', async () => {
		const description = await inspectSql(
			`CREATE TABLE "select ""x""" (rowid TEXT, "order" TEXT, PRIMARY KEY ("order")) WITHOUT ROWID; INSERT INTO "select ""x""" VALUES ('a', 'b')`,
		);
		expect(tableOf(description, 'select "x"')).toMatchObject({ rows: 1, withoutRowid: true });
	});
});

describe('damage', () => {
	it('is told by SQLite in one line', async () => {
		const path = makeDatabase(
			join(temporaryFolder(), 'app.db'),
			`CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
			INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT printf('%0200d', i) FROM n`,
		);
		const bytes = readFileSync(path);
		bytes.fill(0xee, 4096 * 10, 4096 * 12);
		writeFileSync(path, bytes);
		const description = await inspect(path);
		expect(description.integrity).not.toBe('ok');
		expect(description.integrity).not.toContain('\n');
	});

	it('of the schema is an error with a next step', async () => {
		const path = makeDatabase(join(temporaryFolder(), 'app.db'), 'CREATE TABLE t (v)');
		const bytes = readFileSync(path);
		bytes.fill(0xee, 100, 4096);
		writeFileSync(path, bytes);
		const thrown = await inspect(path).then(
			() => null,
			(error: unknown) => error,
		);
		expect(thrown).toBeInstanceOf(RepotError);
		expect(thrown).toMatchObject({ kind: 'source', code: 'SOURCE_CORRUPT', where: path });
	});
});

describe.skipIf(!hasReal)(`databases of real applications${realReason}`, () => {
	const files = hasReal ? readdirSync(join(realFolder, 'sqlite')).filter((name) => name.endsWith('.db')) : [];
	const index = hasReal ? readFileSync(join(realFolder, 'sqlite/INDEX.tsv'), 'utf8') : '';

	it.each(files)('%s', async (file) => {
		const description = await inspect(join(realFolder, 'sqlite', file));
		const [, , , , , tables, rows] =
			index
				.split('\n')
				.find((line) => line.startsWith(file))
				?.split('\t') ?? [];
		const damaged = /corrupt|schema_16/.test(file);
		expect(description.integrity === 'ok').toBe(!damaged);
		const own = description.tables.filter((table) => !table.derived);
		if (!damaged && !file.includes('calibre')) {
			expect(own.length).toBe(Number(tables));
			expect(own.reduce((sum, table) => sum + table.rows, 0)).toBe(Number(rows));
		}
	});

	it('the golden one', async () => {
		const description = await inspect(join(realFolder, 'golden/collections_golden.db'));
		expect(description).toMatchObject({ integrity: 'ok', journalMode: 'delete', bytes: 475_136 });
		expect(description.tables.filter((table) => !table.derived).map(({ name, rows }) => [name, rows])).toEqual([
			['analyses', 55],
			['embeddings', 55],
			['items', 55],
		]);
		expect(
			tableOf(description, 'embeddings')
				.foreignKeys.map(({ parent }) => parent)
				.sort(),
		).toEqual(['analyses', 'items']);
		expect(tableOf(description, 'items_fts').derived).toBe(true);
	});
});
