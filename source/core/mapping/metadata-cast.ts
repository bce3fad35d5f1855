import type { ColumnMapping } from '../plan/types.js';
import { type Cast, excerpt, Noted, Refused, realText, refuseKind } from './cast-result.js';
import { isWellFormed } from './well-formed.js';

type Piece = string | Refused;

/**
 * Chroma metadata (a Map from key to scalar or array of scalars) to compact JSON text, with the members of `added` (a JSON object: the tenant)
 * put last. Integers keep all digits and floats their shortest text with `.0`, so that 1 and 1.0 stay apart. When the record has a key of
 * `added` with another value, its own value moves to `chroma_KEY` (`chroma_KEY_2` ... where that is taken) and the record is counted. No metadata:
 * `added` alone.
 */
export const metadataCast = (added: string, stripNul: boolean, keeps?: ColumnMapping['keeps']): Cast => {
	const members = new Map(Object.entries(JSON.parse(added) as Readonly<Record<string, unknown>>));
	const tail = [...members].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',');
	if (keeps !== undefined) return keepingCast(members, tail, stripNul, keeps);
	return (value) => {
		if (value === null) return `{${tail}}`;
		if (!(value instanceof Map)) return refuseKind(value, 'metadata');
		return join(value, members, tail, stripNul);
	};
};

/**
 * The same with the record's `kept` text under `key`, last. A record that has the key with another value is counted: the
 * plan then takes another key. Where rows of the target hold the key, it is refused.
 */
function keepingCast(
	members: ReadonlyMap<string, unknown>,
	tail: string,
	stripNul: boolean,
	{ key, held }: NonNullable<ColumnMapping['keeps']>,
): Cast {
	return (value, kept) => {
		if (typeof kept !== 'string') return refuseKind(kept, 'an id to keep');
		const own = jsonString(kept);
		if (own instanceof Refused) return own;
		const end = `${tail === '' ? '' : `${tail},`}${JSON.stringify(key)}:${own}`;
		if (value === null) return `{${end}}`;
		if (!(value instanceof Map)) return refuseKind(value, 'metadata');
		const isTaken = value.has(key) && value.get(key) !== kept;
		if (isTaken && held === true)
			return new Refused('KEPT_ID_KEY_TAKEN', `metadata has a ${key} of its own, where the target keeps original ids`);
		const joined = join(value, new Map([...members, [key, kept]]), end, stripNul);
		if (!isTaken || joined instanceof Refused) return joined;
		return new Noted(joined instanceof Noted ? joined.value : joined, 'METADATA_ID_KEY_TAKEN');
	};
}

function join(
	metadata: ReadonlyMap<unknown, unknown>,
	members: ReadonlyMap<string, unknown>,
	tail: string,
	stripNul: boolean,
): string | Refused | Noted {
	let text = '{';
	let replaced = false;
	let stripped = false;
	const string = (value: string): Piece => {
		if (stripNul && value.includes('\0')) {
			stripped = true;
			return jsonString(value.replaceAll('\0', ''));
		}
		return jsonString(value);
	};
	for (const [key, value] of metadata) {
		if (typeof key !== 'string') return refuseKind(key, 'a metadata key');
		const isReplaced = members.has(key) && members.get(key) !== value;
		if (members.has(key) && !isReplaced) continue;
		replaced ||= isReplaced;
		const name = string(isReplaced ? freeKey(`chroma_${key}`, metadata, members) : key);
		if (name instanceof Refused) return name;
		const piece = Array.isArray(value) ? jsonArray(value, string) : jsonScalar(value, string);
		if (piece instanceof Refused) return new Refused(piece.code, `${piece.reason} (metadata key ${excerpt(key)})`);
		text += `${name}:${piece},`;
	}
	text += `${tail}}`;
	if (replaced) return new Noted(text, 'METADATA_USER_ID_REPLACED');
	return stripped ? new Noted(text, 'NUL_STRIPPED') : text;
}

function freeKey(stem: string, ...taken: readonly ReadonlyMap<unknown, unknown>[]): string {
	let key = stem;
	for (let at = 2; taken.some((map) => map.has(key)); at++) key = `${stem}_${at}`;
	return key;
}

function jsonArray(values: readonly unknown[], string: (value: string) => Piece): Piece {
	const pieces: string[] = [];
	for (const value of values) {
		const piece = jsonScalar(value, string);
		if (piece instanceof Refused) return piece;
		pieces.push(piece);
	}
	return `[${pieces.join(',')}]`;
}

function jsonScalar(value: unknown, string: (value: string) => Piece): Piece {
	if (typeof value === 'string') return string(value);
	if (typeof value === 'bigint') return String(value);
	if (typeof value === 'number')
		return Number.isFinite(value) ? realText(value) : new Refused('INVALID_METADATA', `the number ${value} has no JSON form`);
	if (typeof value === 'boolean' || value === null) return String(value);
	return new Refused('INVALID_METADATA', 'a value that is neither text, number, boolean nor null');
}

function jsonString(value: string): Piece {
	if (value.includes('\0')) return new Refused('NUL_CHARACTER', `NUL character in ${excerpt(value)}; PostgreSQL jsonb cannot hold it`);
	if (!isWellFormed(value)) return new Refused('LONE_SURROGATE', `half of a surrogate pair in ${excerpt(value)}`);
	return JSON.stringify(value);
}
