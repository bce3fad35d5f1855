/** A run in progress, as lines. Pure: everything comes from the run's state and `now`; numbers keep their columns. */

import {
	formatByteRate,
	formatClock,
	formatCompact,
	formatCount,
	formatPercent,
	formatRate,
	formatTimeOfDay,
} from '../source/core/format.js';
import { currentRate, elapsed, runFraction, runTotals, speedHistory, timeLeft } from '../source/core/run-progress.js';
import type { RunState } from '../source/core/run-state.js';
import type { RunControl } from '../source/core/run-store.js';
import { textWidth } from '../source/core/text-width.js';
import { logLines } from './components/log-pane.js';
import { barText, sparkText } from './components/progress-bar.js';
import { blank, type LineSpec, line, type Part, paragraph } from './lines.js';
import { stepLines } from './run-steps.js';
import { checkWords } from './run-words.js';
import type { Canvas } from './shell-context.js';

export type RunDetail = 'overview' | 'log' | 'rejects';

interface RunLinesProps {
	/** The target is an embedded database that this run makes: that takes some seconds. */
	readonly startsNewDatabase?: boolean;
	/** Nothing is written: what is there already is checked again. */
	readonly checksOnly?: boolean;
	readonly state: RunState;
	readonly control: RunControl;
	readonly now: number;
	/** Milliseconds that the operator held the run for. */
	readonly idle: number;
	readonly detail: RunDetail;
	readonly canvas: Canvas;
}

export function runLines(props: RunLinesProps): readonly LineSpec[] {
	const { state, control, now, idle, detail, canvas, startsNewDatabase = false, checksOnly = false } = props;
	if (checksOnly) return checkingLines(state, now, canvas);
	if (state.phase === 'idle') return startingLines(startsNewDatabase, canvas.width);
	const top = totalLines(state, now, idle, canvas);
	const notes = noteLines(state, control, canvas.width);
	const room = canvas.lines - top.length - notes.length;
	if (detail !== 'overview') return [...top, ...detailLines(state, detail, room, canvas), ...notes].slice(0, canvas.lines);
	// The log gets what the steps leave, and a few lines at least where there is room for them.
	const steps = stepLines(state, { now, left: timeLeft(state, now, idle) }, canvas, Math.max(2, room - (room > 8 ? 5 : 0)));
	const free = room - steps.length;
	const gap = free > 5 ? [blank] : [];
	const logRoom = free - gap.length - 1;
	return [...top, ...steps, ...gap, ...notes, ...(logRoom > 0 ? [rule('log', canvas), ...logLines(state.log, logRoom, canvas.width)] : [])];
}

/** Nothing can be counted yet; a spinner shows that it goes on. */
function startingLines(startsNewDatabase: boolean, width: number): readonly LineSpec[] {
	const what = startsNewDatabase
		? 'Starting: making the embedded database, taking the lock. This takes a few seconds.'
		: 'Starting: taking the lock, checking that nothing changed since the plan.';
	const [first = blank, ...others] = paragraph(what, width - 3, undefined, 0);
	return [
		line({ text: '-', tone: 'accent', spinner: true }, { text: ' ' }, ...first.parts),
		...others.map(({ parts }) => line({ text: '  ' }, ...parts)),
	];
}

/** A verification on its own: there is no step, only checks that end one after the other. */
function checkingLines(state: RunState, now: number, canvas: Canvas): readonly LineSpec[] {
	const gone = state.startedAt === null ? '' : `   ${formatClock(elapsed(state, now))} gone`;
	const head = [
		line(
			{ text: '-', tone: 'accent', spinner: true },
			{ text: ' Checking what is in the target against the sources. Nothing is written.' },
			{ text: gone, tone: 'dim' },
		),
		blank,
	];
	const done = state.checks.map((check) =>
		line(
			{ text: check.name, width: 10 },
			{ text: checkWords[check.result].text, tone: checkWords[check.result].tone, width: 9 },
			{ text: check.figures, tone: 'dim' },
		),
	);
	return [...head, ...done].slice(0, canvas.lines);
}

function totalLines(state: RunState, now: number, idle: number, canvas: Canvas): readonly LineSpec[] {
	const totals = runTotals(state);
	const fraction = state.phase === 'copying' ? runFraction(state) : 1;
	const rate = currentRate(state, now);
	const left = timeLeft(state, now, idle);
	const counts = `${formatCompact(totals.rowsDone).padStart(6)} / ${formatCompact(totals.rows)} records`;
	// Steps without records count as the time they take, so the share is of the work, not of the records.
	const share = state.phase === 'copying' && canvas.width >= 70 ? ' of the work' : '';
	const barWidth = Math.max(10, Math.min(48, canvas.width - 9 - 8 - textWidth(share) - textWidth(counts) - 3));
	const leftWords =
		state.phase !== 'copying'
			? 'checking'
			: left === null
				? 'time left: not yet known'
				: `about ${formatClock(left)} left (${formatTimeOfDay(now + left, false)})`;
	const speed =
		rate === null
			? []
			: [
					{ text: formatRate(rate.rows), width: 11, align: 'right' as const },
					{ text: formatByteRate(rate.bytes), width: 13, align: 'right' as const, tone: 'dim' as const },
				];
	const spark = sparkText(speedHistory(state, now, Math.max(10, Math.min(60, canvas.width - 24))), canvas.glyphs);
	return [
		line(
			{ text: 'Total', tone: 'strong', width: 8 },
			{ text: barText(fraction, barWidth, canvas.glyphs), tone: 'accent' },
			{ text: formatPercent(fraction), width: 7, align: 'right' },
			{ text: `${share}   ${counts}` },
		),
		line({ text: '', width: 8 }, { text: `${formatClock(elapsed(state, now))} gone`, width: 13 }, { text: leftWords, width: 28 }, ...speed),
		...(canvas.lines > 12
			? [
					line({ text: 'Speed', tone: 'dim', width: 8 }, spark === '' ? { text: 'first seconds', tone: 'dim' } : { text: spark }, {
						text: spark === '' ? '' : '  last 2 min',
						tone: 'dim',
					}),
					blank,
				]
			: []),
	];
}

function noteLines(state: RunState, control: RunControl, width: number): readonly LineSpec[] {
	const counted: Part[] = [
		...(state.retries > 0 ? [{ text: `retries ${formatCount(state.retries)}   `, tone: 'warn' as const }] : []),
		...(state.rejected > 0 ? [{ text: `set aside ${formatCount(state.rejected)}   `, tone: 'warn' as const }] : []),
		...state.checks.map(
			(check): Part => ({ text: `${check.name} ${checkWords[check.result].text}   `, tone: checkWords[check.result].tone }),
		),
	];
	const slowed =
		state.slowed === null || state.phase !== 'copying'
			? []
			: paragraph(`slowed ${formatTimeOfDay(state.slowed.at)}: ${state.slowed.reason}`, width, 'warn');
	const held =
		control.stopping === 'stop'
			? 'Stopping after the batch in flight. Ctrl+C once more stops now; that batch is then rolled back.'
			: control.stopping === 'abort'
				? 'Stopping now: the batch in flight is rolled back.'
				: control.paused
					? 'Paused between batches. p goes on.'
					: null;
	return [...(counted.length === 0 ? [] : [line(...counted)]), ...slowed, ...(held === null ? [] : paragraph(`! ${held}`, width, 'warn'))];
}

function detailLines(state: RunState, detail: 'log' | 'rejects', room: number, canvas: Canvas): readonly LineSpec[] {
	if (detail === 'log') return [rule('log', canvas), ...logLines(state.log, room - 1, canvas.width)];
	const shown = state.rejects.slice(-Math.max(1, room - 1));
	const lines = shown.map((reject) =>
		line(
			{ text: reject.step, width: 14, cut: 'middle', tone: 'dim' },
			{ text: ` ${reject.key}`, width: 22, cut: 'middle' },
			{ text: ` ${reject.column ?? ''}`, width: 16, cut: 'middle', tone: 'dim' },
			{ text: ` ${reject.reason}`, tone: 'warn' },
		),
	);
	return [rule('set aside', canvas), ...(lines.length === 0 ? [line({ text: 'Nothing was set aside.', tone: 'dim' })] : lines)];
}

function rule(title: string, canvas: Canvas): LineSpec {
	const { rule: stroke } = canvas.glyphs;
	return { parts: [{ text: ` ${stroke} ${title} ${stroke.repeat(Math.max(0, canvas.width - textWidth(title) - 4))}`, tone: 'dim' }] };
}
