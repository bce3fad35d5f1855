import type { Plan } from '../plan/types.js';
import type { LedgerRun } from './ledger.js';
import type { Reject } from './source.js';

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
	/** Earlier sessions of the run, by the events that were appended on this computer. */
	sessionsBefore(): Promise<{ readonly sessions: number; readonly milliseconds: number }>;
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
