/**
 * Text in terminal cells: how wide it is, and how to cut and pad it to a width. Every string that came from data passes through
 * `printable` first, so that no value can move the cursor or colour the screen.
 */

/** Control characters, escapes and bidirectional overrides: shown as a middle dot (or `.`), never sent to the terminal. */
const unprintable = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** The text on one line and without anything a terminal would obey. Tabs and line ends become spaces. */
export function printable(text: string): string {
	return text.replace(/[\t\r\n]+/g, ' ').replace(unprintable, '.');
}

/** East Asian wide and emoji ranges (Unicode 16 EastAsianWidth W and F, in blocks) that terminals draw in two cells. */
const wideRanges: readonly (readonly [number, number])[] = [
	[0x1100, 0x115f],
	[0x231a, 0x231b],
	[0x2329, 0x232a],
	[0x23e9, 0x23f3],
	[0x25fd, 0x25fe],
	[0x2614, 0x2615],
	[0x2648, 0x2653],
	[0x26a1, 0x26a1],
	[0x2705, 0x2705],
	[0x274c, 0x274e],
	[0x2753, 0x2757],
	[0x2795, 0x2797],
	[0x2b50, 0x2b55],
	[0x2e80, 0x303e],
	[0x3041, 0x33ff],
	[0x3400, 0x4dbf],
	[0x4e00, 0xa4cf],
	[0xa960, 0xa97c],
	[0xac00, 0xd7a3],
	[0xf900, 0xfaff],
	[0xfe30, 0xfe6f],
	[0xff01, 0xff60],
	[0xffe0, 0xffe6],
	[0x16fe0, 0x18cff],
	[0x1b000, 0x1b2ff],
	[0x1f004, 0x1f004],
	[0x1f18e, 0x1f19a],
	[0x1f200, 0x1f265],
	[0x1f300, 0x1f64f],
	[0x1f680, 0x1f6ff],
	[0x1f7e0, 0x1f7f0],
	[0x1f900, 0x1f9ff],
	[0x1fa70, 0x1faff],
	[0x20000, 0x3fffd],
];

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const plainAscii = /^[\x20-\x7e]*$/;

function cellsOf(grapheme: string): number {
	const point = grapheme.codePointAt(0) ?? 0;
	if (/^\p{Mark}/u.test(grapheme)) return 0;
	if (point < 0x1100) return 1;
	return grapheme.includes('\ufe0f') || wideRanges.some(([first, last]) => point >= first && point <= last) ? 2 : 1;
}

/** Terminal cells that the text takes. */
export function textWidth(text: string): number {
	if (plainAscii.test(text)) return text.length;
	let width = 0;
	for (const { segment } of graphemes.segment(text)) width += cellsOf(segment);
	return width;
}

/** The longest start of the text that fits. */
function takeStart(text: string, width: number): string {
	if (plainAscii.test(text)) return text.slice(0, Math.max(0, width));
	let taken = '';
	let used = 0;
	for (const { segment } of graphemes.segment(text)) {
		used += cellsOf(segment);
		if (used > width) break;
		taken += segment;
	}
	return taken;
}

function takeEnd(text: string, width: number): string {
	if (plainAscii.test(text)) return width <= 0 ? '' : text.slice(-width);
	const segments = [...graphemes.segment(text)].map(({ segment }) => segment).reverse();
	let taken = '';
	let used = 0;
	for (const segment of segments) {
		used += cellsOf(segment);
		if (used > width) break;
		taken = segment + taken;
	}
	return taken;
}

export type CutPlace = 'end' | 'middle';

/** The text cut to at most `width` cells with an ellipsis; paths are cut in the middle, where they differ least. */
export function cutText(text: string, width: number, place: CutPlace = 'end', ellipsis = '…'): string {
	const clean = printable(text);
	if (textWidth(clean) <= width) return clean;
	const room = width - textWidth(ellipsis);
	if (room <= 0) return takeStart(clean, Math.max(0, width));
	if (place === 'end') return takeStart(clean, room) + ellipsis;
	const tail = Math.ceil(room / 2);
	return takeStart(clean, room - tail) + ellipsis + takeEnd(clean, tail);
}

/** The text cut and padded to exactly `width` cells. */
export function fitText(
	text: string,
	width: number,
	options: { readonly align?: 'left' | 'right'; readonly cut?: CutPlace; readonly ellipsis?: string } = {},
): string {
	const cut = cutText(text, width, options.cut, options.ellipsis);
	const space = ' '.repeat(Math.max(0, width - textWidth(cut)));
	return options.align === 'right' ? space + cut : cut + space;
}

/** Spaces but those within a figure: `6 560`, `389 KiB`, `12 s`, `60 %`. */
const breakable = /(?<!\d) | (?!\d{3}(?!\w)|%|(?:[KMGT]iB|B|ms|s|min|h)(?!\w))/;

/** The text broken at spaces into lines of at most `width` cells, never within a figure; a word that is too long is broken where it must be. */
export function wrapText(text: string, width: number): readonly string[] {
	const lines: string[] = [];
	let line = '';
	for (const word of printable(text).split(breakable)) {
		const joined = line === '' ? word : `${line} ${word}`;
		if (textWidth(joined) <= width) {
			line = joined;
			continue;
		}
		if (line !== '') lines.push(line);
		line = word;
		while (textWidth(line) > width) {
			const head = takeStart(line, Math.max(1, width));
			if (head === '') break;
			lines.push(head);
			line = line.slice(head.length);
		}
	}
	lines.push(line);
	return lines;
}
