/**
 * What `repot inspect` knows of a source. These objects are also what `--json` prints (docs/commands.md): fields may be added, none changes its
 * meaning.
 */

import type { Severity } from './plan/types.js';
import type { ChromaCollection, ChromaDescription, SqliteDescription } from './ports.js';

/** Whether another process has the source open. */
export interface SourceUse {
	/** `not-seen`: nobody was seen, but not every process can be looked at. `unknown`: this system does not tell. */
	readonly state: 'in-use' | 'not-in-use' | 'not-seen' | 'unknown';
	/** Up to five of them. `pid` is null where only a lock is seen. */
	readonly by: readonly { readonly pid: number | null; readonly name: string; readonly writes: boolean }[];
}

/** What lies beside a SQLite database, in the original directory. */
export interface BesideDatabase {
	/** `hot`: holds a transaction that was not finished; `idle`: left over, holds nothing. */
	readonly journal: 'none' | 'idle' | 'hot';
	/** Bytes of the `-wal` file. */
	readonly walBytes: number;
}

/** A fault, told by a stable code. */
export interface Damage {
	readonly code: string;
	/** `block`: this part cannot be read. `warn`: something is lost or uncertain. `info`: seen and dealt with, nothing is lost. */
	readonly severity: Severity;
	/** Name of the collection or table; null: the whole source. */
	readonly about: string | null;
	readonly message: string;
	readonly count: number;
	/** Up to five ids, names or places. */
	readonly sample: readonly string[];
}

/** Whether the database holds what a profile needs. */
export interface ProfileFit {
	readonly profile: string;
	readonly fits: boolean;
	readonly missingTables: readonly string[];
	/** `table.column` */
	readonly missingColumns: readonly string[];
	/** Tables that the profile does not know and leaves behind; derived ones are left out. */
	readonly otherTables: readonly string[];
}

/** What is found in a SQLite database beyond its description. */
export interface SqliteFacts {
	readonly use: SourceUse;
	readonly beside: BesideDatabase;
	/** Of the text: `UTF-8`, `UTF-16le`, `UTF-16be`. */
	readonly encoding: string;
	readonly views: number;
	readonly triggers: number;
	/** Tables whose rows cannot be read, with the reason. */
	readonly unreadable: readonly { readonly table: string; readonly reason: string }[];
}

export interface SqliteInspection extends SqliteDescription, SqliteFacts {
	readonly kind: 'sqlite';
	readonly profile: ProfileFit;
	readonly damage: readonly Damage[];
}

/** Where a collection's distance space was read; `default`: nothing names one. */
export type SpaceOrigin = 'schema_str' | 'config_json_str' | 'segment_metadata' | 'collection_metadata' | 'default';

/** The rows of one collection in the write-ahead log (table embeddings_queue). */
export interface LogState {
	readonly rows: number;
	/** Lowest and highest sequence number; null without rows. */
	readonly first: number | null;
	readonly last: number | null;
	/** Rows that the index has not taken in; reading replays them. */
	readonly pending: number;
	/** Last sequence number that the metadata tables have taken in; null: not recorded. */
	readonly recordsUpTo: number | null;
	/** Pending rows whose metadata is not JSON. */
	readonly unreadableRows: number;
}

/** The persisted HNSW index of one collection. */
export interface IndexState {
	/** Segment folder; null in a half-created collection. */
	readonly folder: string | null;
	readonly folderExists: boolean;
	/** `absent` is normal until the index is persisted for the first time. */
	readonly pickle: 'readable' | 'damaged' | 'lfs-pointer' | 'absent';
	readonly pickleDamage: string | null;
	/** Ids that the pickle names. */
	readonly ids: number;
	/** Elements in data_level0.bin, deleted ones included; null when the index is not persisted or cannot be read. */
	readonly elements: number | null;
	/** Elements that header.bin claims; more than `elements` when data_level0.bin was cut short. */
	readonly claimed: number | null;
	readonly deleted: number | null;
	readonly maxElements: number | null;
	/** Elements that are not deleted and that no id of the pickle leads to. */
	readonly unnamed: number;
	/** Why no vector can be read from its files although the pickle is there; null: none or no reason to. */
	readonly problem: string | null;
	/** Last sequence number that it holds; null: never persisted. */
	readonly persistedUpTo: number | null;
	/** Elements of a cosine index whose stored length is lost. */
	readonly lostLengths: number;
	/** False: its space is cosine and its vectors are not normalised. */
	readonly normalised: boolean;
}

export type MetadataType = 'string' | 'int' | 'float' | 'bool' | 'list' | 'null';

/** Metadata keys of a collection, `chroma:*` left out, by name. */
export interface MetadataKeys {
	/** Records that were looked at: the first ones, at most 100,000. */
	readonly records: number;
	/** At most 100 keys. */
	readonly keys: readonly { readonly key: string; readonly types: Readonly<Partial<Record<MetadataType, number>>> }[];
	/** Keys that are left out here. */
	readonly more: number;
}

/** What is found in one collection beyond its description. */
export interface CollectionFacts {
	readonly spaceFrom: SpaceOrigin;
	/** Why it cannot be read; everything below is empty then. */
	readonly problem: string | null;
	/** False: creating it was never finished, it has no place for records. */
	readonly complete: boolean;
	/** Ids whose vector stands only in the log, and ids whose vector the index holds. */
	readonly vectorsInLog: number;
	readonly vectorsInIndex: number;
	/** Records without a vector that can be read. */
	readonly missingVectors: {
		readonly count: number;
		readonly sample: readonly string[];
		/** Of them, written after everything that the index holds: the log should have them and has not. */
		readonly goneFromLog: number;
	};
	/** Vectors of ids that have no record; Chroma leaves them out, and so does a migration. */
	readonly orphanedVectors: number;
	/** Lost vectors that were found in log rows which repeat id, document and metadata. */
	readonly restatedVectors: number;
	/** Records that lost a part of document or metadata on damaged pages; left out: none. */
	readonly damagedRecords?: { readonly count: number; readonly sample: readonly string[] };
	/** Records of which damaged pages left id and vector only; left out: none. */
	readonly namelessRecords?: { readonly count: number; readonly sample: readonly string[] };
	/** Keys of its own metadata that are lost; `all`: any may be. Left out: none. */
	readonly lostMetadataKeys?: 'all' | readonly string[];
	/** Records that have a document; null when that was not counted. */
	readonly documents: number | null;
	readonly metadataKeys: MetadataKeys;
	readonly log: LogState;
	readonly index: IndexState;
}

export type CollectionInspection = ChromaCollection & CollectionFacts;

/** What is found in a Chroma directory beyond its description. */
export interface ChromaFacts {
	readonly use: SourceUse;
	readonly beside: BesideDatabase;
	/** `ok`, or the first complaint of PRAGMA quick_check about a table that is read. */
	readonly integrity: string;
	readonly journalMode: string;
	/** Newest migration of each kind, e.g. `{metadb: 5}`. */
	readonly migrations: Readonly<Record<string, number>>;
	/** Whether Chroma removes log rows that it has taken in; null: this version never does, or does not say. */
	readonly logPurging: boolean | null;
	/** What damaged pages have cost the directory as a whole; left out: nothing. */
	readonly losses?: readonly { readonly code: string; readonly message: string; readonly count: number }[];
	/** Log rows of collections that are not there any more. */
	readonly strayLogRows: number;
	/** List values that belong to no record (Chroma 1.5). */
	readonly strayListValues: number;
	/** Index folders that no collection names. */
	readonly staleFolders: readonly { readonly name: string; readonly bytes: number }[];
}

export interface ChromaInspection extends Omit<ChromaDescription, 'collections'>, ChromaFacts {
	readonly kind: 'chroma';
	readonly collections: readonly CollectionInspection[];
	readonly damage: readonly Damage[];
}

/** A running server tells what it holds, and nothing of the files behind it. */
export interface ChromaServerInspection extends ChromaDescription {
	readonly kind: 'chroma-server';
	readonly damage: readonly Damage[];
}

export interface SourceInspection {
	readonly sqlite: SqliteInspection | null;
	readonly chroma: ChromaInspection | ChromaServerInspection | null;
}
