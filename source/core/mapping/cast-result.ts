import { toWellFormed } from './well-formed.js';

/**
 * What a cast returns, shaped so that the hot path allocates nothing beyond the value: the target's text form, bytes (vectors only) or NULL
 * stand for themselves; `Refused` and `Noted` are the rare cases and are told apart with instanceof.
 */
export type CastValue = string | Uint8Array | null;
export type CastResult = CastValue | Refused | Noted;
/** `kept`: the other field that the column `keeps`. */
export type Cast = (value: unknown, kept?: unknown) => CastResult;

/** The record cannot go to the target as it is. */
export class Refused {
	readonly code: RefusalCode;
	/** Short, says what was seen: `text "abc" is not an integer`. */
	readonly reason: string;

	constructor(code: RefusalCode, reason: string) {
		this.code = code;
		this.reason = reason;
	}
}

/** The value goes to the target, and the operator is told that something was decided on the way. */
export class Noted {
	readonly value: CastValue;
	readonly code: NoteCode;

	constructor(value: CastValue, code: NoteCode) {
		this.value = value;
		this.code = code;
	}
}

export type RefusalCode =
	| 'BAD_TIMESTAMP'
	| 'DIMENSION_MISMATCH'
	| 'INVALID_JSON'
	| 'INVALID_METADATA'
	| 'INVALID_UTF8'
	| 'KEPT_ID_KEY_TAKEN'
	| 'LONE_SURROGATE'
	| 'MISSING_VECTOR'
	| 'NULL_IN_NOT_NULL'
	| 'NUL_CHARACTER'
	| 'ORPHAN'
	| 'ORPHAN_OF_REJECTED'
	| 'RECORD_DAMAGED'
	| 'TYPE_MISMATCH'
	| 'VECTOR_NOT_FINITE';

export type NoteCode =
	| 'BAD_TIMESTAMP_NULLED'
	| 'EMPTY_DOCUMENT'
	| 'INVALID_JSON_NULLED'
	| 'METADATA_ID_KEY_TAKEN'
	| 'METADATA_USER_ID_REPLACED'
	| 'MISSING_VECTOR_NULLED'
	| 'NUL_STRIPPED'
	| 'TIMESTAMP_PRECISION'
	| 'TYPE_MIX'
	/** A JSON object names a key twice: jsonb keeps the last value. */
	| 'DUPLICATE_JSON_KEY'
	| 'ZERO_VECTOR';

/** Text of the source whose bytes are not UTF-8. Readers hand it out instead of a string with replacement characters in it. */
export class InvalidUtf8 {
	readonly bytes: Uint8Array;

	constructor(bytes: Uint8Array) {
		this.bytes = bytes;
	}
}

/** A value that the source has lost, wholly or in part. Readers hand it out instead of what is left, which would pass for the whole. */
export class LostValue {
	/** What is lost, and why. */
	readonly reason: string;
	/** What is left of it, for the quarantine; null: nothing. */
	readonly left: unknown;

	constructor(reason: string, left: unknown) {
		this.reason = reason;
		this.left = left;
	}
}

/** Refuses a value of a kind that the column cannot take. `expected` is a noun: `an integer`. */
export function refuseKind(value: unknown, expected: string): Refused {
	if (value instanceof InvalidUtf8) return new Refused('INVALID_UTF8', `text of ${value.bytes.length} bytes that is not UTF-8`);
	if (value instanceof LostValue) return new Refused('RECORD_DAMAGED', value.reason);
	return new Refused('TYPE_MISMATCH', `${describeValue(value)} where ${expected} is expected`);
}

/** A value in a few words, for reasons: never longer than a line. */
export function describeValue(value: unknown): string {
	if (value === null || value === undefined) return 'NULL';
	if (typeof value === 'string') return value === '' ? 'empty text' : `text ${excerpt(value)}`;
	if (typeof value === 'bigint') return `INTEGER ${value}`;
	if (typeof value === 'number') return `REAL ${realText(value)}`;
	if (value instanceof Float32Array) return `a vector of ${value.length} dimensions`;
	if (value instanceof Uint8Array) return `a BLOB of ${value.length} bytes`;
	return 'a value of another kind';
}

const excerptLength = 40;

/** The beginning of a text in quotes, control characters escaped. */
export function excerpt(text: string): string {
	return JSON.stringify(text.length <= excerptLength ? text : `${toWellFormed(text.slice(0, excerptLength))}…`);
}

/** A float64 as the shortest text that reads back to it, `.0` kept so that it stays a real. Infinity in PostgreSQL's words. */
export function realText(value: number): string {
	const text = Object.is(value, -0) ? '-0' : String(value);
	return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
