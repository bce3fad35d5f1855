import { type Cast, excerpt, Noted, Refused, realText, refuseKind } from './cast-result.js';
import { fitsNumeric } from './numeric-limits.js';
import { refuseNul } from './text-casts.js';
import { isWellFormed } from './well-formed.js';

/**
 * JSON text to jsonb. The text itself is the result, verbatim: JSON.parse only judges it. A NUL or half a surrogate pair may hide in
 * an escape (`\u0000`, `\ud800`), and a number may be beyond numeric; both parse here and are refused by the server, so they are looked for.
 */
export const jsonTextCast =
	(stripNul: boolean): Cast =>
	(value) => {
		if (typeof value === 'string') return judge(value, stripNul);
		if (value === null) return null;
		if (typeof value === 'bigint') return new Noted(String(value), 'TYPE_MIX');
		if (typeof value === 'number' && Number.isFinite(value)) return new Noted(realText(value), 'TYPE_MIX');
		return refuseKind(value, 'JSON text');
	};

/** Escapes that jsonb may refuse; whether they do is decided on the parsed value. */
const suspectEscape = /\\u(?:0000|[dD][89a-fA-F])/;
/** A number that needs counting: an exponent of four digits or more. The digit before `e` keeps the search out of prose. */
const longExponent = /\d[eE][+-]?\d{4}/;
/** A number with too many digits has this many in a row, before its point or after it. */
const longDigits = 16_384;

function judge(text: string, stripNul: boolean): string | Refused | Noted {
	let parsed: unknown;
	try {
		parsed = JSON.parse(text);
	} catch (error) {
		return judgeBroken(text, stripNul, error);
	}
	if (text.includes('\\u') && suspectEscape.test(text)) return judgeStrings(text, parsed, stripNul);
	// JSON.parse lets raw surrogates through; they cannot come from UTF-8, but a caller may pass any string.
	if (!isWellFormed(text)) return judgeStrings(text, parsed, stripNul);
	return judgeContent(text, parsed);
}

/** What parsed well and holds no character that jsonb lacks. */
function judgeContent(text: string, parsed: unknown): string | Refused | Noted {
	const judged = checkNumbers(text);
	return typeof judged === 'string' && repeatsKeys(text, parsed) ? new Noted(text, 'DUPLICATE_JSON_KEY') : judged;
}

function judgeBroken(text: string, stripNul: boolean, error: unknown): Refused | Noted {
	if (text === '') return new Refused('INVALID_JSON', 'empty text');
	if (text.includes('\0')) {
		const stripped = text.replaceAll('\0', '');
		if (!isJson(stripped)) return new Refused('INVALID_JSON', `${excerpt(text)} is not JSON`);
		return stripNul ? noteStripped(judge(stripped, stripNul)) : refuseNul(text);
	}
	const message = error instanceof Error ? error.message : String(error);
	// The parser quotes the text after a comma or in parentheses; the excerpt below is bounded and escaped.
	const cause = message.replace(/, .*$|".*$/s, '').trim();
	return new Refused('INVALID_JSON', `${excerpt(text)} is not JSON: ${cause}`);
}

const isJson = (text: string): boolean => {
	try {
		JSON.parse(text);
		return true;
	} catch {
		return false;
	}
};

function judgeStrings(text: string, parsed: unknown, stripNul: boolean): string | Refused | Noted {
	const found = searchStrings(parsed);
	if (found.surrogate !== null) return new Refused('LONE_SURROGATE', `half of a surrogate pair in ${excerpt(found.surrogate)}`);
	if (found.nul === null) return judgeContent(text, parsed);
	if (!stripNul) return new Refused('NUL_CHARACTER', `NUL character (\\u0000) in ${excerpt(found.nul)}; PostgreSQL jsonb cannot hold it`);
	// Every escape is consumed as a pair, so that an escaped backslash before "u0000" stays text.
	return noteStripped(
		judge(
			text.replace(/\\(?:u0000|[\s\S])/g, (pair) => (pair === '\\u0000' ? '' : pair)),
			stripNul,
		),
	);
}

const noteStripped = (judged: string | Refused | Noted): Refused | Noted =>
	typeof judged === 'string' ? new Noted(judged, 'NUL_STRIPPED') : judged;

/** The first string, key or value, that holds a NUL or half a surrogate pair. Depth is bounded by memory, not by the call stack. */
function searchStrings(root: unknown): { nul: string | null; surrogate: string | null } {
	const found: { nul: string | null; surrogate: string | null } = { nul: null, surrogate: null };
	const look = (text: string): void => {
		if (found.nul === null && text.includes('\0')) found.nul = text;
		if (found.surrogate === null && !isWellFormed(text)) found.surrogate = text;
	};
	const open: unknown[] = [root];
	while (open.length > 0) {
		const value = open.pop();
		if (typeof value === 'string') look(value);
		else if (Array.isArray(value)) for (const element of value) open.push(element);
		else if (typeof value === 'object' && value !== null) {
			for (const [key, member] of Object.entries(value)) {
				look(key);
				open.push(member);
			}
		}
	}
	return found;
}

/** Strings are matched too and passed over, so that digits inside them count for nothing. */
const stringOrNumber = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/gs;

function checkNumbers(text: string): string | Refused {
	if (!longExponent.test(text) && !hasLongDigits(text)) return text;
	for (const [token] of text.matchAll(stringOrNumber)) {
		if (!token.startsWith('"') && !fitsNumeric(token)) {
			return new Refused('INVALID_JSON', `the number ${excerpt(token)} is beyond the range of PostgreSQL's numeric`);
		}
	}
	return text;
}

/** Looks at every 8,192nd character only: a run of digits twice as long cannot lie between two of them. */
function hasLongDigits(text: string): boolean {
	const isDigit = (at: number): boolean => {
		const code = text.charCodeAt(at);
		return code >= 48 && code <= 57;
	};
	for (let at = longDigits / 2; at < text.length; at += longDigits / 2) {
		let [from, to] = [at, at];
		while (isDigit(from - 1)) from--;
		while (isDigit(to)) to++;
		if (to - from >= longDigits) return true;
	}
	return false;
}

/**
 * Whether an object names a key twice. jsonb keeps the last value, and so does JSON.parse: the text has more members than the value then.
 * A colon after a quote is a member, or stands in a string: only when there are more of them than members is every string looked at.
 */
function repeatsKeys(text: string, parsed: unknown): boolean {
	if (typeof parsed !== 'object' || parsed === null) return false;
	const members = countMembers(parsed);
	if (countColonsAfterQuotes(text) === members) return false;
	let written = 0;
	for (const { 0: token, index } of text.matchAll(anyString)) {
		let at = index + token.length;
		while (isSpace(text.charCodeAt(at))) at++;
		if (text.charCodeAt(at) === colon) written++;
	}
	return written > members;
}

const anyString = /"(?:[^"\\]|\\.)*"/gs;
const colon = 58;
const quote = 34;
/** JSON's white space: space, tab, line feed, carriage return. */
const isSpace = (code: number): boolean => code === 32 || code === 9 || code === 10 || code === 13;

function countMembers(root: object): number {
	let members = 0;
	const open: object[] = [root];
	for (let value = open.pop(); value !== undefined; value = open.pop()) {
		const inner = Array.isArray(value) ? (value as unknown[]) : Object.values(value);
		if (!Array.isArray(value)) members += inner.length;
		for (const element of inner) if (typeof element === 'object' && element !== null) open.push(element);
	}
	return members;
}

function countColonsAfterQuotes(text: string): number {
	let count = 0;
	for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) {
		let before = at - 1;
		while (isSpace(text.charCodeAt(before))) before--;
		if (text.charCodeAt(before) === quote) count++;
	}
	return count;
}
