import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunSummary } from '../../../source/core/ports.js';
import { sampleRun } from './fake-operations.js';
import { samplePlan } from './fake-plan.js';
import { createWorld } from './world.js';

const url = 'postgresql://app:hush@db.example:5432/app';

/** No config: what the run of a saved plan left behind is all there is. */
async function worldAfter(more: Partial<RunSummary> = {}, env: Readonly<Record<string, string>> = {}) {
	const folder = await createWorld();
	const plan = samplePlan();
	await writeFile(join(folder.cwd, 'plan.json'), JSON.stringify(plan));
	const run: RunSummary = { ...sampleRun, folder: folder.cwd, environment: plan.environment, tenant: plan.tenant.value, ...more };
	return createWorld({ env, script: { runs: [run] } });
}

describe('repot verify without a run', () => {
	it('takes the newest run of this computer when nothing else says what to check', async () => {
		const world = await worldAfter({}, { REPOT_POSTGRES_URL: url });
		const result = await world.run('verify');
		expect(result.stderr).toContain(`Run ${sampleRun.id}, the newest of this computer`);
		expect(result.code).toBe(0);
		expect(world.calls.requests.at(-1)).toMatchObject({ sqlitePath: samplePlan().sources.sqlite?.path, tenant: samplePlan().tenant.value });
	});

	it('asks for the URL alone when only that is missing', async () => {
		const result = await (await worldAfter()).run('verify');
		expect(result.code).toBe(2);
		expect(result.stderr).toContain('One answer is missing');
		expect(result.stderr).toContain('--postgres-url URL');
		expect(result.stderr).toContain(`run ${sampleRun.id} went to`);
		expect(result.stderr).not.toContain('--sqlite-db');
	});

	it('does not take a run of another tenant or another database', async () => {
		const env = { REPOT_POSTGRES_URL: url };
		expect((await (await worldAfter({}, env)).run('verify', '--user-id', 'ben')).stderr).toContain('--sqlite-db FILE');
		const other = { REPOT_POSTGRES_URL: 'postgresql://app@db.example:5432/other' };
		expect((await (await worldAfter({}, other)).run('verify')).stderr).toContain('--sqlite-db FILE');
	});
});

describe('repot verify of a run that was undone', () => {
	it.each([
		['rolled-back', `Run ${sampleRun.id} was undone on 2025-03-01`],
		['partly-rolled-back', `Run ${sampleRun.id} was undone in part on 2025-03-01`],
	] as const)('says which and when: %s', async (status, words) => {
		for (const operands of [[], [sampleRun.id]]) {
			const world = await worldAfter({ status }, { REPOT_POSTGRES_URL: url });
			const result = await world.run('verify', ...operands);
			expect(result.code).toBe(2);
			expect(result.stderr).toContain(words);
		}
	});
});
