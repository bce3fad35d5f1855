import { describe, expect, it } from 'vitest';
import { outcomeOf } from '../../../source/outcome.js';
import { keys } from '../../fakes/wizard-screen.js';
import { open, toPreview, toRun } from './walking.js';

describe('the wizard, key by key', () => {
	it('goes from environment to summary, writes once, and leaves a line for each finished step', async () => {
		const { opened, calls } = open();
		await toRun(opened);
		await opened.until('ALL CHECKS PASS');
		expect(opened.frame()).toContain(' ok environment  dev');
		expect(opened.frame()).toContain(' ok preview      7f3a91c2');
		expect(opened.live()).toContain('exact 1.00   index 0.97 mean');
		expect(opened.live()).toContain('repot rollback r-8M4T');
		expect(calls.migrated).toHaveLength(1);
		expect(calls.migrated[0]?.request.environment).toBe('dev');
		opened.press(keys.enter);
		expect(await opened.closed).toBe('finished');
		const outcome = outcomeOf(opened.session, 'finished', 79);
		expect(outcome.exitCode).toBe(0);
		expect(outcome.summary.join('\n')).toContain('220 records written');
	});

	it('goes back without losing an answer and does not plan twice for the same choices', async () => {
		const { opened, calls } = open();
		await toPreview(opened);
		opened.press(keys.esc);
		await opened.until('Found 3 of 3.');
		opened.press(keys.esc);
		await opened.until('What moves?');
		opened.press(keys.esc);
		await opened.until('> dev');
		opened.press(keys.enter);
		await opened.until('integrity ok');
		opened.press(keys.enter);
		await opened.until('PG 17.5');
		opened.press(keys.enter);
		await opened.until('Quarantine: 0 expected');
		expect(calls.plans).toBe(1);
	});

	it('keeps no line of an answer that was taken back', async () => {
		const { opened } = open();
		await toPreview(opened);
		for (const screen of ['Found 3 of 3.', 'What moves?', '> dev']) {
			opened.press(keys.esc);
			await opened.until(screen);
		}
		expect(opened.frame()).not.toContain(' ok environment');
		opened.press(keys.up);
		await opened.until('> local');
		opened.press(keys.enter);
		await opened.until('165 rows');
		opened.press(keys.enter);
		await opened.until('PG 17.5');
		opened.press(keys.enter);
		await opened.until('about 2 s');
		opened.press(keys.enter);
		await opened.until('Press Enter to start writing.');
		opened.press(keys.enter);
		await opened.until('ALL CHECKS PASS');
		expect(opened.frame()).toContain(' ok environment  local');
		expect(opened.frame()).not.toContain(' ok environment  dev');
	});

	it('plans again when an answer changed', async () => {
		const { opened, calls } = open();
		await toPreview(opened);
		opened.press(keys.esc);
		await opened.until('Found 3 of 3.');
		opened.press('t');
		await opened.until('User id');
		await opened.until('> ');
		opened.press('tenant-2');
		await opened.until('tenant-2');
		opened.press(keys.enter);
		await opened.until('typed');
		await opened.until('PG 17.5');
		opened.press(keys.enter);
		await opened.until('Quarantine: 0 expected');
		expect(calls.plans).toBe(2);
	});

	it('names y once among the keys where it answers a question', async () => {
		const { opened } = open();
		await opened.until('> local');
		opened.press(keys.esc);
		await opened.until('y  leave');
		opened.press('?');
		await opened.until('All keys of this screen');
		expect(opened.live()).not.toContain('headless command');
	});

	it('asks before it leaves from the first step', async () => {
		const { opened } = open();
		await opened.until('> local');
		opened.press(keys.esc);
		await opened.until('Leave repot?');
		opened.press('n');
		await opened.until('> local');
		opened.press(keys.esc);
		await opened.until('Leave repot?');
		opened.press('y');
		expect(await opened.closed).toBe('left');
		expect(outcomeOf(opened.session, 'left', 79)).toEqual({ exitCode: 0, summary: ['Nothing was written.'] });
	});

	it('lists every key once, and what Ctrl+C does here', async () => {
		const { opened } = open();
		await opened.until('> local');
		opened.press('?');
		await opened.until('All keys of this screen');
		expect(opened.live().match(/pgdn/g)).toHaveLength(1);
		expect(opened.live()).toMatch(/ctrl\+c +quit/);
	});

	it('quits with Ctrl+C outside a run', async () => {
		const { opened } = open();
		await opened.until('> local');
		opened.press(keys.ctrlC);
		expect(await opened.closed).toBe('cancelled');
		expect(outcomeOf(opened.session, 'cancelled', 79).exitCode).toBe(130);
	});
});
