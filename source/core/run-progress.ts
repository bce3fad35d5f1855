/**
 * Figures derived from a run's state and an injected `now`. Two estimators on purpose: the rate is a short moving average, so that
 * a person sees what is happening; the time left comes from the average since the run (or its resumption) began, so that it does not jump.
 */

import type { RunState, StepState } from './run-state.js';

/** Seconds that the shown rate averages over. */
const rateWindow = 5;
/** Below this part of the work an estimate of the time left would be noise. */
const leastForEstimate = 0.01;
/** A step that the plan holds for instant still weighs something. */
const leastWeight = 0.05;

export interface RunTotals {
	readonly rows: number;
	readonly rowsDone: number;
	readonly bytes: number;
	readonly bytesDone: number;
}

/** Sums over the copy steps. */
export function runTotals(state: RunState): RunTotals {
	let [rows, rowsDone, bytes, bytesDone] = [0, 0, 0, 0];
	for (const step of state.steps) {
		if (step.kind !== 'copy') continue;
		rows += step.rows;
		rowsDone += Math.min(step.rowsDone, step.rows);
		bytes += step.bytes;
		bytesDone += Math.min(step.bytesDone, step.bytes);
	}
	return { rows, rowsDone, bytes, bytesDone };
}

/** How much of one step is done, 0..1. */
export function stepFraction(step: StepState): number {
	if (step.state === 'done' || step.state === 'nothing-to-do') return 1;
	if (step.kind === 'schema') return step.fraction ?? 0;
	return step.rows === 0 ? 0 : Math.min(1, step.rowsDone / step.rows);
}

/** What an earlier, interrupted run had done of the step already. */
function fractionBefore(step: StepState): number {
	if (step.state === 'nothing-to-do') return 1;
	return step.kind === 'copy' && step.rows > 0 ? Math.min(1, step.rowsBefore / step.rows) : 0;
}

const weightOf = (step: StepState): number => Math.max(step.seconds, leastWeight);

/** How much of the whole run is done, 0..1, every step weighted by the time the plan gave it: an index build counts as the work it is. */
export function runFraction(state: RunState): number {
	const weight = state.steps.reduce((sum, step) => sum + weightOf(step), 0);
	if (weight === 0) return 0;
	return state.steps.reduce((sum, step) => sum + weightOf(step) * stepFraction(step), 0) / weight;
}

/** Milliseconds since the run began; it stops with the run. */
export function elapsed(state: RunState, now: number): number {
	if (state.startedAt === null) return 0;
	return Math.max(0, (state.finishedAt ?? now) - state.startedAt);
}

/** Milliseconds that a finished run took over all its sessions. */
export const wholeTime = ({ milliseconds, before }: Pick<RunState, 'milliseconds' | 'before'>): number =>
	(milliseconds ?? 0) + (before?.milliseconds ?? 0);

/** Records and bytes a second over the last few seconds; null before there is a second of data. */
export function currentRate(state: RunState, now: number): { readonly rows: number; readonly bytes: number } | null {
	const [first] = state.samples;
	if (state.startedAt === null || first === undefined) return null;
	if (now - state.startedAt < 1000 || now < (first.second + 1) * 1000) return null;
	const from = now - rateWindow * 1000;
	const recent = state.samples.filter((sample) => sample.second * 1000 >= from);
	const span = Math.max(1, Math.min(rateWindow, (now - state.startedAt) / 1000));
	return {
		rows: recent.reduce((sum, sample) => sum + sample.rows, 0) / span,
		bytes: recent.reduce((sum, sample) => sum + sample.bytes, 0) / span,
	};
}

/**
 * Milliseconds left, from the average since the run or its resumption began; null below 1 % of the remaining work and at the end.
 * `idle`: milliseconds that the operator held the run for, which say nothing about its speed.
 */
export function timeLeft(state: RunState, now: number, idle = 0): number | null {
	if (state.startedAt === null || state.phase !== 'copying') return null;
	const before = state.steps.reduce((sum, step) => sum + weightOf(step) * fractionBefore(step), 0);
	const done = state.steps.reduce((sum, step) => sum + weightOf(step) * stepFraction(step), 0);
	const all = state.steps.reduce((sum, step) => sum + weightOf(step), 0);
	const fraction = all > before ? (done - before) / (all - before) : 1;
	if (fraction < leastForEstimate || fraction >= 1) return null;
	return (Math.max(0, elapsed(state, now) - idle) * (1 - fraction)) / fraction;
}

/** Milliseconds left of one running copy step, by the same rule. */
export function stepTimeLeft(step: StepState, now: number): number | null {
	if (step.state !== 'running' || step.startedAt === null) return null;
	const [done, all] =
		step.kind === 'schema' ? [step.fraction ?? 0, 1] : [step.rowsDone - step.rowsBefore, Math.max(0, step.rows - step.rowsBefore)];
	const fraction = all > 0 ? done / all : 1;
	if (fraction < leastForEstimate || fraction >= 1) return null;
	return (Math.max(0, now - step.startedAt) * (1 - fraction)) / fraction;
}

/** Records a second for the last `width` stretches of two minutes (or less, from the start), oldest first. Seconds without a commit are 0. */
export function speedHistory(state: RunState, now: number, width: number): readonly number[] {
	if (state.startedAt === null || width < 1) return [];
	const end = Math.floor((state.finishedAt ?? now) / 1000);
	const first = Math.max(Math.floor(state.startedAt / 1000), end - 120);
	const rows = new Map(state.samples.map((sample) => [sample.second, sample.rows]));
	const seconds: number[] = [];
	// The current second is not over: it would always draw as a dip.
	for (let second = first; second < end; second += 1) seconds.push(rows.get(second) ?? 0);
	if (seconds.length <= width) return seconds;
	return Array.from({ length: width }, (_, index) => {
		const from = Math.floor((index * seconds.length) / width);
		const to = Math.max(from + 1, Math.floor(((index + 1) * seconds.length) / width));
		return seconds.slice(from, to).reduce((sum, value) => sum + value, 0) / (to - from);
	});
}
