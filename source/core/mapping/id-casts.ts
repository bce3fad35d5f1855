import { createHash } from 'node:crypto';
import type { ColumnMapping } from '../plan/types.js';
import { type Cast, Noted, Refused } from './cast-result.js';
import { textCast } from './text-casts.js';

// Ids of vectors are unique over all collections of the target. Where two collections may share ids, each record gets one that says whose it
// is, by a rule that hangs on nothing but the collection and the id: a second run finds its rows again.

/** `COLLECTION/` before every id. An empty id stays told apart from that of another collection. */
export const prefixedIdCast = (prefix: string): Cast => rewriting((id) => `${prefix}${id}`);

/** UUID version 5 (RFC 9562, section 5.5) of the id's UTF-8 bytes in the namespace of the collection's UUID. */
export function uuidIdCast(namespace: string): Cast {
	const space = Buffer.from(namespace.replaceAll('-', ''), 'hex');
	return rewriting((id) => nameBasedUuid(space, id));
}

/**
 * The rule of a key column as a function, for keys of accepted records that were read without their casts. Other columns leave their values
 * alone. Throws for an id that the cast refuses: under no other would its record be looked for.
 */
export function keyRule(column: Pick<ColumnMapping, 'cast' | 'constant'> | undefined): (id: string) => string {
	const cast = column === undefined ? undefined : idCast(column);
	if (cast === undefined) return (id) => id;
	return (id) => {
		const result = cast(id);
		const value = result instanceof Noted ? result.value : result;
		if (typeof value === 'string') return value;
		throw new Error(`no key can be made of an id that is refused${value instanceof Refused ? `: ${value.reason}` : ''}`);
	};
}

function idCast({ cast, constant = '' }: Pick<ColumnMapping, 'cast' | 'constant'>): Cast | undefined {
	if (cast === 'prefixed-id') return prefixedIdCast(constant);
	return cast === 'uuid-id' ? uuidIdCast(constant) : undefined;
}

/** Whether the target's key is another than the source's. */
export const rewritesKey = ({ cast }: Pick<ColumnMapping, 'cast'>): boolean => cast === 'prefixed-id' || cast === 'uuid-id';

function rewriting(rule: (id: string) => string): Cast {
	// A NUL is never stripped from a key, so the rule is given what the source has.
	const text = textCast(false);
	return (value) => {
		const result = text(value);
		if (typeof result === 'string') return rule(result);
		if (result instanceof Noted && typeof result.value === 'string') return new Noted(rule(result.value), result.code);
		return result as Refused | null;
	};
}

/** RFC 9562, version 5: SHA-1 over namespace and name, cut to 16 bytes, with version and variant set. */
export function nameBasedUuid(namespace: Uint8Array, name: string): string {
	const hash = createHash('sha1').update(namespace).update(name, 'utf8').digest();
	hash[6] = ((hash[6] as number) & 0x0f) | 0x50;
	hash[8] = ((hash[8] as number) & 0x3f) | 0x80;
	const hex = hash.toString('hex', 0, 16);
	return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
