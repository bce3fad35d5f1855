/** Colours of the 16 ANSI names on a dark background, in their order: black, red, green, yellow, blue, magenta, cyan, white, then the bright ones. */
const ansi = [
	'#484f58',
	'#ff7b72',
	'#3fb950',
	'#d29922',
	'#58a6ff',
	'#bc8cff',
	'#39c5cf',
	'#b1bac4',
	'#6e7681',
	'#ffa198',
	'#56d364',
	'#e3b341',
	'#79c0ff',
	'#d2a8ff',
	'#56d4dd',
	'#ffffff',
] as const;

export const background = '#0d1117';
export const foreground = '#e6edf3';

const hex = (red: number, green: number, blue: number): string =>
	`#${[red, green, blue].map((part) => part.toString(16).padStart(2, '0')).join('')}`;

/** Colour of an index of xterm's 256: 16 names, a 6x6x6 cube, 24 greys (xterm, `256colres.pl`). */
export const paletteColour = (index: number): string => {
	if (index < 16) return ansi[index] ?? foreground;
	if (index >= 232) {
		const grey = 8 + (index - 232) * 10;
		return hex(grey, grey, grey);
	}
	const level = (part: number): number => (part === 0 ? 0 : 55 + part * 40);
	const cube = index - 16;
	return hex(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
};

export const rgbColour = (packed: number): string => hex((packed >> 16) & 255, (packed >> 8) & 255, packed & 255);
