import { describe, expect, it } from 'vitest';
import type { ReadinessCheck } from '../../../source/core/readiness.js';
import { fakeOperations, readyChecks, type Script } from '../../fakes/operations.js';
import { keys, type WizardScreenHandle } from '../../fakes/wizard-screen.js';
import { open, openOn, toPreview } from './walking.js';

async function toConfirm(opened: WizardScreenHandle, environment = 'dev'): Promise<void> {
	await toPreview(opened, environment);
	opened.press(keys.enter);
	await opened.until('Write this?');
}

describe('confirming', () => {
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

	it('says where the password went when the command that it shows has lost it', async () => {
		const { operations } = fakeOperations();
		const url = ['--postgres-url', 'postgresql://app@db.example:5432/app'];
		const opened = openOn({ ...operations, headlessCommand: (verb, choices) => [...operations.headlessCommand(verb, choices), ...url] });
		const note = 'No password in it: set REPOT_POSTGRES_URL instead, or PGPASSWORD.';
		await opened.until(note);
		await toConfirm(opened);
		await opened.until(note);
		opened.press('y');
		await opened.until('The same without the wizard');
		expect(opened.live()).toContain(note);
	});

	it('shows --restart where Enter starts a new run, and not where the command would go on with it', async () => {
		const { opened } = open({}, { initial: { environment: 'test' } });
		await opened.until('Run r-7K2Q stopped safely');
		opened.press('n');
		for (const shown of ['165 rows', 'PG 17.5', 'about 2 s']) {
			await opened.until(shown);
			opened.press(keys.enter);
		}
		await opened.until('Press Enter to start writing.');
		expect(opened.live()).toContain('--restart');
		opened.press(keys.enter);
		await opened.until('ALL CHECKS PASS');
		opened.press('y');
		await opened.until('The same without the wizard');
		expect(opened.live()).not.toContain('--restart');
	});
});

/** Checks that come when the test says so. */
function heldChecks() {
	const told: ReadinessCheck[] = [];
	let wake: () => void = () => {};
	const rounds: AbortSignal[] = [];
	const readiness: Script['readiness'] = async function* (_plan, _request, signal) {
		if (signal !== undefined) rounds.push(signal);
		for (;;) {
			const check = told.shift();
			if (check !== undefined) yield check;
			else
				await new Promise<void>((resolve) => {
					wake = resolve;
				});
		}
	};
	const tell = (check: ReadinessCheck) => {
		told.push(check);
		wake();
	};
	return { readiness, tell, rounds };
}

const unchanged: ReadinessCheck = { name: 'target', result: 'ok', words: 'unchanged since the plan' };
const heldLock: ReadinessCheck = { name: 'lock', result: 'x', words: 'held by connection 4711', next: 'Wait until that has ended' };

describe('the checks before writing', () => {
	it('appear as they are known, and keep nobody waiting', async () => {
		const { readiness, tell, rounds } = heldChecks();
		const { opened, calls } = open({ readiness });
		await toConfirm(opened);
		expect(opened.live()).toMatch(/target +\.\.\.[\s\S]*lock +\.\.\.[\s\S]*room +\.\.\.[\s\S]*backup +\.\.\./);
		tell(unchanged);
		await opened.until(/ok +target +unchanged since the plan/);
		expect(opened.live()).toMatch(/lock +\.\.\./);
		await opened.until('Press Enter to start writing.');
		expect(rounds[0]?.aborted).toBe(false);
		opened.press(keys.enter);
		await opened.until('ALL CHECKS PASS');
		expect(calls.migrated).toHaveLength(1);
		expect(rounds[0]?.aborted).toBe(true);
	});

	it('stand in the way while one is marked X, and not once it is solved', async () => {
		let isHeld = true;
		const { opened, calls } = open({
			readiness: async function* () {
				yield* readyChecks('open').filter(({ name }) => name !== 'lock');
				yield isHeld ? heldLock : { name: 'lock', result: 'ok', words: 'free' };
			},
		});
		await toConfirm(opened);
		await opened.until('What is marked X must be solved');
		expect(opened.live()).toMatch(/X +lock +held by connection 4711\n +Wait until that has ended/);
		opened.press(keys.enter);
		await opened.until('Nothing was started: what is marked X');
		expect(calls.migrated).toHaveLength(0);
		isHeld = false;
		opened.press('r');
		await opened.until('Press Enter to start writing.');
		opened.press(keys.enter);
		await opened.until('ALL CHECKS PASS');
	});

	it('take the field of a PROTECTED environment away, and give it back as it was', async () => {
		const { readiness, tell } = heldChecks();
		const { opened, calls } = open({ readiness });
		await toConfirm(opened, 'prod');
		opened.press('pro');
		await opened.until('> pro');
		tell(heldLock);
		await opened.until('What is marked X must be solved');
		opened.press('d', keys.enter);
		await opened.until('Nothing was started');
		opened.press('r');
		await opened.until('> pro');
		expect(opened.live()).not.toContain('> prod');
		expect(calls.migrated).toHaveLength(0);
	});

	it('remind of a backup where the environment is PROTECTED, without standing in the way', async () => {
		const { opened } = open();
		await toConfirm(opened, 'prod');
		await opened.until('Have a snapshot or a backup of the database at hand');
		expect(opened.live()).toMatch(/LOOK +backup/);
		expect(opened.live()).toContain('Type its name, prod');
	});

	it('that break are said, and the run is left to check for itself', async () => {
		const { opened } = open({
			readiness: async function* () {
				yield* readyChecks('open').slice(0, 1);
				throw new Error('a slip of ours');
			},
		});
		await toConfirm(opened);
		await opened.until(/LOOK +lock +could not be checked: a slip of ours/);
		await opened.until('Press Enter to start writing.');
	});
});
