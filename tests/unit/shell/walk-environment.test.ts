import { describe, expect, it } from 'vitest';
import type { EnvironmentSummary } from '../../../source/core/operations.js';
import { fakeEnvironments, fakeOperations } from '../../fakes/operations.js';
import { keys } from '../../fakes/wizard-screen.js';
import { open, openOn } from './walking.js';

describe('choosing an environment', () => {
	it('filters a list as one types, with letters inert meanwhile', async () => {
		const { opened } = open();
		await opened.until('> local');
		opened.press('/');
		await opened.until('/_');
		opened.press('p');
		await opened.until('> prod');
		expect(opened.live()).not.toContain('  dev ');
		opened.press('h');
		await opened.until('nothing matches');
		opened.press(keys.backspace);
		await opened.until('> prod');
		opened.press(keys.enter);
		await opened.until('/p   (/ to change');
		opened.press(keys.enter);
		await opened.until('(2) Sources');
		expect(opened.live()).toContain('prod ! PROTECTED');
	});

	it('windows a long list and says how many more there are', async () => {
		const [first] = fakeEnvironments;
		const many = Array.from({ length: 40 }, (_, index): EnvironmentSummary => ({ ...(first as EnvironmentSummary), name: `env-${index}` }));
		const { opened } = open({ environments: many });
		await opened.until('> env-0');
		expect(opened.live()).toMatch(/\+\d+ more/);
		opened.press('G');
		await opened.until('> env-39');
		expect(opened.live()).toMatch(/\+\d+ above/);
		expect(opened.live().split('\n').length).toBeLessThan(24);
	});

	it('shows no run of another target where an environment has none', async () => {
		const environments = fakeEnvironments.map((one) => (one.name === 'test' ? { ...one, target: null, from: 'default' } : one));
		const { opened } = open({ environments }, { initial: { environment: 'test' } });
		await opened.until('> test');
		expect(opened.live()).toMatch(/> test +open +no target yet +never/);
		expect(opened.live()).not.toContain('r-7K2Q');
		expect(opened.live()).not.toContain('from default');
	});

	it('starts anew instead of resuming when asked to', async () => {
		const { opened, calls } = open();
		await opened.until('> local');
		opened.press('j', 'j');
		await opened.until('Run r-7K2Q stopped safely');
		opened.press('n');
		for (const shown of ['165 rows', 'PG 17.5', 'about 2 s']) {
			await opened.until(shown);
			opened.press(keys.enter);
		}
		await opened.until('Press Enter to start writing.');
		opened.press(keys.enter);
		await opened.until('ALL CHECKS PASS');
		expect(calls.migrated[0]?.request).toMatchObject({ environment: 'test', restart: true });
	});

	it('shows an error of the first screen as a panel and tries again', async () => {
		let tries = 0;
		const { operations } = fakeOperations();
		const opened = openOn({
			...operations,
			environments: async () => {
				tries += 1;
				if (tries === 1) throw new Error('the configuration cannot be read');
				return operations.environments();
			},
		});
		await opened.until('the configuration cannot be read');
		opened.press('r');
		await opened.until('> local');
	});
});
