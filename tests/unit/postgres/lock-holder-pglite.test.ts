import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe } from 'vitest';
import { PgliteDriver } from '../../../services/postgres/pglite-driver.js';
import { targetOn } from '../../../services/postgres/target.js';
import { lockHolderContract } from '../../contract/lock-holder-contract.js';

const holder = fileURLToPath(new URL('./hold-pglite.ts', import.meta.url));

describe('embedded PostgreSQL', () => {
	const folder = mkdtempSync(join(tmpdir(), 'repot-lock-holder-'));
	const directory = join(folder, 'pg');
	const driver = new PgliteDriver({ directory, label: 'pglite:pg', identity: directory });
	const target = targetOn(driver, { now: () => performance.now() }, { label: 'pglite:pg' });

	afterAll(async () => {
		await target.close();
		rmSync(folder, { recursive: true, force: true });
	});

	lockHolderContract('PGlite', () => ({
		target,
		async holdElsewhere() {
			const child = spawn(process.execPath, ['--import', 'tsx', holder, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
			await once(child.stdout, 'data');
			return async () => {
				const ended = once(child, 'exit');
				child.kill('SIGKILL');
				await ended;
			};
		},
		contents: async () => (existsSync(folder) ? readdirSync(folder) : []),
	}));
});
