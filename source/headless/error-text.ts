import type { ErrorFact } from '../core/errors.js';
import { printable, wrapText } from '../core/text-width.js';
import { paint, type TextStyle } from './style.js';

/** An error on one screen: what failed, where, why, what to do next. */
export function errorLines(error: ErrorFact, style: TextStyle): readonly string[] {
	const next = (error.next ?? []).flatMap((step, index) => labelled(index === 0 ? 'next' : '', step));
	return [
		paint(style, 'bad', `X ${printable(titled(error.message))}`),
		...(error.where === undefined ? [] : labelled('where', error.where)),
		...(error.why === undefined ? [] : labelled('why', error.why)),
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
function labelled(label: string, text: string): readonly string[] {
	const parts = text
		.split('\n')
		.flatMap((line) => (/\s/.test(line.trim()) && !/^(repot|[A-Z]+ ) /.test(line) ? wrapText(line, 110) : [printable(line)]));
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
