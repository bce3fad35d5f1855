import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PgDriver } from '../../services/postgres/pg-driver.js';
import { createPostgresTarget, targetOn } from '../../services/postgres/target.js';
import { RepotError } from '../../source/core/errors.js';
import type { Target } from '../../source/core/ports.js';
import { Secret } from '../../source/core/secret.js';
import { itemsStep, makePlan, schemaBefore, tenant, textBatch, vectorIndexStep } from '../contract/target-data.js';
import { asUser, onDatabase } from './on-database.js';

const url = process.env.REPOT_TEST_POSTGRES_URL;
const plainUrl = process.env.REPOT_TEST_POSTGRES_PLAIN_URL;
const required = process.env.REPOT_REQUIRE_SERVERS === '1';
const clock = { now: () => performance.now() };

const errorOf = async (promise: Promise<unknown>): Promise<RepotError> => {
	const thrown = await promise.catch((error: unknown) => error);
	if (thrown instanceof RepotError) return thrown;
	throw new Error(`expected a RepotError, got ${String(thrown)}`);
};

describe.skipIf(url === undefined && !required)('faults of a PostgreSQL server (skipped without REPOT_TEST_POSTGRES_URL)', () => {
	const server = url ?? '';
	const name = `repot_faults_${process.pid}`;
	const own = server === '' ? '' : onDatabase(server, name);
	const admin = new PgDriver({ url: server, label: 'admin', identity: 'admin' });
	const opened: Target[] = [];
	const open = (to: string): Target => {
		const target = createPostgresTarget({ url: new Secret(to), clock });
		opened.push(target);
		return target;
	};

	beforeAll(async () => {
		expect(url, 'REPOT_TEST_POSTGRES_URL').toBeDefined();
		await admin.query(`CREATE DATABASE ${name}`);
	});

	afterEach(async () => {
		for (const target of opened.splice(0)) await target.close();
	});

	afterAll(async () => {
		await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
		await admin.close();
	});

	it('says why it cannot log in, and never the password', async () => {
		const wrong = await errorOf(open(asUser(own, 'limited', 's3cret')).test());
		expect(wrong).toMatchObject({ kind: 'target', code: 'WRONG_PASSWORD' });
		expect(JSON.stringify(wrong)).not.toContain('s3cret');
		expect((await errorOf(open(asUser(own, 'limited')).test())).code).toBe('WRONG_PASSWORD');
		expect((await errorOf(open(asUser(own, 'forbidden')).test())).code).toBe('LOGIN_REFUSED');
		expect((await errorOf(open(onDatabase(server, 'no_such_database')).test())).code).toBe('NO_DATABASE');
		expect((await errorOf(open(`${own}?sslmode=verify-full`).test())).code).toBe('TLS_FAILED');
	});

	it('says that nothing answers, or that the name is not known', async () => {
		const closed = createServer();
		const port = await new Promise<number>((resolve) =>
			closed.listen(0, '127.0.0.1', () => resolve((closed.address() as { port: number }).port)),
		);
		await new Promise((resolve) => closed.close(resolve));
		expect((await errorOf(open(`postgresql://a:b@127.0.0.1:${port}/d`).test())).code).toBe('TARGET_UNREACHABLE');
		expect(['HOST_NOT_FOUND', 'TARGET_TIMEOUT']).toContain((await errorOf(open('postgresql://a:b@no-such-host.invalid/d').test())).code);
	});

	it('names the missing privilege and the statement that grants it', async () => {
		const target = open(asUser(own, 'limited', 'limited'));
		const tested = await target.test();
		expect(tested.canCreate).toBe(false);
		expect(tested.problems.map(({ words }) => words).join('\n')).toContain('GRANT USAGE, CREATE ON SCHEMA "public" TO "limited";');
		expect(tested.problems.map(({ words }) => words).join('\n')).toContain(`GRANT CREATE ON DATABASE "${name}" TO "limited";`);
		const refused = await errorOf(target.ledger.begin({ id: 'r', plan: makePlan(), operator: 'o', version: 'v' }));
		expect(refused).toMatchObject({ kind: 'target', code: 'NO_PRIVILEGE' });
		expect(refused.next[0]).toContain(`GRANT CREATE ON DATABASE "${name}" TO "limited";`);
	});

	it('goes on after a lost connection, holding the lock again, and writes the batch once', async () => {
		const target = open(own);
		const release = await target.lock();
		await target.ledger.begin({ id: 'lost', plan: makePlan(), operator: 'o', version: 'v' });
		for (const step of schemaBefore) await target.applySchema('lost', step);
		const line = [`a\t\\N\t1\t\\N\t\\N\t${tenant}`];
		await target.writeBatch('lost', itemsStep(), 0, textBatch(line), 'fail');
		await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
		const again = async (): Promise<unknown> => target.writeBatch('lost', itemsStep(), 0, textBatch(line), 'fail');
		const result = await again().catch((error: unknown) => {
			expect(target.isTransient(error)).toBe(true);
			return again();
		});
		expect(result).toEqual({ written: 1, updated: 0, skipped: 0, refused: [] });
		expect((await target.count(itemsStep(), tenant)).rows).toBe(1);
		const other = await errorOf(open(own).lock());
		expect(other).toMatchObject({ kind: 'locked', code: 'TARGET_LOCKED', message: 'Run lost is working on this target' });
		await release();
		await (await open(own).lock())();
	});

	it('does not go on when another run took the lock meanwhile', async () => {
		const first = open(own);
		await first.lock();
		await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
		const second = open(own);
		const release = await second.lock().catch(() => second.lock());
		const lost = (): Promise<unknown> => first.ledger.runs();
		// The first use may still see the old connection end; the next one finds the lock taken.
		const error = await errorOf(lost().catch((thrown: unknown) => (first.isTransient(thrown) ? lost() : Promise.reject(thrown))));
		expect(error.kind).toBe('locked');
		await release();
	});

	it('cancels the statement in flight and shows the progress of an index build', async () => {
		const driver = new PgDriver({ url: own, label: 'x', identity: 'x' });
		const target = targetOn(driver, clock, { label: 'x' });
		opened.push(target);
		await target.ledger.begin({ id: 'index', plan: makePlan(), operator: 'o', version: 'v' });
		await driver.query(`CREATE EXTENSION IF NOT EXISTS vector; DROP TABLE IF EXISTS langchain_pg_embedding; CREATE TABLE langchain_pg_embedding (id varchar, embedding vector(64));
			INSERT INTO langchain_pg_embedding SELECT i, (SELECT array_agg(random()) FROM generate_series(1, 64) WHERE i > 0)::vector FROM generate_series(1, 20000) i`);
		const phases = new Set<string>();
		const controller = new AbortController();
		const building = target.applySchema('index', vectorIndexStep, controller.signal, (_, phase) => {
			phases.add(phase);
			controller.abort();
		});
		expect((await errorOf(building)).kind).toBe('interrupted');
		expect(phases.size).toBeGreaterThan(0);
		const { rows } = await driver.query("SELECT count(*) AS n FROM pg_class WHERE relname = 'embedding_hnsw'");
		expect(rows).toEqual([{ n: '0' }]);
		// Few rows: a graph that does not fit into memory is built slowly.
		await driver.query('DELETE FROM langchain_pg_embedding WHERE id::int > 3000');
		const notices: string[] = [];
		const small = {
			...vectorIndexStep,
			vectorIndex: { method: 'hnsw', operatorClass: 'vector_l2_ops', memoryBytes: 1 << 20, workers: 0 },
		} as const;
		expect(await target.applySchema('index', small, undefined, undefined, (message) => notices.push(message))).toBe('created');
		expect(notices.join('\n')).toContain('hnsw graph no longer fits into maintenance_work_mem');
	});
});

describe.skipIf(plainUrl === undefined && !required)('PostgreSQL without pgvector (skipped without REPOT_TEST_POSTGRES_PLAIN_URL)', () => {
	it('says that pgvector is missing and what to install', async () => {
		const target = createPostgresTarget({ url: new Secret(plainUrl ?? ''), clock });
		try {
			expect((await target.test()).problems.map(({ words }) => words).join('\n')).toContain('pgvector is not installed on the server');
			const described = await target.describe({ tables: [], collections: ['vectors'], tenant: { column: 'user_id', value: tenant } });
			expect(described.vectorExtension).toEqual({ installed: null, available: null, mayCreate: false });
			await target.ledger.begin({ id: `plain${process.pid}`, plan: makePlan(), operator: 'o', version: 'v' });
			const [extension] = schemaBefore;
			if (extension === undefined) throw new Error('no step');
			expect((await errorOf(target.applySchema(`plain${process.pid}`, extension))).code).toBe('NO_PGVECTOR');
			for await (const event of target.rollback(`plain${process.pid}`))
				if (event.type === 'rollback-finished') expect(event.outcome).toBe('done');
		} finally {
			await target.close();
		}
	});
});
