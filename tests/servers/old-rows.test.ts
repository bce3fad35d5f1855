import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onceOldRowsAreGone } from '../../services/postgres/old-rows.js';
import { PgDriver } from '../../services/postgres/pg-driver.js';
import { onDatabase } from './on-database.js';

const url = process.env.REPOT_TEST_POSTGRES_URL;

it.runIf(process.env.REPOT_REQUIRE_SERVERS === '1')('has a server', () => {
	expect(url, 'REPOT_TEST_POSTGRES_URL').toBeDefined();
});

describe.skipIf(url === undefined)('an index over vectors that were overwritten (skipped without REPOT_TEST_POSTGRES_URL)', () => {
	const name = `repot_old_rows_${process.pid}`;
	let admin: PgDriver;
	let driver: PgDriver;
	const build = () => driver.query('CREATE INDEX ON e USING hnsw ((v::vector(4)) vector_cosine_ops) WHERE c = 1');

	beforeAll(async () => {
		admin = new PgDriver({ url: url ?? '', label: 'admin', identity: 'admin' });
		await admin.query(`CREATE DATABASE ${name}`);
		driver = new PgDriver({ url: onDatabase(url ?? '', name), label: 'test', identity: name });
		await driver.query('CREATE EXTENSION vector; CREATE TABLE e (id int PRIMARY KEY, c int, v vector)');
		await driver.query("INSERT INTO e SELECT i, 1, '[1,2,3]' FROM generate_series(1, 5000) i");
	});

	afterAll(async () => {
		await driver.close();
		await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
		await admin.close();
	});

	it('waits for the transaction that still sees them, and says what to do when it does not end', async () => {
		const reader = await driver.monitor();
		await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM e');
		await driver.query("UPDATE e SET v = '[1,2,3,4]'");
		const told: string[] = [];
		const listeners = { signal: undefined, onNotice: (message: string) => void told.push(message) };
		await expect(onceOldRowsAreGone(build, listeners, [1])).rejects.toMatchObject({
			code: 'OLD_ROWS_IN_SIGHT',
			next: [expect.stringContaining('pg_stat_activity'), expect.stringContaining('resumes')],
		});
		expect(told).toHaveLength(1);
		const ended: Promise<unknown>[] = [];
		const ending = { signal: undefined, onNotice: () => void ended.push(reader.query('COMMIT')) };
		await onceOldRowsAreGone(build, ending, [500, 500, 500]);
		expect(ended.length).toBeGreaterThan(0);
		await Promise.all(ended);
		await reader.close();
	});

	it('passes every other failure on at once', async () => {
		const broken = () => driver.query('CREATE INDEX ON e USING hnsw (nothing vector_cosine_ops)');
		const notices: string[] = [];
		await expect(onceOldRowsAreGone(broken, { signal: undefined, onNotice: (text) => void notices.push(text) })).rejects.toThrow('nothing');
		expect(notices).toEqual([]);
	});
});
