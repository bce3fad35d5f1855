import type { Glyphs } from '../theme.js';

/** A bar of exactly `width` cells. It is full only when everything is done, and shows a cell as soon as anything is. */
export function barText(fraction: number, width: number, glyphs: Glyphs): string {
	const part = Number.isFinite(fraction) ? Math.max(0, Math.min(1, fraction)) : 0;
	const exact = Math.floor(part * width);
	const filled = part > 0 && exact === 0 ? Math.min(1, width) : exact;
	return glyphs.full.repeat(filled) + glyphs.empty.repeat(width - filled);
}

/** A bar for work whose length nobody knows: a stretch that walks with `tick`. */
export function walkingBar(tick: number, width: number, glyphs: Glyphs): string {
	const stretch = Math.max(1, Math.floor(width / 5));
	const start = tick % Math.max(1, width - stretch + 1);
	return glyphs.empty.repeat(start) + glyphs.full.repeat(stretch) + glyphs.empty.repeat(Math.max(0, width - stretch - start));
}

/** Values as a line of small bars, scaled to the highest; a standstill is the lowest bar. */
export function sparkText(values: readonly number[], glyphs: Glyphs): string {
	const highest = Math.max(0, ...values);
	const top = glyphs.spark.length - 1;
	return values.map((value) => glyphs.spark[highest === 0 ? 0 : Math.round((Math.max(0, value) / highest) * top)] ?? '').join('');
}
