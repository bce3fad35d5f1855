import { createHash } from 'node:crypto';
import { nameBasedUuid } from '../mapping/id-casts.js';

/** Double-quotes an identifier for SQL. */
export const quoteIdent = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const maxBytes = 63;

/** PostgreSQL cuts identifiers at 63 bytes without a word: a longer one is shortened here, with a hash so that it stays unique. */
export function identifier(name: string): string {
	if (Buffer.byteLength(name) <= maxBytes) return name;
	const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
	let head = name;
	while (Buffer.byteLength(head) > maxBytes - 9) head = head.slice(0, -1);
	return `${head}_${hash}`;
}

/** The namespace for URLs of RFC 9562, section 6.6. */
const urlNamespace = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex');

/**
 * RFC 9562 name-based UUID (version 5) for a collection that the target does not have yet:
 * the same plan gives the same UUID, so that a plan can be saved and hashed.
 */
export const collectionUuid = (name: string): string => nameBasedUuid(urlNamespace, `urn:repot:langchain_pg_collection:${name}`);
