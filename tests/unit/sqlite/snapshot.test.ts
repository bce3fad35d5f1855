import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
	chmodSync,
	copyFileSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	statSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { Database } from '../../../services/sqlite/engine.js';
import { fingerprint, type Snapshot, takeSnapshot } from '../../../services/sqlite/snapshot.js';
import { RepotError } from '../../../source/core/errors.js';
import { makeDatabase, photograph, temporaryFolder } from './support.js';

const holder = new URL('./hold-database.ts', import.meta.url).pathname;
const children: ChildProcess[] = [];

afterEach(async () => {
	for (const child of children.splice(0)) {
		if (child.exitCode !== null || child.signalCode !== null) continue;
		child.kill('SIGKILL');
		await once(child, 'exit');
	}
});

/** Starts the other process and waits until it holds the database. */
async function hold(path: string, mode: string): Promise<ChildProcess> {
	const child = spawn(process.execPath, ['--import', 'tsx', holder, path, mode], { stdio: ['pipe', 'pipe', 'inherit'] });
	children.push(child);
	await once(child.stdout as NodeJS.ReadableStream, 'data');
	return child;
}

const rows = 'CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)';
const filled = `${rows}; INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT printf('%0200d', i) FROM n`;

function place(sql = filled): { path: string; folder: string; into: string } {
	const base = temporaryFolder();
	const folder = join(base, 'source');
	mkdirSync(folder);
	return { folder, into: join(base, 'work'), path: makeDatabase(join(folder, 'app.db'), sql) };
}

const query = (snapshot: Snapshot, sql: string): unknown => {
	const database = new Database(snapshot.path, { readonly: true });
	try {
		return database.prepare(sql).pluck().get();
	} finally {
		database.close();
	}
};

async function refusal(path: string, into: string): Promise<RepotError> {
	const thrown = await takeSnapshot({ database: path, companions: () => [], into }).then(
		() => null,
		(error: unknown) => error,
	);
	if (!(thrown instanceof RepotError)) throw new Error(`not a RepotError: ${String(thrown)}`);
	return thrown;
}

describe('a copy of a database with a rollback journal', () => {
	it('holds the same bytes, in a private folder, and leaves the original untouched', async () => {
		const { path, folder, into } = place();
		mkdirSync(join(folder, 'segment'));
		writeFileSync(join(folder, 'segment/data.bin'), 'companion');
		chmodSync(path, 0o444);
		const before = photograph(folder);
		const snapshot = await takeSnapshot({ database: path, companions: () => ['segment/data.bin'], into });
		expect(readFileSync(snapshot.path).equals(readFileSync(path))).toBe(true);
		expect(readFileSync(join(dirname(snapshot.path), 'segment/data.bin'), 'utf8')).toBe('companion');
		expect(snapshot.bytes).toBe(statSync(path).size + 9);
		expect(snapshot.journalMode).toBe('delete');
		expect(statSync(dirname(snapshot.path)).mode & 0o777).toBe(0o700);
		expect(photograph(folder)).toEqual(before);
		await snapshot.remove();
		expect(readdirSync(into)).toEqual([]);
	});

	it('is refused while a writer holds the database, and taken once it lets go', async () => {
		const { path, into } = place();
		const writer = await hold(path, 'exclusive');
		const stopped = new AbortController();
		const waiting = takeSnapshot({ database: path, companions: () => [], into, signal: stopped.signal });
		// It is still trying when the writer commits.
		writer.stdin?.write('go\n');
		await once(writer, 'exit');
		const snapshot = await waiting;
		expect(query(snapshot, 'SELECT count(*) FROM t')).toBe(500);
	});

	it('gives up on a writer that stays, says so, and leaves nothing behind', async () => {
		const { path, into } = place();
		await hold(path, 'exclusive');
		const error = await refusal(path, into);
		expect(error).toMatchObject({ kind: 'source', code: 'SOURCE_LOCKED', where: path });
		expect(error.next.length).toBeGreaterThan(0);
		expect(readdirSync(into)).toEqual([]);
	});

	it('stops at once when aborted', async () => {
		const { path, into } = place();
		await hold(path, 'exclusive');
		const reason = new Error('stop');
		await expect(takeSnapshot({ database: path, companions: () => [], into, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
		expect(readdirSync(into)).toEqual([]);
	});

	it('rolls a hot journal back in the copy only', async () => {
		const { path, folder, into } = place();
		const writer = await hold(path, 'hot-journal');
		if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
		expect(existsSync(`${path}-journal`)).toBe(true);
		const before = photograph(folder);
		const snapshot = await takeSnapshot({ database: path, companions: () => [], into });
		expect(query(snapshot, "SELECT count(*) FROM t WHERE v LIKE 'torn%'")).toBe(0);
		expect(query(snapshot, 'PRAGMA integrity_check')).toBe('ok');
		expect(photograph(folder)).toEqual(before);
	});

	it('follows a symbolic link to the file and its journal', async () => {
		const { path, folder, into } = place();
		symlinkSync(path, join(folder, 'link.db'));
		const snapshot = await takeSnapshot({ database: join(folder, 'link.db'), companions: () => [], into });
		expect(query(snapshot, 'SELECT count(*) FROM t')).toBe(500);
	});
});

/** A writer may write its companions in the middle of a transaction. `count.txt` says how many rows there are. */
describe('a copy of a database with companions', () => {
	async function counted(writer: string) {
		const there = place();
		writeFileSync(join(there.folder, 'count.txt'), '500');
		// Older than the tick in which the writer begins.
		await pause(50);
		const child = await hold(there.path, writer);
		const take = async (): Promise<readonly unknown[]> => {
			const snapshot = await takeSnapshot({ database: there.path, companions: () => ['count.txt'], into: there.into });
			return [query(snapshot, 'SELECT count(*) FROM t'), Number(readFileSync(join(dirname(snapshot.path), 'count.txt'), 'utf8'))];
		};
		return { take, child };
	}

	it('waits for the end of a transaction in which they were written', async () => {
		const { take, child } = await counted('companion-inside');
		const waiting = take();
		expect(await Promise.race([waiting, pause(400, 'waits')])).toBe('waits');
		child.stdin?.write('go\n');
		expect(await waiting).toEqual([501, 501]);
	});

	// Some file systems do not say when a file was made.
	it.skipIf(statSync(temporaryFolder()).birthtimeMs === 0)('is taken at once during a transaction that has not touched them', async () => {
		const { take } = await counted('companion-before');
		expect(await take()).toEqual([500, 500]);
	});

	it('is what a writer left that died', async () => {
		const { take, child } = await counted('companion-killed');
		if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
		expect(await take()).toEqual([500, 501]);
	});
});

describe('a copy of a WAL database', () => {
	it('makes no -wal and no -shm beside an original at rest', async () => {
		const { path, folder, into } = place(`PRAGMA journal_mode = WAL; ${filled}`);
		expect(readdirSync(folder)).toEqual(['app.db']);
		const before = photograph(folder);
		const snapshot = await takeSnapshot({ database: path, companions: () => [], into });
		expect(snapshot.journalMode).toBe('wal');
		expect(query(snapshot, 'SELECT count(*) FROM t')).toBe(500);
		expect(photograph(folder)).toEqual(before);
	});

	it('has what a killed writer left in the log', async () => {
		const { path, folder, into } = place(`PRAGMA journal_mode = WAL; ${filled}`);
		const writer = await hold(path, 'wal-killed');
		if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
		expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
		const before = photograph(folder);
		const snapshot = await takeSnapshot({ database: path, companions: () => [], into });
		expect(query(snapshot, "SELECT count(*) FROM t WHERE v = 'in the log'")).toBe(1);
		expect(photograph(folder)).toEqual(before);
	});

	it('is whole while another process writes without a pause', async () => {
		const { path, into } = place(`PRAGMA journal_mode = WAL; ${rows}`);
		await hold(path, 'wal-writing');
		for (let copy = 0; copy < 3; copy++) {
			const snapshot = await takeSnapshot({ database: path, companions: () => [], into });
			expect(query(snapshot, 'PRAGMA integrity_check')).toBe('ok');
			expect(Number(query(snapshot, 'SELECT count(*) FROM t')) % 2).toBe(0);
			await snapshot.remove();
		}
	});
});

describe('what cannot be copied', () => {
	const cases: readonly [string, string, (path: string) => void][] = [
		['a missing file', 'SOURCE_NOT_FOUND', () => {}],
		['a directory', 'SOURCE_IS_DIRECTORY', (path) => mkdirSync(path)],
		['an empty file', 'SOURCE_EMPTY', (path) => writeFileSync(path, '')],
		['another file', 'SOURCE_NOT_SQLITE', (path) => writeFileSync(path, 'just some text, long enough to have a header'.repeat(9))],
		['a short file', 'SOURCE_NOT_SQLITE', (path) => writeFileSync(path, 'SQLite format 3\0')],
		[
			'a Git LFS pointer',
			'SOURCE_IS_LFS_POINTER',
			(path) => writeFileSync(path, 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n'),
		],
		['a file where a folder is named', 'SOURCE_NOT_FOUND', (path) => writeFileSync(dirname(path), 'x')],
	];

	it.each(cases)('%s is told with what to do (%s)', async (_name, code, make) => {
		const folder = temporaryFolder();
		const path = code === 'SOURCE_NOT_FOUND' ? join(folder, 'app', 'app.db') : join(folder, 'app.db');
		make(path);
		const error = await refusal(path, join(folder, 'work'));
		expect(error).toMatchObject({ kind: 'source', code, where: path });
		expect(error.next.length).toBeGreaterThan(0);
		expect(existsSync(join(folder, 'work')) ? readdirSync(join(folder, 'work')) : []).toEqual([]);
	});

	it.skipIf(process.getuid?.() === 0)('a file without read permission', async () => {
		const { path, into } = place();
		chmodSync(path, 0o000);
		expect(await refusal(path, into)).toMatchObject({ kind: 'source', code: 'SOURCE_NOT_READABLE' });
	});

	it('is not begun when the disk cannot take it', async () => {
		const { path, into } = place();
		// Sparse: it takes no room, but a copy of it would.
		truncateSync(path, 8 * 2 ** 40);
		const error = await refusal(path, into);
		expect(error).toMatchObject({ kind: 'source', code: 'NO_DISK_SPACE' });
		expect(error.message).toMatch(/needs 8,388,\d{3} MiB of disk, [\d,]+ MiB are free/);
		expect(readdirSync(into)).toEqual([]);
	});

	it('copies a truncated file for the inspection to tell', async () => {
		const { path, into } = place();
		truncateSync(path, 4096 * 3 + 100);
		const snapshot = await takeSnapshot({ database: path, companions: () => [], into });
		expect(snapshot.bytes).toBe(4096 * 3 + 100);
	});
});

describe('the fingerprint', () => {
	it('is that of the bytes and the names, not of the place or the time', async () => {
		const { path, folder, into } = place();
		const one = await takeSnapshot({ database: path, companions: () => [], into });
		copyFileSync(path, join(folder, 'other.db'));
		const other = await takeSnapshot({ database: join(folder, 'other.db'), companions: () => [], into });
		const again = await takeSnapshot({ database: path, companions: () => [], into });
		expect(await fingerprint(one)).toMatch(/^[0-9a-f]{64}$/);
		expect(await fingerprint(again)).toBe(await fingerprint(one));
		expect(await fingerprint(other)).not.toBe(await fingerprint(one));
	});

	it('stays the same when the application checkpoints its log', async () => {
		const { path, into } = place(`PRAGMA journal_mode = WAL; ${filled}`);
		const writer = await hold(path, 'wal-killed');
		if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
		const before = await fingerprint(await takeSnapshot({ database: path, companions: () => [], into }));
		makeDatabase(path, 'PRAGMA wal_checkpoint(TRUNCATE)');
		expect(await fingerprint(await takeSnapshot({ database: path, companions: () => [], into }))).toBe(before);
	});

	it('changes with one value', async () => {
		const { path, into } = place();
		const before = await fingerprint(await takeSnapshot({ database: path, companions: () => [], into }));
		makeDatabase(path, "UPDATE t SET v = 'x' WHERE id = 7");
		expect(await fingerprint(await takeSnapshot({ database: path, companions: () => [], into }))).not.toBe(before);
	});
});
