import type { CheckResult, RunOutcome } from '../core/events.js';
import { formatCount, formatDuration, formatQuantity } from '../core/format.js';
import { setAsideWords, skippedWords } from '../core/outcome-words.js';
import { wholeTime } from '../core/run-progress.js';
import type { RunState, StepState } from '../core/run-state.js';
import { printable } from '../core/text-width.js';
import { paint, type TextStyle, type Tone } from './style.js';
import { tableLines } from './table.js';

/** Milliseconds from which a schema step is worth a line of its own. */
export const longStep = 1000;

const verdicts: Readonly<Record<RunOutcome, readonly [Tone, string]>> = {
	done: ['good', 'ok  Done'],
	quarantined: ['look', 'LOOK  Done'],
	'nothing-to-do': ['good', 'ok  Nothing to do: this plan was carried out already'],
	'verification-failed': ['bad', 'X  Written, but a check failed'],
	failed: ['bad', 'X  Failed'],
	interrupted: ['look', 'LOOK  Stopped safely'],
};

/** The end of a run: steps, checks, files, what to do next; the verdict comes last. `same`: flags that each further command needs. */
export function runSummaryLines(state: RunState, style: TextStyle, same = ''): readonly string[] {
	const { outcome, run } = state;
	if (outcome === null || run === null) return [];
	const [tone, word] = verdicts[outcome];
	const aside = setAsideWords(state);
	// What was set aside is said as loudly as how the run ended.
	const verdict = aside === null || outcome === 'nothing-to-do' ? word : `${word}, ${aside}`;
	const stepped = state.steps.length === 0 ? [] : ['', ...stepTable(state, style)];
	const checked = state.checks.length === 0 ? [] : ['', ...checkLines(state.checks, style)];
	const took = state.milliseconds === null ? '' : ` in ${formatDuration(wholeTime(state))}${sessionWords(state)}`;
	const figures = [`${formatQuantity(state.written, 'record')} written`, ...skippedWords(state)].join(', ');
	return [
		...stepped,
		...checked,
		'',
		...state.files.map((file) => `File   ${printable(file)}`),
		...nextLines(outcome, run, same),
		paint(style, tone, outcome === 'nothing-to-do' ? `${verdict} by run ${run}` : `${verdict}: run ${run}, ${figures}${took}`),
	];
}

/** The time is that of all sessions; the last one's alone would pass for the whole. */
function sessionWords({ before, milliseconds }: RunState): string {
	return before === null ? '' : ` over ${formatCount(before.sessions + 1)} sessions, the last ${formatDuration(milliseconds ?? 0)}`;
}

function nextLines(outcome: RunOutcome, run: string, same: string): readonly string[] {
	if (outcome === 'nothing-to-do') return [];
	if (outcome === 'interrupted' || outcome === 'failed') {
		return ['Next   the same command goes on where this run stopped', `Undo   repot rollback ${run}${same}`];
	}
	if (outcome === 'verification-failed') return [`Next   repot verify ${run}${same}`, `Undo   repot rollback ${run}${same}`];
	return [`Undo   repot rollback ${run}${same}`];
}

const states: Readonly<Record<StepState['state'], string>> = {
	waiting: 'not reached',
	running: 'not finished',
	done: 'ok',
	'nothing-to-do': 'already there',
};

const stateWords = ({ state, kind, rows }: StepState): string =>
	state === 'nothing-to-do' && kind === 'copy' && rows === 0 ? 'no records' : states[state];

/**
 * Of a resumed run a step without an event was finished before: every one when the run came to its end, otherwise those that come before a
 * step of this run, because steps run in order.
 */
function beforeThisRun(state: RunState): ReadonlySet<string> {
	if (!state.resumed) return new Set();
	const ended = state.outcome !== 'failed' && state.outcome !== 'interrupted';
	const last = state.steps.findLastIndex((step) => step.state !== 'waiting');
	const isDone = (step: StepState, index: number): boolean =>
		step.rowsBefore > 0 && step.rowsBefore >= step.rows
			? step.state === 'waiting' || step.state === 'nothing-to-do'
			: step.state === 'waiting' && (ended || index < last);
	return new Set(state.steps.filter(isDone).map((step) => step.id));
}

function stepTable(state: RunState, style: TextStyle): readonly string[] {
	const { steps } = state;
	const before = beforeThisRun(state);
	const isRest = (step: StepState): boolean => !isTold(step) || (step.kind === 'schema' && before.has(step.id));
	const columns = [
		{ title: 'STEP' },
		{ title: 'WRITTEN', align: 'right' as const },
		{ title: 'SET ASIDE', align: 'right' as const },
		{ title: 'TIME', align: 'right' as const },
		{ title: 'STATE' },
	];
	return tableLines(
		columns,
		[
			...steps.filter((step) => !isRest(step)).map((step) => stepCells(step, before.has(step.id))),
			...restCells(steps.filter(isRest), before),
		],
		style,
	);
}

/** Schema steps that took no time and ended well are told as one row. */
const isTold = (step: StepState): boolean =>
	step.kind === 'copy' || step.state === 'running' || step.state === 'waiting' || (step.milliseconds ?? 0) >= longStep;

function stepCells(step: StepState, before: boolean): readonly string[] {
	const time = step.milliseconds === null || step.state === 'nothing-to-do' ? '-' : formatDuration(step.milliseconds);
	const counts = step.kind === 'copy' ? [formatCount(step.written), formatCount(step.rejected)] : ['-', '-'];
	return [step.label, ...counts, time, before ? 'done before' : stateWords(step)];
}

function restCells(steps: readonly StepState[], before: ReadonlySet<string>): readonly (readonly string[])[] {
	if (steps.length === 0) return [];
	const state = steps.every((step) => before.has(step.id)) ? 'done before' : 'ok';
	const milliseconds = steps.reduce((sum, step) => sum + (step.milliseconds ?? 0), 0);
	return [
		[formatQuantity(steps.length, 'table, key and index step'), '-', '-', state === 'ok' ? formatDuration(milliseconds) : '-', state],
	];
}

const results: Readonly<Record<CheckResult['result'], string>> = { pass: 'PASS', fail: 'FAIL', skipped: 'skipped' };

/** Checks with their figures; what differs is told under the table. */
export function checkLines(checks: readonly CheckResult[], style: TextStyle): readonly string[] {
	const columns = [{ title: 'CHECK' }, { title: 'RESULT' }, { title: 'FIGURES' }];
	const rows = checks.map((check) => [check.name, results[check.result], check.figures]);
	const failed = checks.filter((check) => check.result === 'fail');
	const details = failed.flatMap((check) => [
		paint(style, 'bad', `X check ${check.name} failed: ${printable(check.figures)}`),
		...check.details.map((detail) => `    ${printable(detail)}`),
	]);
	return [...tableLines(columns, rows, style), ...details];
}

/** One line over all checks; `aside`: how many records of the run were set aside, in words. */
export function checkVerdict(checks: readonly CheckResult[], style: TextStyle, aside: string | null = null): string {
	const failed = checks.filter((check) => check.result === 'fail').map((check) => check.name);
	if (failed.length > 0) return paint(style, 'bad', `X  ${formatQuantity(failed.length, 'check')} failed: ${failed.join(', ')}`);
	const skipped = checks.filter((check) => check.result === 'skipped').length;
	const more = skipped > 0 ? ` (${formatCount(skipped)} skipped)` : '';
	if (aside !== null) return paint(style, 'look', `LOOK  Checks pass${more}, ${aside}`);
	return paint(style, 'good', `ok  All checks pass${more}`);
}
