import { RepotError } from './errors.js';
import { isCopyStep, type Plan } from './plan/types.js';
import type { LedgerStep, Ports, QuarantineEntry, RunFolder } from './ports.js';
import { newRunId } from './run-id.js';
import { refuseStale, sourceChanges } from './stale.js';

/** What one run carries from step to step. */
export interface Run {
	readonly id: string;
	readonly plan: Plan;
	readonly resumed: readonly LedgerStep[] | null;
	readonly folder: RunFolder;
	/** Keys set aside so far, by step: children of these have no parent in the target. */
	readonly setAside: Map<string, string[]>;
	/** How many were set aside, by step; may exceed `setAside` when an earlier part ran on another computer. */
	readonly rejectedOf: Map<string, number>;
	written: number;
	quarantined: number;
	skipped: number;
}

const emptyRun = (id: string, plan: Plan, resumed: readonly LedgerStep[] | null, folder: RunFolder): Run => ({
	id,
	plan,
	resumed,
	folder,
	setAside: new Map(),
	rejectedOf: new Map(),
	written: 0,
	quarantined: 0,
	skipped: 0,
});

/** Opens a new run, or the unfinished one of this plan. */
export async function openRun(plan: Plan, ports: Ports, signal: AbortSignal): Promise<Run> {
	const runs = await ports.target.ledger.runs();
	const unfinished = runs.find(
		(run) => run.plan === plan.id && (run.status === 'running' || run.status === 'failed' || run.status === 'interrupted'),
	);
	const existing = unfinished === undefined ? null : await ports.target.ledger.find(unfinished.id);
	if (existing === null) {
		await refuseStale(plan, ports.source, ports.target, signal);
		const id = newRunId();
		const folder = await ports.history.open(id, plan);
		await ports.target.ledger.begin({ id, plan, operator: ports.operator, version: ports.version });
		return emptyRun(id, plan, null, folder);
	}
	const changes = await sourceChanges(plan, ports.source, signal);
	if (changes.length > 0) {
		throw new RepotError({
			kind: 'stale-plan',
			code: 'STALE_PLAN',
			message: `run ${existing.run.id} cannot go on: ${changes.join('; ')}`,
			next: [`Undo what it wrote: repot rollback ${existing.run.id}`, 'Or start anew beside it: repot migrate --restart'],
		});
	}
	const folder = await ports.history.open(existing.run.id, plan);
	const run = emptyRun(existing.run.id, plan, existing.steps, folder);
	await recallQuarantine(run, existing.steps, ports);
	return run;
}

/** Takes up the quarantine of an earlier part of the run, less what belongs to batches that never committed. */
async function recallQuarantine(run: Run, steps: readonly LedgerStep[], ports: Ports): Promise<void> {
	await run.folder.quarantine.keepCommitted(
		Object.fromEntries(run.plan.steps.map((step) => [step.id, steps.find((done) => done.id === step.id)?.lastBatch ?? -1])),
	);
	const entries = new Map<string, number>();
	for await (const entry of run.folder.quarantine.entries()) {
		remember(run, entry);
		entries.set(entry.step, (entries.get(entry.step) ?? 0) + 1);
	}
	for (const step of steps) {
		run.written += step.rows;
		run.quarantined += step.rejected;
		run.rejectedOf.set(step.id, step.rejected);
		run.skipped += step.skipped;
		// The earlier part ran on another computer: its quarantine file is there. The casts find the same records again.
		const copy = run.plan.steps.filter(isCopyStep).find((candidate) => candidate.id === step.id);
		if (copy !== undefined && step.rejected > (entries.get(step.id) ?? 0)) await ports.source.scan(copy);
	}
}

export function remember(run: Run, entry: QuarantineEntry): void {
	const keys = run.setAside.get(entry.step);
	if (keys === undefined) run.setAside.set(entry.step, [entry.key]);
	else keys.push(entry.key);
}

/** Records set aside per copy step: what the ledger and this process counted, which may be more than the casts foresaw. */
export const setAsideByStep = (run: Run): Record<string, number> =>
	Object.fromEntries(run.plan.steps.filter(isCopyStep).map((step) => [step.id, run.rejectedOf.get(step.id) ?? 0]));
