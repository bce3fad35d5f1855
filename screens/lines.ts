/**
 * A screen's body is data: a list of lines, each a list of parts. The frame draws them, cuts them to its width and never draws more
 * than fit, so that no screen can grow past the terminal. It also makes screens pure functions that tests can read.
 */

import { type CutPlace, fitText, printable, textWidth, wrapText } from '../source/core/text-width.js';
import type { Tone } from './theme.js';

export interface Part {
	readonly text: string;
	readonly tone?: Tone | undefined;
	/** Cells to fill; without it the text takes what it needs. */
	readonly width?: number;
	readonly align?: 'left' | 'right';
	readonly cut?: CutPlace;
	/** Draws a turning spinner in one cell; `text` is what stands there without colour or motion. */
	readonly spinner?: boolean;
}

export interface LineSpec {
	readonly parts: readonly Part[];
	/** Set against the right edge when there is room. */
	readonly right?: readonly Part[];
}

export const blank: LineSpec = { parts: [] };

/** A line of one tone, one cell from the edge. */
export function words(text: string, tone?: Tone): LineSpec {
	return { parts: [{ text: ` ${text}`, tone }] };
}

/** A line of parts, one cell from the edge. */
export function line(...parts: readonly Part[]): LineSpec {
	return { parts: [{ text: ' ' }, ...parts] };
}

/** Text over as many lines as it needs, indented by `indent` cells. */
export function paragraph(text: string, width: number, tone?: Tone, indent = 1): readonly LineSpec[] {
	const space = ' '.repeat(indent);
	return wrapText(text, Math.max(10, width - indent)).map((wrapped) => ({ parts: [{ text: `${space}${wrapped}`, tone }] }));
}

/** `label   value` with the values in one column; long values go on over further lines. */
export function facts(pairs: readonly (readonly [string, string, Tone?])[], width: number): readonly LineSpec[] {
	const labelWidth = Math.max(0, ...pairs.map(([label]) => textWidth(label))) + 3;
	return pairs.flatMap(([label, value, tone]) =>
		wrapText(value, Math.max(10, width - labelWidth - 1)).map((wrapped, index) =>
			line({ text: index === 0 ? label : '', tone: 'dim', width: labelWidth }, { text: wrapped, tone }),
		),
	);
}

/** The lines as plain text, in their columns: what a screen says without colour. */
export function plainText(lines: readonly LineSpec[]): string {
	return lines.map(({ parts }) => parts.map(plainPart).join('').trimEnd()).join('\n');
}

function plainPart({ text, width, align, cut }: Part): string {
	if (width === undefined) return printable(text);
	return fitText(text, width, { ...(align === undefined ? {} : { align }), ...(cut === undefined ? {} : { cut }) });
}
