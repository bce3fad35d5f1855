import { describe, expect, it } from 'vitest';
import { PgDriver } from '../../services/postgres/pg-driver.js';
import { targetOn } from '../../services/postgres/target.js';
import { demo, goldenSet, migrationContract, type OwnedHarness } from '../contract/migration-contract.js';
import { onDatabase } from './on-database.js';

const url = process.env.REPOT_TEST_POSTGRES_URL;
let opened = 0;

const open = async (): Promise<OwnedHarness> => {
	const server = url ?? '';
	const name = `repot_migration_${process.pid}_${opened++}`;
	const admin = new PgDriver({ url: server, label: 'admin', identity: 'admin' });
	await admin.query(`CREATE DATABASE ${name}`);
	const driver = new PgDriver({ url: onDatabase(server, name), label: 'postgresql://test', identity: name });
	const target = targetOn(driver, { now: () => Date.now() }, { label: 'postgresql://test' });
	return {
		target,
		driver,
		async close() {
			await target.close();
			await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
			await admin.close();
		},
	};
};

it.runIf(process.env.REPOT_REQUIRE_SERVERS === '1')('has a server', () => {
	expect(url, 'REPOT_TEST_POSTGRES_URL').toBeDefined();
});

describe.skipIf(url === undefined)('PostgreSQL server (skipped without REPOT_TEST_POSTGRES_URL)', () => {
	migrationContract('PostgreSQL', demo, open);
	describe.skipIf(goldenSet === null)('golden set (skipped where the shared data is not beside the checkout)', () => {
		if (goldenSet !== null) migrationContract('PostgreSQL', goldenSet, open);
	});
});
