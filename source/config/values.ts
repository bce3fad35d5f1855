import { byNearness } from '../core/edit-distance.js';

/** Text of a flag, an environment variable or a config value to a typed value. A parser throws BadValue, whose message never repeats the text. */
export class BadValue extends Error {
	override readonly name = 'BadValue';
}

export interface Parser<T> {
	(text: string): T;
	/** What an editor suggests for it in the config file: a fragment of JSON Schema that allows nothing which is refused here. Left out: any text. */
	readonly json?: JsonFragment;
}

export type JsonFragment = Readonly<Record<string, unknown>>;

const described = <T>(parser: (text: string) => T, json: JsonFragment): Parser<T> => Object.assign(parser, { json });

export const text: Parser<string> = (value) => {
	if (value.trim() === '') throw new BadValue('it is empty');
	if (value.includes('\0')) throw new BadValue('it holds a NUL character');
	return value;
};

/** Empty text stands for "none": the way to unset on the command line what the config sets. */
export const textOrNone: Parser<string | null> = (value) => (value === '' ? null : text(value));

/** One value of several; empty text stands for "none". */
export const texts: Parser<readonly string[]> = (value) => (value === '' ? [] : [text(value)]);

export const boolean: Parser<boolean> = described(
	(value) => {
		if (/^(1|true|yes|on)$/i.test(value)) return true;
		if (/^(0|false|no|off)$/i.test(value)) return false;
		throw new BadValue('write true or false');
	},
	{ type: 'boolean' },
);

export const integer = (least: number, most: number): Parser<number> =>
	described(
		(value) => {
			const parsed = Number(value);
			if (!/^\d+$/.test(value) || parsed < least || parsed > most) throw new BadValue(`write a whole number from ${least} to ${most}`);
			return parsed;
		},
		{ type: 'integer', minimum: least, maximum: most },
	);

export const fraction: Parser<number> = described(
	(value) => {
		const parsed = Number(value);
		if (!/^\d*\.?\d+$/.test(value) || parsed > 1) throw new BadValue('write a number from 0 to 1, like 0.8');
		return parsed;
	},
	{ type: 'number', minimum: 0, maximum: 1 },
);

export const choice = <const T extends string>(choices: readonly T[]): Parser<T> =>
	described(
		(value) => {
			const found = choices.find((one) => one === value);
			if (found === undefined) throw new BadValue(`write one of ${choices.join(', ')}`);
			return found;
		},
		{ enum: choices },
	);

/** A word (`auto`, `none`) that stands for null, or whatever `parser` accepts. */
export const orWord = <T>(word: string, parser: Parser<T>): Parser<T | null> =>
	described(
		(value) => {
			if (value === word) return null;
			try {
				return parser(value);
			} catch (thrown) {
				throw thrown instanceof BadValue ? new BadValue(`${thrown.message}, or ${word}`) : thrown;
			}
		},
		Array.isArray(parser.json?.enum)
			? { enum: [word, ...(parser.json.enum as readonly unknown[])] }
			: { anyOf: [{ enum: [word] }, parser.json ?? { type: 'string' }] },
	);

const sizeUnits: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** Bytes. `64MB` and `64MiB` are the same, powers of 1024, as PostgreSQL reads its memory settings. */
const size: Parser<number> = (value) => {
	const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])i?b?|b)?$/i.exec(value);
	const bytes = match === null ? Number.NaN : Math.round(Number(match[1]) * (sizeUnits[(match[2] ?? '').toLowerCase()] ?? 1));
	if (!Number.isSafeInteger(bytes)) throw new BadValue('write a size like 64MB or 1GiB');
	return bytes;
};

export const sizeFrom = (least: number, shown: string): Parser<number> =>
	described(
		(value) => {
			const bytes = size(value);
			if (bytes < least) throw new BadValue(`it must be at least ${shown}`);
			return bytes;
		},
		{ type: 'string', pattern: '^\\d+(\\.\\d+)? ?([kKmMgGtT][iI]?[bB]?|[bB])$' },
	);

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds. A number without a unit is refused, because scripts disagree whether it means seconds. */
export const duration: Parser<number> = described(
	(value) => {
		if (value === '0') return 0;
		const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)$/.exec(value);
		const milliseconds = match === null ? Number.NaN : Math.round(Number(match[1]) * (durationUnits[match[2] ?? ''] ?? Number.NaN));
		if (!Number.isSafeInteger(milliseconds) || milliseconds > 86_400_000)
			throw new BadValue('write a duration with its unit, like 500ms or 2s');
		return milliseconds;
	},
	{ type: 'string', pattern: '^\\d+(\\.\\d+)?(ms|s|m|h)$' },
);

/** The value nearest to `word` among `candidates`, when it is near enough to be a slip of the keyboard. */
export function nearest(word: string, candidates: readonly string[]): string | null {
	const [best] = byNearness(word, candidates);
	if (best === undefined || best.distance > Math.max(1, Math.floor(Math.max(word.length, best.name.length) * 0.4))) return null;
	return best.name;
}
