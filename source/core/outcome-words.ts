/** One wording, on screens, in headless text and in reports, for what a run leaves open. Pure. */

import { formatCount, formatQuantity } from './format.js';
import { isCopyStep, type Plan } from './plan/types.js';
import type { LedgerRun } from './ports.js';

/** Records of a run or of its plan: each source record is one of these. */
interface Outcome {
	readonly written: number;
	readonly quarantined: number;
	readonly skipped: number;
}

/** `165 of 220 records set aside`; null: none was. */
export function setAsideWords({ written, quarantined, skipped }: Outcome): string | null {
	if (quarantined === 0) return null;
	return `${formatCount(quarantined)} of ${formatQuantity(written + quarantined + skipped, 'record')} set aside`;
}

/** `218 already there`, `1 differs and stays as it was`: what a run left alone, the two told apart. */
export function skippedWords({ skipped, differing }: { readonly skipped: number; readonly differing: number }): readonly string[] {
	const left = Math.min(skipped, differing);
	return [
		...(skipped > left ? [`${formatCount(skipped - left)} already there`] : []),
		...(left > 0 ? [`${formatCount(left)} ${left === 1 ? 'differs and stays as it was' : 'differ and stay as they were'}`] : []),
	];
}

/** Records that a run wrote; of one that still runs or was killed, what is known: `at least 209 484`, `?`. */
export function writtenWords({ status, written }: Pick<LedgerRun, 'status' | 'written'>): string {
	if (status !== 'running') return formatCount(written);
	return written === 0 ? '?' : `at least ${formatCount(written)}`;
}

/** Rows whose values differ and that stay as the target has them, because the operator chose so. */
export function differingLeft(plan: Pick<Plan, 'steps' | 'policies'>): number {
	if (plan.policies.onConflict !== 'skip') return 0;
	return plan.steps.filter(isCopyStep).reduce((sum, { state }) => sum + state.differing, 0);
}

/** Why a plan with `doneBy` writes nothing: `run r-1 already wrote exactly this`. */
export function nothingToDoWords(
	plan: Pick<Plan, 'steps' | 'policies' | 'doneBy'> & { readonly totals: { readonly rejected: number } },
): string {
	const differing = differingLeft(plan);
	if (differing > 0) {
		const stay = differing === 1 ? 'differs in the target and stays as it is' : 'differ in the target and stay as they are';
		return `${formatQuantity(differing, 'row')} ${stay}, as chosen (--on-conflict skip)`;
	}
	if (plan.steps.filter(isCopyStep).every(({ rows }) => rows === 0)) return 'there is no record to move';
	if (plan.doneBy === undefined || plan.doneBy === '-') return 'the target already holds exactly this';
	const { rejected } = plan.totals;
	return `run ${plan.doneBy} already wrote exactly this${rejected > 0 ? `, and set ${formatQuantity(rejected, 'record')} aside` : ''}`;
}

/** The run that the checks of a plan with nothing to do judge; null: the newest that the target's ledger knows. */
export const runToCheck = ({ doneBy }: Pick<Plan, 'doneBy'>): string | null => (doneBy === undefined || doneBy === '-' ? null : doneBy);
