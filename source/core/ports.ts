import type { Source } from './ports/source.js';
import type { Embedder, RunHistory } from './ports/state.js';
import type { Target } from './ports/target.js';

export type * from './ports/cloud.js';
export type * from './ports/ledger.js';
export type * from './ports/source.js';
export type * from './ports/state.js';
export type * from './ports/target.js';
export type * from './ports/target-description.js';

/** Milliseconds since the epoch; injected so that rates and estimates can be tested. */
export interface Clock {
	now(): number;
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
