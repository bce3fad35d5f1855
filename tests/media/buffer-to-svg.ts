import type { IBuffer, IBufferCell } from '@xterm/headless';
import { background, foreground, paletteColour, rgbColour } from './palette.js';

/** Pixels of one cell and of the frame around the screen. */
const cell = { width: 8.4, height: 18, font: 14, baseline: 13.5 } as const;
const padding = 14;

export interface Screen {
	readonly buffer: IBuffer;
	readonly columns: number;
	/** First row drawn, counted from the top of the view; 0 when not given. */
	readonly firstRow?: number;
	/** Rows drawn. */
	readonly rows: number;
}

/** Neighbouring cells of one row with one look; `columns` counts cells, so a wide character counts twice. */
interface Stretch {
	readonly column: number;
	columns: number;
	/** What each cell holds: usually one character, more with combining marks. */
	readonly texts: { readonly column: number; readonly text: string }[];
	readonly colour: string;
	readonly backdrop: string | null;
	readonly attributes: string;
}

const colours = (source: IBufferCell): { colour: string; backdrop: string | null } => {
	const ink = source.isFgDefault() ? null : source.isFgRGB() ? rgbColour(source.getFgColor()) : paletteColour(source.getFgColor());
	const paper = source.isBgDefault() ? null : source.isBgRGB() ? rgbColour(source.getBgColor()) : paletteColour(source.getBgColor());
	if (source.isInverse()) return { colour: paper ?? background, backdrop: ink ?? foreground };
	return { colour: ink ?? foreground, backdrop: paper };
};

const attributesOf = (source: IBufferCell): string => {
	const lines = [source.isUnderline() ? 'underline' : '', source.isStrikethrough() ? 'line-through' : ''].filter(Boolean).join(' ');
	return [
		source.isBold() ? ' font-weight="bold"' : '',
		source.isItalic() ? ' font-style="italic"' : '',
		source.isDim() ? ' opacity="0.6"' : '',
		lines === '' ? '' : ` text-decoration="${lines}"`,
	].join('');
};

const stretchesOf = (screen: Screen, row: number): readonly Stretch[] => {
	const line = screen.buffer.getLine(screen.buffer.viewportY + (screen.firstRow ?? 0) + row);
	const stretches: Stretch[] = [];
	for (let column = 0; line !== undefined && column < screen.columns; column += 1) {
		const source = line.getCell(column);
		// The second half of a wide character has no width.
		if (source === undefined || source.getWidth() === 0) continue;
		const text = source.isInvisible() ? ' ' : source.getChars() || ' ';
		const look = { ...colours(source), attributes: attributesOf(source) };
		const last = stretches.at(-1);
		const same =
			last !== undefined && last.colour === look.colour && last.backdrop === look.backdrop && last.attributes === look.attributes;
		if (same) {
			last.texts.push({ column, text });
			last.columns += source.getWidth();
		} else stretches.push({ column, columns: source.getWidth(), texts: [{ column, text }], ...look });
	}
	return stretches;
};

const escaped = (text: string): string =>
	text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const number = (value: number): string => String(Number(value.toFixed(2)));

/** One x for every UTF-16 unit, as SVG counts characters: each glyph stands in its own cell whatever the font's widths are. */
const places = (stretch: Stretch): string =>
	stretch.texts.flatMap(({ column, text }) => Array.from({ length: text.length }, () => number(padding + column * cell.width))).join(' ');

const drawn = (stretch: Stretch, row: number): readonly string[] => {
	const top = padding + row * cell.height;
	const parts: string[] = [];
	if (stretch.backdrop !== null) {
		const [x, width] = [number(padding + stretch.column * cell.width), number(stretch.columns * cell.width)];
		parts.push(`<rect x="${x}" y="${number(top)}" width="${width}" height="${cell.height}" fill="${stretch.backdrop}"/>`);
	}
	// Spaces stay inside a stretch, so that a copied line reads as it did on the screen.
	const text = stretch.texts.map((each) => each.text).join('');
	const shown = stretch.attributes.includes('text-decoration') ? text : text.trimEnd();
	if (shown !== '') {
		const place = `x="${places(stretch).split(' ').slice(0, shown.length).join(' ')}" y="${number(top + cell.baseline)}"`;
		parts.push(`<text ${place} fill="${stretch.colour}"${stretch.attributes}>${escaped(shown)}</text>`);
	}
	return parts;
};

/** Draws what a terminal shows as an SVG: one element per stretch of equal cells, each glyph in its own cell, text left as text. */
export const bufferToSvg = (screen: Screen, title: string): string => {
	const width = number(screen.columns * cell.width + 2 * padding);
	const height = number(screen.rows * cell.height + 2 * padding);
	const rows = Array.from({ length: screen.rows }, (_, row) => stretchesOf(screen, row).flatMap((stretch) => drawn(stretch, row)));
	const font = `font-family="ui-monospace, 'Cascadia Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${cell.font}"`;
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
		`<title>${escaped(title)}</title>`,
		`<rect width="100%" height="100%" rx="8" fill="${background}"/>`,
		`<g ${font} style="white-space: pre" xml:space="preserve">`,
		...rows.flat(),
		'</g>',
		'</svg>',
		'',
	].join('\n');
};
