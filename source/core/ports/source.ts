import type { CopyStep, DistanceSpace, Severity } from '../plan/types.js';

export interface SourceColumn {
	readonly name: string;
	/** Declared type as written, upper-cased; `''` when none was. */
	readonly type: string;
	readonly notNull: boolean;
	/** 1-based position in the primary key, 0 when not part of it. */
	readonly primaryKey: number;
	/** Default expression as written, or null. */
	readonly defaultSql: string | null;
	readonly generated: boolean;
}

export interface SourceIndex {
	readonly name: string;
	readonly unique: boolean;
	/** Column names in order; an index on an expression or with WHERE has `sql` and is reported, not copied. */
	readonly columns: readonly string[];
	readonly partial: boolean;
	readonly sql: string | null;
	/** Bytes of its longest entry, as UTF-8 text or BLOB (an upper bound); left out when that is not known or there is none. */
	readonly longest?: number;
}

export interface SourceTable {
	readonly name: string;
	readonly columns: readonly SourceColumn[];
	readonly indexes: readonly SourceIndex[];
	readonly foreignKeys: readonly {
		readonly columns: readonly string[];
		readonly parent: string;
		readonly parentColumns: readonly string[];
		readonly onDelete: string;
	}[];
	readonly rows: number;
	readonly withoutRowid: boolean;
	/** Virtual tables (FTS5) and their shadow tables: derived data, listed, never migrated. */
	readonly derived: boolean;
}

export interface SqliteDescription {
	readonly path: string;
	readonly bytes: number;
	readonly tables: readonly SourceTable[];
	/** `ok`, or the first complaint of PRAGMA quick_check. */
	readonly integrity: string;
	readonly journalMode: string;
}

export interface ChromaCollection {
	readonly id: string;
	readonly name: string;
	readonly tenant: string;
	readonly database: string;
	readonly records: number;
	/** Null when no vector was ever added. */
	readonly dimension: number | null;
	readonly space: DistanceSpace;
	/** Collection metadata as JSON text, or null. */
	readonly metadata: string | null;
	/** Where the vectors are: in a directory its log, its index or both; `server`: wherever the server keeps them. */
	readonly vectorsIn: 'wal' | 'index' | 'both' | 'none' | 'server';
}

export interface ChromaDescription {
	/** The directory, or the address of a server (see chroma-address.ts). */
	readonly path: string;
	/** Left out: a directory. */
	readonly from?: 'server';
	/** Of a server: bytes copied; 0 when it was only looked at. */
	readonly bytes: number;
	/** From the migrations table, e.g. `1.3-1.4`. */
	readonly version: string;
	readonly collections: readonly ChromaCollection[];
	readonly notes: readonly string[];
	/** What damage to the database has cost, as far as it is known before the records are read; left out: nothing. */
	readonly lost?: readonly string[];
}

export interface SourceDescription {
	readonly sqlite: SqliteDescription | null;
	readonly chroma: ChromaDescription | null;
}

/** Fingerprints of the snapshot's bytes: SHA-256, hex. What a server gave is hashed by content. */
export interface SourceFingerprints {
	readonly sqlite: string | null;
	readonly chroma: string | null;
}

/** A record that the casts refuse. `raw` is the offending value: text, number as text, or base64 of bytes. */
export interface Reject {
	/** Source key, as text; several columns as a JSON array. */
	readonly key: string;
	readonly column: string | null;
	/** Stable code: `INVALID_JSON`, `BAD_TIMESTAMP`, `NUL_CHARACTER`, `ORPHAN`, `MISSING_VECTOR` ... */
	readonly code: string;
	readonly reason: string;
	readonly raw: string | null;
	/** Encoding of `raw`. */
	readonly rawKind: 'text' | 'base64' | 'null';
	/** The whole record as JSON, with bytes as base64: what a later retry starts from. */
	readonly record: string;
}

/** What the dry run found in one step, after running its casts over every record. */
export interface ScanResult {
	readonly rows: number;
	readonly rejected: number;
	/** Bytes as they would be sent. */
	readonly bytes: number;
	/** Grouped by code and column. Also findings that do not reject: empty column, documents that become "", rounding. */
	readonly findings: readonly Finding[];
	/** Per target column, one short text for the preview. */
	readonly notes: Readonly<Record<string, string>>;
	/** Per jsonb column: accepted records by `jsonb_typeof`, SQL NULL left out. */
	readonly jsonTypes: Readonly<Record<string, Readonly<Record<string, number>>>>;
	/** Time of the scan, by one thread, for the estimate. */
	readonly milliseconds: number;
}

export interface Finding {
	readonly code: string;
	readonly severity: Severity;
	readonly column: string | null;
	readonly count: number;
	readonly sample: readonly string[];
	readonly message: string;
	readonly hint?: string;
}

/** Where reading goes on: the last cursor of a committed batch, opaque outside the reader that made it. */
export type Cursor = string;

export interface SourceBatch {
	/**
	 * Encoded for COPY in the step's format. For binary the header and trailer are included. Valid until the next batch is asked for: its
	 * buffer is filled again then.
	 */
	readonly data: Uint8Array;
	/** Records encoded in `data`. */
	readonly rows: number;
	/** Cursor of the first and last record read, rejected ones included. */
	readonly first: Cursor;
	readonly last: Cursor;
	readonly rejects: readonly Reject[];
}

/** One record as cast: the target's text form per column (`null` = NULL), vectors as float32 little-endian bytes. In the order of `step.columns`. */
export interface CastRecord {
	/** Values of `step.key`, as text. */
	readonly key: readonly string[];
	/** The key as the source and the quarantine spell it, where the casts give the target another one. */
	readonly sourceKey?: string;
	readonly values: readonly (string | Uint8Array | null)[];
}

export interface Neighbour {
	readonly key: string;
	readonly distance: number;
}

export interface Probe {
	/** Id of the stored vector, or the query's text. */
	readonly label: string;
	/** float32 */
	readonly vector: Float32Array;
}

export interface SharedKeys {
	readonly count: number;
	readonly sample: readonly { readonly key: string; readonly steps: readonly string[] }[];
}

/**
 * Both sources behind one face, read from a private snapshot, with reading, casting and encoding off the main thread.
 * Nothing here writes to the user's files.
 */
export interface Source {
	/** Takes the snapshot when none is held; cheap facts only. */
	describe(signal?: AbortSignal): Promise<SourceDescription>;
	/** `onCopy` gets 0..1 while records are copied from a server, if no snapshot is held yet. */
	fingerprints(signal?: AbortSignal, onCopy?: (fraction: number) => void): Promise<SourceFingerprints>;
	/** Runs the step's casts over every record. `onProgress` gets 0..1 at most ten times a second. */
	scan(step: CopyStep, signal?: AbortSignal, onProgress?: (fraction: number) => void): Promise<ScanResult>;
	/** Encoded batches after `from` (null: from the start), read ahead by a bounded amount. `excluded`: keys of parents that did not go to the target, by step id. */
	read(
		step: CopyStep,
		from: Cursor | null,
		excluded: Readonly<Record<string, readonly string[]>>,
		signal?: AbortSignal,
	): AsyncIterable<SourceBatch>;
	/** Cast records that the casts accept: all, or `limit` spread evenly over the step with a fixed seed. Chunks of up to 500. */
	records(step: CopyStep, limit: number | null, signal?: AbortSignal): AsyncIterable<readonly CastRecord[]>;
	/**
	 * The record that became row `row` of the batch starting at `first`, as a reject: for rows that only the server refuses. With `key`
	 * (values of `step.key`, as sent) it is found by that: then it does not matter what else was left out of the batch.
	 */
	refusedRecord(step: CopyStep, first: Cursor, row: number, code: string, reason: string, key?: readonly string[]): Promise<Reject>;
	/**
	 * Keys that the casts give to records of more than one of these steps, in the order of the keys: how many, and the first five. Memory is
	 * bounded whatever the number of records.
	 */
	sharedKeys(steps: readonly CopyStep[], signal?: AbortSignal): Promise<SharedKeys>;
	/** Metadata keys of the step's records that are `stem` or `stem_N`, in no order. Reads the metadata alone. */
	metadataKeys(step: CopyStep, stem: string, signal?: AbortSignal): Promise<readonly string[]>;
	/** `count` stored vectors drawn with a fixed seed. */
	probes(step: CopyStep, count: number, signal?: AbortSignal): Promise<readonly Probe[]>;
	/** Exact nearest neighbours per probe, by the step's space, nearest first; ties by the source's key. They have the target's keys. */
	neighbours(step: CopyStep, probes: readonly Probe[], k: number, signal?: AbortSignal): Promise<readonly (readonly Neighbour[])[]>;
	close(): Promise<void>;
}
