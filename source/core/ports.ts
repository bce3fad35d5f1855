import type { ErrorFact } from './errors.js';
import type { CopyStep, DistanceSpace, Plan, SchemaStep, Severity, Step, TargetFacts } from './plan/types.js';

/** Milliseconds since the epoch; injected so that rates and estimates can be tested. */
export interface Clock {
	now(): number;
}

// ---------------------------------------------------------------- source

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
	/** Where the vectors are. */
	readonly vectorsIn: 'wal' | 'index' | 'both' | 'none';
}

export interface ChromaDescription {
	readonly path: string;
	readonly bytes: number;
	/** From the migrations table, e.g. `1.3-1.4`. */
	readonly version: string;
	readonly collections: readonly ChromaCollection[];
	readonly notes: readonly string[];
}

export interface SourceDescription {
	readonly sqlite: SqliteDescription | null;
	readonly chroma: ChromaDescription | null;
}

/** Fingerprints of the snapshot's bytes: SHA-256, hex. */
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
	/** Wall time of the scan, for the estimate. */
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
	/** Encoded for COPY in the step's format. For binary the header and trailer are included. */
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

/**
 * Both sources behind one face, read from a private snapshot, with reading, casting and encoding off the main thread.
 * Nothing here writes to the user's files.
 */
export interface Source {
	/** Takes the snapshot when none is held; cheap facts only. */
	describe(signal?: AbortSignal): Promise<SourceDescription>;
	fingerprints(signal?: AbortSignal): Promise<SourceFingerprints>;
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
	 * The record that became row `row` of the batch starting at `first`, as a reject: for rows that only the server refuses.
	 */
	refusedRecord(step: CopyStep, first: Cursor, row: number, code: string, reason: string): Promise<Reject>;
	/** `count` stored vectors drawn with a fixed seed. */
	probes(step: CopyStep, count: number, signal?: AbortSignal): Promise<readonly Probe[]>;
	/** Exact nearest neighbours per probe, by the step's space, nearest first; ties by key. */
	neighbours(step: CopyStep, probes: readonly Probe[], k: number, signal?: AbortSignal): Promise<readonly (readonly Neighbour[])[]>;
	close(): Promise<void>;
}

// ---------------------------------------------------------------- target

export interface TargetTest {
	readonly facts: TargetFacts;
	readonly latencyMilliseconds: number;
	readonly user: string;
	readonly database: string;
	readonly canCreate: boolean;
	/** What is wrong, with the exact SQL to mend it. */
	readonly problems: readonly string[];
}

export interface TargetColumn {
	readonly name: string;
	/** As `format_type` prints it, e.g. `timestamp without time zone`, `vector(1024)`. */
	readonly type: string;
	readonly notNull: boolean;
	readonly hasDefault: boolean;
}

export interface TargetTable {
	readonly name: string;
	readonly columns: readonly TargetColumn[];
	readonly primaryKey: readonly string[];
	/** Unique constraints and indexes, as column lists. */
	readonly uniques: readonly (readonly string[])[];
	readonly foreignKeys: readonly {
		readonly name: string;
		readonly columns: readonly string[];
		readonly parent: string;
		readonly parentColumns: readonly string[];
		readonly onDelete: string;
	}[];
	readonly indexes: readonly { readonly name: string; readonly definition: string }[];
	readonly rows: number;
	/** Rows whose tenant column equals the tenant, when the column exists. */
	readonly tenantRows: number;
}

export interface TargetCollection {
	readonly uuid: string;
	readonly name: string;
	readonly rows: number;
	readonly tenantRows: number;
}

/** Server settings that bound the index build. */
export interface TargetResources {
	readonly effectiveCacheBytes: number;
	readonly maintenanceBytes: number;
	readonly maxParallelWorkers: number;
}

export interface TargetDescription {
	readonly facts: TargetFacts;
	readonly resources: TargetResources;
	/** Schema that unqualified names are created in. */
	readonly schema: string;
	readonly tables: readonly TargetTable[];
	readonly collections: readonly TargetCollection[];
	readonly vectorExtension: { readonly installed: string | null; readonly available: string | null; readonly mayCreate: boolean };
	readonly mayCreateTables: boolean;
	/** Runs in the ledger, newest first; empty when there is no ledger. */
	readonly runs: readonly LedgerRun[];
	/** Indexes, tables, views and sequences of the schema share one space of names: the names that are taken there. */
	readonly relationNames?: readonly string[];
}

export type KeyState = 'absent' | 'equal' | 'differs' | 'other-tenant' | 'other-collection';

export interface Comparison {
	readonly key: readonly string[];
	readonly state: KeyState;
	/** Columns that differ, with both values in text form, shortened. */
	readonly differences: readonly { readonly column: string; readonly expected: string | null; readonly found: string | null }[];
}

export interface WriteResult {
	/** Rows that are new in the target. */
	readonly written: number;
	/** Rows that were overwritten (saved first). */
	readonly updated: number;
	/** Rows left as they were because the target holds their key. */
	readonly skipped: number;
	/** Records the server refused, found by bisection: index of the record in the batch and the server's reason. */
	readonly refused: readonly { readonly row: number; readonly code: string; readonly reason: string }[];
}

export interface SearchHit {
	readonly key: string;
	readonly distance: number;
}

export interface RollbackCount {
	readonly step: string;
	readonly table: string;
	/** Rows the run wrote, by the ledger. */
	readonly written: number;
	/** Of those, rows that will be (were) removed. */
	readonly removable: number;
	/** Overwritten rows that will be (were) restored. */
	readonly restorable: number;
	/** Rows changed since, kept; up to five keys. */
	readonly changed: number;
	readonly changedSample: readonly string[];
	/** Rows kept because rows of others refer to them. */
	readonly referenced: number;
	/** Rows gone already. */
	readonly gone: number;
}

export interface RollbackPreview {
	readonly run: LedgerRun;
	readonly tables: readonly RollbackCount[];
	/** Objects the run created and that will be dropped (empty tables, indexes, constraints). */
	readonly drops: readonly string[];
	/** What stays, and why: the extension, tables with rows of others. */
	readonly stays: readonly string[];
}

export type RollbackEvent = { readonly at: string } & (
	| { readonly type: 'rollback-started'; readonly run: string; readonly tables: readonly RollbackCount[] }
	| { readonly type: 'rows-removed'; readonly step: string; readonly removed: number; readonly restored: number; readonly kept: number }
	| { readonly type: 'object-dropped'; readonly object: string }
	| { readonly type: 'notice'; readonly step: string | null; readonly message: string }
	| {
			readonly type: 'rollback-finished';
			readonly run: string;
			readonly outcome: 'done' | 'kept-some' | 'failed';
			readonly removed: number;
			readonly restored: number;
			readonly kept: number;
			readonly error?: ErrorFact;
	  }
);

/** A database that receives rows. Methods throw RepotError (kind `target`) when it is unreachable or refuses. */
export interface Target {
	test(signal?: AbortSignal): Promise<TargetTest>;
	/** Reads catalogs and counts; writes nothing, creates nothing. */
	describe(
		request: {
			readonly tables: readonly string[];
			readonly collection: string | null;
			readonly tenant: { readonly column: string; readonly value: string };
		},
		signal?: AbortSignal,
	): Promise<TargetDescription>;
	/** Compares cast records with what the target holds under their keys. JSON by value, vectors by bits, timestamps as timestamps. */
	compare(step: CopyStep, tenant: string, records: readonly CastRecord[], signal?: AbortSignal): Promise<readonly Comparison[]>;
	/** Takes the one-run-per-target lock; rejects with kind `locked` when it is held. */
	lock(): Promise<() => Promise<void>>;
	/** Runs one schema step and records in the ledger whether it created the object. */
	applySchema(
		run: string,
		step: SchemaStep,
		signal?: AbortSignal,
		onProgress?: (fraction: number, phase: string) => void,
		onNotice?: (message: string) => void,
	): Promise<'created' | 'present'>;
	/** Makes the run's collection row when missing (vectors only). */
	ensureCollection(run: string, step: CopyStep): Promise<void>;
	/** One transaction: the rows and their ledger row. */
	writeBatch(
		run: string,
		step: CopyStep,
		sequence: number,
		batch: SourceBatch,
		policy: 'fail' | 'skip' | 'update',
		signal?: AbortSignal,
	): Promise<WriteResult>;
	ledger: Ledger;
	/** Counts for verification. */
	count(
		step: CopyStep,
		tenant: string,
	): Promise<{ readonly rows: number; readonly tenantRows: number; readonly missingTenant: number; readonly foreignInRun: number | null }>;
	/** `jsonb_typeof` of a column over the tenant's rows, by type; SQL NULL is not counted. */
	jsonTypes(step: CopyStep, column: string, tenant: string): Promise<Readonly<Record<string, number>>>;
	/** Nearest rows of the step's collection and tenant; `exact` forbids the index. */
	search(step: CopyStep, tenant: string, probe: Probe, k: number, exact: boolean, signal?: AbortSignal): Promise<readonly SearchHit[]>;
	/** Whether the same call may succeed a little later: connection lost, server restarting, serialization failure, too many connections. */
	isTransient(error: unknown): boolean;
	rollbackPreview(run: string): Promise<RollbackPreview>;
	rollback(run: string, signal?: AbortSignal): AsyncIterable<RollbackEvent>;
	close(): Promise<void>;
}

export interface LedgerRun {
	readonly id: string;
	readonly plan: string;
	readonly intent: string;
	readonly status:
		| 'running'
		| 'done'
		| 'quarantined'
		| 'verification-failed'
		| 'failed'
		| 'interrupted'
		| 'rolled-back'
		| 'partly-rolled-back';
	readonly environment: string;
	readonly tenant: string;
	readonly operator: string;
	readonly startedAt: string;
	readonly finishedAt: string | null;
	readonly written: number;
	readonly quarantined: number;
}

export interface LedgerStep {
	readonly id: string;
	readonly state: 'running' | 'done';
	/** Last committed batch, or -1. */
	readonly lastBatch: number;
	readonly lastCursor: Cursor | null;
	readonly rows: number;
	readonly bytes: number;
	readonly rejected: number;
	readonly skipped: number;
	/**
	 * Records that only the target refused, in committed batches. `first`: their batch's first cursor; `after`: where its reading
	 * began; `row`: their place among its encoded records.
	 */
	readonly refused?: readonly {
		readonly batch: number;
		readonly first: Cursor;
		readonly after: Cursor | null;
		readonly row: number;
		readonly code: string;
		readonly reason: string;
	}[];
}

/** The record of runs, kept in the target beside the data (PostgreSQL: schema `repot`). */
export interface Ledger {
	/** Creates the ledger when missing, and the run. */
	begin(run: { readonly id: string; readonly plan: Plan; readonly operator: string; readonly version: string }): Promise<void>;
	/** Null when there is no ledger or no such run. */
	find(run: string): Promise<{ readonly run: LedgerRun; readonly plan: Plan; readonly steps: readonly LedgerStep[] } | null>;
	runs(): Promise<readonly LedgerRun[]>;
	stepDone(run: string, step: Step): Promise<void>;
	finish(run: string, status: LedgerRun['status'], totals: { readonly written: number; readonly quarantined: number }): Promise<void>;
}

// ---------------------------------------------------------------- beside the target

/** One refused record, one line of quarantine.jsonl. */
export interface QuarantineEntry extends Reject {
	readonly step: string;
	readonly source: string;
	readonly batch: number;
}

export interface Quarantine {
	readonly path: string;
	/** Durable (fsync) before the batch that it belongs to commits. */
	append(entries: readonly QuarantineEntry[]): Promise<void>;
	/** Drops entries of batches after the last committed one of each step: what a killed run wrote but did not commit. */
	keepCommitted(lastBatch: Readonly<Record<string, number>>): Promise<void>;
	entries(): AsyncIterable<QuarantineEntry>;
}

/** The folder of one run on this computer: plan, events, quarantine, report. */
export interface RunFolder {
	readonly path: string;
	readonly quarantine: Quarantine;
	write(name: string, content: string): Promise<string>;
	appendEvent(line: string): void;
	close(): Promise<void>;
}

export interface RunSummary extends LedgerRun {
	readonly folder: string;
	readonly target: string;
	readonly seconds: number | null;
	readonly reason: string | null;
}

/** History on this computer: one folder a run under the state directory. */
export interface RunHistory {
	open(run: string, plan: Plan): Promise<RunFolder>;
	record(run: RunSummary): Promise<void>;
	list(): Promise<readonly RunSummary[]>;
	find(run: string): Promise<RunSummary | null>;
}

/** Turns query texts into vectors of the collection's model; null when no key is set. */
export interface Embedder {
	readonly model: string;
	embed(texts: readonly string[], dimension: number, signal?: AbortSignal): Promise<readonly Float32Array[]>;
}

export interface Ports {
	readonly source: Source;
	readonly target: Target;
	readonly history: RunHistory;
	readonly embedder: Embedder | null;
	readonly clock: Clock;
	/** Who runs it, e.g. `ana@laptop`; kept in the ledger. */
	readonly operator: string;
	readonly version: string;
}
