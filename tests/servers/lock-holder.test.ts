import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PgDriver } from '../../services/postgres/pg-driver.js';
import { targetOn } from '../../services/postgres/target.js';
import { lockHolderContract } from '../contract/lock-holder-contract.js';
import { asUser, onDatabase } from './on-database.js';

const url = process.env.REPOT_TEST_POSTGRES_URL;
const required = process.env.REPOT_REQUIRE_SERVERS === '1';

describe.skipIf(url === undefined && !required)('PostgreSQL server (skipped without REPOT_TEST_POSTGRES_URL)', () => {
	const server = url ?? '';
	const name = `repot_lock_holder_${process.pid}`;
	const own = server === '' ? '' : onDatabase(server, name);
	const admin = new PgDriver({ url: server, label: 'admin', identity: 'admin' });
	const connect = (of: string) =>
		targetOn(new PgDriver({ url: of, label: 'test', identity: 'test' }), { now: () => performance.now() }, { label: 'test' });
	const target = connect(own);
	const other = connect(own);

	beforeAll(async () => {
		expect(url, 'REPOT_TEST_POSTGRES_URL').toBeDefined();
		await admin.query(`CREATE DATABASE ${name}`);
	});

	afterAll(async () => {
		await target.close();
		await other.close();
		await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
		await admin.query(`DROP DATABASE IF EXISTS ${name}_too WITH (FORCE)`);
		await admin.query(`DROP ROLE IF EXISTS ${name}`);
		await admin.close();
	});

	lockHolderContract('PostgreSQL', () => ({
		target,
		holdElsewhere: () => other.lock(),
		async contents() {
			const database = new PgDriver({ url: own, label: 'look', identity: 'look' });
			const { rows } = await database.query('SELECT nspname AS name FROM pg_namespace ORDER BY 1');
			await database.close();
			return rows.map((row) => row.name ?? '');
		},
	}));

	it('is told to a role that may not see whose connection it is, and without its address', async () => {
		await admin.query(`CREATE ROLE ${name} LOGIN`);
		const release = await other.lock();
		const limited = connect(asUser(own, name));
		expect(await limited.lockHolder()).toMatch(/^connection \d+$/);
		await limited.close();
		await release();
	});

	it('of another database of the same server is not this one', async () => {
		await admin.query(`CREATE DATABASE ${name}_too`);
		const elsewhere = connect(onDatabase(server, `${name}_too`));
		const release = await elsewhere.lock();
		expect(await target.lockHolder()).toBeNull();
		await release();
		await elsewhere.close();
	});
});
