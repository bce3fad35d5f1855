import { RepotError } from './errors.js';
import { type Hazard, isCopyStep, type Plan } from './plan/types.js';
import type { LedgerRun, Ports } from './ports.js';
import { refuseStale } from './stale.js';
import { expectedRows } from './verify/context.js';

/** Whether the target holds at least the rows that the plan makes, less what was set aside. */
async function holdsResult(plan: Plan, target: Ports['target'], quarantined: number): Promise<boolean> {
	let missing = 0;
	const figures = { run: null, setAside: {}, asideKeys: {}, fresh: false };
	for (const step of plan.steps.filter(isCopyStep)) {
		const { tenantRows } = await target.count(step, plan.tenant.value).catch(() => ({ tenantRows: 0 }));
		missing += Math.max(0, expectedRows(step, figures) - tenantRows);
	}
	return missing <= Math.max(0, quarantined - plan.totals.rejected);
}

/**
 * The run that already carried out this plan, or `plan.doneBy`; null when there is work. What was done counts only while it is there: a
 * target that looks as the plan saw it before the run was emptied since, and a plan that found everything there is stale when that changed.
 */
export async function alreadyDone(plan: Plan, ports: Ports): Promise<string | null> {
	if (plan.resumes !== undefined) return null;
	if (plan.doneBy !== undefined) {
		await refuseStale(plan, ports.source, ports.target);
		return plan.doneBy;
	}
	const runs = await ports.target.ledger.runs();
	const done = new Set<LedgerRun['status']>(['done', 'quarantined', 'verification-failed']);
	const run = runs.find((candidate) => candidate.plan === plan.id && done.has(candidate.status));
	if (run === undefined) return null;
	if (await holdsResult(plan, ports.target, run.quarantined)) return run.id;
	// Emptied to what the plan saw: there is work again. Anything else is a target that the plan does not know.
	await refuseStale(plan, ports.source, ports.target);
	return null;
}

/** Refuses a plan with blocking hazards, naming each (in the words of `tell`, one a line) and what to do. */
export function refuseBlocked(plan: Plan, tell: (hazard: Hazard) => string = (hazard) => `${hazard.code}: ${hazard.message}`): void {
	const blocking = plan.hazards.filter((hazard) => hazard.severity === 'block');
	if (blocking.length === 0) return;
	throw new RepotError({
		kind: 'blocked',
		code: 'PLAN_BLOCKED',
		message: `Plan ${plan.id} is blocked; nothing was written`,
		why: blocking.map(tell).join('\n'),
		next: [...new Set(blocking.flatMap((hazard) => (hazard.hint === undefined ? [] : [hazard.hint]))), 'repot plan shows the whole plan'],
	});
}
