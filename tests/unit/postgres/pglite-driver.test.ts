import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PgliteDriver } from '../../../services/postgres/pglite-driver.js';
import { DirectoryLock } from '../../../services/postgres/pglite-lock.js';
import { createPostgresTarget } from '../../../services/postgres/target.js';
import { RepotError } from '../../../source/core/errors.js';
import { Secret } from '../../../source/core/secret.js';

const request = { tables: ['items'], collections: ['vectors'], tenant: { column: 'user_id', value: 'ana' } };
const codeOf = (error: unknown): string => (error instanceof RepotError ? error.code : String(error));

describe('embedded driver', () => {
	let folder: string;
	let directory: string;
	const openDrivers: PgliteDriver[] = [];
	const open = (): PgliteDriver => {
		const driver = new PgliteDriver({ directory, label: 'pglite:pg', identity: directory });
		openDrivers.push(driver);
		return driver;
	};

	beforeEach(() => {
		folder = mkdtempSync(join(tmpdir(), 'repot-embedded-'));
		directory = join(folder, 'pg');
	});

	afterEach(async () => {
		for (const driver of openDrivers.splice(0)) await driver.close();
		rmSync(folder, { recursive: true, force: true });
	});

	it('says before anything is made that a file stands where its folder should be', async () => {
		writeFileSync(join(folder, 'file'), '');
		directory = join(folder, 'file', 'pg');
		const error = await open()
			.query('SELECT 1')
			.catch((thrown: unknown) => thrown);
		expect(error).toMatchObject({ kind: 'usage', code: 'TARGET_UNWRITABLE', where: directory, why: 'a part of the path is a file' });
		expect(() => new DirectoryLock(directory)).toThrow(expect.objectContaining({ code: 'TARGET_UNWRITABLE' }));
	});

	it('creates nothing for a dry run on a directory that does not exist', async () => {
		const target = createPostgresTarget({ url: new Secret('pglite:pg'), baseDir: folder, clock: Date });
		const described = await target.describe(request);
		expect(described.facts).toMatchObject({ label: 'pglite:pg', identity: directory, embedded: true });
		expect(described.vectorExtension.available).toMatch(/^0\.\d/);
		await target.close();
		expect(readdirSync(folder)).toEqual([]);
	});

	it('keeps committed rows when the process is killed, and refuses a second process until then', async () => {
		const child = spawn(process.execPath, ['--import', 'tsx', new URL('./hold-pglite.ts', import.meta.url).pathname, directory], {
			stdio: ['ignore', 'pipe', 'inherit'],
		});
		try {
			await new Promise<void>((resolve, reject) => {
				child.stdout.on('data', (chunk: Buffer) => chunk.includes('committed') && resolve());
				child.on('exit', (code) => reject(new Error(`the holder ended with ${code}`)));
			});
			const refused = open();
			await refused.persist();
			expect(await refused.query('SELECT 1').catch(codeOf)).toBe('DIRECTORY_IN_USE');
		} finally {
			const ended = new Promise((resolve) => child.on('exit', resolve));
			child.kill('SIGKILL');
			await ended;
		}
		const driver = open();
		expect((await driver.query('SELECT count(*) AS n FROM kept')).rows).toEqual([{ n: '1000' }]);
	});

	it('recovers a directory whose maker was killed', async () => {
		mkdirSync(join(directory, 'base'), { recursive: true });
		const dead = Number(execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }));
		writeFileSync(`${directory}.lock`, JSON.stringify({ pid: dead, start: '1', since: '2026-01-01T00:00:00Z', making: true }));
		const driver = open();
		await driver.persist();
		expect((await driver.query('SELECT 1 AS one')).rows).toEqual([{ one: '1' }]);
		await driver.close();
		expect(existsSync(`${directory}.lock`)).toBe(false);
	});

	it('writes the database that stood in for a new directory there, whole', async () => {
		const driver = open();
		const system = async (from: PgliteDriver) => (await from.query('SELECT system_identifier AS id FROM pg_control_system()')).rows[0]?.id;
		const before = await system(driver);
		expect(readdirSync(folder)).toEqual([]);
		await driver.persist();
		expect(await system(driver)).toBe(before);
		await driver.query('CREATE EXTENSION vector; CREATE TABLE kept (e vector(2)); INSERT INTO kept VALUES (NULL)');
		await driver.close();
		const again = open();
		expect((await again.query('SELECT count(*) AS n FROM kept')).rows).toEqual([{ n: '1' }]);
		expect(await system(again)).toBe(before);
	});

	it('makes the directory anew when a stand-in stands by and a killed maker left half of it', async () => {
		const driver = open();
		await driver.query('SELECT 1');
		mkdirSync(join(directory, 'base'), { recursive: true });
		writeFileSync(join(directory, 'PG_VERSION'), '18\n');
		const dead = Number(execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }));
		writeFileSync(`${directory}.lock`, JSON.stringify({ pid: dead, start: '1', since: '2026-01-01T00:00:00Z', making: true }));
		await driver.persist();
		expect((await driver.query('SELECT 1 AS one')).rows).toEqual([{ one: '1' }]);
		expect(existsSync(join(directory, 'global', 'pg_control'))).toBe(true);
	});

	it('refuses a directory that holds something else', async () => {
		mkdirSync(directory);
		writeFileSync(join(directory, 'letter.txt'), 'dear');
		const driver = open();
		expect(await driver.query('SELECT 1').catch(codeOf)).toBe('NOT_AN_EMBEDDED_DATABASE');
		await driver.persist();
		expect(await driver.query('SELECT 1').catch(codeOf)).toBe('NOT_AN_EMBEDDED_DATABASE');
		expect(readdirSync(directory)).toEqual(['letter.txt']);
	});

	it('stops a long statement when asked and goes on afterwards', async () => {
		const driver = open();
		await driver.persist();
		await driver.query('CREATE TABLE t AS SELECT 1 AS a');
		const controller = new AbortController();
		const removeListener = driver.onNotice(() => controller.abort());
		const work = driver.transaction(
			(session) =>
				session.query(
					"DO $$ BEGIN INSERT INTO t VALUES (2); RAISE NOTICE 'started'; PERFORM count(*) FROM generate_series(1, 100000000000); END $$",
				),
			{ signal: controller.signal },
		);
		expect(await work.catch((error: unknown) => (error as { code?: string }).code)).toBe('LOST');
		removeListener();
		expect((await driver.query('SELECT a FROM t')).rows).toEqual([{ a: '1' }]);
	});

	it('sends text and gets text, whatever the type', async () => {
		const driver = open();
		const { rows } = await driver.query(
			"SELECT $1::float8 AS f, $2::int8 AS i, $3::timestamp AS t, $4::jsonb AS j, $5::text[] AS a, true AS b, NULL AS n, '\\x01'::bytea AS y, array[1, 2] AS x",
			['0.1', '9007199254740993', '2024-01-02 03:04:05.123456', '{"a": 1.0}', '{"a,b",NULL}'],
		);
		expect(rows).toEqual([
			{
				f: '0.1',
				i: '9007199254740993',
				t: '2024-01-02 03:04:05.123456',
				j: '{"a": 1.0}',
				a: '{"a,b",NULL}',
				b: 't',
				n: null,
				y: '\\x01',
				x: '{1,2}',
			},
		]);
	});

	it('takes over a lock whose process is gone, even when its number is used again', () => {
		writeFileSync(`${directory}.lock`, JSON.stringify({ pid: process.pid, start: 'another start', since: '', making: false }));
		const lock = new DirectoryLock(directory);
		expect(() => new DirectoryLock(directory)).toThrow(expect.objectContaining({ code: 'DIRECTORY_IN_USE' }));
		lock.release();
		expect(readdirSync(folder)).toEqual([]);
	});
});
