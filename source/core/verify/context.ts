import type { CheckResult } from '../events.js';
import { formatCount } from '../format.js';
import type { CopyStep, Plan } from '../plan/types.js';
import type { Comparison, Embedder, Source, Target } from '../ports.js';

export interface VerifyOptions {
	/** Mean top-5 overlap that the search check asks for, 0..1. */
	readonly similarityThreshold: number;
	/** Rows per table compared field by field; all when the table has fewer. */
	readonly validationSample: number;
}

/** What the checks know of the run they judge. */
export interface RunFigures {
	/** Null: no run is judged, the target as it stands is. */
	readonly run: string | null;
	/** Records set aside, by step. */
	readonly setAside: Readonly<Record<string, number>>;
	/** Source keys of those records, by step: they are in the quarantine, not in the target. */
	readonly asideKeys: Readonly<Record<string, ReadonlySet<string>>>;
	/** True right after the copy, under the lock: counts must be equal. Later the application may have added rows. */
	readonly fresh: boolean;
}

/** The comparison of one step's sample, made once and read by three checks. */
export interface SampledStep {
	readonly step: CopyStep;
	readonly comparisons: readonly Comparison[];
}

export interface CheckContext {
	readonly plan: Plan;
	readonly options: VerifyOptions;
	readonly figures: RunFigures;
	readonly source: Source;
	readonly target: Target;
	readonly embedder: Embedder | null;
	readonly tables: readonly CopyStep[];
	readonly vectors: CopyStep | null;
	readonly samples: readonly SampledStep[];
	/** Rows of a step's table, asked of the target once. */
	count(step: CopyStep): ReturnType<Target['count']>;
	readonly signal: AbortSignal;
}

export type Check = (context: CheckContext) => Promise<CheckResult>;

/** Rows that the step's records make in the target for this tenant, by plan and run. */
export function expectedRows(step: CopyStep, figures: RunFigures): number {
	const accepted = step.rows - (figures.setAside[step.id] ?? step.rejected);
	return step.state.tenantRowsBefore + accepted - step.state.equal - step.state.differing;
}

/** A sample, less the rows that the target kept by the policy `skip`: those are the target's own and are not compared. */
export interface Judged {
	readonly compared: readonly Comparison[];
	readonly wrong: readonly Comparison[];
	readonly kept: number;
}

export function judge(sample: SampledStep, plan: Plan): Judged {
	const mayKeep = plan.policies.onConflict === 'skip' ? sample.step.state.differing : 0;
	const kept = new Set(sample.comparisons.filter((comparison) => comparison.state === 'differs').slice(0, mayKeep));
	const compared = sample.comparisons.filter((comparison) => !kept.has(comparison));
	return { compared, wrong: compared.filter((comparison) => comparison.state !== 'equal'), kept: kept.size };
}

/** How the figures tell of rows that were not compared. */
export const keptWords = (kept: number): string => (kept === 0 ? '' : `, ${formatCount(kept)} left as the target has them, not compared`);

/** Key of a comparison as the quarantine spells it: several columns as a JSON array. */
export const sourceKey = (key: readonly string[]): string => (key.length === 1 ? (key[0] ?? '') : JSON.stringify(key));

/** Records that only the server refused: more than the casts foresaw. */
export const refusedByServer = (step: CopyStep, figures: RunFigures): number =>
	Math.max(0, (figures.setAside[step.id] ?? step.rejected) - step.rejected);
