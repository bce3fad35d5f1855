import { afterEach, describe, expect, it } from 'vitest';
import type { RunSignals } from '../../../source/core/operations.js';
import { outcomeOf } from '../../../source/outcome.js';
import { fakeEnvironments, fakeOperations, healthyTest, type Script, unreachable } from '../../fakes/operations.js';
import { blockingHazard, fakePlan } from '../../fakes/plan.js';
import { keys, openWizard, type WizardScreenHandle, type WizardScreenOptions } from '../../fakes/wizard-screen.js';

let wizard: WizardScreenHandle | null = null;

function open(script: Script = {}, options: Omit<WizardScreenOptions, 'operations'> = {}) {
	const { operations, calls } = fakeOperations(script);
	const opened = openWizard({ operations, ...options });
	wizard = opened;
	return { opened, calls };
}

afterEach(() => {
	wizard?.close();
	wizard = null;
});

/** From the first frame to the preview, by keys. */
async function toPreview(opened: WizardScreenHandle, environment = 'dev'): Promise<void> {
	const below = ['local', 'dev', 'test', 'prod'].indexOf(environment);
	await opened.until('> local');
	for (let step = 0; step < below; step += 1) opened.press(keys.down);
	await opened.until(`> ${environment}`);
	opened.press(keys.enter);
	await opened.until('165 rows');
	opened.press(keys.enter);
	await opened.until('PG 17.5');
	opened.press(keys.enter);
	await opened.until('about 2 s');
}

async function toRun(opened: WizardScreenHandle): Promise<void> {
	await toPreview(opened);
	opened.press(keys.enter);
	await opened.until('Press Enter to start writing.');
	opened.press(keys.enter);
}

/** A run that waits before its second batch until it is let go or stopped. */
function heldRun() {
	let letGo: () => void = () => {};
	const gate = new Promise<void>((resolve) => {
		letGo = resolve;
	});
	const beforeBatch = async (batch: number, signals: RunSignals) => {
		if (batch !== 1) return;
		await Promise.race([gate, new Promise<void>((resolve) => signals.abort.addEventListener('abort', () => resolve()))]);
	};
	return { beforeBatch, letGo: () => letGo() };
}

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
		await opened.until('Found 2 of 2.');
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
		for (const screen of ['Found 2 of 2.', 'What moves?', '> dev']) {
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

	it('lists every key once, and what Ctrl+C does here', async () => {
		const { opened } = open();
		await opened.until('> local');
		opened.press('?');
		await opened.until('All keys of this screen');
		expect(opened.live().match(/pgdn/g)).toHaveLength(1);
		expect(opened.live()).toMatch(/ctrl\+c +quit/);
	});

	it('shows where the report is when nothing can open it', async () => {
		const { opened } = open();
		await toRun(opened);
		await opened.until('ALL CHECKS PASS');
		expect(opened.live()).toContain('o report');
		opened.press('o');
		await opened.until('Nothing here can open it; the report is');
	});

	it('shows no run of another target where an environment has none', async () => {
		const environments = fakeEnvironments.map((one) => (one.name === 'test' ? { ...one, target: null, from: 'default' } : one));
		const { opened } = open({ environments }, { initial: { environment: 'test' } });
		await opened.until('> test');
		expect(opened.live()).toMatch(/> test +open +no target yet +never/);
		expect(opened.live()).not.toContain('r-7K2Q');
		expect(opened.live()).not.toContain('from default');
	});

	it('plans again when an answer changed', async () => {
		const { opened, calls } = open();
		await toPreview(opened);
		opened.press(keys.esc);
		await opened.until('Found 2 of 2.');
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

	it('starts a PROTECTED environment only once its name is typed', async () => {
		const { opened, calls } = open();
		await toPreview(opened, 'prod');
		expect(opened.live()).toContain('prod ! PROTECTED');
		opened.press(keys.enter);
		await opened.until('Type its name, prod');
		opened.press(keys.enter);
		await opened.until('Nothing was started.');
		opened.press('prod\n');
		await opened.until('enter start');
		expect(calls.migrated).toHaveLength(0);
		opened.press(keys.enter);
		await opened.until('ALL CHECKS PASS');
		expect(calls.migrated[0]?.request.environment).toBe('prod');
	});

	it('does not let keys typed ahead run through the confirmation into a write', async () => {
		const { opened, calls } = open();
		await toPreview(opened);
		opened.press(keys.enter, keys.enter, keys.enter, keys.enter);
		await opened.until('Press Enter to start writing.');
		expect(calls.migrated).toHaveLength(0);
	});

	it('does not take the Enter of a held key for the answer', async () => {
		const { opened, calls } = open();
		await toPreview(opened);
		opened.press(keys.enter);
		await opened.until('Write this?');
		opened.press(keys.enter);
		await opened.until('Press Enter to start writing.');
		expect(calls.migrated).toHaveLength(0);
		expect(opened.session.active).toBe(false);
	});

	it('shows why the target cannot be reached, and goes on once it can', async () => {
		let isUp = false;
		const { opened } = open({
			testTarget: () => {
				if (!isUp) throw unreachable();
				return healthyTest;
			},
		});
		await opened.until('> local');
		opened.press(keys.enter);
		await opened.until('integrity ok');
		opened.press(keys.enter);
		await opened.until('TARGET_UNREACHABLE');
		expect(opened.live()).toContain('X  The target does not answer');
		expect(opened.live()).toContain('connect ECONNREFUSED');
		opened.press(keys.enter);
		opened.press('r');
		await opened.until('TARGET_UNREACHABLE');
		isUp = true;
		opened.press('r');
		await opened.until('PG 17.5');
		opened.press(keys.enter);
		await opened.until('Quarantine: 0 expected');
	});

	it('masks a typed URL, in the field and after', async () => {
		const { opened } = open();
		await opened.until('> local');
		opened.press(keys.enter);
		await opened.until('integrity ok');
		opened.press(keys.enter);
		await opened.until('PG 17.5');
		opened.press('u');
		await opened.until('Target URL');
		opened.press('postgresql://me:s3cret@db/app\n');
		await opened.until('*****');
		expect(opened.frame()).not.toContain('s3cret');
		opened.press(keys.enter);
		await opened.until('typed');
		expect(opened.frame()).not.toContain('s3cret');
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

	it('cannot choose a dataset whose file is missing', async () => {
		const { opened } = open();
		await opened.until('> local');
		opened.press(keys.enter);
		await opened.until('integrity ok');
		opened.press(keys.down);
		await opened.until('data/collections.db does not exist');
		opened.press(keys.enter);
		await opened.until('Not chosen: what is marked X must be solved first');
		opened.press(keys.enter, 'p', 'p');
		await opened.until('no Chroma part');
		expect(opened.live()).toContain('(2) Sources');
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

	it('quits with Ctrl+C outside a run', async () => {
		const { opened } = open();
		await opened.until('> local');
		opened.press(keys.ctrlC);
		expect(await opened.closed).toBe('cancelled');
		expect(outcomeOf(opened.session, 'cancelled', 79).exitCode).toBe(130);
	});
});

describe('history and rollback', () => {
	it('opens a run of the history and undoes it after a typed word', async () => {
		const { opened, calls } = open();
		await opened.until('> local');
		opened.press('h');
		await opened.until('> r-8M4T');
		opened.press(keys.enter);
		await opened.until('.repot/runs/r-8M4T');
		opened.press('u');
		await opened.until('163 rows to remove or restore');
		expect(opened.live()).toContain('it-0007');
		opened.press(keys.enter);
		await opened.until('Remove 163 rows in dev?');
		opened.press('wrong data');
		await opened.until('wrong data');
		opened.press(keys.enter);
		await opened.until('enter undo');
		opened.press(keys.enter);
		await opened.until('Nothing was removed.');
		expect(calls.rolledBack).toHaveLength(0);
		opened.press('undo');
		await opened.until(/Type undo to go on +undo/);
		opened.press(keys.enter);
		await opened.until('UNDONE, SOME ROWS KEPT');
		expect(calls.rolledBack).toEqual([{ run: 'r-8M4T', reason: 'wrong data' }]);
		opened.press(keys.enter);
		await opened.until('HISTORY');
		opened.press(keys.esc);
		opened.press(keys.esc);
		await opened.until('Where to?');
		opened.press(keys.ctrlC);
		await opened.closed;
		expect(outcomeOf(opened.session, 'left', 79).summary.join('\n')).toContain('163 rows removed');
	});
});

describe('sizes', () => {
	it('asks for a larger terminal and comes back with everything as it was', async () => {
		const { opened } = open();
		await opened.until('> local');
		opened.press(keys.down);
		await opened.until('> dev');
		opened.resize({ columns: 50, rows: 10 });
		await opened.until('repot needs 60 x 15; this is 50 x 10');
		expect(opened.live()).not.toContain('Where to?');
		opened.press(keys.enter);
		opened.resize({ columns: 80, rows: 24 });
		await opened.until('> dev');
		expect(opened.live()).toContain('(1) Environment');
	});

	for (const [columns, rows] of [
		[60, 15],
		[80, 24],
		[120, 40],
	] as const) {
		it(`keeps every frame below ${rows} lines and within ${columns} cells`, async () => {
			const { opened } = open({}, { columns, rows, unicode: columns !== 60 });
			const fits = () => {
				const lines = opened.live().split('\n');
				expect(lines.length).toBeLessThan(rows);
				for (const line of lines) expect(line.length).toBeLessThan(columns);
			};
			await toPreview(opened);
			fits();
			opened.press(keys.down, keys.right);
			await opened.until('raw_res');
			fits();
			opened.press('d');
			await opened.until('CREATE TABLE');
			fits();
			opened.press('?');
			await opened.until('All keys of this screen');
			fits();
			opened.press(keys.esc);
			await opened.until('CREATE TABLE');
			opened.press(keys.enter);
			await opened.until('Press Enter to start writing.');
			fits();
			opened.press(keys.enter);
			await opened.until('ALL CHECKS PASS');
			fits();
		});
	}

	it('draws nothing beyond ASCII when the terminal cannot', async () => {
		const { opened } = open({}, { unicode: false });
		await toRun(opened);
		await opened.until('ALL CHECKS PASS');
		expect(opened.frame()).toMatch(/^[\x20-\x7e\n]*$/);
	});
});
