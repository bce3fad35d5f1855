import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { RepotError } from '../../../source/core/errors.js';
import { finished, runEvents } from './fake-operations.js';
import { createWorld, usualConfig } from './world.js';

/** The password as a person chose it; the URL holds it percent-encoded. */
const password = 'hush/1234"@sesame';
const encoded = encodeURIComponent(password);
const url = `postgresql://app:${encoded}@db.example:5432/app?sslpassword=second-hush`;
const key = 'pa-voyage-key-0001';
const planted = [password, encoded, 'second-hush', key, JSON.stringify(password).slice(1, -1)];

async function filesBelow(folder: string): Promise<readonly string[]> {
	const entries = await readdir(folder, { recursive: true, withFileTypes: true });
	return Promise.all(entries.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name), 'utf8')));
}

it('no secret reaches stdout, stderr, a log or any file, whatever a driver says', async () => {
	const leak = `connection to ${url} failed: password=${password}; raw ${password} key ${key}`;
	const world = await createWorld({
		config: usualConfig,
		env: { REPOT_POSTGRES_URL: url, VOYAGE_API_KEY: key, REPOT_LOG_LEVEL: 'debug' },
		script: {
			migrate: (plan) => [
				...runEvents(
					plan,
					finished('failed', { error: { kind: 'target', code: 'LEAK', message: leak, why: leak, where: url, next: [leak] } }),
				).slice(0, -1),
				{ at: '2025-03-01T12:00:00.000Z', type: 'notice', step: null, message: leak },
				finished('failed', { error: { kind: 'target', code: 'LEAK', message: leak, why: leak, where: url, next: [leak] } }),
			],
			verify: () => {
				throw new Error(leak);
			},
			testTarget: async () => {
				throw new RepotError({ kind: 'target', code: 'LEAK', message: leak });
			},
		},
	});
	const lines: readonly (readonly string[])[] = [
		['plan', '--env', 'dev'],
		['plan', '--env', 'dev', '--json', '--out', 'plan.json'],
		['migrate', '--env', 'dev', '--yes'],
		['migrate', '--env', 'dev', '--yes', '--json'],
		['verify', '--env', 'dev', '--json'],
		['doctor', '--env', 'dev'],
		['doctor', '--env', 'dev', '--json'],
		['config'],
		['config', '--json'],
		['runs', '--json'],
		['rollback', 'r-7K2QA', '--yes'],
		['init', '--config', 'new.json', '--yes', '--postgres-url', url],
		['plan', '--env', 'dev', '--postgres-url', `mysql://root:${encoded}@h/db`],
	];
	let output = '';
	for (const argv of lines) {
		const result = await world.run(...argv);
		output += result.stdout + result.stderr;
	}
	expect(output).toContain('********');
	const files = (await filesBelow(world.cwd)).join('\n');
	expect(files).toContain('"level"');
	for (const secret of planted) {
		expect(output.includes(secret), `output holds ${secret}`).toBe(false);
		expect(files.includes(secret), `a file holds ${secret}`).toBe(false);
	}
});
