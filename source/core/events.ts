import type { ErrorFact } from './errors.js';

/** Facts in the past tense, plain JSON. The NDJSON line is the same object; fields may be added, never change meaning. */
export type MigrationEvent = { readonly at: string } & (
	| {
			readonly type: 'run-started';
			readonly run: string;
			readonly plan: string;
			readonly environment: string;
			readonly resumed: boolean;
			/** Records whose rows in the target differ and stay as they are there (--on-conflict skip). Absent: none. */
			readonly differing?: number;
			readonly steps: readonly {
				readonly id: string;
				readonly label: string;
				readonly kind: 'copy' | 'schema';
				readonly rows: number;
				readonly bytes: number;
				readonly seconds: number;
				readonly rowsDone: number;
				readonly bytesDone: number;
				/** Of `rowsDone`, records written and set aside. Absent: not told. */
				readonly written?: number;
				readonly rejected?: number;
			}[];
	  }
	| { readonly type: 'step-started'; readonly step: string; readonly resumedFromBatch: number }
	| {
			readonly type: 'batch-committed';
			readonly step: string;
			readonly batch: number;
			/** Records sent, those that were there already included. */
			readonly rows: number;
			/** Of `rows`, records that the target had already. Absent: none. */
			readonly skipped?: number;
			readonly bytes: number;
			readonly rejected: number;
			/** Milliseconds between the first byte sent and the commit. */
			readonly milliseconds: number;
	  }
	| {
			readonly type: 'record-quarantined';
			readonly step: string;
			readonly key: string;
			readonly column: string | null;
			readonly code: string;
			readonly reason: string;
	  }
	| {
			readonly type: 'retry-scheduled';
			readonly step: string;
			readonly attempt: number;
			readonly of: number;
			readonly delayMilliseconds: number;
			readonly reason: string;
	  }
	| { readonly type: 'slowed'; readonly step: string; readonly reason: string }
	| { readonly type: 'step-progressed'; readonly step: string /** 0..1 */; readonly fraction: number; readonly phase: string }
	| {
			readonly type: 'step-finished';
			readonly step: string;
			readonly rows: number;
			readonly rejected: number;
			readonly milliseconds: number;
			readonly outcome: 'done' | 'nothing-to-do';
	  }
	| { readonly type: 'notice'; readonly step: string | null; readonly message: string }
	| { readonly type: 'check-finished'; readonly check: CheckResult }
	| {
			readonly type: 'run-finished';
			readonly run: string;
			readonly outcome: RunOutcome;
			readonly written: number;
			readonly quarantined: number;
			readonly skipped: number;
			/** Of this session. */
			readonly milliseconds: number;
			/** Earlier sessions of a resumed run, as far as this computer knows them. Absent: none. */
			readonly before?: { readonly sessions: number; readonly milliseconds: number };
			readonly error?: ErrorFact;
			/** Paths of what was written beside the target. */
			readonly files: readonly string[];
	  }
);

/** `failed` and `interrupted` runs are resumable; `nothing-to-do` wrote nothing. */
export type RunOutcome = 'done' | 'quarantined' | 'nothing-to-do' | 'verification-failed' | 'failed' | 'interrupted';

export type CheckName = 'rows' | 'vectors' | 'search' | 'tenant' | 'jsonb' | 'latency' | 'fields';

export interface CheckResult {
	readonly name: CheckName;
	readonly result: 'pass' | 'fail' | 'skipped';
	/** One line of figures for the summary. */
	readonly figures: string;
	/** The same figures, for machines. */
	readonly data: Readonly<Record<string, unknown>>;
	/** On failure: what differs, where, likely cause, next command. */
	readonly details: readonly string[];
}
