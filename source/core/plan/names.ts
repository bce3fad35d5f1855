import { createHash } from 'node:crypto';

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

/**
 * RFC 9562 name-based UUID (version 5) for a collection that the target does not have yet:
 * the same plan gives the same UUID, so that a plan can be saved and hashed.
 */
export function collectionUuid(name: string): string {
	const hash = createHash('sha1')
		.update(Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex'))
		.update(`urn:repot:langchain_pg_collection:${name}`)
		.digest();
	hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
	hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
	const hex = hash.toString('hex');
	return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
