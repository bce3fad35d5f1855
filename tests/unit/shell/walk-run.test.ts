import { describe, expect, it } from 'vitest';
import { outcomeOf } from '../../../source/outcome.js';
import { unreachable } from '../../fakes/operations.js';
import { keys } from '../../fakes/wizard-screen.js';
import { heldRun, open, toRun } from './walking.js';

describe('a run that is interrupted', () => {
	it('stops after the batch in flight at the first Ctrl+C and can be resumed', async () => {
		const held = heldRun();
		const { opened } = open(held);
		await toRun(opened);
		await opened.until('WRITING');
		await opened.until('> analyses');
		opened.press(keys.ctrlC);
		await opened.until('STOPPING after this batch');
		opened.press('?');
		await opened.until(/ctrl\+c +stop safely; again: stop now/);
		held.letGo();
		await opened.until('STOPPED SAFELY');
		expect(opened.live()).toContain('r resume');
		opened.press(keys.enter);
		expect(await opened.closed).toBe('finished');
		expect(outcomeOf(opened.session, 'finished', 79).exitCode).toBe(130);
	});

	it('stops now at the second Ctrl+C', async () => {
		const { opened } = open(heldRun());
		await toRun(opened);
		await opened.until('> analyses');
		opened.press(keys.ctrlC);
		await opened.until('STOPPING after this batch');
		opened.press(keys.ctrlC);
		await opened.until('STOPPED SAFELY');
	});

	it('is left at the third Ctrl+C when it answers neither', async () => {
		const { opened } = open({ beforeBatch: () => new Promise<void>(() => {}) });
		await toRun(opened);
		await opened.until('> items');
		opened.press(keys.ctrlC, keys.ctrlC, keys.ctrlC);
		expect(await opened.closed).toBe('cancelled');
		expect(outcomeOf(opened.session, 'cancelled', 79).exitCode).toBe(130);
	});

	it('pauses and goes on', async () => {
		const held = heldRun();
		const { opened } = open(held);
		await toRun(opened);
		await opened.until('> analyses');
		opened.press('p');
		await opened.until('PAUSED');
		held.letGo();
		await opened.until('> embeddings');
		opened.press('p');
		await opened.until('ALL CHECKS PASS');
	});

	it('tells what migrate threw and plans again', async () => {
		const { opened } = open({
			migrate: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(unreachable()) }) }),
		});
		await toRun(opened);
		await opened.until('The run broke off.');
		expect(opened.live()).toContain('TARGET_UNREACHABLE');
		opened.press('r');
		await opened.until('Quarantine: 0 expected');
		opened.press(keys.ctrlC);
		expect(await opened.closed).toBe('cancelled');
		expect(outcomeOf(opened.session, 'cancelled', 79).exitCode).toBe(8);
	});

	it('shows where the report is when nothing can open it', async () => {
		const { opened } = open();
		await toRun(opened);
		await opened.until('ALL CHECKS PASS');
		expect(opened.live()).toContain('o report');
		opened.press('o');
		await opened.until('Nothing here can open it; the report is');
	});
});
