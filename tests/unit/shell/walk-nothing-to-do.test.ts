import { describe, expect, it } from 'vitest';
import type { MigrationEvent } from '../../../source/core/events.js';
import type { Plan } from '../../../source/core/plan/types.js';
import { fakePlan } from '../../fakes/plan.js';
import { keys } from '../../fakes/wizard-screen.js';
import { open, toPreview } from './walking.js';

const there: Plan = { ...fakePlan, doneBy: 'r-EGY2R' };

describe('a plan with nothing to do', () => {
	it('says what Enter does, and runs the checks of that run without asking to write', async () => {
		const { opened, calls } = open({ plan: () => there });
		await toPreview(opened);
		expect(opened.live()).toContain('Nothing to do: run r-EGY2R already wrote exactly this');
		expect(opened.live()).toContain('enter check again');
		opened.press(keys.enter);
		await opened.until('ALL CHECKS PASS');
		expect(opened.live()).toContain('nothing written, 220 already there');
		expect(opened.live()).toContain('checked in');
		expect(calls.verified).toEqual(['r-EGY2R']);
		expect(calls.migrated).toHaveLength(0);
	});

	it('takes the newest run where no ledger tells which one it was', async () => {
		const { opened, calls } = open({ plan: () => ({ ...there, doneBy: '-' }) });
		await toPreview(opened);
		expect(opened.live()).toContain('the target already holds exactly this');
		opened.press(keys.enter);
		await opened.until('ALL CHECKS PASS');
		expect(calls.verified).toEqual([null]);
	});

	it('says while it checks that nothing is written, and can be stopped', async () => {
		const { opened } = open({ plan: () => there, verify: untilStopped });
		await toPreview(opened);
		opened.press(keys.enter);
		await opened.until('Nothing is written.');
		expect(opened.live()).not.toMatch(/p pause|WRITING/);
		opened.press('s');
		await opened.until('The checks broke off. Nothing was written.');
	});
});

async function* untilStopped(_run: string | null, signal?: AbortSignal): AsyncGenerator<MigrationEvent> {
	yield {
		type: 'run-started',
		at: '2025-03-07T14:00:00.000Z',
		run: 'r-EGY2R',
		plan: fakePlan.id,
		environment: 'dev',
		resumed: false,
		steps: [],
	};
	await new Promise<void>((resolve) => {
		if (signal?.aborted === true) resolve();
		signal?.addEventListener('abort', () => resolve());
	});
	throw new Error('the connection was ended');
}
