import { type Cast, Noted, refuseKind } from './cast-result.js';
import { fitsPrecision } from './numeric-limits.js';

/** What a type of PostgreSQL holds exactly, where that is less than all values of its kind. */
export interface TypeLimit {
	/** Of a value in the target's text form. */
	readonly holds: (text: string) => boolean;
	/** A noun for a refusal: `a number that numeric(10,2) holds exactly`. */
	readonly expected: string;
	/** What becomes of the others: `set aside, never rounded`. */
	readonly otherwise: string;
}

/** PostgreSQL counts characters as code points. */
function hasAtMost(text: string, most: number): boolean {
	if (text.length <= most) return true;
	if (text.length > most * 2) return false;
	let count = 0;
	for (const _ of text) if (++count > most) return false;
	return true;
}

const within = (text: string, bits: bigint): boolean => {
	const value = BigInt(text);
	return value >= -(2n ** (bits - 1n)) && value < 2n ** (bits - 1n);
};

/**
 * The limit of a type as `format_type` prints it; null for one without. The server would refuse what is too large, but round a fraction to
 * numeric's scale and cut blanks at the end of a text to varchar's length without a word
 * (https://www.postgresql.org/docs/current/datatype-numeric.html, .../datatype-character.html).
 */
export function limitOf(type: string): TypeLimit | null {
	const characters = /^(?:character varying|varchar)\((\d+)\)$/i.exec(type)?.[1];
	if (characters !== undefined) {
		const most = Number(characters);
		return { holds: (text) => hasAtMost(text, most), expected: `text of at most ${most} characters`, otherwise: 'set aside, never cut' };
	}
	const numeric = /^numeric\((\d+)(?:,(-?\d+))?\)$/i.exec(type);
	if (numeric !== null) {
		const [precision, scale] = [Number(numeric[1]), Number(numeric[2] ?? 0)];
		return {
			holds: (text) => fitsPrecision(text, precision, scale),
			expected: `a number that ${type} holds exactly`,
			otherwise: 'set aside, never rounded',
		};
	}
	const bits = ({ integer: 32n, smallint: 16n } as Readonly<Record<string, bigint>>)[type];
	return bits === undefined
		? null
		: { holds: (text) => within(text, bits), expected: `a number in the range of ${type}`, otherwise: 'set aside' };
}

/** A cast into a column of the target that takes less than the cast gives: what it cannot hold exactly is refused. */
export function limited(cast: Cast, type: string): Cast {
	const limit = limitOf(type);
	if (limit === null) return cast;
	return (value) => {
		const result = cast(value);
		const sent = result instanceof Noted ? result.value : result;
		return typeof sent !== 'string' || limit.holds(sent) ? result : refuseKind(value, limit.expected);
	};
}

/**
 * Bytes that an entry of a btree index is sure to have room for, over all its columns: 2,704 for the whole tuple
 * (BTMaxItemSize in PostgreSQL's src/include/access/nbtree.h, pages of 8 kB), less the tuple's header and bitmap of NULLs, and a column's own
 * header and alignment. Longer ones may fit when they can be compressed.
 */
export const indexedBytes = (columns: number): number => 2_688 - 16 * columns;

const lastCharacter = 3;

/** A cast of a column whose values go into a key: one that is longer than the key's index takes is refused. */
export function shortEnough(cast: Cast, most: number): Cast {
	return (value) => {
		const result = cast(value);
		const sent = result instanceof Noted ? result.value : result;
		if (typeof sent !== 'string' || sent.length * lastCharacter <= most || Buffer.byteLength(sent) <= most) return result;
		return refuseKind(value, `a key of at most ${most} bytes`);
	};
}
