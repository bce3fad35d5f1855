import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PgDriver } from '../../services/postgres/pg-driver.js';
import { createPostgresTarget, type PostgresTargetOptions } from '../../services/postgres/target.js';
import type { Target, TargetTest } from '../../source/core/ports.js';
import { Secret } from '../../source/core/secret.js';
import { asUser, onDatabase } from './on-database.js';

const url = process.env.REPOT_TEST_POSTGRES_URL;
const plainUrl = process.env.REPOT_TEST_POSTGRES_PLAIN_URL;
const required = process.env.REPOT_REQUIRE_SERVERS === '1';
const clock = { now: () => performance.now() };

describe.skipIf(url === undefined && !required)('what a test of the target finds (skipped without REPOT_TEST_POSTGRES_URL)', () => {
	const server = url ?? '';
	const name = `repot_preflight_${process.pid}`;
	const role = name;
	const own = server === '' ? '' : onDatabase(server, name);
	const admin = new PgDriver({ url: server, label: 'admin', identity: 'admin' });
	const opened: Target[] = [];
	const open = (to = own, options: Partial<PostgresTargetOptions> = {}): Target => {
		const target = createPostgresTarget({ url: new Secret(to), clock, ...options });
		opened.push(target);
		return target;
	};
	const asRole = (): Promise<TargetTest> => open(asUser(own, role, 'x')).test();

	beforeAll(async () => {
		expect(url, 'REPOT_TEST_POSTGRES_URL').toBeDefined();
		await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
		await admin.query(`CREATE DATABASE ${name} OWNER ${role}`);
		const inside = new PgDriver({ url: own, label: 'inside', identity: 'inside' });
		await inside.query('CREATE EXTENSION vector');
		await inside.close();
	});

	afterEach(async () => {
		for (const target of opened.splice(0)) await target.close();
		await admin.query(
			`ALTER ROLE ${role} RESET ALL; ALTER ROLE ${role} CONNECTION LIMIT -1; ALTER DATABASE ${name} RESET ALL; ALTER DATABASE ${name} CONNECTION LIMIT -1`,
		);
	});

	afterAll(async () => {
		await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
		await admin.query(`DROP ROLE IF EXISTS ${role}`);
		await admin.close();
	});

	it('counts connections, and finds nothing wrong with a primary', async () => {
		const test = await asRole();
		expect(test).toMatchObject({ role: 'primary', readOnly: false, replicationRole: 'origin', looks: [] });
		const { max = 0, reserved = 0, used = 0, free = 0 } = test.connections ?? {};
		expect([max, reserved]).toEqual([60, 3]);
		expect(used).toBeGreaterThanOrEqual(1);
		expect(free).toBe(max - reserved - used);
	});

	it.each([
		['a role', `ALTER ROLE ${role} SET`, `ALTER ROLE "${role}" RESET`],
		['a database', `ALTER DATABASE ${name} SET`, `ALTER DATABASE "${name}" RESET`],
		['a role in a database', `ALTER ROLE ${role} IN DATABASE ${name} SET`, `ALTER ROLE "${role}" IN DATABASE "${name}" RESET`],
	])('names the statement that mends read-only transactions of %s, and that statement does', async (_, set, reset) => {
		await admin.query(`${set} default_transaction_read_only = on`);
		const test = await asRole();
		expect(test.readOnly).toBe(true);
		const [problem] = test.problems.map(({ words }) => words).filter((text) => text.includes('read-only'));
		expect(problem).toBe(`Transactions are read-only by default: ${reset} default_transaction_read_only;`);
		await admin.query(problem?.split(': ')[1] ?? '');
		expect(await asRole()).toMatchObject({ readOnly: false });
	});

	it('names the options of the URL where they make transactions read-only', async () => {
		const test = await open(`${asUser(own, role, 'x')}?options=-cdefault_transaction_read_only%3Don`).test();
		expect(test.problems.map(({ words }) => words).join('\n')).toContain('take default_transaction_read_only out of options in the URL');
	});

	it('tells that foreign keys and triggers do not fire', async () => {
		await admin.query(`ALTER ROLE ${role} SET session_replication_role = replica`);
		const test = await asRole();
		expect(test.replicationRole).toBe('replica');
		expect(test.looks?.join('\n')).toContain(`ALTER ROLE "${role}" RESET session_replication_role;`);
		await admin.query(`ALTER ROLE ${role} SET session_replication_role = local`);
		// As under origin, ordinary triggers fire.
		expect(await asRole()).toMatchObject({ replicationRole: 'local', looks: [] });
	});

	it('tells that the role has too few connections left, and how many a run uses', async () => {
		await admin.query(`ALTER ROLE ${role} CONNECTION LIMIT 2`);
		const test = await asRole();
		expect(test.connections?.free).toBe(1);
		expect(test.problems).toEqual([]);
		expect(test.looks).toEqual([
			`the role ${role} has one connection left beside this one, and a run uses up to 3: ALTER ROLE "${role}" CONNECTION LIMIT -1;`,
		]);
		await opened[0]?.test();
		const another = await asRole();
		expect(another.looks?.[0]).toContain('no connection left');
		await expect(asRole()).rejects.toMatchObject({
			code: 'TOO_MANY_CONNECTIONS',
			next: expect.arrayContaining([expect.stringContaining(`ALTER ROLE "${role}" CONNECTION LIMIT -1;`)]),
		});
	});

	it('tells that the database has too few connections left, and the statement that mends it', async () => {
		await admin.query(`ALTER DATABASE ${name} CONNECTION LIMIT 1`);
		const test = await asRole();
		expect(test.connections?.free).toBe(0);
		const [look] = test.looks ?? [];
		expect(look).toContain(`the database ${name} has no connection left beside this one`);
		await admin.query(look?.split(': ')[1] ?? '');
		expect((await asRole()).looks).toEqual([]);
	});

	it('keeps nothing from a superuser, whom no limit of a database holds', async () => {
		await admin.query(`ALTER DATABASE ${name} CONNECTION LIMIT 1`);
		const test = await open().test();
		const { max = 0, reserved = -1, used = 0, free = 0 } = test.connections ?? {};
		expect(reserved).toBe(0);
		expect(free).toBe(max - used);
		expect(test.looks).toEqual([]);
	});

	it('knows how the connection is made, and warns of none on this computer', async () => {
		const wireOf = async (parameters: string) => {
			const driver = new PgDriver({ url: `${own}${parameters}`, label: 'wire', identity: 'wire' });
			const { rows } = await driver.query(
				'SELECT pg_backend_pid() AS pid, (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS version',
			);
			const wire = driver.wire();
			await driver.close();
			return { wire, pid: Number(rows[0]?.pid), version: rows[0]?.version ?? null };
		};
		const usual = await wireOf('');
		expect(usual.wire).toMatchObject({ tls: { version: usual.version }, backend: usual.pid, address: '127.0.0.1', chosen: false });
		const plain = await wireOf('?sslmode=disable');
		expect(plain).toMatchObject({ version: null, wire: { tls: null, backend: plain.pid, address: '127.0.0.1', chosen: true } });
		expect(await open(`${own}?sslmode=disable`).test()).toMatchObject({ tls: null, looks: [] });
	});

	it('shows free space to nobody who may not see the directory of the data', async () => {
		expect((await asRole()).freeBytes).toBeNull();
	});
});

describe.skipIf(plainUrl === undefined && !required)(
	'a PostgreSQL server on this computer (skipped without REPOT_TEST_POSTGRES_PLAIN_URL)',
	() => {
		it('shows its free space only where its directory is seen', async () => {
			expect(plainUrl, 'REPOT_TEST_POSTGRES_PLAIN_URL').toBeDefined();
			const target = createPostgresTarget({ url: new Secret(plainUrl ?? ''), clock });
			const elsewhere = createPostgresTarget({
				url: new Secret(`${plainUrl?.replace('127.0.0.1', 'db.example')}?hostaddr=127.0.0.1`),
				clock,
			});
			try {
				expect((await target.test()).freeBytes).toBeGreaterThan(0);
				expect((await elsewhere.test()).freeBytes).toBeNull();
			} finally {
				await target.close();
				await elsewhere.close();
			}
		});
	},
);
