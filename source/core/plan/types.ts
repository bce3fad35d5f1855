import type { CastName } from '../mapping/cast-names.js';

/** Version of the plan document. A reader refuses any other. */
export const planFormat = 1;

export type Severity = 'block' | 'warn' | 'info';

/** Something the operator should know before anything is written; counted over every source value, never guessed. */
export interface Hazard {
	readonly code: string;
	readonly severity: Severity;
	/** The step it belongs to, or `null` for the plan as a whole. */
	readonly step: string | null;
	readonly column?: string;
	readonly count: number;
	/** Up to five keys, as text. */
	readonly sample: readonly string[];
	/** One sentence: what it is and what will happen. */
	readonly message: string;
	/** What to do about it. */
	readonly hint?: string;
}

export type ConflictPolicy = 'fail' | 'skip' | 'update';
export type DistanceSpace = 'l2' | 'ip' | 'cosine';
export type IndexChoice = 'hnsw' | 'halfvec' | 'none';
export type IdCollisionPolicy = 'fail' | 'prefix' | 'uuid';
export type MissingVectorPolicy = 'quarantine' | 'null';

export interface ColumnMapping {
	/** Column of the target. */
	readonly name: string;
	/** Field of the source record, or `null` when the value is `constant`. */
	readonly source: string | null;
	readonly sourceType: string | null;
	/** PostgreSQL type as written in DDL, e.g. `jsonb`, `vector(1024)`. */
	readonly targetType: string;
	readonly nullable: boolean;
	readonly cast: CastName;
	/** Type of the target's column that is there already, when it takes less than `targetType`: `numeric(10,2)`, `integer`. The casts refuse what it cannot hold exactly. */
	readonly existingType?: string;
	/** Its values tell records apart or refer to them (unique index, foreign key): NUL is never stripped there, because two values could become one. Keys are so by themselves. */
	readonly identifies?: boolean;
	/**
	 * The value of every row, in the target's text form; set when `source` is null. For the cast `metadata`: the JSON object that is merged into
	 * every record's. For `prefixed-id` what stands before every id, for `uuid-id` the namespace.
	 */
	readonly constant?: string;
	/**
	 * For the cast `metadata`: another field of the record, whose text every object holds under `key`. `held`: rows of the target have it there
	 * already, so that the key stays, and a record whose own metadata has it is refused.
	 */
	readonly keeps?: { readonly field: string; readonly key: string; readonly held?: true };
	/** Default expression in the target's DDL, already translated. */
	readonly defaultSql?: string;
	/** What the scan counted, for the preview: e.g. `55 valid`, `2 of 55 are not JSON`. */
	readonly note?: string;
	/** Columns that become jsonb: records the casts accept, by `jsonb_typeof` (`null`: JSON null; SQL NULL is not counted). */
	readonly jsonTypes?: Readonly<Record<string, number>>;
}

export interface ForeignKey {
	readonly columns: readonly string[];
	/** Step id (= table) that is referred to. */
	readonly parent: string;
	readonly parentColumns: readonly string[];
	readonly onDelete: string;
}

/** What one copy step reads: a SQLite table or a Chroma collection. */
export type StepSource =
	| {
			readonly kind: 'sqlite';
			readonly table: string;
			/** Columns of the keyset cursor: `['rowid']`, or the primary key of a WITHOUT ROWID table. */
			readonly cursor: readonly string[];
	  }
	| {
			readonly kind: 'chroma';
			readonly collection: string;
			readonly collectionId: string;
			readonly dimension: number | null;
			readonly space: DistanceSpace;
	  };

/** How the target already stands for one step. */
export interface StepTargetState {
	readonly exists: boolean;
	/** Rows in the table (for vectors: in the collection) before the run. */
	readonly rowsBefore: number;
	/** Of those, rows of this run's tenant. */
	readonly tenantRowsBefore: number;
	/** Source keys that the target already holds with the same values. */
	readonly equal: number;
	/** Source keys that the target already holds with other values: conflicts. */
	readonly differing: number;
	/** Of `differing`, rows that name no tenant. Absent: none. */
	readonly unowned?: number;
	/** Rows of the table (for vectors: of the collection) that named no tenant before the run, whatever their key. Absent: none. */
	readonly unownedBefore?: number;
	/** Under `skip`: records, counted in `rejected`, whose value of another unique key a row of the target holds. Absent: none. */
	readonly clashing?: number;
}

/** A collection as langchain-postgres keeps it. */
export interface LangchainCollection {
	readonly name: string;
	readonly uuid: string;
	readonly exists: boolean;
	readonly metadata: string | null;
	/** Type that its index casts `embedding` to, e.g. `vector(384)`: only a search that casts the same way uses it. Absent: the column as it is. */
	readonly indexedAs?: string;
}

/** Copies the records of one source table or collection into one target table. */
export interface CopyStep {
	/** Stable id: the target table, `vectors` for the only collection, `vectors:NAME` for each of several. */
	readonly id: string;
	readonly kind: 'copy';
	readonly source: StepSource;
	/** Target table, unquoted, in the connection's schema unless `schema` is given. */
	readonly table: string;
	readonly columns: readonly ColumnMapping[];
	/** Key columns of the target, in order. */
	readonly key: readonly string[];
	readonly foreignKeys: readonly ForeignKey[];
	/** COPY format; vectors go as binary. */
	readonly format: 'text' | 'binary';
	/** What the casts do with values they cannot take over. */
	readonly policies: Policies;
	/** `copy` straight into the table when no key is shared, else `merge` through a staging table. */
	readonly write: 'copy' | 'merge';
	/** Vectors only: the langchain collection. */
	readonly collection?: LangchainCollection;
	/** Source records. */
	readonly rows: number;
	/** Of those, records that go to quarantine: the casts refuse them, or (`state.clashing`) a unique key of the target does. */
	readonly rejected: number;
	/** Of the accepted ones, records without a vector, written with NULL as asked. Absent: none. */
	readonly withoutVector?: number;
	/** Encoded size in bytes of what will be sent. */
	readonly bytes: number;
	readonly state: StepTargetState;
	readonly batchRecords: number;
	readonly batchBytes: number;
	readonly seconds: number;
}

/** DDL that runs before the copy (`phase` before) or after it. Every statement is idempotent by its own check. */
export interface SchemaStep {
	readonly id: string;
	readonly kind: 'schema';
	readonly phase: 'before' | 'after';
	readonly what: 'extension' | 'table' | 'primary-key' | 'foreign-key' | 'index' | 'vector-index' | 'analyze';
	/** Object created, e.g. table or index name. */
	readonly object: string;
	/** Table it belongs to. */
	readonly table: string;
	readonly sql: string;
	/** False when the target has it already: nothing is done and rollback leaves it. */
	readonly needed: boolean;
	readonly seconds: number;
	readonly vectorIndex?: {
		readonly method: IndexChoice;
		readonly operatorClass: string;
		/** Id of the only copy step whose rows it holds. Absent: all rows of the table. */
		readonly step?: string;
		/** maintenance_work_mem in bytes that the session asks for. */
		readonly memoryBytes: number;
		/** max_parallel_maintenance_workers that the session asks for. */
		readonly workers: number;
	};
}

export type Step = CopyStep | SchemaStep;

export interface SourceFacts {
	readonly sqlite?: { readonly path: string; readonly bytes: number; readonly fingerprint: string };
	readonly chroma?: { readonly path: string; readonly bytes: number; readonly fingerprint: string };
}

export interface TargetFacts {
	/** Masked URL or `pglite:DIR`. */
	readonly label: string;
	/** host:port/database or absolute directory: equal for the same database, holds no secret. */
	readonly identity: string;
	readonly embedded: boolean;
	readonly serverVersion: string;
	readonly pgvectorVersion: string | null;
	/** Hash over the parts of the target that the plan relies on. */
	readonly fingerprint: string;
}

export interface Policies {
	readonly onConflict: ConflictPolicy;
	readonly onInvalidJson: 'quarantine' | 'fail' | 'null';
	readonly onBadTimestamp: 'quarantine' | 'fail' | 'null';
	readonly onNul: 'quarantine' | 'fail' | 'strip';
	/** Ids of vectors, which are unique over all collections of the target. Absent: `fail`. */
	readonly onIdCollision?: Exclude<IdCollisionPolicy, 'fail'>;
	/** Records without a vector. Absent: `quarantine`. */
	readonly onMissingVector?: Exclude<MissingVectorPolicy, 'quarantine'>;
	/** Stop (exit 3 in the plan) when more records than this would be quarantined; null: no bound. */
	readonly maxQuarantined: number | null;
}

export interface Plan {
	readonly format: typeof planFormat;
	/** First 16 hex digits of the SHA-256 of the canonical content without id, createdAt and estimates. */
	readonly id: string;
	/** Hash of what the operator asked for and of the source, without the target's state: a killed run is resumed when it matches. */
	readonly intent: string;
	/** ISO 8601, UTC. */
	readonly createdAt: string;
	readonly environment: string;
	readonly profile: string;
	readonly tenant: { readonly column: string; readonly value: string };
	readonly sources: SourceFacts;
	readonly target: TargetFacts;
	readonly policies: Policies;
	readonly steps: readonly Step[];
	readonly hazards: readonly Hazard[];
	readonly totals: { readonly records: number; readonly rejected: number; readonly bytes: number; readonly seconds: number };
	/** Set when the target already holds exactly this: there is nothing to do. The run that wrote it, or `-` when no ledger tells. */
	readonly doneBy?: string;
	/** Set when this plan belongs to an interrupted run that will go on where it stopped. Not part of the id. */
	readonly resumes?: string;
}

export const isCopyStep = (step: Step): step is CopyStep => step.kind === 'copy';
export const isSchemaStep = (step: Step): step is SchemaStep => step.kind === 'schema';
export const isBlocked = (plan: Pick<Plan, 'hazards'>): boolean => plan.hazards.some((hazard) => hazard.severity === 'block');

/** Records that a run of this plan writes: not those set aside, nor those that are there already or stay as the target has them. */
export function recordsToWrite(plan: Pick<Plan, 'steps' | 'policies'>): number {
	return plan.steps
		.filter(isCopyStep)
		.reduce(
			(sum, { rows, rejected, state }) =>
				sum + Math.max(0, rows - rejected - state.equal - (plan.policies.onConflict === 'skip' ? state.differing : 0)),
			0,
		);
}
