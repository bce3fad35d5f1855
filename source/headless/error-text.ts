import type { ErrorFact } from '../core/errors.js';
import { printable, wrapText } from '../core/text-width.js';
import { paint, type TextStyle } from './style.js';

const usualColumns = 120;
/** `  label  ` before each line. */
const labelCells = 9;

/** An error on one screen: what failed, where, why, what to do next. */
export function errorLines(error: ErrorFact, style: TextStyle): readonly string[] {
	const columns = style.columns ?? usualColumns;
	const width = Math.max(20, Math.min(110, columns - labelCells - 1));
	const next = (error.next ?? []).flatMap((step, index) => labelled(index === 0 ? 'next' : '', step, width));
	// Without a terminal a title stays one line, which a search finds.
	const title =
		style.columns === undefined ? [printable(titled(error.message))] : wrapText(titled(error.message), Math.max(20, columns - 3));
	return [
		...title.map((text, index) => paint(style, 'bad', `${index === 0 ? 'X' : ' '} ${text}`)),
		...(error.where === undefined ? [] : labelled('where', error.where, width)),
		...(error.why === undefined ? [] : labelled('why', error.why, width)),
		...next,
	];
}

/** Titles begin with a capital, unless they begin with a name that is written small. */
function titled(message: string): string {
	const first = /^[a-z]+(?=[\s']|$)/.exec(message)?.[0];
	return first === undefined || smallNames.has(first) ? message : message.charAt(0).toUpperCase() + message.slice(1);
}

const smallNames = new Set(['repot', 'pgvector', 'pglite', 'chromadb', 'sslmode', 'voyage']);

/** `  why    first line`, further lines under it. Commands and paths are never broken: a line of them can be copied. */
function labelled(label: string, text: string, width: number): readonly string[] {
	const parts = text
		.split('\n')
		.flatMap((line) => (/\s/.test(line.trim()) && !/^(repot|[A-Z]+ ) /.test(line) ? wrapText(line, width) : [printable(line)]));
	return parts.map((part, index) => `  ${(index === 0 ? label : '').padEnd(6)} ${part}`.trimEnd());
}

/** The stack of an error and of its causes. */
export function stackLines(error: Error): readonly string[] {
	const lines: string[] = [];
	for (let at: unknown = error; at instanceof Error; at = at.cause) {
		lines.push(
			...(at.stack ?? at.message)
				.split('\n')
				.map((line, index) => `${lines.length > 0 && index === 0 ? 'caused by ' : ''}${printable(line)}`),
		);
	}
	return lines;
}
