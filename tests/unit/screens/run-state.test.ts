import { describe, expect, it } from 'vitest';
import type { MigrationEvent } from '../../../source/core/events.js';
import { currentRate, elapsed, runFraction, runTotals, speedHistory, stepTimeLeft, timeLeft } from '../../../source/core/run-progress.js';
import { emptyRun, foldEvent, logLimit, type RunState } from '../../../source/core/run-state.js';
import { RunStore, timePaused } from '../../../source/core/run-store.js';

const zero = Date.parse('2025-03-07T14:00:00.000Z');
const at = (second: number) => new Date(zero + second * 1000).toISOString();
const fold = (events: readonly MigrationEvent[], from: RunState = emptyRun) => events.reduce(foldEvent, from);

type Steps = Extract<MigrationEvent, { type: 'run-started' }>['steps'];
const items = { id: 'items', label: 'items', kind: 'copy', rows: 1000, bytes: 10_000, seconds: 10, rowsDone: 0, bytesDone: 0 } as const;
const index = { id: 'hnsw', label: 'hnsw', kind: 'schema', rows: 0, bytes: 0, seconds: 10, rowsDone: 0, bytesDone: 0 } as const;

const started = (steps: Steps, resumed = false): MigrationEvent => ({
	type: 'run-started',
	at: at(0),
	run: 'r-1',
	plan: 'p-1',
	environment: 'dev',
	resumed,
	steps,
});
const begun = (step: string, resumedFromBatch = -1): MigrationEvent => ({ type: 'step-started', at: at(0), step, resumedFromBatch });
const committed = (second: number, rows: number, rejected = 0): MigrationEvent => ({
	type: 'batch-committed',
	at: at(second),
	step: 'items',
	batch: second,
	rows,
	bytes: rows * 10,
	rejected,
	milliseconds: 5,
});

describe('the state of a run', () => {
	it('counts what was committed and what was set aside as dealt with', () => {
		const state = fold([started([items]), begun('items'), committed(1, 98, 2), committed(2, 100)]);
		expect(runTotals(state)).toEqual({ rows: 1000, rowsDone: 200, bytes: 10_000, bytesDone: 1980 });
		expect(state.rejected).toBe(2);
		expect(state.steps[0]).toMatchObject({ state: 'running', batch: 2, rowsDone: 200 });
	});

	it('keeps the reason of every refused record, and a bounded log', () => {
		const refused = (key: number): MigrationEvent => ({
			type: 'record-quarantined',
			at: at(1),
			step: 'items',
			key: `k${key}`,
			column: 'raw',
			code: 'INVALID_JSON',
			reason: 'is not JSON',
		});
		const state = fold([started([items]), ...Array.from({ length: logLimit + 50 }, (_, key) => refused(key))]);
		expect(state.log).toHaveLength(logLimit);
		expect(state.log.at(-1)?.text).toBe(`k${logLimit + 49} raw: is not JSON, set aside`);
		expect(new Set(state.log.map(({ number }) => number)).size).toBe(logLimit);
		expect(state.rejects.at(-1)?.key).toBe(`k${logLimit + 49}`);
	});

	it('ends with the outcome, the totals and the error', () => {
		const error = { kind: 'target', code: 'GONE', message: 'The target went away' } as const;
		const state = fold([
			started([items]),
			{
				type: 'run-finished',
				at: at(9),
				run: 'r-1',
				outcome: 'failed',
				written: 5,
				quarantined: 1,
				skipped: 0,
				milliseconds: 9000,
				error,
				files: ['a'],
			},
		]);
		expect(state).toMatchObject({ phase: 'finished', outcome: 'failed', written: 5, quarantined: 1, error, files: ['a'] });
		expect(elapsed(state, zero + 60_000)).toBe(9000);
	});

	it('forgets the last run when the next one starts', () => {
		const first = fold([started([items]), committed(1, 500)]);
		expect(runTotals(foldEvent(first, started([items]))).rowsDone).toBe(0);
	});
});

describe('figures of a run', () => {
	it('averages the rate over the last seconds only', () => {
		const state = fold([started([items]), begun('items'), committed(1, 500), committed(20, 50), committed(21, 50)]);
		expect(currentRate(state, zero + 22_000)?.rows).toBe(20);
		expect(currentRate(state, zero + 60_000)?.rows).toBe(0);
		expect(currentRate(fold([started([items])]), zero + 1000)).toBeNull();
		expect(currentRate(fold([started([items]), begun('items'), committed(0, 500)]), zero + 999)).toBeNull();
		expect(currentRate(fold([started([items]), begun('items'), committed(0, 500)]), zero + 1000)?.rows).toBe(500);
	});

	it('takes the time left from the average since the start, and none below one per cent', () => {
		const early = fold([started([items]), begun('items'), committed(1, 9)]);
		expect(timeLeft(early, zero + 1000)).toBeNull();
		const half = fold([started([items]), begun('items'), committed(10, 500)]);
		expect(timeLeft(half, zero + 10_000)).toBeCloseTo(10_000);
		expect(timeLeft(half, zero + 10_000, 5000)).toBeCloseTo(5000);
	});

	it('counts from the resume point: what an earlier run did says nothing about the speed', () => {
		const resumed = { ...items, rowsDone: 800, bytesDone: 8000 };
		const state = fold([started([resumed], true), begun('items', 7), committed(10, 100)]);
		expect(runTotals(state).rowsDone).toBe(900);
		expect(runFraction(state)).toBeCloseTo(0.9);
		expect(timeLeft(state, zero + 10_000)).toBeCloseTo(10_000);
		const [step] = state.steps;
		expect(step === undefined ? null : stepTimeLeft(step, zero + 10_000)).toBeCloseTo(10_000);
	});

	it('weighs an index build as the work that it is', () => {
		const copied = fold([started([items, index]), begun('items'), committed(10, 1000)]);
		expect(runFraction(copied)).toBeCloseTo(0.5);
		const building = fold(
			[begun('hnsw'), { type: 'step-progressed', at: at(12), step: 'hnsw', fraction: 0.5, phase: 'loading tuples' }],
			copied,
		);
		expect(runFraction(building)).toBeCloseTo(0.75);
		expect(building.steps[1]?.phase).toBe('loading tuples');
	});

	it('draws standstills as zeros in the speed history', () => {
		const state = fold([started([items]), committed(0, 10), committed(3, 30)]);
		expect(speedHistory(state, zero + 5000, 20)).toEqual([10, 0, 0, 30, 0]);
		expect(speedHistory(state, zero + 119_000, 10)).toHaveLength(10);
	});
});

describe('the run store', () => {
	/** A clock and a timer that only move when told to. */
	function manual() {
		let now = 0;
		let due: { readonly at: number; readonly run: () => void } | null = null;
		return {
			clock: { now: () => now },
			schedule: (run: () => void, milliseconds: number) => {
				due = { at: now + milliseconds, run };
				return () => {
					due = null;
				};
			},
			pass: (milliseconds: number) => {
				now += milliseconds;
				const waiting = due;
				if (waiting !== null && waiting.at <= now) {
					due = null;
					waiting.run();
				}
			},
		};
	}

	it('folds every event at once and tells at most ten times a second', () => {
		const { clock, schedule, pass } = manual();
		const store = new RunStore({ clock, schedule });
		let told = 0;
		store.subscribe(() => {
			told += 1;
		});
		store.fold(started([items]));
		store.fold(begun('items'));
		expect(told).toBe(2);
		for (let batch = 0; batch < 1000; batch += 1) store.fold(committed(1, 1));
		expect(told).toBe(2);
		expect(runTotals(store.current()).rowsDone).toBe(1000);
		expect(runTotals(store.getSnapshot().state).rowsDone).toBe(0);
		pass(100);
		expect(told).toBe(3);
		expect(runTotals(store.getSnapshot().state).rowsDone).toBe(1000);
		pass(1000);
		expect(told).toBe(3);
	});

	it('tells the end of a run at once', () => {
		const { clock, schedule } = manual();
		const store = new RunStore({ clock, schedule });
		store.fold(started([items]));
		store.fold(committed(1, 1));
		store.fold({
			type: 'run-finished',
			at: at(2),
			run: 'r-1',
			outcome: 'done',
			written: 1,
			quarantined: 0,
			skipped: 0,
			milliseconds: 1,
			files: [],
		});
		expect(store.getSnapshot().state.phase).toBe('finished');
	});

	it('adds up the time it was held', () => {
		const { clock, schedule, pass } = manual();
		const store = new RunStore({ clock, schedule });
		store.setPaused(true);
		pass(3000);
		expect(timePaused(store.getSnapshot().control, clock.now())).toBe(3000);
		store.setPaused(false);
		pass(5000);
		expect(timePaused(store.getSnapshot().control, clock.now())).toBe(3000);
	});
});
