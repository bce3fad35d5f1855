import xterm from '@xterm/headless';
import { expect, test } from 'vitest';
import { bufferToSvg } from './buffer-to-svg.js';

const svgOf = async (input: string, columns = 20, rows = 3): Promise<string> => {
	const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
	await new Promise<void>((resolve) => terminal.write(input, resolve));
	return bufferToSvg({ buffer: terminal.buffer.active, columns, rows }, 'a <screen>');
};

const texts = (svg: string): readonly string[] => [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map((found) => found[1] ?? '');
const elementWith = (svg: string, text: string): string => svg.split('\n').find((line) => line.includes(`>${text}<`)) ?? '';

test('a line of one look is one text with each glyph in its cell, and blank lines draw nothing', async () => {
	const svg = await svgOf('plain\r\n\r\n  last');
	expect(texts(svg)).toEqual(['plain', '  last']);
	expect(elementWith(svg, 'plain')).toContain('x="14 22.4 30.8 39.2 47.6" y="27.5"');
	expect(elementWith(svg, '  last')).toContain('y="63.5"');
	expect(svg).toContain('viewBox="0 0 196 82"');
});

test('colours and attributes end where the terminal ended them', async () => {
	const svg = await svgOf('a\x1b[1;32mok\x1b[0m \x1b[2;9mgone\x1b[0m');
	expect(elementWith(svg, 'ok')).toContain('x="22.4 30.8" y="27.5" fill="#3fb950" font-weight="bold"');
	expect(elementWith(svg, 'gone')).toContain('opacity="0.6" text-decoration="line-through"');
});

test('an inverse cell has its background drawn under it', async () => {
	const svg = await svgOf('\x1b[7mkey\x1b[0m', 3, 1);
	expect(svg).toContain('<rect x="14" y="14" width="25.2" height="18" fill="#e6edf3"/>');
	expect(elementWith(svg, 'key')).toContain('fill="#0d1117"');
});

test('a wide character takes two cells, and what follows keeps its column', async () => {
	const svg = await svgOf('漢字█ok', 8, 1);
	expect(elementWith(svg, '漢字█ok')).toContain('x="14 30.8 47.6 56 64.4"');
});

test('a character of two UTF-16 units has a place for each, as SVG counts them', async () => {
	const svg = await svgOf('😀e\u0301x', 8, 1);
	expect(elementWith(svg, '😀e\u0301x')).toMatch(/x="14 14 (\d+(\.\d+)?) \1 (\d+(\.\d+)?)"/);
});

test('markup in the text is escaped', async () => {
	const svg = await svgOf('<a> & "b"', 9, 1);
	expect(texts(svg)).toEqual(['&lt;a&gt; &amp; &quot;b&quot;']);
	expect(svg).toContain('<title>a &lt;screen&gt;</title>');
});

test('256 colours and true colour are kept', async () => {
	const svg = await svgOf('\x1b[38;5;208mo\x1b[38;5;240mg\x1b[38;2;1;2;255mt\x1b[0m', 3, 1);
	expect(elementWith(svg, 'o')).toContain('fill="#ff8700"');
	expect(elementWith(svg, 'g')).toContain('fill="#585858"');
	expect(elementWith(svg, 't')).toContain('fill="#0102ff"');
});
