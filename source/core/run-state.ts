/**
 * What a run did so far, folded from its events. Pure: screens and headless text derive everything they show from this state and
 * an injected `now`. Instants are milliseconds since the epoch, taken from the events, never from this computer's clock.
 */

import type { ErrorFact } from './errors.js';
import type { CheckResult, MigrationEvent, RunOutcome } from './events.js';
import { formatLatency, formatQuantity } from './format.js';

export interface StepState {
	readonly id: string;
	readonly label: string;
	readonly kind: 'copy' | 'schema';
	/** Source records, refused ones included. */
	readonly rows: number;
	readonly bytes: number;
	/** The plan's estimate. */
	readonly seconds: number;
	/** Records dealt with, in earlier runs too: committed plus set aside. */
	readonly rowsDone: number;
	readonly bytesDone: number;
	/** Of those, records of an earlier, interrupted run. */
	readonly rowsBefore: number;
	/** Of `rowsDone`, records that the run itself wrote. */
	readonly written: number;
	readonly rejected: number;
	/** Last committed batch, or -1. */
	readonly batch: number;
	readonly state: 'waiting' | 'running' | 'done' | 'nothing-to-do';
	readonly startedAt: number | null;
	readonly milliseconds: number | null;
	/** Schema steps only: 0..1 as the server reports it, null when it does not. */
	readonly fraction: number | null;
	readonly phase: string;
}

export type LogKind = 'step' | 'quarantine' | 'retry' | 'slowed' | 'notice' | 'check' | 'run';

export interface LogEntry {
	/** Counts up within a run: a stable key for lists. */
	readonly number: number;
	readonly at: number;
	readonly kind: LogKind;
	readonly step: string | null;
	/** The step in words, for people; null: the whole run. */
	readonly label: string | null;
	readonly text: string;
}

export interface RejectedRecord {
	readonly step: string;
	readonly key: string;
	readonly column: string | null;
	readonly code: string;
	readonly reason: string;
}

/** What was committed within one second. */
export interface SecondSample {
	/** Whole second since the epoch. */
	readonly second: number;
	readonly rows: number;
	readonly bytes: number;
}

export interface RunState {
	readonly phase: 'idle' | 'copying' | 'verifying' | 'finished';
	readonly run: string | null;
	readonly plan: string | null;
	readonly environment: string | null;
	readonly resumed: boolean;
	/** A verification on its own, or nothing to do: no step writes anything. */
	readonly checksOnly: boolean;
	readonly startedAt: number | null;
	readonly finishedAt: number | null;
	/** Instant of the last event. */
	readonly lastAt: number | null;
	readonly steps: readonly StepState[];
	readonly rejected: number;
	readonly retries: number;
	/** The last reason for a slow stretch, and when it was told. */
	readonly slowed: { readonly at: number; readonly step: string; readonly reason: string } | null;
	/** Newest last, at most `logLimit`. */
	readonly log: readonly LogEntry[];
	readonly logged: number;
	/** The last refused records, at most `rejectLimit`; all of them are in the quarantine file. */
	readonly rejects: readonly RejectedRecord[];
	/** Newest last, at most `sampleSeconds` entries. */
	readonly samples: readonly SecondSample[];
	readonly checks: readonly CheckResult[];
	readonly outcome: RunOutcome | null;
	readonly error: ErrorFact | null;
	readonly written: number;
	readonly quarantined: number;
	readonly skipped: number;
	/** Of `skipped`, records whose rows in the target differ and stay as they are there. */
	readonly differing: number;
	/** Of the last session. */
	readonly milliseconds: number | null;
	/** Earlier sessions of a resumed run. */
	readonly before: { readonly sessions: number; readonly milliseconds: number } | null;
	readonly files: readonly string[];
}

export const logLimit = 200;
const rejectLimit = 200;
/** A schema step below this, planned and taken, is not worth a line of the log. */
const leastToldMilliseconds = 1000;
const sampleSeconds = 120;

export const emptyRun: RunState = {
	phase: 'idle',
	run: null,
	plan: null,
	environment: null,
	resumed: false,
	checksOnly: false,
	startedAt: null,
	finishedAt: null,
	lastAt: null,
	steps: [],
	rejected: 0,
	retries: 0,
	slowed: null,
	log: [],
	logged: 0,
	rejects: [],
	samples: [],
	checks: [],
	outcome: null,
	error: null,
	written: 0,
	quarantined: 0,
	skipped: 0,
	differing: 0,
	milliseconds: null,
	before: null,
	files: [],
};

type EventOf<Type extends MigrationEvent['type']> = Extract<MigrationEvent, { type: Type }>;

/** The state after one more event. */
export function foldEvent(before: RunState, event: MigrationEvent): RunState {
	const at = Date.parse(event.at);
	const state = event.type === 'run-started' ? before : { ...before, lastAt: at };
	switch (event.type) {
		case 'run-started':
			return started(event, at);
		case 'step-started':
			return stepStarted(state, event, at);
		case 'batch-committed':
			return batchCommitted(state, event, at);
		case 'record-quarantined': {
			const { step, key, column, code, reason } = event;
			const rejects = [...state.rejects, { step, key, column, code, reason }].slice(-rejectLimit);
			return logged({ ...state, rejects }, at, 'quarantine', step, `${key}${column === null ? '' : ` ${column}`}: ${reason}, set aside`);
		}
		case 'retry-scheduled': {
			const text = `retry ${event.attempt}/${event.of} in ${formatLatency(event.delayMilliseconds)}: ${event.reason}`;
			return logged({ ...state, retries: state.retries + 1 }, at, 'retry', event.step, text);
		}
		case 'slowed': {
			const slowed = { at, step: event.step, reason: event.reason };
			return logged({ ...state, slowed }, at, 'slowed', event.step, `slowed: ${event.reason}`);
		}
		case 'step-progressed':
			return withStep(state, event.step, (step) => ({ ...step, fraction: clamp(event.fraction), phase: event.phase }));
		case 'step-finished':
			return stepFinished(state, event, at);
		case 'notice':
			return logged(state, at, 'notice', event.step, event.message);
		case 'check-finished': {
			const checks = [...state.checks.filter((check) => check.name !== event.check.name), event.check];
			const text = `check ${event.check.name}: ${event.check.result}, ${event.check.figures}`;
			return logged({ ...state, phase: 'verifying', checks }, at, 'check', null, text);
		}
		case 'run-finished':
			return finished(state, event, at);
	}
}

function started(event: EventOf<'run-started'>, at: number): RunState {
	const steps = event.steps.map(
		(step): StepState => ({
			id: step.id,
			label: step.label,
			kind: step.kind,
			rows: step.rows,
			bytes: step.bytes,
			seconds: step.seconds,
			rowsDone: step.rowsDone,
			bytesDone: step.bytesDone,
			rowsBefore: step.rowsDone,
			written: step.written ?? step.rowsDone,
			rejected: step.rejected ?? 0,
			batch: -1,
			state: 'waiting',
			startedAt: null,
			milliseconds: null,
			fraction: null,
			phase: '',
		}),
	);
	const { run, plan, environment, resumed, differing = 0 } = event;
	const rejected = steps.reduce((sum, step) => sum + step.rejected, 0);
	const checksOnly = steps.length === 0;
	const phase = checksOnly ? 'verifying' : 'copying';
	const state: RunState = {
		...emptyRun,
		phase,
		run,
		plan,
		environment,
		resumed,
		checksOnly,
		startedAt: at,
		lastAt: at,
		steps,
		rejected,
		differing,
	};
	return logged(state, at, 'run', null, resumed ? `run ${run} resumed` : `run ${run} started`);
}

function stepStarted(state: RunState, event: EventOf<'step-started'>, at: number): RunState {
	const running = withStep(state, event.step, (step) => ({ ...step, state: 'running', startedAt: at, batch: event.resumedFromBatch }));
	const step = running.steps.find(({ id }) => id === event.step);
	// Schema steps are many and quick: only their end is told, and only when it took a while.
	if (step === undefined || step.kind === 'schema') return running;
	const before = step.rowsBefore > 0 ? `, ${formatQuantity(step.rowsBefore, 'record')} done before` : '';
	return logged(running, at, 'step', event.step, `copying ${formatQuantity(step.rows, 'record')}${before}`);
}

function batchCommitted(state: RunState, event: EventOf<'batch-committed'>, at: number): RunState {
	const records = event.rows + event.rejected;
	const stepped = withStep(state, event.step, (step) => ({
		...step,
		state: step.state === 'waiting' ? 'running' : step.state,
		rowsDone: step.rowsDone + records,
		written: step.written + event.rows - (event.skipped ?? 0),
		bytesDone: step.bytesDone + event.bytes,
		rejected: step.rejected + event.rejected,
		batch: event.batch,
	}));
	return { ...stepped, rejected: state.rejected + event.rejected, samples: sampled(state.samples, at, records, event.bytes) };
}

function stepFinished(state: RunState, event: EventOf<'step-finished'>, at: number): RunState {
	const done = withStep(state, event.step, (step) => ({
		...step,
		state: event.outcome,
		rowsDone: Math.max(step.rowsDone, step.rows),
		bytesDone: Math.max(step.bytesDone, step.bytes),
		rejected: Math.max(step.rejected, event.rejected),
		milliseconds: event.milliseconds,
		fraction: 1,
	}));
	const rejected = done.steps.reduce((sum, step) => sum + step.rejected, 0);
	const text = event.outcome === 'done' ? `done in ${formatLatency(event.milliseconds)}` : 'nothing to do';
	const step = state.steps.find(({ id }) => id === event.step);
	const isLong = Math.max(event.milliseconds, (step?.seconds ?? 0) * 1000) >= leastToldMilliseconds;
	const isNews = event.outcome === 'done' && (step?.kind !== 'schema' || isLong);
	return isNews ? logged({ ...done, rejected }, at, 'step', event.step, text) : { ...done, rejected };
}

function finished(state: RunState, event: EventOf<'run-finished'>, at: number): RunState {
	const { outcome, written, quarantined, skipped, milliseconds, files } = event;
	const ended: RunState = {
		...state,
		phase: 'finished',
		run: event.run,
		finishedAt: at,
		outcome,
		written,
		quarantined,
		skipped,
		milliseconds,
		before: event.before ?? null,
		files,
		error: event.error ?? null,
	};
	return logged(ended, at, 'run', null, `run ${event.run} ended: ${outcome}`);
}

/** A step's label in words: `vector-index ix` is `vector index ix`. */
export function stepName(label: string): string {
	return label.replace(/^([a-z]+)-([a-z]+) /, '$1 $2 ');
}

function withStep(state: RunState, id: string, change: (step: StepState) => StepState): RunState {
	return { ...state, steps: state.steps.map((step) => (step.id === id ? change(step) : step)) };
}

function logged(state: RunState, at: number, kind: LogKind, step: string | null, text: string): RunState {
	const label = step === null ? null : stepName(state.steps.find(({ id }) => id === step)?.label ?? step);
	const entry: LogEntry = { number: state.logged, at, kind, step, label, text };
	return { ...state, log: [...state.log, entry].slice(-logLimit), logged: state.logged + 1 };
}

function sampled(samples: readonly SecondSample[], at: number, rows: number, bytes: number): readonly SecondSample[] {
	const second = Math.floor(at / 1000);
	const last = samples.at(-1);
	if (last !== undefined && last.second >= second) {
		return [...samples.slice(0, -1), { second: last.second, rows: last.rows + rows, bytes: last.bytes + bytes }];
	}
	return [...samples, { second, rows, bytes }].slice(-sampleSeconds);
}

function clamp(fraction: number): number {
	return Number.isFinite(fraction) ? Math.max(0, Math.min(1, fraction)) : 0;
}
