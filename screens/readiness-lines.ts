/** The checks before writing, as lines: all that they say, a line each, or one line for all. Pure. */

import { type ReadinessCheck, type ReadinessName, readinessNames } from '../source/core/readiness.js';
import { type LineSpec, line, type Part, paragraph } from './lines.js';
import type { Tone } from './theme.js';

export const readinessWords: Record<ReadinessCheck['result'], { readonly text: string; readonly tone: Tone }> = {
	ok: { text: 'ok', tone: 'good' },
	look: { text: 'LOOK', tone: 'warn' },
	x: { text: 'X', tone: 'bad' },
};

/** Nothing may be written before these are solved. */
export const obstacles = (checks: readonly ReadinessCheck[]): readonly ReadinessCheck[] => checks.filter(({ result }) => result === 'x');

const markWidth = 6;
const nameWidth = 9;
const wordsAt = 1 + markWidth + nameWidth;

/** From the most talkative way to the shortest; what blocks is said in full in each of them. */
export function readinessLines(checks: readonly ReadinessCheck[], width: number): readonly (readonly LineSpec[])[] {
	const always: readonly ReadinessName[] = readinessNames;
	const names = [...checks.map(({ name }) => name).filter((name) => !always.includes(name)), ...always];
	const each = names.map((name) => ({ name, check: checks.find((one) => one.name === name) }));
	const inFull = each.map(({ name, check }) => (check === undefined ? [pendingLine(name)] : wholeLines(check, width)));
	const oneEach = each.flatMap(({ check }, index) =>
		check?.result === 'x'
			? (inFull[index] ?? [])
			: (inFull[index] ?? []).slice(0, 1).map((spec) => (check === undefined ? spec : shortLine(check))),
	);
	const rest = each.filter(({ check }) => check?.result !== 'x');
	return [
		inFull.flat(),
		oneEach,
		[...obstacles(checks).flatMap((check) => wholeLines(check, width)), ...(rest.length === 0 ? [] : [line(...rest.flatMap(inShort))])],
	];
}

function wholeLines(check: ReadinessCheck, width: number): readonly LineSpec[] {
	const under = (text: string, tone: Tone): readonly LineSpec[] => paragraph(text, width - wordsAt, tone, 0);
	const said = [
		...under(check.words, check.result === 'ok' ? 'plain' : 'strong'),
		...(check.next === undefined ? [] : under(check.next, 'dim')),
	];
	return said.map(({ parts }, index) =>
		index === 0 ? line(...headParts(check), ...parts) : line({ text: '', width: markWidth + nameWidth }, ...parts),
	);
}

const shortLine = (check: ReadinessCheck): LineSpec => line(...headParts(check), { text: check.words, cut: 'end' });

function headParts({ name, result }: ReadinessCheck): readonly Part[] {
	const { text, tone } = readinessWords[result];
	return [
		{ text, tone, width: markWidth },
		{ text: name, tone: 'dim', width: nameWidth },
	];
}

const pendingLine = (name: ReadinessName): LineSpec =>
	line(
		{ text: '-', tone: 'accent', spinner: true },
		{ text: '', width: markWidth - 1 },
		{ text: name, tone: 'dim', width: nameWidth },
		{ text: '...', tone: 'dim' },
	);

function inShort(
	{ name, check }: { readonly name: ReadinessName; readonly check: ReadinessCheck | undefined },
	index: number,
): readonly Part[] {
	const mark = check === undefined ? { text: '...', tone: 'dim' as const } : readinessWords[check.result];
	return [{ text: index === 0 ? '' : '   ' }, mark, { text: ` ${name}`, tone: 'dim' }];
}
