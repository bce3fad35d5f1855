import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { whoUses } from '../../../services/in-use.js';
import { databaseFiles, lookBeside } from '../../../services/sqlite/beside.js';
import { makeDatabase, photograph, temporaryFolder } from '../sqlite/support.js';
import { demo, lookAtSqlite } from './support.js';

const holder = new URL('../sqlite/hold-database.ts', import.meta.url).pathname;
const children: ChildProcess[] = [];
afterEach(async () => {
	for (const child of children.splice(0)) {
		if (child.exitCode !== null || child.signalCode !== null) continue;
		child.kill('SIGKILL');
		await once(child, 'exit');
	}
});

/** Starts a process that holds the database, and waits until it does. */
async function hold(path: string, mode: string): Promise<ChildProcess> {
	const child = spawn(process.execPath, ['--import', 'tsx', holder, path, mode], { stdio: ['pipe', 'pipe', 'inherit'] });
	children.push(child);
	await once(child.stdout as NodeJS.ReadableStream, 'data');
	return child;
}

const linux = process.platform === 'linux';
const onlyLinux = linux ? '' : ' (skipped: only Linux tells who has a file open)';

describe('what is told of a SQLite database', () => {
	it('the demo data: tables, search tables, the profile that fits', async () => {
		const path = join(demo, 'collections_demo.db');
		const inspection = await lookAtSqlite(path);
		expect(inspection).toMatchObject({
			kind: 'sqlite',
			path,
			integrity: 'ok',
			encoding: 'UTF-8',
			beside: { journal: 'none', walBytes: 0 },
			profile: { profile: 'collections', fits: true, missingTables: [], missingColumns: [], otherTables: [] },
			damage: [],
		});
		expect(inspection.tables.filter(({ derived }) => !derived).map(({ name, rows }) => [name, rows])).toEqual([
			['analyses', 240],
			['embeddings', 240],
			['items', 240],
		]);
		expect(inspection.tables.find(({ name }) => name === 'embeddings')?.foreignKeys.map(({ parent }) => parent)).toEqual([
			'analyses',
			'items',
		]);
	});

	it('what the profile misses, views, triggers and the encoding', async () => {
		const path = makeDatabase(
			join(temporaryFolder(), 'app.db'),
			`PRAGMA encoding = 'UTF-16le'; CREATE TABLE Items (id TEXT PRIMARY KEY); CREATE TABLE analyses (item_id TEXT); CREATE TABLE other (a);
			CREATE VIEW v AS SELECT 1; CREATE TRIGGER t AFTER INSERT ON other BEGIN SELECT 1; END;`,
		);
		expect(await lookAtSqlite(path)).toMatchObject({
			encoding: 'UTF-16le',
			views: 1,
			triggers: 1,
			profile: { fits: false, missingTables: ['embeddings'], missingColumns: ['analyses.id'], otherTables: ['other'] },
		});
	});

	it('a hot journal is told, rolled back in the copy and left where it is', async () => {
		const folder = temporaryFolder();
		const path = makeDatabase(join(folder, 'app.db'), 'CREATE TABLE t (v TEXT)');
		const rows = makeDatabase(
			path,
			`INSERT INTO t SELECT hex(randomblob(2000)) FROM (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 200) SELECT n FROM c)`,
		);
		const child = await hold(rows, 'hot-journal');
		if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
		const before = photograph(folder);
		const inspection = await lookAtSqlite(path);
		expect(inspection.beside.journal).toBe('hot');
		expect(inspection.damage).toMatchObject([{ code: 'HOT_JOURNAL', severity: 'info' }]);
		expect(inspection.tables[0]?.rows).toBe(200);
		expect(photograph(folder)).toEqual(before);
	});

	it('a path that is no database is an error of the source', async () => {
		await expect(lookAtSqlite(join(temporaryFolder(), 'none.db'))).rejects.toMatchObject({ kind: 'source', code: 'SOURCE_NOT_FOUND' });
	});
});

describe.skipIf(!linux)(`who uses it${onlyLinux}`, () => {
	it('nobody: not in use, as far as processes can be looked at', () => {
		const path = makeDatabase(join(temporaryFolder(), 'app.db'), 'CREATE TABLE t (v)');
		const { state, by } = whoUses(databaseFiles(path));
		expect(['not-in-use', 'not-seen']).toContain(state);
		expect(by).toEqual([]);
	});

	it('a writer that is at work, by process', async () => {
		const path = makeDatabase(join(temporaryFolder(), 'app.db'), 'PRAGMA journal_mode = WAL; CREATE TABLE t (v)');
		const child = await hold(path, 'wal-writing');
		const inspection = await lookAtSqlite(path);
		expect(inspection.use).toMatchObject({ state: 'in-use', by: [{ pid: child.pid, writes: true }] });
		expect(inspection.integrity).toBe('ok');
	});

	it('a process that holds a lock', async () => {
		const path = makeDatabase(join(temporaryFolder(), 'app.db'), 'CREATE TABLE t (v)');
		const child = await hold(path, 'exclusive');
		expect(whoUses(databaseFiles(path))).toMatchObject({ state: 'in-use', by: [{ pid: child.pid, writes: true }] });
		child.stdin?.write('\n');
		await once(child, 'exit');
	});

	it('in a container nobody is said to be absent, since others are not visible', () => {
		const path = makeDatabase(join(temporaryFolder(), 'app.db'), 'CREATE TABLE t (v)');
		const asSeenIn = (namespace: string) => {
			const proc = temporaryFolder();
			mkdirSync(join(proc, '4711/fd'), { recursive: true });
			mkdirSync(join(proc, 'self/ns'), { recursive: true });
			symlinkSync(namespace, join(proc, 'self/ns/pid'));
			return whoUses([path], proc).state;
		};
		expect(asSeenIn('pid:[4026531836]')).toBe('not-in-use');
		expect(asSeenIn('pid:[4026532201]')).toBe('not-seen');
	});

	it('elsewhere it is not known', () => {
		const path = makeDatabase(join(temporaryFolder(), 'app.db'), 'CREATE TABLE t (v)');
		expect(whoUses([path], join(temporaryFolder(), 'no-proc'))).toEqual({ state: 'unknown', by: [] });
	});
});

describe('what lies beside a database', () => {
	it('nothing, or a journal that holds nothing', () => {
		const path = makeDatabase(join(temporaryFolder(), 'app.db'), 'PRAGMA journal_mode = PERSIST; CREATE TABLE t (v)');
		expect(lookBeside(path)).toEqual({ journal: 'idle', walBytes: 0 });
		expect(lookBeside(join(temporaryFolder(), 'none.db'))).toEqual({ journal: 'none', walBytes: 0 });
	});
});
