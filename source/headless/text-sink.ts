import type { MigrationEvent } from '../core/events.js';
import { formatByteRate, formatClock, formatCompact, formatPercent, formatQuantity, formatRate, formatTimeOfDay } from '../core/format.js';
import type { Clock } from '../core/ports.js';
import { currentRate, elapsed, runFraction, runTotals, timeLeft } from '../core/run-progress.js';
import { emptyRun, foldEvent, type RunState } from '../core/run-state.js';
import { printable } from '../core/text-width.js';
import { longStep, runSummaryLines } from './run-text.js';
import type { EventSink } from './sink.js';
import { paint, type TextStyle } from './style.js';

/** Runs a function every so many milliseconds; returns what ends it. */
export type Every = (milliseconds: number, run: () => void) => () => void;

export interface TextSinkOptions {
	readonly write: (line: string) => void;
	readonly style: TextStyle;
	readonly clock: Clock;
	readonly every: Every;
	/** Flags that each further command needs, with a leading space. */
	readonly same?: string;
}

/** Refused records told one by one before only their number is. */
const mostRefusals = 10;

/**
 * A run as plain lines: state changes at once, progress at a cadence that neither floods a log nor leaves a person guessing
 * (every second in the first and last minute, then every 5 s, after three minutes a heartbeat every 30 s; gh-ost prints alike).
 */
export function textSink(options: TextSinkOptions): EventSink {
	let state = emptyRun;
	let toldAt = Number.NEGATIVE_INFINITY;
	let told = '';
	const refused = new Map<string, number>();
	const progress = (): void => {
		const now = options.clock.now();
		const checks = isChecking(state);
		if (!checks && state.phase !== 'copying') return;
		if (now - toldAt < (checks && told.endsWith(checking) ? checkingInterval : interval(state, now, !options.style.tables))) return;
		toldAt = now;
		const line = checks ? `${formatClock(elapsed(state, now))}${checking}` : progressLine(state, now);
		// The same figures again are only worth a line as a heartbeat.
		if (line !== told) options.write(line);
		told = line;
	};
	const stop = options.every(1000, progress);
	return {
		handle(event) {
			const logged = state.logged;
			state = foldEvent(state, event);
			for (const line of newsLines(event, state, logged, refused)) options.write(paintNews(event, line, options.style));
			if (event.type === 'batch-committed' || event.type === 'step-progressed') progress();
			if (event.type === 'run-finished') for (const line of runSummaryLines(state, options.style, options.same)) options.write(line);
		},
		close: stop,
	};
}

const checking = '  checking';
/** Milliseconds between two signs of life while the checks run: each check is told as it ends. */
const checkingInterval = 10_000;

/** Every step has ended, and the run has not: what goes on are the checks, which move no record. */
function isChecking(state: RunState): boolean {
	if (state.phase === 'verifying') return true;
	if (state.phase !== 'copying' || state.steps.length === 0) return false;
	const last = state.steps.at(-1)?.state ?? 'waiting';
	return (
		last !== 'running' &&
		state.steps.every(
			(step) =>
				step.state === 'done' || step.state === 'nothing-to-do' || (state.resumed && step.state === 'waiting' && last !== 'waiting'),
		)
	);
}

/** Milliseconds until the next progress line is due. */
function interval(state: RunState, now: number, slow = false): number {
	if (slow) return 30_000;
	const gone = elapsed(state, now);
	const left = timeLeft(state, now);
	if (gone < 60_000 || (left !== null && left < 60_000)) return 1000;
	return gone < 180_000 ? 5000 : 30_000;
}

/** `0:41  60 % of the work  720 k of 1.20 M records  17.6 k/s  9.1 MiB/s  about 0:27 left  vectors`. */
function progressLine(state: RunState, now: number): string {
	const totals = runTotals(state);
	const rate = currentRate(state, now);
	const left = timeLeft(state, now);
	const running = state.steps
		.filter((step) => step.state === 'running')
		.map((step) => `${step.label}${step.phase === '' ? '' : ` (${step.phase})`}`);
	const fraction = runFraction(state);
	return [
		formatClock(elapsed(state, now)),
		`${formatPercent(fraction)} of the work`,
		`${formatCompact(totals.rowsDone)} of ${formatCompact(totals.rows)} records`,
		...(rate === null ? [] : [formatRate(rate.rows), formatByteRate(rate.bytes)]),
		...(left === null ? [] : [`about ${formatClock(left)} left`]),
		...(running.length === 0 ? [] : [printable(running.join(', '))]),
	].join('  ');
}

function newsLines(event: MigrationEvent, state: RunState, logged: number, refused: Map<string, number>): readonly string[] {
	const time = formatTimeOfDay(event.at);
	if (event.type === 'record-quarantined') {
		const count = (refused.get(event.step) ?? 0) + 1;
		refused.set(event.step, count);
		if (count === mostRefusals + 1) return [`${time}  ${printable(event.step)}  more records are set aside; all are in quarantine.jsonl`];
		if (count > mostRefusals) return [];
	}
	if (event.type === 'step-started') return startedLine(event.step, state, time);
	if (event.type === 'step-finished' && isShort(event.step, state)) return [];
	const entries = state.log.filter((entry) => entry.number >= (event.type === 'run-started' ? 0 : logged));
	return entries.map((entry) => printable(`${time}  ${labelOf(entry.step, state)}${entry.text}`));
}

function startedLine(id: string, state: RunState, time: string): readonly string[] {
	const step = state.steps.find((one) => one.id === id);
	if (step === undefined || (step.kind === 'schema' && step.seconds * 1000 < longStep)) return [];
	const what = step.kind === 'copy' ? `copying ${formatQuantity(step.rows, 'record')}` : 'started';
	const from = step.rowsBefore > 0 ? `, ${formatQuantity(step.rowsBefore, 'record')} done before` : '';
	return [printable(`${time}  ${step.label}  ${what}${from}`)];
}

/** A schema step that neither should nor did take long: its end is no news. */
function isShort(id: string, state: RunState): boolean {
	const step = state.steps.find((one) => one.id === id);
	return step?.kind === 'schema' && step.seconds * 1000 < longStep && (step.milliseconds ?? 0) < longStep;
}

function labelOf(id: string | null, state: RunState): string {
	return id === null ? '' : `${state.steps.find((one) => one.id === id)?.label ?? id}  `;
}

function paintNews(event: MigrationEvent, line: string, style: TextStyle): string {
	if (event.type === 'record-quarantined' || event.type === 'retry-scheduled' || event.type === 'slowed') return paint(style, 'look', line);
	if (event.type === 'check-finished' && event.check.result === 'fail') return paint(style, 'bad', line);
	return line;
}
