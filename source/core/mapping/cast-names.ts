/** Every cast, by name. A plan names casts; `casts.ts` holds them. */
export const castNames = [
	/** A constant of the step. */
	'constant',
	/** Text as it is; NUL characters and invalid UTF-8 are refused. */
	'text',
	/** SQLite INTEGER, or text that spells one, to bigint. */
	'bigint',
	/** REAL or INTEGER to double precision. */
	'double',
	/** INTEGER, REAL or numeric text to numeric, exactly. */
	'numeric',
	/** 0/1 or true/false text to boolean. */
	'boolean',
	/** BLOB (or the UTF-8 bytes of text) to bytea. */
	'bytea',
	/** JSON text to jsonb, verbatim once it parsed. */
	'json-text',
	/** ISO 8601 text to timestamp without time zone; an offset is converted to UTC. */
	'iso-timestamp',
	/** UUID text to uuid. */
	'uuid',
	/** A float32 vector to pgvector, bit for bit. */
	'vector',
	/** Text with the collection's name before it: an id that no other collection has. */
	'prefixed-id',
	/** Text to the version-5 UUID of collection and text. */
	'uuid-id',
	/** Chroma document to text; a missing one becomes "". */
	'document',
	/** Chroma metadata to jsonb with the tenant added, and the record's own id where the target has another one. */
	'metadata',
] as const;

export type CastName = (typeof castNames)[number];
