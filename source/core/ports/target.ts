import type { ErrorFact } from '../errors.js';
import type { CopyStep, SchemaStep } from '../plan/types.js';
import type { Ledger, LedgerRun } from './ledger.js';
import type { CastRecord, Probe, SourceBatch } from './source.js';
import type { TargetDescription, TargetTest } from './target-description.js';

export type KeyState = 'absent' | 'equal' | 'differs' | 'other-tenant' | 'other-collection';

/** A unique key other than the step's own, e.g. `{ name: 'items_email_key', columns: ['lower(email)'] }`. */
export interface UniqueClash {
	readonly name: string;
	/** Columns or expressions, as SQL. */
	readonly columns: readonly string[];
	/** The run would make it after the copy: the target does not have it yet. */
	readonly planned?: true;
	/** Whose row holds the value. Another user's when several do; absent where the table knows no tenant. */
	readonly holder?: 'own' | 'other' | 'nobody';
}

/** A key, an index or a foreign key that a run would make on a table that holds rows already. */
export interface ObjectToMake {
	/** Id of its schema step. */
	readonly step: string;
	readonly what: 'primary-key' | 'unique' | 'index' | 'foreign-key';
	readonly table: string;
	readonly columns: readonly string[];
	/** What a foreign key refers to; the table may be missing yet. */
	readonly parent?: { readonly table: string; readonly columns: readonly string[] };
}

/**
 * `exact` forbids the index. `widened` has it give more rows than the server's settings would, until enough are of the collection and the tenant.
 * The others are what an application gets: the query of langchain-postgres by the settings that the server has, `as-sent` over the whole
 * collection, which is not narrowed to the tenant, and `as-sent-filtered` with its filter on the tenant.
 */
export type SearchMode = 'exact' | 'widened' | 'as-sent' | 'as-sent-filtered';

/**
 * What the rows of a table have against an object. `duplicates`: values of a unique key that several rows share. `nulls`: rows without a value
 * of the primary key. `orphans`: values of a foreign key under which the parent has no row. `entry`: bytes of the longest index entry.
 */
export interface Objection {
	readonly step: string;
	readonly why: 'duplicates' | 'nulls' | 'orphans' | 'entry';
	/** Distinct values, rows, or bytes of the longest entry. */
	readonly count: number;
	/** Values by column, in text form: up to five duplicates, up to a thousand orphans. */
	readonly values: readonly (readonly string[])[];
	/** The statement that lists them all. */
	readonly sql: string;
}

/** Rows of a collection whose vectors have other dimensions than those that are to come. */
export interface OtherDimensions {
	readonly count: number;
	/** In ascending order. */
	readonly dimensions: readonly number[];
}

/**
 * What a run has to do with a row, by the row's transaction and the ledger. `written`: the run wrote it as it stands. `changed`:
 * it came to stand so after the run began to write, by another transaction; the run may have written what was there before.
 * `unknown`: transaction numbers prove nothing here, as after a dump and restore.
 */
export type RowWriter = 'written' | 'changed' | 'unknown';

export interface Comparison {
	readonly key: readonly string[];
	readonly state: KeyState;
	/** Columns that differ, with both values in text form, shortened. */
	readonly differences: readonly { readonly column: string; readonly expected: string | null; readonly found: string | null }[];
	/** The row under the key names no tenant. */
	readonly unowned?: true;
	/** The record has no vector: NULL is compared, or nothing. */
	readonly withoutVector?: true;
	/** Other unique keys whose value in this record a row with another key holds. Asked when the state is `absent` or `differs`. */
	readonly clashes?: readonly UniqueClash[];
	/**
	 * Of a row that differs, by run; a run that is not named has neither written nor changed it. Only for a plan under `skip` that counted
	 * such rows, and absent where there is no ledger.
	 */
	readonly writers?: Readonly<Record<string, RowWriter>>;
}

/** A step with the unique indexes that the run would make after the copy. */
export interface ComparedStep extends CopyStep {
	readonly plannedUniques?: readonly { readonly name: string; readonly columns: readonly string[] }[];
}

export interface WriteResult {
	/** Rows that are new in the target. */
	readonly written: number;
	/** Rows that were overwritten (saved first). */
	readonly updated: number;
	/** Rows left as they were because the target holds their key. */
	readonly skipped: number;
	/** Records the server refused: index of the record in the batch, its key as it was sent where that can be told, and the server's reason. */
	readonly refused: readonly { readonly row: number; readonly code: string; readonly reason: string; readonly key?: readonly string[] }[];
}

/** Rows of a step's table, or of its collection. */
export interface StepCounts {
	readonly rows: number;
	readonly tenantRows: number;
	readonly missingTenant: number;
	/** Rows that runs of this tenant wrote and that name another one now; null when nothing proves what they wrote. */
	readonly foreignInRun: number | null;
	/** Collections: this tenant's rows whose vector is NULL. */
	readonly withoutVector?: number;
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
	| {
			readonly type: 'rows-removed';
			readonly step: string;
			readonly removed: number;
			readonly restored: number;
			/** What of the run's rows is left; the next three say why. */
			readonly kept: number;
			/** Changed since. */
			readonly changed?: number;
			/** Rows of others refer to them. */
			readonly referenced?: number;
			/** Overwritten by the run, and the table refuses their former values now. */
			readonly unrestored?: number;
	  }
	| { readonly type: 'object-dropped'; readonly object: string }
	| { readonly type: 'notice'; readonly step: string | null; readonly message: string }
	| {
			readonly type: 'rollback-finished';
			readonly run: string;
			readonly outcome: 'done' | 'kept-some' | 'failed';
			readonly removed: number;
			readonly restored: number;
			readonly kept: number;
			/** Objects that the run made and that stay because something of others is in them. Absent: none. */
			readonly stays?: number;
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
			/** Names of langchain collections that the plan writes to. */
			readonly collections: readonly string[];
			readonly tenant: { readonly column: string; readonly value: string };
		},
		signal?: AbortSignal,
	): Promise<TargetDescription>;
	/** Compares cast records with what the target holds under their keys. JSON by value, vectors by bits, timestamps as timestamps. */
	compare(step: ComparedStep, tenant: string, records: readonly CastRecord[], signal?: AbortSignal): Promise<readonly Comparison[]>;
	/**
	 * By place among the records, the clashes on unique indexes that the run would make (`step.plannedUniques`). Reads the whole table at
	 * each call: for many records at once, of which only the key and the columns of those indexes are looked at.
	 */
	plannedClashes(
		step: ComparedStep,
		tenant: string,
		records: readonly CastRecord[],
		signal?: AbortSignal,
	): Promise<ReadonlyMap<number, readonly UniqueClash[]>>;
	/**
	 * Of this tenant's rows in the step's collection: text under metadata keys that are `stem` or `stem_N`, where it may be what the id was made
	 * of by the step's rule. Up to a thousand; reads no vectors.
	 */
	keptIds(
		step: CopyStep,
		tenant: string,
		stem: string,
		signal?: AbortSignal,
	): Promise<readonly { readonly id: string; readonly key: string; readonly kept: string }[]>;
	/** What the rows of existing tables have against objects that are to be made there. Reads every row of those tables; writes nothing. */
	objections(objects: readonly ObjectToMake[], signal?: AbortSignal): Promise<readonly Objection[]>;
	/** Rows of the langchain collection, anybody's, whose vectors have another dimension; the column takes any. Reads the whole collection. */
	otherDimensions(collection: string, dimension: number, signal?: AbortSignal): Promise<OtherDimensions>;
	/** Takes the one-run-per-target lock; rejects with kind `locked` when it is held. */
	lock(): Promise<() => Promise<void>>;
	/** Who else holds that lock now, in words for people; null: nobody. Takes nothing, writes nothing, makes no database. */
	lockHolder(signal?: AbortSignal): Promise<string | null>;
	/** Schema steps that can be under way at once. */
	readonly schemaWidth: number;
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
	count(step: CopyStep, tenant: string): Promise<StepCounts>;
	/** `jsonb_typeof` of a column over the tenant's rows, by type; SQL NULL is not counted. */
	jsonTypes(step: CopyStep, column: string, tenant: string): Promise<Readonly<Record<string, number>>>;
	/** Nearest rows of the step's collection and tenant. */
	search(step: CopyStep, tenant: string, probe: Probe, k: number, mode: SearchMode, signal?: AbortSignal): Promise<readonly SearchHit[]>;
	/** Whether the same call may succeed a little later: connection lost, server restarting, serialization failure, too many connections. */
	isTransient(error: unknown): boolean;
	rollbackPreview(run: string): Promise<RollbackPreview>;
	rollback(run: string, signal?: AbortSignal): AsyncIterable<RollbackEvent>;
	close(): Promise<void>;
}
