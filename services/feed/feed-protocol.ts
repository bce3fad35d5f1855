import type { ErrorFact } from '../../source/core/errors.js';
import type { SourceInspection } from '../../source/core/inspection.js';
import type { CopyStep } from '../../source/core/plan/types.js';
import type { CastRecord, Cursor, Neighbour, Probe, Reject, SharedKeys, SourceBatch, SourceDescription } from '../../source/core/ports.js';
import type { ServerSecrets } from '../chroma-server/secrets.js';
import type { PartScan, ScanPart } from './scan-part.js';

/** What the worker is started with. */
export interface FeedSettings {
	readonly sqlitePath: string | null;
	/** A directory, or the address of a server. */
	readonly chromaPath: string | null;
	/** What a server is asked with; null or left out for a directory. */
	readonly chromaServer?: ChromaServerSettings | null;
	/** Snapshot of the SQLite database that another thread of this feed took and keeps; null: this thread takes its own. */
	readonly sqliteSnapshot: string | null;
	/** Private folder of this feed; the snapshots are made in it, and the main thread removes it. */
	readonly folder: string;
	/** Module that exports `openChroma`, as a URL; null: the program's own. */
	readonly chromaModule: string | null;
}

export interface ChromaServerSettings {
	readonly access: ServerSecrets;
	/** The collections to copy; empty: the only one. */
	readonly collections: readonly string[];
	/** Only look: copy nothing. */
	readonly describeOnly: boolean;
}

/** The copied SQLite database, so that the main thread can hash it while the worker scans. */
export interface SqliteCopy {
	readonly path: string;
	readonly files: readonly string[];
}

/** What later readings of a step build on, once every record of it was judged. */
export interface Judgement {
	readonly step: CopyStep;
	/** Source keys of the records that are refused. */
	readonly refused: readonly string[];
	/** Places of the columns that let every value through as it is, unnoted. */
	readonly unchanged: readonly number[];
}

type Excluded = Readonly<Record<string, readonly string[]>>;

/** Everything the main thread asks of the worker: argument and answer by name. Streams are opened, then pulled one item at a time. */
export interface FeedCalls {
	describe: { argument: null; answer: SourceDescription };
	/** With copies of its own, which are gone afterwards. */
	inspect: { argument: null; answer: SourceInspection };
	/** Takes the snapshots when none are held; null without a SQLite source. */
	snapshot: { argument: null; answer: SqliteCopy | null };
	chromaFingerprint: { argument: null; answer: string | null };
	/** The step cut into at most so many parts of about one length, in order. */
	cut: { argument: { readonly step: CopyStep; readonly parts: number }; answer: readonly ScanPart[] };
	scanPart: { argument: { readonly step: CopyStep; readonly part: ScanPart }; answer: PartScan };
	/** What a scan of the whole step, in whatever parts, found. */
	learn: { argument: readonly Judgement[]; answer: null };
	/** Everything that was learnt so far, for a thread that was not there. */
	judgements: { argument: null; answer: readonly Judgement[] };
	openBatches: { argument: { readonly step: CopyStep; readonly from: Cursor | null; readonly excluded: Excluded }; answer: number };
	openRecords: { argument: { readonly step: CopyStep; readonly limit: number | null }; answer: number };
	/** `spent`: the buffer of a batch that is done with, to be filled again. */
	nextBatch: { argument: { readonly stream: number; readonly spent: ArrayBuffer | null }; answer: SourceBatch | null };
	nextRecords: { argument: { readonly stream: number; readonly spent: null }; answer: readonly CastRecord[] | null };
	closeStream: { argument: { readonly stream: number }; answer: null };
	refusedRecord: {
		argument: {
			readonly step: CopyStep;
			readonly first: Cursor;
			readonly row: number;
			readonly code: string;
			readonly reason: string;
			/** Values of `step.key`; null: only its place is known. */
			readonly key: readonly string[] | null;
		};
		answer: Reject;
	};
	sharedKeys: { argument: { readonly steps: readonly CopyStep[] }; answer: SharedKeys };
	metadataKeys: { argument: { readonly step: CopyStep; readonly stem: string }; answer: readonly string[] };
	probes: { argument: { readonly step: CopyStep; readonly count: number }; answer: readonly Probe[] };
	neighbours: {
		argument: { readonly step: CopyStep; readonly probes: readonly Probe[]; readonly k: number };
		answer: readonly (readonly Neighbour[])[];
	};
	close: { argument: null; answer: null };
}

export type FeedCallName = keyof FeedCalls;

/** One call as it travels. `stop` is shared memory: the worker is busy in synchronous loops, where no message reaches it. */
export type FeedRequest =
	| {
			[Name in FeedCallName]: {
				readonly type: 'call';
				readonly id: number;
				readonly name: Name;
				readonly argument: FeedCalls[Name]['argument'];
				readonly stop: Int32Array<SharedArrayBuffer>;
			};
	  }[FeedCallName]
	| { readonly type: 'abort'; readonly id: number };

export type FeedReply =
	| { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
	| { readonly type: 'progress'; readonly id: number; readonly fraction: number }
	| { readonly type: 'aborted'; readonly id: number }
	| { readonly type: 'error'; readonly id: number; readonly error: ErrorFact; readonly stack: string | null };
