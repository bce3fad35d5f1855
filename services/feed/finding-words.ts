import type { NoteCode, RefusalCode } from '../../source/core/mapping/cast-result.js';
import type { Severity } from '../../source/core/plan/types.js';

export type FindingCode = NoteCode | RefusalCode;

interface Words {
	readonly severity: Severity;
	/** Completes "3 records ..." and tells what happens to them. */
	readonly message: (column: string) => string;
	readonly hint?: string;
	/** Completes "2 of 55 ..." in the preview. */
	readonly note: string;
	/** The hazard's code, where what is done about it makes it no other hazard. */
	readonly hazard?: FindingCode;
}

const setAside = 'set aside';

/** Records that go to the quarantine file. */
const refusalWords: Readonly<Record<RefusalCode, Words>> = {
	INVALID_JSON: {
		severity: 'warn',
		message: (column) => `${column} is not JSON that PostgreSQL takes: ${setAside}`,
		hint: 'Mend them in the application, or choose --on-invalid-json null to write NULL instead',
		note: 'are not JSON',
	},
	LONE_SURROGATE: {
		severity: 'warn',
		message: (column) => `${column} holds half of a surrogate pair, which is no character: ${setAside}`,
		note: 'hold broken characters',
	},
	NUL_CHARACTER: {
		severity: 'warn',
		message: (column) => `${column} holds a NUL character, which PostgreSQL cannot store: ${setAside}`,
		hint: 'Choose --on-nul strip to take the NUL characters out',
		note: 'hold NUL characters',
	},
	INVALID_UTF8: { severity: 'warn', message: (column) => `${column} is not UTF-8: ${setAside}`, note: 'are not UTF-8' },
	BAD_TIMESTAMP: {
		severity: 'warn',
		message: (column) => `${column} is not an ISO 8601 time: ${setAside}`,
		hint: 'Mend them in the application, or choose --on-bad-timestamp null to write NULL instead',
		note: 'are not ISO 8601',
	},
	TYPE_MISMATCH: {
		severity: 'warn',
		message: (column) => `${column} holds a value that its type cannot take: ${setAside}`,
		note: 'are of another type',
	},
	NULL_IN_NOT_NULL: { severity: 'warn', message: (column) => `${column} is NULL where none is allowed: ${setAside}`, note: 'are NULL' },
	ORPHAN: {
		severity: 'warn',
		message: (column) => `${column} refers to a record that does not exist: ${setAside}`,
		hint: 'See them with: sqlite3 FILE "PRAGMA foreign_key_check"',
		note: 'refer to nothing',
	},
	ORPHAN_OF_REJECTED: {
		severity: 'warn',
		message: (column) => `${column} refers to a record that is set aside: ${setAside} with it`,
		note: 'refer to records set aside',
	},
	RECORD_DAMAGED: {
		severity: 'warn',
		message: (column) => `${column} is lost, or a part of it, on damaged pages of the source: ${setAside}, with what is left`,
		note: 'are damaged',
	},
	MISSING_VECTOR: {
		severity: 'warn',
		message: () => `there is no vector: ${setAside}, with document and metadata`,
		hint: 'Choose --on-missing-vector null to write them without a vector',
		note: 'have no vector',
	},
	VECTOR_NOT_FINITE: { severity: 'warn', message: () => `the vector holds NaN or infinity: ${setAside}`, note: 'hold NaN or infinity' },
	DIMENSION_MISMATCH: {
		severity: 'warn',
		message: () => `the vector has another number of dimensions than the collection: ${setAside}`,
		note: 'have other dimensions',
	},
	KEPT_ID_KEY_TAKEN: {
		severity: 'warn',
		message: () => `metadata has the key under which the rows of this collection in the target keep their original ids: ${setAside}`,
		hint: 'Name that key otherwise in the application. Or write the whole collection under another name with --pgvector-collection: its ids are then kept under a key that is free',
		note: 'have the key of the kept id',
	},
	INVALID_METADATA: {
		severity: 'warn',
		message: () => `metadata holds a value without a JSON form: ${setAside}`,
		note: 'have no JSON form',
	},
};

/** Records that are written as said. */
const noteWords: Readonly<Record<NoteCode, Words>> = {
	ZERO_VECTOR: {
		severity: 'warn',
		message: () => 'the vector is all zeros: it is written, but a search by cosine never finds it',
		note: 'are all zeros',
	},
	TIMESTAMP_PRECISION: {
		severity: 'warn',
		message: (column) => `${column} has digits beyond microseconds, which are cut off`,
		note: 'are cut to microseconds',
	},
	INVALID_JSON_NULLED: {
		severity: 'warn',
		message: (column) => `${column} is not JSON that PostgreSQL takes: written as NULL, as asked`,
		note: 'are not JSON, written as NULL',
	},
	BAD_TIMESTAMP_NULLED: {
		severity: 'warn',
		message: (column) => `${column} is not an ISO 8601 time: written as NULL, as asked`,
		note: 'are not ISO 8601, written as NULL',
	},
	NUL_STRIPPED: {
		severity: 'warn',
		message: (column) => `${column} holds NUL characters, which are taken out, as asked`,
		note: 'lose NUL characters',
	},
	MISSING_VECTOR_NULLED: {
		severity: 'warn',
		message: () => 'there is no vector: written with NULL in its place, as asked, and never found by a search',
		hint: 'similarity_search_with_relevance_scores and max_marginal_relevance_search of langchain-postgres raise an error where they ask for more rows than have a vector. SELECT id FROM langchain_pg_embedding WHERE embedding IS NULL names the records after the run',
		note: 'have no vector, written as NULL',
		hazard: 'MISSING_VECTOR',
	},
	METADATA_ID_KEY_TAKEN: {
		severity: 'warn',
		message: () => 'metadata has the key already under which the original id is kept; its own value is kept under another one',
		note: 'have the key of the kept id',
	},
	METADATA_USER_ID_REPLACED: {
		severity: 'warn',
		message: () => 'metadata has a user_id of its own: kept as chroma_user_id, because user_id is that of this migration',
		note: 'keep their own user_id as chroma_user_id',
	},
	DUPLICATE_JSON_KEY: {
		severity: 'warn',
		message: (column) => `${column} names a key twice in one object: jsonb keeps the last value, and the others are dropped`,
		hint: 'Mend them in the application if the earlier values matter',
		note: 'name a key twice',
	},
	TYPE_MIX: {
		severity: 'info',
		message: (column) => `${column} holds a value of another storage class, written as the column's type`,
		note: 'are of another storage class',
	},
	EMPTY_DOCUMENT: {
		severity: 'info',
		message: () => 'there is no document; it is written as "", because langchain-postgres cannot read NULL back',
		note: 'have no document',
	},
};

/** Every finding of a scan, in words. */
export const findingWords: Readonly<Record<FindingCode, Words>> = { ...refusalWords, ...noteWords };

export const isRefusal = (code: FindingCode): code is RefusalCode => code in refusalWords;
