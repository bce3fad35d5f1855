/** The credentials as lines: each thing with its value, its origin and its test, and below them what the failing one says. Pure. */

import { identityWords } from '../source/core/credentials/row-words.js';
import { type CredentialRow, credentialLabels } from '../source/core/credentials/rows.js';
import { sessionWords } from '../source/core/credentials/session-end.js';
import { formatAgo, formatLatency } from '../source/core/format.js';
import { textWidth, wrapText } from '../source/core/text-width.js';
import { errorLines } from './components/error-panel.js';
import { blank, type LineSpec, line, type Part, paragraph } from './lines.js';
import type { Canvas } from './shell-context.js';
import type { Tone } from './theme.js';

const marks: Record<CredentialRow['state'], { readonly text: string; readonly tone: Tone }> = {
	waiting: { text: '  ', tone: 'dim' },
	working: { text: '  ', tone: 'plain' },
	ok: { text: 'ok', tone: 'plain' },
	look: { text: '! ', tone: 'warn' },
	x: { text: 'X ', tone: 'bad' },
};

export interface CredentialView {
	readonly rows: readonly CredentialRow[];
	/** The failed row whose error is told. */
	readonly failing: CredentialRow | undefined;
	/** Milliseconds since the epoch. */
	readonly now: number;
	/** The estimate of the plan, when there is one. */
	readonly runMilliseconds: number | null;
}

export function credentialLines({ rows, failing, now, runMilliseconds }: CredentialView, canvas: Canvas): readonly LineSpec[] {
	const found = rows.filter(({ state }) => state === 'ok' || state === 'look').length;
	const session = sessionNote(rows, now, runMilliseconds);
	const notes = [...rows.flatMap((row) => row.notes ?? []), ...(session === null ? [] : [session])];
	const below = [
		...notes.flatMap((note) => noteLines(note, canvas.width)),
		...(failing?.error === undefined ? [] : errorLines(failing.error, canvas.width)),
	];
	return [
		line(
			{ text: `Found ${found} of ${rows.length}.`, tone: 'strong' },
			{
				text: canvas.width < 79 ? '   Secrets stay in memory.' : '   Secrets stay in memory; they are never shown, logged or saved.',
				tone: 'dim',
			},
		),
		blank,
		...shownRows(rows, failing, now, canvas, canvas.lines - below.length - aroundRows),
		blank,
		...below,
	];
}

/** All of them whole, or the target whole, or a line each: whatever there is room for. */
function shownRows(
	rows: readonly CredentialRow[],
	failing: CredentialRow | undefined,
	now: number,
	canvas: Canvas,
	room: number,
): readonly LineSpec[] {
	const ways = [() => true, ({ name }: CredentialRow) => name === 'postgres', () => false];
	const drawn = ways.map((isWhole) =>
		rows.flatMap((row) => (isWhole(row) ? wholeLines(row, row === failing, now, canvas) : [shortLine(row, row === failing, now, canvas)])),
	);
	return drawn.find((lines) => lines.length <= room) ?? drawn.at(-1) ?? [];
}

/** The title, and the blank lines around the rows. */
const aroundRows = 3;

const noteLines = (text: string, width: number): readonly LineSpec[] =>
	paragraph(text, width - 4, 'plain', 0).map((spec, index) => line({ text: index === 0 ? '!  ' : '   ', tone: 'warn' }, ...spec.parts));

function sessionNote(rows: readonly CredentialRow[], now: number, runMilliseconds: number | null): string | null {
	const end = rows.find(({ name }) => name === 'aws')?.identity?.sessionEndsAt ?? null;
	return sessionWords(end === null ? null : Date.parse(end), now, runMilliseconds, false)?.words ?? null;
}

const labelWidth = 18;
const testWidth = 9;

/** What is needed, all that is known of it, and where it came from: the target must be seen whole before it is written to. */
function wholeLines(row: CredentialRow, failing: boolean, now: number, canvas: Canvas): readonly LineSpec[] {
	const width = valueWidth(canvas);
	const { text, tone } = shownValue(row);
	const [first = '', ...rest] = wrapText(text, width);
	// Only the first line has a test beside it.
	const whole = canvas.width - labelWidth - 2;
	const origin = originOf(row, now);
	const under = [
		...(rest.length === 0 ? [] : wrapText(rest.join(''), whole).map((part) => ({ text: part, tone }))),
		...(origin === '' ? [] : wrapText(origin, whole).map((part) => ({ text: part, tone: 'dim' as const }))),
	];
	return [
		line(...headParts(row, failing), { text: first, tone, width }, { text: '  ' }, testOf(row)),
		...under.map((part) => line({ text: '', width: labelWidth }, part)),
	];
}

const valueWidth = (canvas: Canvas): number => Math.max(20, canvas.width - labelWidth - testWidth - 3);

function shortLine(row: CredentialRow, failing: boolean, now: number, canvas: Canvas): LineSpec {
	const width = valueWidth(canvas);
	const { text, tone } = shownValue(row);
	// What was found takes the place of how long it took.
	const { found: _aside, ...rest } = row;
	const origin = originOf(rest, now);
	const fits = origin !== '' && textWidth(text) + 3 + textWidth(origin) <= width;
	const whole = fits ? `${text}   ${origin}` : text;
	const test = row.found === undefined || row.state === 'x' ? testOf(row) : { text: row.found.split(',')[0] ?? '', tone: 'good' as const };
	return line(...headParts(row, failing), { text: whole, tone, width, cut: 'middle' }, { text: '  ' }, test);
}

function headParts({ name, state }: CredentialRow, failing: boolean): readonly Part[] {
	const { text, tone } = marks[state];
	return [
		{ text: failing ? '> ' : '  ', tone: 'accent' },
		{ text: `${text} ${credentialLabels[name]}`, tone, width: labelWidth - 2 },
	];
}

function shownValue({ name, state, shown }: CredentialRow): { readonly text: string; readonly tone: Tone } {
	if (shown !== null) return { text: name === 'postgres' ? withoutScheme(shown) : shown, tone: 'plain' };
	if (state === 'x') return { text: 'not found', tone: 'warn' };
	return { text: state === 'working' ? 'looking ...' : '-', tone: 'dim' };
}

/** The scheme says nothing, and many stars no more than one. */
const withoutScheme = (shown: string): string => shown.replace(/^postgres(ql)?:\/\//, '').replace(/\*{2,}/, '*');

/** What the test found, and where the value came from. */
function originOf({ from, changedAt, version, name, identity, state, found }: CredentialRow, now: number): string {
	if (identity !== undefined) return `${identityWords(identity)}, from ${identity.from}`;
	if (from === null || from === 'default') return found ?? '';
	const age = changedAt === undefined || version === undefined || name !== 'postgres' ? '' : `, ${formatAgo(changedAt, now)}`;
	const origin = state === 'waiting' && name !== 'aws' ? `to be read from ${from}` : `from ${from}${age}`;
	return found === undefined ? origin : `${found}, ${origin}`;
}

function testOf({ state, latencyMilliseconds }: CredentialRow): { readonly text: string; readonly tone: Tone } {
	if (state === 'x') return { text: 'X failed', tone: 'bad' };
	if (state === 'working') return { text: 'testing', tone: 'dim' };
	if (state === 'waiting' || latencyMilliseconds === undefined) return { text: '-', tone: 'dim' };
	return { text: formatLatency(latencyMilliseconds), tone: 'good' };
}
