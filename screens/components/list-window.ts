/** Which rows of a list are on screen. */
export interface ListWindow {
	readonly from: number;
	/** One past the last row shown. */
	readonly to: number;
	readonly above: number;
	readonly below: number;
}

/** Keeps the cursor on screen with as little movement as possible, starting from the last known first row. */
export function windowAround(count: number, cursor: number, height: number, lastFrom: number): ListWindow {
	const rows = Math.max(1, height);
	const latest = Math.max(0, count - rows);
	let from = Math.min(Math.max(0, lastFrom), latest);
	if (cursor < from) from = cursor;
	if (cursor >= from + rows) from = cursor - rows + 1;
	const to = Math.min(count, from + rows);
	return { from, to, above: from, below: count - to };
}

/** `+3 above  +12 more`, or null when everything is shown. */
export function hiddenRows({ above, below }: ListWindow): string | null {
	const words = [above > 0 ? `+${above} above` : '', below > 0 ? `+${below} more` : ''].filter((word) => word !== '');
	return words.length === 0 ? null : words.join('  ');
}
