/** How text is written for the person on the other side. */
export interface TextStyle {
	/** False: ASCII only. */
	readonly unicode: boolean;
	readonly colour: boolean;
	/** False: one sentence a row, for screen readers. */
	readonly tables: boolean;
	/** False: tables without rules. */
	readonly rules: boolean;
	/** Cells of a line of the terminal; without it the text does not go to one. */
	readonly columns?: number;
}

export const plainStyle: TextStyle = { unicode: false, colour: false, tables: true, rules: false };

export type Tone = 'good' | 'look' | 'bad' | 'quiet' | 'strong';

/** Of the 16 ANSI colours, so that the terminal's own palette decides; every tone is also said by a word or mark. */
const codes: Readonly<Record<Tone, readonly [number, number]>> = {
	good: [32, 39],
	look: [33, 39],
	bad: [31, 39],
	quiet: [2, 22],
	strong: [1, 22],
};

export function paint(style: TextStyle, tone: Tone, text: string): string {
	if (!style.colour || text === '') return text;
	const [on, off] = codes[tone];
	return `\u001b[${on}m${text}\u001b[${off}m`;
}
