import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sampleRun } from './fake-operations.js';
import { samplePlan } from './fake-plan.js';
import { createWorld, usualConfig } from './world.js';

/** A run of dev that this computer knows, with its plan. */
async function worldWithRun() {
	const world = await createWorld({ config: usualConfig });
	await writeFile(join(world.cwd, 'plan.json'), JSON.stringify(samplePlan()));
	return createWorld({ config: usualConfig, script: { runs: [{ ...sampleRun, folder: world.cwd }] } });
}

describe('repot verify RUN --env NAME', () => {
	it('is refused when the run was in another environment, naming both', async () => {
		const world = await worldWithRun();
		const result = await world.run('verify', sampleRun.id, '--env', 'prod');
		expect(result.code).toBe(2);
		expect(result.stderr).toContain(`Run ${sampleRun.id} was in environment "dev", not in "prod"`);
		expect(world.calls.requests).toEqual([]);
	});

	it('goes on when it names the environment of the run, or is only a variable', async () => {
		expect((await (await worldWithRun()).run('verify', sampleRun.id, '--env', 'dev')).code).toBe(0);
		const world = await createWorld({ config: usualConfig });
		await writeFile(join(world.cwd, 'plan.json'), JSON.stringify(samplePlan()));
		const script = { runs: [{ ...sampleRun, folder: world.cwd }] };
		const ambient = await createWorld({ config: usualConfig, env: { REPOT_ENV: 'prod' }, script });
		expect((await ambient.run('verify', sampleRun.id)).code).toBe(0);
		expect(ambient.calls.requests.at(-1)).toMatchObject({ environment: 'dev' });
	});

	it('asks the ledger about a run of another computer', async () => {
		const elsewhere = { ...sampleRun, id: 'r-ELSE', environment: 'staging' };
		const script = { runs: [], over: { ledgerRuns: async () => [elsewhere] } };
		const world = await createWorld({ config: usualConfig, script });
		const result = await world.run('verify', 'r-ELSE', '--env', 'dev', '--json');
		expect(result.code).toBe(2);
		expect(result.json).toEqual([expect.objectContaining({ type: 'error', code: 'WRONG_ENVIRONMENT' })]);
		expect((await world.run('verify', 'r-OTHER', '--env', 'dev')).code).toBe(0);
	});
});
