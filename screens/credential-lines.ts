/** The credentials as lines: a table with one row for each thing, and under it what the failing row says. Pure. */

import { type CredentialRow, credentialLabels } from '../source/core/credentials/rows.js';
import { sessionEnd, sessionWords } from '../source/core/credentials/session-end.js';
import { formatAgo, formatLatency } from '../source/core/format.js';
import { textWidth } from '../source/core/text-width.js';
import { type Cell, columnWidths, type TableRow, tableLines } from './components/data-table.js';
import { errorLines } from './components/error-panel.js';
import { blank, type LineSpec, line, paragraph } from './lines.js';
import type { Canvas } from './shell-context.js';
import type { Tone } from './theme.js';

const columns = [
	{ title: 'NEEDED' },
	{ title: 'VALUE', least: 12, cut: 'middle' as const },
	{ title: 'FROM', least: 10, cut: 'middle' as const, tone: 'dim' as const, yields: 1 },
	{ title: 'TEST', least: 9 },
];

const marks: Record<CredentialRow['state'], { readonly text: string; readonly tone: Tone }> = {
	waiting: { text: '  ', tone: 'dim' },
	working: { text: '  ', tone: 'plain' },
	ok: { text: 'ok', tone: 'plain' },
	look: { text: '! ', tone: 'warn' },
	x: { text: 'X ', tone: 'bad' },
};

export interface CredentialView {
	readonly rows: readonly CredentialRow[];
	/** Milliseconds since the epoch. */
	readonly now: number;
	/** The estimate of the plan, when there is one. */
	readonly runMilliseconds: number | null;
}

/** The row that stands in the way: the first that failed. */
export const failingRow = (rows: readonly CredentialRow[]): CredentialRow | undefined => rows.find(({ state }) => state === 'x');

export function credentialLines({ rows, now, runMilliseconds }: CredentialView, canvas: Canvas): readonly LineSpec[] {
	const found = rows.filter(({ state }) => state === 'ok' || state === 'look').length;
	const failing = failingRow(rows);
	const cursor = failing === undefined ? null : rows.indexOf(failing);
	const session = sessionNote(rows, now, runMilliseconds);
	return [
		line(
			{ text: `Found ${found} of ${rows.length}.`, tone: 'strong' },
			{
				text: canvas.width < 79 ? '   Secrets stay in memory.' : '   Secrets stay in memory; they are never shown, logged or saved.',
				tone: 'dim',
			},
		),
		blank,
		...tableLines({ columns, rows: wholeRows(rows, now, canvas), width: canvas.width, cursor }),
		blank,
		...rows.flatMap(({ notes = [] }) => notes.flatMap((note) => noteLines(note, canvas.width))),
		...(session === null ? [] : noteLines(session, canvas.width)),
		...(failing?.error === undefined ? [] : errorLines(failing.error, canvas.width)),
	];
}

const noteLines = (text: string, width: number): readonly LineSpec[] =>
	paragraph(text, width - 4, 'plain', 0).map((spec, index) => line({ text: index === 0 ? '!  ' : '   ', tone: 'warn' }, ...spec.parts));

function sessionNote(rows: readonly CredentialRow[], now: number, runMilliseconds: number | null): string | null {
	const identity = rows.find(({ name }) => name === 'aws')?.identity;
	if (identity === undefined) return null;
	return sessionWords(sessionEnd(identity), now, runMilliseconds, false)?.words ?? null;
}

/** Rows that fewer lines than this leave no room for. */
const roomForWhole = 14;

/** What a cell has no room for stands under its row, where there are lines for it: the target must be seen whole before it is written to. */
function wholeRows(rows: readonly CredentialRow[], now: number, canvas: Canvas): readonly TableRow[] {
	const drawn = rows.map((row) => ({ cells: cellsOf(row, now), row }));
	const widths = columnWidths(
		columns,
		drawn.map(({ cells }) => ({ cells })),
		canvas.width - 3,
	);
	return drawn.map(({ cells, row }) => {
		const cut = [1, 2].flatMap((at) => (textWidth(cells[at]?.text ?? '') > (widths[at] ?? 0) ? [cells[at]?.text ?? ''] : []));
		const more = [...cut, ...(row.identity === undefined ? [] : [row.identity.arn])];
		if (more.length === 0 || canvas.lines < roomForWhole) return { cells };
		return { cells, under: paragraph(more.join('   '), canvas.width - 2, 'dim', 6) };
	});
}

function cellsOf(row: CredentialRow, now: number): readonly Cell[] {
	const { name, state } = row;
	return [
		{ text: `${marks[state].text} ${credentialLabels[name]}`, tone: marks[state].tone },
		valueCell(row),
		{ text: fromText(row, now), tone: 'dim' },
		testCell(row),
	];
}

function valueCell({ name, state, shown, identity }: CredentialRow): Cell {
	if (identity !== undefined) return { text: `account ${identity.account}` };
	if (shown !== null) return { text: name === 'postgres' ? shortUrl(shown) : shown };
	if (state === 'x') return { text: 'not found', tone: 'warn' };
	return { text: state === 'working' ? 'looking ...' : '-', tone: 'dim' };
}

/** The stars say no more than one of them, and the scheme says nothing. */
const shortUrl = (shown: string): string => shown.replace(/^postgres(ql)?:\/\//, '').replace(/\*{2,}/, '*');

function fromText({ from, version, changedAt, name, identity }: CredentialRow, now: number): string {
	if (identity !== undefined) return `${identity.from}, ${identity.region}`;
	const age = changedAt === undefined || version === undefined || name !== 'postgres' ? '' : `, ${formatAgo(changedAt, now)}`;
	return `${from ?? '-'}${age}`;
}

function testCell({ state, found, latencyMilliseconds }: CredentialRow): Cell {
	if (state === 'waiting') return { text: '-', tone: 'dim' };
	if (state === 'working') return { text: 'testing ...', tone: 'dim' };
	if (state === 'x') return { text: 'X failed', tone: 'bad' };
	const words = [
		...(found === undefined ? [] : [found]),
		...(latencyMilliseconds === undefined ? [] : [formatLatency(latencyMilliseconds)]),
	];
	return words.length === 0 ? { text: '-', tone: 'dim' } : { text: words.join('  '), tone: 'good' };
}
