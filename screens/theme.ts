/** Tones and glyphs: 16 ANSI colours only, and no meaning by colour alone. */

export type Tone = 'plain' | 'dim' | 'strong' | 'good' | 'warn' | 'bad' | 'accent' | 'cursor';

export interface ToneProps {
	readonly color?: string;
	readonly bold?: boolean;
	readonly dimColor?: boolean;
	readonly inverse?: boolean;
}

const tones: Record<Tone, ToneProps> = {
	plain: {},
	dim: { dimColor: true },
	strong: { bold: true },
	good: { color: 'green' },
	warn: { color: 'yellow' },
	bad: { color: 'red', bold: true },
	accent: { color: 'cyan', bold: true },
	cursor: { inverse: true },
};

export const toneProps = (tone: Tone | undefined): ToneProps => tones[tone ?? 'plain'];

export interface Glyphs {
	readonly rule: string;
	readonly ellipsis: string;
	readonly full: string;
	readonly empty: string;
	/** Lowest to highest. */
	readonly spark: readonly string[];
	/** Name of the spinner that ink-spinner draws. */
	readonly spinner: 'dots' | 'line';
}

const unicodeGlyphs: Glyphs = {
	rule: '─',
	ellipsis: '…',
	full: '█',
	empty: '░',
	spark: ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
	spinner: 'dots',
};

const asciiGlyphs: Glyphs = {
	rule: '-',
	ellipsis: '...',
	full: '#',
	empty: '.',
	spark: ['_', '.', '-', '=', '+', '*', '#', '@'],
	spinner: 'line',
};

export const glyphsFor = (unicode: boolean): Glyphs => (unicode ? unicodeGlyphs : asciiGlyphs);
