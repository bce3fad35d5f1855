import type { Plan, Step } from '../plan/types.js';
import type { Cursor } from './source.js';

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
	 * began; `row`: their place among its encoded records; `key`: values of the step's key, left out by earlier versions.
	 */
	readonly refused?: readonly {
		readonly batch: number;
		readonly first: Cursor;
		readonly after: Cursor | null;
		readonly row: number;
		readonly code: string;
		readonly reason: string;
		readonly key?: readonly string[];
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
