import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PgDriver } from '../../services/postgres/pg-driver.js';
import { targetOn } from '../../services/postgres/target.js';
import { targetContract } from '../contract/target-contract.js';
import { onDatabase } from './on-database.js';

const url = process.env.REPOT_TEST_POSTGRES_URL;
const required = process.env.REPOT_REQUIRE_SERVERS === '1';

describe.skipIf(url === undefined && !required)('PostgreSQL server (skipped without REPOT_TEST_POSTGRES_URL)', () => {
	const server = url ?? '';
	const name = `repot_contract_${process.pid}`;
	const admin = new PgDriver({ url: server, label: 'admin', identity: 'admin' });
	const driver = new PgDriver({ url: server === '' ? '' : onDatabase(server, name), label: 'postgresql://test', identity: 'test' });
	const target = targetOn(driver, { now: () => performance.now() }, { label: 'postgresql://test' });

	beforeAll(async () => {
		expect(url, 'REPOT_TEST_POSTGRES_URL').toBeDefined();
		await admin.query(`CREATE DATABASE ${name}`);
	});

	afterAll(async () => {
		await target.close();
		await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
		await admin.close();
	});

	it('is 16 or later', async () => {
		const { rows } = await driver.query("SELECT current_setting('server_version_num')::int >= 160000 AS recent");
		expect(rows[0]?.recent).toBe('t');
	});

	targetContract('PostgreSQL', () => ({ target, driver }));
});
