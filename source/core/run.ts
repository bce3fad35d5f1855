import { RepotError } from './errors.js';
import { type CopyStep, isCopyStep, type Plan } from './plan/types.js';
import type { LedgerStep, Ports, QuarantineEntry, Reject, RunFolder, Source } from './ports.js';
import { newRunId } from './run-id.js';
import { refuseStale, sourceChanges } from './stale.js';
import type { RunFigures } from './verify/context.js';

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
	/** Earlier sessions of a resumed run, as far as this computer knows them. */
	before: { readonly sessions: number; readonly milliseconds: number };
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
	before: { sessions: 0, milliseconds: 0 },
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
	run.before = await folder.sessionsBefore();
	await recallQuarantine(run, existing.steps, ports);
	return run;
}

/** Takes up the quarantine of an earlier part of the run, less what belongs to batches that never committed. */
async function recallQuarantine(run: Run, steps: readonly LedgerStep[], ports: Ports): Promise<void> {
	await run.folder.quarantine.keepCommitted(
		Object.fromEntries(run.plan.steps.map((step) => [step.id, steps.find((done) => done.id === step.id)?.lastBatch ?? -1])),
	);
	const entries = new Map<string, number>();
	const written = new Lines();
	const recall = (entry: QuarantineEntry): void => {
		remember(run, entry);
		entries.set(entry.step, (entries.get(entry.step) ?? 0) + 1);
	};
	for await (const entry of run.folder.quarantine.entries()) {
		recall(entry);
		written.add(entry);
	}
	for (const copy of run.plan.steps.filter(isCopyStep)) {
		const refused = steps.find(({ id }) => id === copy.id)?.refused ?? [];
		const lost = await rebuildRefused(run, copy, refused, written, ports.source);
		await run.folder.quarantine.append(lost);
		for (const entry of lost) recall(entry);
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

type Refused = NonNullable<LedgerStep['refused']>[number];

/** One refusal by its batch and reason, and by its record when `key` is given. */
const nameOf = (
	step: string,
	refusal: { readonly batch: number; readonly code: string; readonly reason: string },
	key: string | null,
): string => JSON.stringify([step, refusal.batch, refusal.code, refusal.reason, key]);

/** Counts the quarantine's lines, so that each accounts for one refused record. */
class Lines {
	readonly #counts = new Map<string, number>();

	add(entry: QuarantineEntry): void {
		count(this.#counts, nameOf(entry.step, entry, null), 1);
		count(this.#counts, nameOf(entry.step, entry, entry.key), 1);
	}

	/** Whether there is a line for each of these refusals. */
	cover(step: string, refused: readonly Refused[]): boolean {
		const wanted = new Map<string, number>();
		for (const one of refused) count(wanted, nameOf(step, one, null), 1);
		return [...wanted].every(([name, times]) => (this.#counts.get(name) ?? 0) >= times);
	}

	/** Takes the line of this record away; false when there is none. */
	take(entry: QuarantineEntry): boolean {
		const name = nameOf(entry.step, entry, entry.key);
		if ((this.#counts.get(name) ?? 0) === 0) return false;
		count(this.#counts, name, -1);
		return true;
	}
}

const count = (counts: Map<string, number>, name: string, by: number): void => void counts.set(name, (counts.get(name) ?? 0) + by);

function byBatch(refused: readonly Refused[]): ReadonlyMap<number, readonly Refused[]> {
	const batches = new Map<number, Refused[]>();
	for (const one of refused) {
		const batch = batches.get(one.batch);
		if (batch === undefined) batches.set(one.batch, [one]);
		else batch.push(one);
	}
	return batches;
}

/**
 * Quarantine lines that a kill kept from being written: what only the target refuses is known when its batch commits, and the lines
 * follow. The ledger holds these refusals; their batches are read again from the source.
 */
async function rebuildRefused(
	run: Run,
	step: CopyStep,
	refused: readonly Refused[],
	written: Lines,
	source: Source,
): Promise<QuarantineEntry[]> {
	const lost: QuarantineEntry[] = [];
	for (const [batch, ofBatch] of byBatch(refused)) {
		if (written.cover(step.id, ofBatch)) continue;
		const [begin] = ofBatch;
		// A source names the records of batches that it has read; one is enough.
		for await (const _ of source.read(step, begin?.after ?? null, excludedFrom(run, step))) break;
		for (const { first, row, code, reason, key } of ofBatch) {
			const entry = quarantineEntry(step, batch, await source.refusedRecord(step, first, row, code, reason, key));
			if (!written.take(entry)) lost.push(entry);
		}
	}
	return lost;
}

/**
 * Keys that a reading of the step leaves children of out for, by step: those of the steps before it. What the step itself, or a later one,
 * set aside in an earlier part of the run is not among them, because a run that nothing interrupts does not know it yet.
 */
export function excludedFrom(run: Run, step: CopyStep): Readonly<Record<string, readonly string[]>> {
	const copies = run.plan.steps.filter(isCopyStep).map(({ id }) => id);
	return Object.fromEntries(
		copies.slice(0, copies.indexOf(step.id)).flatMap((id) => {
			const keys = run.setAside.get(id);
			return keys === undefined ? [] : [[id, keys]];
		}),
	);
}

/** One line of the quarantine. */
export function quarantineEntry(step: CopyStep, batch: number, reject: Reject): QuarantineEntry {
	const source = step.source.kind === 'sqlite' ? `sqlite:${step.source.table}` : `chroma:${step.source.collection}`;
	return { step: step.id, source, batch, ...reject };
}

export function remember(run: Run, entry: QuarantineEntry): void {
	const keys = run.setAside.get(entry.step);
	if (keys === undefined) run.setAside.set(entry.step, [entry.key]);
	else keys.push(entry.key);
}

/** Records set aside per copy step, counted by ledger and process (which may be more than the casts foresaw), and their keys as far as they are known here. */
export function setAsideByStep(run: Run): Pick<RunFigures, 'setAside' | 'asideKeys'> {
	const copies = run.plan.steps.filter(isCopyStep);
	return {
		setAside: Object.fromEntries(copies.map((step) => [step.id, run.rejectedOf.get(step.id) ?? 0])),
		asideKeys: Object.fromEntries(copies.map((step) => [step.id, new Set(run.setAside.get(step.id))])),
	};
}
