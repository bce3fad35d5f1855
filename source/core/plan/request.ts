import type { AwsAccess } from '../ports.js';
import type { Secret } from '../secret.js';
import type { SslMode } from '../ssl-mode.js';
import type { IndexChoice, Policies } from './types.js';

/** Where a target is, and what opens it. */
export interface TargetAccess {
	readonly target: Secret;
	/** Whose RDS tokens take the place of a password; absent: the URL and the variables of libpq give it. */
	readonly tokensOf?: AwsAccess;
	/** What takes the place of what the URL says of TLS; null: as the URL says. `rootCert`: a file, relative to the working directory or absolute. */
	readonly tls?: { readonly mode: SslMode | null; readonly rootCert: string | null };
}

/** Everything a plan needs; flags, the config and the wizard all fill this one shape. */
export interface PlanRequest extends TargetAccess {
	readonly environment: string;
	readonly guard: Guard;
	readonly sqlitePath: string | null;
	readonly chromaPath: string | null;
	/** Chroma collections by name, id or `tenant/database/name`; `['all']`: every one; empty: the only one. */
	readonly collections: readonly string[];
	/** Nobody named them: where they are not there, the only one is taken. */
	readonly collectionsByConvention?: boolean;
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
	/** When the AWS session ends that the target was found with, in milliseconds since the epoch; absent: none was needed, or it does not end. */
	readonly sessionEndsAt?: number;
}

export type Guard = 'open' | 'protected';

export interface PlanProgress {
	readonly phase: string;
	/** 0..1 over the whole dry run, or null when not known. */
	readonly fraction: number | null;
}
