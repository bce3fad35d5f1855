import type { TargetFacts } from '../plan/types.js';
import type { LedgerRun } from './ledger.js';

export interface TargetTest {
	readonly facts: TargetFacts;
	readonly latencyMilliseconds: number;
	readonly user: string;
	readonly database: string;
	readonly canCreate: boolean;
	/** What stands in the way of a run. */
	readonly problems: readonly TargetProblem[];
	/** What does not stand in the way, and wants a look before a run; with the SQL that mends it. */
	readonly looks?: readonly string[];
	/** How the connection is encrypted; null: it is not. Left out by what has no connection. */
	readonly tls?: { readonly version: string; readonly cipher: string } | null;
	readonly connections?: TargetConnections;
	readonly role?: 'primary' | 'standby';
	/** New transactions take no changes, unless they ask for it. */
	readonly readOnly?: boolean;
	/** `session_replication_role`: under `replica` neither foreign keys nor triggers fire, under `local` all of them do. */
	readonly replicationRole?: string;
	/** Of the disk that holds the data; null: not visible from here. */
	readonly freeBytes?: number | null;
}

export interface TargetProblem {
	readonly about: 'server' | 'pgvector' | 'rights';
	/** With the exact SQL that mends it. */
	readonly words: string;
}

/** Connections that the server grants. */
export interface TargetConnections {
	/** `max_connections`. */
	readonly max: number;
	/** Kept for administrators, so not for this user. */
	readonly reserved: number;
	/** Of everybody, this one too. */
	readonly used: number;
	/** That this user may still open, by the limits of server, database and role. */
	readonly free: number;
}

export interface TargetColumn {
	readonly name: string;
	/** As `format_type` prints it, e.g. `timestamp without time zone`, `vector(1024)`. */
	readonly type: string;
	readonly notNull: boolean;
	readonly hasDefault: boolean;
	/** The server computes it (GENERATED ALWAYS AS ... STORED) and takes no value. */
	readonly generated?: boolean;
}

export interface TargetTable {
	readonly name: string;
	readonly columns: readonly TargetColumn[];
	readonly primaryKey: readonly string[];
	/** Unique constraints and indexes, as column lists. */
	readonly uniques: readonly (readonly string[])[];
	/**
	 * Every unique constraint and index, also partial ones and those over expressions, as SQL. `computed`: columns that they read and whose
	 * value the server makes when none is sent. Left out: unknown.
	 */
	readonly uniqueKeys?: readonly { readonly name: string; readonly parts: readonly string[]; readonly computed: readonly string[] }[];
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
	readonly rights?: TableRights;
}

/**
 * What this user may do with a table. `owner`: may alter and index it. `references`: foreign keys of other tables may refer to it.
 * What is optional is left out where nothing is in the way.
 */
export interface TableRights {
	readonly owner: boolean;
	/** False: its rows cannot be read, and were not counted. */
	readonly select?: false;
	/** Into every column. */
	readonly insert: boolean;
	/** Columns that this user may fill one by one, where `insert` is false. */
	readonly insertColumns?: readonly string[];
	readonly update: boolean;
	readonly delete: boolean;
	readonly references: boolean;
	/** Row-level security holds for this user: rows may be hidden, and COPY is refused. */
	readonly rowSecurity?: true;
	/** Columns whose default takes the next value of a sequence (name quoted, with its schema) that this user may not use. */
	readonly closedSequences?: readonly { readonly column: string; readonly sequence: string }[];
}

/** What this user may make in the database, and the SQL that an administrator runs where it may not. */
export interface TargetRights {
	/** The ledger's schema `repot` is there and may be used, or may be created. */
	readonly ledger: boolean;
	/** Tables and indexes in the schema. */
	readonly tables: boolean;
	/** Temporary tables, through which rows are merged and restored. Absent: yes. */
	readonly temporary?: boolean;
	/** Name of this user, for grants on single tables. */
	readonly user: string;
	readonly grants: { readonly ledger: string; readonly tables: string; readonly temporary?: string };
	/** Why no change is taken at present, e.g. by a standby, each with what mends it. Absent: changes are taken. */
	readonly frozen?: readonly { readonly why: string; readonly mend: string }[];
	/** Neither foreign keys nor triggers fire for this user; what mends it. */
	readonly unguarded?: { readonly why: string; readonly mend: string };
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
	/** Left out by a target that asks for no rights. */
	readonly rights?: TargetRights;
	/** Runs in the ledger, newest first; empty when there is no ledger. */
	readonly runs: readonly LedgerRun[];
	/** Indexes, tables, views and sequences of the schema share one space of names: the names that are taken there. */
	readonly relationNames?: readonly string[];
}
