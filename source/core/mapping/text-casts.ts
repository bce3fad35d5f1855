import { type Cast, Noted, Refused, realText, refuseKind } from './cast-result.js';
import { isWellFormed } from './well-formed.js';

const nul = '\0';

/** Text as it is. A number stored in a text column gives its text and is counted; bytes are never taken for text. */
export const textCast =
	(stripNul: boolean): Cast =>
	(value) => {
		if (typeof value === 'string') {
			if (!value.includes(nul)) return value;
			return stripNul ? new Noted(value.replaceAll(nul, ''), 'NUL_STRIPPED') : refuseNul(value);
		}
		if (value === null) return null;
		if (typeof value === 'bigint') return new Noted(String(value), 'TYPE_MIX');
		if (typeof value === 'number') return new Noted(realText(value), 'TYPE_MIX');
		return refuseKind(value, 'text');
	};

/** A Chroma document. langchain-postgres cannot read NULL back, so a missing document becomes "" and is counted. */
export const documentCast = (stripNul: boolean): Cast => {
	const text = textCast(stripNul);
	return (value) => {
		if (value === null) return new Noted('', 'EMPTY_DOCUMENT');
		return typeof value === 'string' ? text(value) : refuseKind(value, 'a document text');
	};
};

export function refuseNul(text: string): Refused {
	return new Refused(
		'NUL_CHARACTER',
		`NUL character at position ${text.indexOf(nul) + 1} of ${text.length}; PostgreSQL text cannot hold it`,
	);
}

export const constantCast =
	(constant: string): Cast =>
	() =>
		constant;

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const bareUuid = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/i;

/** A UUID with or without hyphens, to the lower-case form with hyphens that PostgreSQL prints. */
export const uuidCast: Cast = (value) => {
	if (typeof value === 'string') {
		if (uuidForm.test(value)) return value.toLowerCase();
		if (bareUuid.test(value)) return value.replace(bareUuid, '$1-$2-$3-$4-$5').toLowerCase();
		return refuseKind(value, 'a UUID');
	}
	return value === null ? null : refuseKind(value, 'a UUID');
};

/** 0 or 1, or the words true and false, to PostgreSQL's `t` and `f`. */
export const booleanCast: Cast = (value) => {
	if (value === null) return null;
	if (value === 1n || value === 1) return 't';
	if (value === 0n || value === 0) return 'f';
	if (typeof value === 'string') {
		const word = value.toLowerCase();
		if (word === 'true' || word === 't' || word === '1') return new Noted('t', 'TYPE_MIX');
		if (word === 'false' || word === 'f' || word === '0') return new Noted('f', 'TYPE_MIX');
	}
	return refuseKind(value, 'a boolean');
};

const utf8 = new TextEncoder();

/** Bytes to bytea's hex form (https://www.postgresql.org/docs/current/datatype-binary.html). Text gives its UTF-8 bytes and is counted. */
export const byteaCast: Cast = (value) => {
	if (value === null) return null;
	if (value instanceof Uint8Array) return hex(value);
	if (typeof value === 'string') {
		if (isWellFormed(value)) return new Noted(hex(utf8.encode(value)), 'TYPE_MIX');
		return new Refused('LONE_SURROGATE', 'text with half of a surrogate pair, which has no UTF-8 bytes');
	}
	return refuseKind(value, 'a BLOB');
};

const digitPairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function hex(bytes: Uint8Array): string {
	let text = '\\x';
	for (const byte of bytes) text += digitPairs[byte];
	return text;
}
