import { cutText, printable } from '../core/text-width.js';
import type { TextStyle } from './style.js';

/** So wide that a row of the plan has its figures within 80 columns. */
const width = 24;

export const ellipsisOf = ({ unicode }: TextStyle): string => (unicode ? '…' : '...');

/**
 * Names for a column of a table, cut in the middle where they are long; a name that would then look like another one stays whole. Nothing is cut
 * where there are no columns to keep narrow.
 */
export function cutNames(names: readonly string[], style: TextStyle): (name: string) => string {
	if (!style.tables) return printable;
	const cut = (name: string): string => cutText(name, width, 'middle', ellipsisOf(style));
	const users = new Map<string, Set<string>>();
	for (const name of names) users.set(cut(name), (users.get(cut(name)) ?? new Set()).add(name));
	return (name) => ((users.get(cut(name))?.size ?? 0) > 1 ? printable(name) : cut(name));
}
