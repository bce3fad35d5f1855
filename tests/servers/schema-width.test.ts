import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PgDriver } from '../../services/postgres/pg-driver.js';
import { createPostgresTarget } from '../../services/postgres/target.js';
import type { SchemaStep } from '../../source/core/plan/types.js';
import type { Target } from '../../source/core/ports.js';
import { Secret } from '../../source/core/secret.js';
import { makePlan } from '../contract/target-data.js';
import { asUser, onDatabase } from './on-database.js';

const url = process.env.REPOT_TEST_POSTGRES_URL;
const required = process.env.REPOT_REQUIRE_SERVERS === '1';

const index = (table: string): SchemaStep => ({
	id: `index:${table}`,
	kind: 'schema',
	phase: 'after',
	what: 'index',
	object: `${table}_n`,
	table,
	sql: `CREATE INDEX "${table}_n" ON "${table}" (n)`,
	needed: true,
	seconds: 0,
});

describe.skipIf(url === undefined && !required)('two schema steps at once (skipped without REPOT_TEST_POSTGRES_URL)', () => {
	const server = url ?? '';
	const name = `repot_width_${process.pid}`;
	const role = `single${process.pid}`;
	const own = server === '' ? '' : onDatabase(server, name);
	const admin = new PgDriver({ url: server, label: 'admin', identity: 'admin' });
	const other = new PgDriver({ url: own, label: 'other', identity: 'other' });
	let target: Target;

	const open = async (to: string): Promise<void> => {
		target = createPostgresTarget({ url: new Secret(to), clock: { now: () => performance.now() } });
		await target.ledger.begin({ id: 'r', plan: makePlan(), operator: 'o', version: 'v' });
	};

	const waiting = async (): Promise<readonly unknown[]> =>
		(await admin.query(`SELECT 1 FROM pg_stat_activity WHERE datname = '${name}' AND wait_event_type = 'Lock'`)).rows;

	beforeAll(async () => {
		expect(url, 'REPOT_TEST_POSTGRES_URL').toBeDefined();
		await admin.query(`CREATE DATABASE ${name}`);
		await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'one' CONNECTION LIMIT 1`);
	});

	beforeEach(async () => {
		await other.query(
			'DROP SCHEMA IF EXISTS repot CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO PUBLIC',
		);
		await other.query(`GRANT ALL ON DATABASE ${name} TO ${role}; CREATE TABLE a (n int); CREATE TABLE b (n int)`);
	});

	afterAll(async () => {
		await other.close();
		await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
		await admin.query(`DROP ROLE IF EXISTS ${role}`);
		await admin.close();
	});

	it('builds on the second connection while the first one waits for a table', async () => {
		await open(own);
		let waited = false;
		const first = other.transaction(async (session) => {
			await session.query('LOCK TABLE a IN EXCLUSIVE MODE');
			const held = target.applySchema('r', index('a')).then(() => {
				waited = true;
			});
			expect(await target.applySchema('r', index('b'))).toBe('created');
			expect(waited).toBe(false);
			return { held };
		});
		await (await first).held;
		expect((await other.query('SELECT step_id, created FROM repot.step ORDER BY step_id')).rows).toEqual([
			{ step_id: 'index:a', created: 't' },
			{ step_id: 'index:b', created: 't' },
		]);
		await target.close();
	});

	it('makes do with one connection where the server grants no second', async () => {
		await other.query(`ALTER TABLE a OWNER TO ${role}; ALTER TABLE b OWNER TO ${role}`);
		await open(asUser(own, role, 'one'));
		const outcomes = await Promise.all([target.applySchema('r', index('a')), target.applySchema('r', index('b'))]);
		expect(outcomes).toEqual(['created', 'created']);
		await target.close();
	});

	it('stops both at once where the server grants no connection for it', async () => {
		await admin.query(`ALTER ROLE ${role} CONNECTION LIMIT 2`);
		await other.query(`ALTER TABLE a OWNER TO ${role}; ALTER TABLE b OWNER TO ${role}`);
		await open(asUser(own, role, 'one'));
		const stop = new AbortController();
		await other.transaction(async (session) => {
			await session.query('LOCK TABLE a, b IN EXCLUSIVE MODE');
			const held = ['a', 'b'].map((table) => target.applySchema('r', index(table), stop.signal).catch((error: unknown) => error));
			await expect.poll(async () => (await waiting()).length).toBe(2);
			stop.abort();
			// The locks are still held: only a cancel ends these.
			for (const outcome of await Promise.all(held)) expect(outcome).toBeInstanceOf(Error);
			expect((await session.query("SELECT 1 FROM pg_class WHERE relname IN ('a_n', 'b_n')")).rows).toEqual([]);
		});
		await target.close();
		await admin.query(`ALTER ROLE ${role} CONNECTION LIMIT 1`);
	});
});
