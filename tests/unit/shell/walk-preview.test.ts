import { describe, expect, it } from 'vitest';
import { blockingHazard, fakePlan } from '../../fakes/plan.js';
import { keys } from '../../fakes/wizard-screen.js';
import { open, toPreview } from './walking.js';

describe('reading the plan', () => {
	it('comes back from the hazards to the step that was open, and offers to close it', async () => {
		const { opened } = open();
		await toPreview(opened);
		opened.press(keys.down);
		await opened.until(/ > . +analyses/);
		opened.press(keys.right);
		await opened.until('left close');
		opened.press('!');
		await opened.until('! steps');
		opened.press(keys.esc);
		await opened.until('left close');
		expect(opened.live()).toMatch(/ > . +analyses/);
	});

	it('does not go past a plan that blocks, and says what to do', async () => {
		const { opened, calls } = open({ plan: () => ({ ...fakePlan, hazards: [blockingHazard] }) });
		await toPreview(opened);
		expect(opened.live()).toContain('1 hazard must be solved');
		opened.press(keys.enter);
		await opened.until('BLOCKS');
		expect(opened.live()).toContain('it-0001');
		expect(opened.live()).toContain('--on-conflict skip');
		opened.press(keys.enter);
		await opened.until('1 hazard must be solved');
		expect(calls.migrated).toHaveLength(0);
	});

	it('chooses another rule for ids by a key, and plans anew with it', async () => {
		const clash = { ...blockingHazard, code: 'ID_IN_SEVERAL_COLLECTIONS' };
		const { opened, calls } = open({
			plan: ({ policies }) => ({
				...fakePlan,
				policies,
				hazards: policies.onIdCollision === 'prefix' ? [] : [clash],
			}),
		});
		await toPreview(opened);
		await opened.until('enter hazards  esc back  p prefix ids  u UUID ids');
		opened.press('p');
		await opened.until('enter next');
		opened.press(keys.enter);
		await opened.until('Press Enter to start writing.');
		opened.press(keys.enter);
		await opened.until('ALL CHECKS PASS');
		expect(calls.plans).toBe(2);
		expect(calls.migrated[0]?.request.policies.onIdCollision).toBe('prefix');
	});

	it('keeps the way back in the key bar of a plan that blocks', async () => {
		const { opened } = open({ plan: () => ({ ...fakePlan, hazards: [blockingHazard] }) }, { columns: 80, rows: 24 });
		await toPreview(opened);
		expect(opened.live()).toMatch(/enter blocked, see ! +esc back/);
	});

	it('saves the plan where it is told to', async () => {
		const { opened, calls } = open();
		await toPreview(opened);
		opened.press('s');
		await opened.until('Save the plan');
		opened.press(keys.enter);
		await opened.until('saved  plan-7f3a91c2.json');
		expect(calls.saved).toEqual(['plan-7f3a91c2.json']);
	});

	it('copies the headless command and shows it', async () => {
		const { opened } = open();
		await toPreview(opened);
		opened.press('y');
		await opened.until('The same without the wizard');
		expect(opened.copied).toEqual(['repot plan --env dev --dataset golden --user-id 1f0c9a52-6f0e-4a53-9a5d-7c1d2b3e4fe9']);
		opened.press(keys.esc);
		await opened.until('Quarantine: 0 expected');
	});
});
