import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { PgliteDriver } from '../../services/postgres/pglite-driver.js';
import { targetOn } from '../../services/postgres/target.js';
import { demo, goldenSet, migrationContract, type OwnedHarness } from '../contract/migration-contract.js';

const open = async (): Promise<OwnedHarness> => {
	const folder = await mkdtemp(join(tmpdir(), 'repot-pglite-'));
	const directory = join(folder, 'pg');
	const driver = new PgliteDriver({ directory, label: 'pglite:pg', identity: directory });
	await driver.persist();
	const target = targetOn(driver, { now: () => Date.now() }, { label: 'pglite:pg' });
	return {
		target,
		driver,
		async close() {
			await target.close();
			await rm(folder, { recursive: true, force: true });
		},
	};
};

migrationContract('embedded PostgreSQL', demo, open);

describe.skipIf(goldenSet === null)('golden set (skipped where the shared data is not beside the checkout)', () => {
	if (goldenSet !== null) migrationContract('embedded PostgreSQL', goldenSet, open);
});
