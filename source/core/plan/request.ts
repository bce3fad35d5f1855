import type { Secret } from '../secret.js';
import type { IndexChoice, Policies } from './types.js';

/** Everything a plan needs; flags, the config and the wizard all fill this one shape. */
export interface PlanRequest {
	readonly environment: string;
	readonly guard: Guard;
	readonly sqlitePath: string | null;
	readonly chromaPath: string | null;
	/** Chroma collections by name, id or `tenant/database/name`; `['all']`: every one; empty: the only one. */
	readonly collections: readonly string[];
	/** Nobody named them: where they are not there, the only one is taken. */
	readonly collectionsByConvention?: boolean;
	readonly target: Secret;
	readonly tenant: string;
	/** Name of the langchain collection when one collection moves; of several each keeps its own. */
	readonly pgvectorCollection: string;
	/** It was given on the command line, where it must not stand in vain. */
	readonly nameByFlag?: boolean;
	/** Other names, by the name, id or `tenant/database/name` of the Chroma collection. */
	readonly collectionNames: Readonly<Record<string, string>>;
	/** Records a batch; null: by size. */
	readonly batchSize: number | null;
	readonly skipSchemaCreation: boolean;
	readonly index: IndexChoice | null;
	/** Bytes; null: what the server's settings suggest. */
	readonly indexMemory: number | null;
	readonly indexWorkers: number | null;
	readonly policies: Policies;
	readonly similarityThreshold: number;
	readonly validationSample: number;
	readonly reportOutput: string | null;
	readonly maxRetries: number;
	readonly retryDelayMilliseconds: number;
	/** Start a new run although an interrupted one could be resumed. */
	readonly restart: boolean;
	/** Verify after the copy. */
	readonly validate: boolean;
}

export type Guard = 'open' | 'protected';

export interface PlanProgress {
	readonly phase: string;
	/** 0..1 over the whole dry run, or null when not known. */
	readonly fraction: number | null;
}
