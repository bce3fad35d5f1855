import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { PgliteDriver } from '../../../services/postgres/pglite-driver.js';
import { targetOn } from '../../../services/postgres/target.js';
import { targetContract } from '../../contract/target-contract.js';

describe('embedded PostgreSQL', () => {
	const folder = mkdtempSync(join(tmpdir(), 'repot-pglite-'));
	const directory = join(folder, 'pg');
	const driver = new PgliteDriver({ directory, label: 'pglite:pg', identity: directory });
	const target = targetOn(driver, { now: () => performance.now() }, { label: 'pglite:pg' });

	beforeAll(async () => {
		await driver.persist();
	});

	afterAll(async () => {
		await target.close();
		rmSync(folder, { recursive: true, force: true });
	});

	targetContract('PGlite', () => ({ target, driver }), { elsewhere: true });
});
