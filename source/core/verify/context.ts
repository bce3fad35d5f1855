import type { CheckResult } from '../events.js';
import { formatCount } from '../format.js';
import { placeOfStep } from '../plan/langchain-tables.js';
import type { CopyStep, Plan } from '../plan/types.js';
import type { CastRecord, Comparison, Embedder, Probe, RowWriter, Source, Target } from '../ports.js';

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
	readonly collections: readonly CopyStep[];
	readonly samples: readonly SampledStep[];
	/** Rows of a step's table, asked of the target once. */
	count(step: CopyStep): ReturnType<Target['count']>;
	/** Stored vectors of a collection to search for, drawn once. */
	probes(step: CopyStep): Promise<readonly Probe[]>;
	readonly signal: AbortSignal;
}

export type Check = (context: CheckContext) => Promise<CheckResult>;

/** Rows of this tenant that were there before and are none of the step's records. */
export const rowsBeside = ({ state }: CopyStep): number => Math.max(0, state.tenantRowsBefore - state.equal - ownedConflicts(state));

/** Rows under the step's keys with other values that named this tenant: those that name nobody count for no tenant. */
const ownedConflicts = ({ differing, unowned }: CopyStep['state']): number => differing - (unowned ?? 0);

/** Records whose row stays with nobody: under `skip`, rows that name no tenant are left as they are; `update` takes them over. */
export const leftToNobody = ({ state, policies }: CopyStep): number => (policies.onConflict === 'skip' ? (state.unowned ?? 0) : 0);

/** Rows that name no tenant and are none of the run's doing. */
export const unownedBefore = ({ state, policies }: CopyStep): number =>
	Math.max(0, (state.unownedBefore ?? 0) - (policies.onConflict === 'update' ? (state.unowned ?? 0) : 0));

/** Rows of this tenant that the target holds after the run: what was beside the records, and every record that is not set aside or left to nobody. */
export function expectedRows(step: CopyStep, figures: RunFigures): number {
	const accepted = step.rows - (figures.setAside[step.id] ?? step.rejected);
	return rowsBeside(step) + accepted - leftToNobody(step);
}

/** A sample, less the rows that the target kept by the policy `skip`: those are the target's own and are not compared. */
export interface Judged {
	readonly compared: readonly Comparison[];
	readonly wrong: readonly Comparison[];
	readonly kept: number;
}

/**
 * Under `skip` a row that differs is excused when it stood so before the judged run began to write. One that the run wrote, or that
 * somebody changed since, never is. Where transaction numbers prove nothing, as many are excused as the plan counted conflicts less
 * those that are proven. Without a run to judge, a row is excused that no run wrote and that has stood so since before the first of them.
 */
export function judge(sample: SampledStep, plan: Plan, run: string | null): Judged {
	const kept = plan.policies.onConflict === 'skip' ? keptRows(sample, run) : new Set<Comparison>();
	const compared = sample.comparisons.filter((comparison) => !kept.has(comparison));
	return { compared, wrong: compared.filter((comparison) => comparison.state !== 'equal'), kept: kept.size };
}

function keptRows({ step, comparisons }: SampledStep, run: string | null): Set<Comparison> {
	const differing = comparisons.filter((comparison) => comparison.state === 'differs');
	const proven = differing.filter((comparison) => writerOf(comparison, run) === null);
	const unproven = differing.filter((comparison) => writerOf(comparison, run) === 'unknown');
	return new Set([...proven, ...unproven.slice(0, Math.max(0, step.state.differing - proven.length))]);
}

/** Null: the run has not touched the row. */
function writerOf({ writers }: Comparison, run: string | null): RowWriter | null {
	if (writers === undefined) return 'unknown';
	if (run !== null) return writers[run] ?? null;
	const all = Object.values(writers);
	return (['written', 'changed', 'unknown'] as const).find((writer) => all.includes(writer)) ?? null;
}

/** How the figures tell of rows that were not compared. */
export const keptWords = (kept: number): string => (kept === 0 ? '' : `, ${formatCount(kept)} left as the target has them, not compared`);

/** Key of a record as the quarantine spells it: several columns as a JSON array. */
export const sourceKey = ({ key, sourceKey: own }: Pick<CastRecord, 'key' | 'sourceKey'>): string =>
	own ?? (key.length === 1 ? (key[0] ?? '') : JSON.stringify(key));

export const placeOf = ({ id, table }: CopyStep): string => placeOfStep(id, table);

/** Records that only the server refused: more than the casts foresaw. */
export const refusedByServer = (step: CopyStep, figures: RunFigures): number =>
	Math.max(0, (figures.setAside[step.id] ?? step.rejected) - step.rejected);
