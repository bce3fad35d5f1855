import { describe, expect, it } from 'vitest';
import type { MigrationEvent } from '../../../source/core/events.js';
import type { RunSignals } from '../../../source/core/operations.js';
import { Secret } from '../../../source/core/secret.js';
import { outcomeOf } from '../../../source/outcome.js';
import { Session } from '../../../source/session.js';
import { fakeOperations, type Script, unreachable } from '../../fakes/operations.js';
import { fakePlan, fakeRequest } from '../../fakes/plan.js';

const planned = { plan: fakePlan, request: fakeRequest };
const target = { target: new Secret('postgresql://x') };

function open(script: Script = {}) {
	const { operations, calls } = fakeOperations(script);
	return { operations, calls, session: new Session({ operations, clock: { now: () => 0 } }) };
}

const finished = (outcome: 'failed' | 'quarantined' | 'verification-failed'): MigrationEvent => ({
	type: 'run-finished',
	at: '2025-03-07T14:00:00.000Z',
	run: 'r-1',
	outcome,
	written: 1,
	quarantined: 1,
	skipped: 0,
	milliseconds: 1,
	files: [],
	...(outcome === 'failed' ? { error: { kind: 'locked', code: 'LOCKED', message: 'Another run holds the lock' } } : {}),
});

describe('the session', () => {
	it('starts one run at a time', async () => {
		const { session, calls } = open();
		session.start(planned);
		session.start(planned);
		session.startUndo('r-1', target, null);
		expect(session.active).toBe(true);
		await session.settled();
		expect(session.active).toBe(false);
		expect(calls.migrated).toHaveLength(1);
		expect(calls.rolledBack).toHaveLength(0);
	});

	it('stops at the first press, aborts at the second, gives up at the third', async () => {
		const seen: RunSignals[] = [];
		const { session } = open({
			beforeBatch: (_batch, signals) => {
				seen.push(signals);
				return new Promise<void>((resolve) => signals.abort.addEventListener('abort', () => resolve()));
			},
		});
		expect(session.interrupt()).toBe('idle');
		session.start(planned);
		await expect.poll(() => seen.length).toBe(1);
		session.pause(true);
		expect(seen[0]?.paused?.()).toBe(true);
		expect(session.interrupt()).toBe('stopping');
		expect(seen[0]?.stop.aborted).toBe(true);
		expect(seen[0]?.abort.aborted).toBe(false);
		expect(seen[0]?.paused?.()).toBe(false);
		expect(session.interrupt()).toBe('aborting');
		expect(session.interrupt()).toBe('leaving');
		await session.settled();
		expect(session.store.current().outcome).toBe('interrupted');
		expect(session.interrupt()).toBe('idle');
	});

	it('asks to stop only once from the screen: `s` twice never aborts', async () => {
		const { session } = open({
			beforeBatch: (_batch, { stop }) =>
				stop.aborted ? Promise.resolve() : new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve())),
		});
		session.start(planned);
		session.stop();
		session.stop();
		expect(session.store.getSnapshot().control.stopping).toBe('stop');
		await session.settled();
	});

	it('keeps what migrate threw, and a run that never said how it ended', async () => {
		const thrown = open({ migrate: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(unreachable()) }) }) });
		thrown.session.start(planned);
		await thrown.session.settled();
		expect(thrown.session.failure.getSnapshot()?.code).toBe('TARGET_UNREACHABLE');
		expect(outcomeOf(thrown.session, 'finished', 79).exitCode).toBe(8);

		const silent = open({
			migrate: async function* silent() {
				yield* [];
			},
		});
		silent.session.start(planned);
		await silent.session.settled();
		expect(outcomeOf(silent.session, 'finished', 79).exitCode).toBe(1);
	});

	it.each([
		['quarantined', 4],
		['verification-failed', 5],
		['failed', 7],
	] as const)('ends a run that is %s with %i', async (outcome, code) => {
		const { session } = open({
			migrate: async function* ended() {
				yield finished(outcome);
			},
		});
		session.start(planned);
		await session.settled();
		expect(outcomeOf(session, 'finished', 79).exitCode).toBe(code);
	});

	it('forgets the failure of the last run when the next one starts', async () => {
		let isUp = false;
		const { session } = open({
			beforeBatch: async () => {
				if (!isUp) throw unreachable();
			},
		});
		session.start(planned);
		await session.settled();
		expect(session.failure.getSnapshot()).not.toBeNull();
		isUp = true;
		session.start(planned);
		await session.settled();
		expect(session.failure.getSnapshot()).toBeNull();
		expect(outcomeOf(session, 'finished', 79).exitCode).toBe(0);
	});

	it('ends as the run said when it is left while the run still gives back its lock', async () => {
		const { operations } = fakeOperations();
		let release = (): void => {};
		const unlocked = new Promise<void>((resolve) => {
			release = resolve;
		});
		const slow = {
			...operations,
			async *migrate() {
				try {
					yield finished('quarantined');
				} finally {
					await unlocked;
				}
			},
		};
		const session = new Session({ operations: slow, clock: { now: () => 0 } });
		session.start(planned);
		await expect.poll(() => session.ending).toBe(true);
		expect(session.active).toBe(true);
		expect(outcomeOf(session, 'finished', 79).exitCode).toBe(4);
		release();
		await session.settled();
		expect(session.ending).toBe(false);
	});

	it('tells a rollback that threw as a failed one', async () => {
		const { operations } = fakeOperations();
		const broken = { ...operations, rollback: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(unreachable()) }) }) };
		const session = new Session({ operations: broken, clock: { now: () => 0 } });
		session.startUndo('r-1', target, 'why');
		await session.settled();
		expect(session.undo.getSnapshot()).toMatchObject({ phase: 'finished', outcome: 'failed' });
		expect(outcomeOf(session, 'left', 79).exitCode).toBe(8);
	});
});
