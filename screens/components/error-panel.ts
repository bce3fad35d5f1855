import type { ErrorFact } from '../../source/core/errors.js';
import { wrapText } from '../../source/core/text-width.js';
import { blank, facts, type LineSpec, line } from '../lines.js';

/** What failed, where, why, and what to do next. */
export function errorLines(error: ErrorFact, width: number): readonly LineSpec[] {
	const message = wrapText(error.message, Math.max(10, width - 4)).map((text, index) =>
		line({ text: index === 0 ? 'X  ' : '   ', tone: 'bad' }, { text, tone: 'strong' }),
	);
	const where: readonly (readonly [string, string])[] = [
		...(error.where === undefined ? [] : [['Where', error.where] as const]),
		...(error.why === undefined ? [] : [['Why', error.why] as const]),
		...(error.next ?? []).map((step, index) => [index === 0 ? 'Next' : '', step] as const),
		['Code', error.code],
	];
	return [...message, blank, ...facts(where, width)];
}
