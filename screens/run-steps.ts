/** The steps of a run, a line each; the many quick schema steps share one. Pure. */

import { formatClock, formatCompact, formatCount, formatPercent } from '../source/core/format.js';
import { stepFraction, stepTimeLeft } from '../source/core/run-progress.js';
import { type RunState, type StepState, stepName } from '../source/core/run-state.js';
import { textWidth } from '../source/core/text-width.js';
import { windowAround } from './components/list-window.js';
import { barText } from './components/progress-bar.js';
import { type LineSpec, line, type Part } from './lines.js';
import type { Canvas } from './shell-context.js';
import type { Tone } from './theme.js';

type StepRow =
	| { readonly kind: 'step'; readonly step: StepState; readonly label: string }
	| { readonly kind: 'group'; readonly label: string; readonly steps: readonly StepState[] };

/** Cells of one line: `> label  bar  100 %  1.20 M   batch 12   ~0:12 left`. */
interface Columns {
	readonly label: number;
	readonly bar: number;
	readonly tail: number;
}

const percentWidth = 7;
const countWidth = 9;
/** The edge, the pointer and the gap after the label. */
const fixedWidth = 1 + 2 + 2;
const leastBar = 8;
const usualBar = 12;
const mostBar = 24;

/** Milliseconds; `left`: of the whole run, null when not known. */
interface RunTime {
	readonly now: number;
	readonly left: number | null;
}

export function stepLines(state: RunState, time: RunTime, canvas: Canvas, height: number): readonly LineSpec[] {
	const rows = stepRows(state.steps);
	const columns = columnsFor(state.steps, canvas.width);
	const active = rows.findIndex((row) => row.kind === 'step' && row.step.state === 'running');
	const done = rows.findLastIndex((row) => stateOf(row) === 'done' || stateOf(row) === 'nothing-to-do');
	const focus = active >= 0 ? active : Math.max(0, done);
	const window = windowAround(rows.length, focus, rows.length <= height ? height : height - 1, focus - 1);
	const hidden = window.above + window.below;
	return [
		...rows
			.slice(window.from, window.to)
			.map((row) => (row.kind === 'step' ? stepLine(row.step, row.label, time, columns, canvas) : groupLine(row, columns, canvas))),
		...(hidden === 0
			? []
			: [
					line({
						text: `  ${window.above > 0 ? `+${window.above} above  ` : ''}${window.below > 0 ? `+${window.below} more` : ''}`,
						tone: 'dim',
					}),
				]),
	];
}

/** Groups stand where their first step does; the one that runs is told apart under its group. */
function stepRows(steps: readonly StepState[]): readonly StepRow[] {
	const groups = new Set<string>();
	return steps.flatMap((step): readonly StepRow[] => {
		const group = groupOf(step);
		if (group === null) return [{ kind: 'step', step, label: longName(step) }];
		if (groups.has(group)) return [];
		groups.add(group);
		const members = steps.filter((other) => groupOf(other) === group);
		const running = members.filter(({ state }) => state === 'running');
		return [
			{ kind: 'group', label: group, steps: members },
			...running.map((one): StepRow => ({ kind: 'step', step: one, label: `  ${stepName(one.label)}` })),
		];
	});
}

/** The label of a schema step begins with what it makes. A vector index can take longer than the copy: it stands alone. */
function groupOf({ kind, label }: StepState): string | null {
	if (kind === 'copy' || label.startsWith('vector-index')) return null;
	return /^(table|extension) /.test(label) ? 'tables' : 'keys and indexes';
}

function stateOf(row: StepRow): StepState['state'] {
	if (row.kind === 'step') return row.step.state;
	const isEnded = ({ state }: StepState) => state === 'done' || state === 'nothing-to-do';
	if (row.steps.every(({ state }) => state === 'nothing-to-do')) return 'nothing-to-do';
	if (row.steps.every(isEnded)) return 'done';
	return row.steps.some((step) => step.state === 'running' || isEnded(step)) ? 'running' : 'waiting';
}

/**
 * The same columns all through a run: short names always fit, the long ones of indexes take what a bar of some length leaves, and the rest is cut.
 */
function columnsFor(steps: readonly StepState[], width: number): Columns {
	const tail = width < 70 ? 14 : 27;
	const room = width - fixedWidth - percentWidth - countWidth - tail;
	const names = steps.map((step) => ({ short: textWidth(groupOf(step) ?? shortName(step)), long: textWidth(`  ${longName(step)}`) }));
	const short = Math.max(8, ...names.map((name) => name.short));
	const long = Math.max(8, ...names.map((name) => name.long));
	const label = Math.min(Math.max(short, Math.min(long, room - usualBar)), room - leastBar);
	return { label, bar: Math.max(leastBar, Math.min(mostBar, room - label)), tail };
}

/** There is mostly one vector index: it needs no name where there is no room for one. Of several each says whose it is. */
const shortName = (step: StepState): string => (step.label.startsWith('vector-index') && !isOfOne(step) ? 'vector index' : longName(step));

const longName = (step: StepState): string => (isOfOne(step) ? step.label.replace('vector-index', 'index') : stepName(step.label));

const isOfOne = ({ label }: StepState): boolean => label.startsWith('vector-index of ');

function head(label: string, state: StepState['state'], isPointedAt: boolean, columns: Columns): readonly Part[] {
	const tone: Tone = state === 'running' ? 'strong' : state === 'waiting' ? 'dim' : 'plain';
	return [{ text: isPointedAt ? '> ' : '  ', tone: 'accent' }, { text: label, width: columns.label, cut: 'middle', tone }, { text: '  ' }];
}

const doneParts = (milliseconds: number): readonly Part[] => [
	{ text: '   ok', tone: 'good' },
	{ text: formatClock(milliseconds), width: 8, align: 'right', tone: 'dim' },
];

function groupLine({ label, steps }: StepRow & { readonly kind: 'group' }, columns: Columns, canvas: Canvas): LineSpec {
	const state = stateOf({ kind: 'group', label, steps });
	const ended = steps.filter((step) => step.state === 'done' || step.state === 'nothing-to-do').length;
	const start = head(label, state, false, columns);
	const counted = `${formatCount(ended)}/${formatCount(steps.length)}`;
	if (state === 'waiting') return line(...start, { text: `waiting   ${counted}`, tone: 'dim' });
	if (state === 'nothing-to-do') return line(...start, { text: '=  already there', tone: 'dim' });
	const spent = steps.reduce((sum, step) => sum + (step.milliseconds ?? 0), 0);
	const fraction = steps.reduce((sum, step) => sum + stepFraction(step), 0) / steps.length;
	return line(
		...start,
		{ text: barText(fraction, columns.bar, canvas.glyphs), tone: state === 'done' ? 'good' : 'accent' },
		{ text: formatPercent(fraction), width: percentWidth, align: 'right' },
		{ text: counted, width: countWidth, align: 'right' },
		...(state === 'done' ? doneParts(spent) : []),
	);
}

function stepLine(step: StepState, label: string, time: RunTime, columns: Columns, canvas: Canvas): LineSpec {
	const name = textWidth(label) > columns.label && groupOf(step) === null ? shortName(step) : label;
	const start = head(name, step.state, step.state === 'running', columns);
	if (step.state === 'waiting' && step.rowsDone === 0) return line(...start, { text: 'waiting', tone: 'dim' });
	if (step.state === 'nothing-to-do')
		return line(...start, { text: step.kind === 'copy' && step.rows === 0 ? '-  no records' : '=  already there', tone: 'dim' });
	const fraction = stepFraction(step);
	return line(
		...start,
		{ text: barText(fraction, columns.bar, canvas.glyphs), tone: step.state === 'done' ? 'good' : 'accent' },
		{ text: formatPercent(fraction), width: percentWidth, align: 'right' },
		{ text: step.kind === 'schema' ? '' : formatCompact(Math.min(step.rowsDone, step.rows)), width: countWidth, align: 'right' },
		...(step.state === 'done' ? [...doneParts(step.milliseconds ?? 0), ...refused(step, columns)] : progress(step, time, columns)),
	);
}

/** Where the line is short the sum under the steps says it. */
function refused({ rejected }: StepState, { tail }: Columns): readonly Part[] {
	return rejected === 0 || tail < 27 ? [] : [{ text: `   ${formatCount(rejected)} set aside`, tone: 'warn' }];
}

function progress(step: StepState, time: RunTime, { tail }: Columns): readonly Part[] {
	const own = stepTimeLeft(step, time.now);
	// Two estimates of different stretches: a part that would take longer than the whole is not worth telling.
	const left = own !== null && time.left !== null && own <= time.left ? own : null;
	const isShort = tail < 27;
	const at = step.kind === 'schema' ? step.phase : step.batch < 0 ? '' : `batch ${step.batch + 1}`;
	return [
		{ text: at === '' || (isShort && left !== null) ? '' : `   ${at}`, tone: 'dim' },
		{ text: left === null ? '' : `   ~${formatClock(left)} left`, tone: 'dim' },
	];
}
