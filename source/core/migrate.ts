import { setTimeout as sleep } from 'node:timers/promises';
import { alreadyDone, refuseBlocked } from './before-run.js';
import { asRepotError, RepotError } from './errors.js';
import type { MigrationEvent, RunOutcome } from './events.js';
import type { RunSignals } from './operations.js';
import { nothingToCopy } from './plan/measure.js';
import { type CopyStep, isCopyStep, isSchemaStep, type Plan, type SchemaStep } from './plan/types.js';
import type { LedgerRun, Ports, RunSummary, SourceBatch, WriteResult } from './ports.js';
import { reporting } from './progress-stream.js';
import { type RetryPolicy, retrying } from './retry.js';
import { openRun, quarantineEntry, type Run, remember, setAsideByStep } from './run.js';
import type { VerifyOptions } from './verify/context.js';
import { writeReport } from './verify/report.js';
import { verify } from './verify/verify.js';

export interface MigrateOptions extends VerifyOptions {
	/** Verify after the copy. */
	readonly validate: boolean;
	readonly retry: RetryPolicy;
	/** Where the Markdown report goes besides the run's folder. */
	readonly reportOutput: string | null;
	readonly target: string;
}

/** Distributive, so that the union of events survives the loss of `at`. */
type WithoutTime<T> = T extends unknown ? Omit<T, 'at'> : never;
type Fact = WithoutTime<MigrationEvent>;

/**
 * Carries out a plan: schema, copy, keys and indexes, verification. Exactly one `run-started` first and one `run-finished` last.
 * Throws before the first event when the plan is blocked or stale or the lock is held; afterwards every failure is a `run-finished`.
 */
export async function* migrate(
	plan: Plan,
	options: MigrateOptions,
	ports: Ports,
	signals: RunSignals,
): AsyncGenerator<MigrationEvent, void, void> {
	const at = (fact: Fact): MigrationEvent => ({ at: new Date(ports.clock.now()).toISOString(), ...fact }) as MigrationEvent;
	let startedAt = ports.clock.now();
	const finished = await alreadyDone(plan, ports);
	if (finished !== null) {
		yield at({ type: 'run-started', run: finished, plan: plan.id, environment: plan.environment, resumed: false, steps: [] });
		yield at({
			type: 'run-finished',
			run: finished,
			outcome: 'nothing-to-do',
			written: 0,
			quarantined: plan.totals.rejected,
			skipped: plan.totals.records - plan.totals.rejected,
			milliseconds: ports.clock.now() - startedAt,
			files: [],
		});
		return;
	}
	refuseBlocked(plan);
	const unlock = await ports.target.lock();
	let run: Run | null = null;
	try {
		run = await openRun(plan, ports, signals.abort);
		// Making an embedded database and checking for staleness is not the run's time.
		startedAt = ports.clock.now();
		const record = (event: MigrationEvent): MigrationEvent => {
			run?.folder.appendEvent(JSON.stringify(event));
			return event;
		};
		await ports.history.record(summaryOf(run, options, ports, 'running', startedAt, null));
		yield record(at(runStarted(run)));
		let outcome: RunOutcome;
		const files: string[] = [];
		let error: RepotError | null = null;
		try {
			outcome = yield* recorded(work(run, options, ports, signals, files), (fact) => record(at(fact)));
		} catch (thrown) {
			error = asRepotError(thrown);
			// After the first Ctrl+C a real failure is still one; after the second, whatever was cut off complains.
			outcome = error.kind === 'interrupted' || signals.abort.aborted ? 'interrupted' : 'failed';
			if (outcome === 'interrupted') error = null;
		}
		const status = outcome === 'nothing-to-do' ? 'done' : outcome;
		await ports.target.ledger.finish(run.id, status, { written: run.written, quarantined: run.quarantined }).catch((thrown: unknown) => {
			// The data is safe: the ledger's batches say what was written, and the run stays resumable.
			error ??= asRepotError(thrown);
			if (outcome !== 'interrupted') outcome = 'failed';
		});
		if (run.quarantined > 0) files.push(run.folder.quarantine.path);
		await ports.history.record(summaryOf(run, options, ports, status, startedAt, ports.clock.now()));
		yield record(
			at({
				type: 'run-finished',
				run: run.id,
				outcome,
				written: run.written,
				quarantined: run.quarantined,
				skipped: run.skipped,
				milliseconds: ports.clock.now() - startedAt,
				files,
				...(error === null ? {} : { error: error.toJSON() }),
			}),
		);
	} finally {
		await run?.folder.close();
		// A connection that is gone has released the lock already.
		await unlock().catch(() => {});
	}
}

async function* recorded(
	facts: AsyncGenerator<Fact, RunOutcome, void>,
	record: (fact: Fact) => MigrationEvent,
): AsyncGenerator<MigrationEvent, RunOutcome, void> {
	while (true) {
		const next = await facts.next();
		if (next.done === true) return next.value;
		yield record(next.value);
	}
}

function runStarted(run: Run): Fact {
	return {
		type: 'run-started',
		run: run.id,
		plan: run.plan.id,
		environment: run.plan.environment,
		resumed: run.resumed !== null,
		steps: run.plan.steps
			.filter((step) => isCopyStep(step) || step.needed)
			.map((step) => {
				const done = run.resumed?.find((candidate) => candidate.id === step.id);
				return {
					id: step.id,
					label: isCopyStep(step) ? step.id : `${step.what} ${step.object}`,
					kind: step.kind,
					rows: isCopyStep(step) ? step.rows : 0,
					bytes: isCopyStep(step) ? step.bytes : 0,
					seconds: step.seconds,
					rowsDone: done === undefined ? 0 : done.rows + done.rejected + done.skipped,
					bytesDone: done?.bytes ?? 0,
				};
			}),
	};
}

async function* work(
	run: Run,
	options: MigrateOptions,
	ports: Ports,
	signals: RunSignals,
	files: string[],
): AsyncGenerator<Fact, RunOutcome, void> {
	const schema = run.plan.steps.filter(isSchemaStep).filter((step) => step.needed);
	for (const step of schema.filter((candidate) => candidate.phase === 'before')) yield* applySchema(run, step, ports, signals);
	for (const step of run.plan.steps.filter(isCopyStep)) yield* copy(run, step, options, ports, signals);
	for (const step of schema.filter((candidate) => candidate.phase === 'after')) yield* applySchema(run, step, ports, signals);
	if (!options.validate) return run.quarantined > 0 ? 'quarantined' : 'done';
	const checks = [];
	for await (const check of verify(run.plan, options, ports, { run: run.id, ...setAsideByStep(run), fresh: true }, signals.abort)) {
		checks.push(check);
		yield { type: 'check-finished', check };
	}
	const verdict: RunOutcome = checks.some((check) => check.result === 'fail')
		? 'verification-failed'
		: run.quarantined > 0
			? 'quarantined'
			: 'done';
	const report = { run: run.id, plan: run.plan, checks, totals: run, outcome: verdict, at: ports.clock.now() };
	const written = await writeReport(report, run.folder, options.reportOutput);
	files.push(...written.files);
	if (written.problem !== null) yield { type: 'notice', step: null, message: written.problem };
	return verdict;
}

async function* applySchema(run: Run, step: SchemaStep, ports: Ports, signals: RunSignals): AsyncGenerator<Fact, void, void> {
	stopWhenAsked(signals);
	if (run.resumed?.some((done) => done.id === step.id && done.state === 'done') === true) return;
	const startedAt = ports.clock.now();
	yield { type: 'step-started', step: step.id, resumedFromBatch: 0 };
	const created = yield* reporting<Fact, 'created' | 'present'>((report) =>
		ports.target.applySchema(
			run.id,
			step,
			signals.abort,
			(fraction, phase) => report({ type: 'step-progressed', step: step.id, fraction, phase }, true),
			(message) => report({ type: 'notice', step: step.id, message }),
		),
	);
	yield {
		type: 'step-finished',
		step: step.id,
		rows: 0,
		rejected: 0,
		milliseconds: ports.clock.now() - startedAt,
		outcome: created === 'created' ? 'done' : 'nothing-to-do',
	};
}

async function* copy(
	run: Run,
	step: CopyStep,
	options: MigrateOptions,
	ports: Ports,
	signals: RunSignals,
): AsyncGenerator<Fact, void, void> {
	const done = run.resumed?.find((candidate) => candidate.id === step.id);
	if (done?.state === 'done') return;
	const startedAt = ports.clock.now();
	const first = (done?.lastBatch ?? -1) + 1;
	yield { type: 'step-started', step: step.id, resumedFromBatch: first };
	if (nothingToCopy(step, run.plan.policies.onConflict) && step.rejected === 0) {
		run.skipped += step.rows;
		await ports.target.ledger.stepDone(run.id, step);
		yield {
			type: 'step-finished',
			step: step.id,
			rows: 0,
			rejected: 0,
			milliseconds: ports.clock.now() - startedAt,
			outcome: 'nothing-to-do',
		};
		return;
	}
	await ports.target.ensureCollection(run.id, step);
	let sequence = first;
	let rows = 0;
	let rejected = 0;
	const pace = new Pace();
	for await (const batch of ports.source.read(step, done?.lastCursor ?? null, Object.fromEntries(run.setAside), signals.abort)) {
		stopWhenAsked(signals);
		while (signals.paused?.() === true) {
			await sleep(100, undefined, { signal: signals.abort });
			stopWhenAsked(signals);
		}
		yield* setAside(run, step, sequence, batch.rejects);
		const sentAt = ports.clock.now();
		const result = yield* write(run, step, sequence, batch, options, ports, signals);
		const milliseconds = ports.clock.now() - sentAt;
		const refused = [];
		for (const { row, code, reason } of result.refused)
			refused.push(await ports.source.refusedRecord(step, batch.first, row, code, reason));
		yield* setAside(run, step, sequence, refused);
		const rejectedHere = batch.rejects.length + refused.length;
		run.written += result.written + result.updated;
		run.quarantined += rejectedHere;
		run.rejectedOf.set(step.id, (run.rejectedOf.get(step.id) ?? 0) + rejectedHere);
		run.skipped += result.skipped;
		refuseTooMany(run);
		rows += batch.rows - refused.length;
		rejected += rejectedHere;
		yield {
			type: 'batch-committed',
			step: step.id,
			batch: sequence,
			rows: batch.rows - refused.length,
			bytes: batch.data.byteLength,
			rejected: rejectedHere,
			milliseconds,
		};
		const slow = pace.judge(milliseconds);
		if (slow !== null) yield { type: 'slowed', step: step.id, reason: slow };
		sequence++;
	}
	stopWhenAsked(signals);
	await ports.target.ledger.stepDone(run.id, step);
	yield { type: 'step-finished', step: step.id, rows, rejected, milliseconds: ports.clock.now() - startedAt, outcome: 'done' };
}

async function* write(
	run: Run,
	step: CopyStep,
	sequence: number,
	batch: SourceBatch,
	options: MigrateOptions,
	ports: Ports,
	signals: RunSignals,
): AsyncGenerator<Fact, WriteResult, void> {
	const attempts = retrying(
		() => ports.target.writeBatch(run.id, step, sequence, batch, run.plan.policies.onConflict, signals.abort),
		(error) => ports.target.isTransient(error),
		options.retry,
		signals.abort,
	);
	while (true) {
		const next = await attempts.next();
		if (next.done === true) return next.value;
		const { attempt, of, delayMilliseconds, error } = next.value;
		const told = asRepotError(error);
		yield { type: 'retry-scheduled', step: step.id, attempt, of, delayMilliseconds, reason: told.why ?? told.message };
	}
}

/**
 * Writes rejects to the quarantine, durably: those of the casts before the batch that they belong to commits, those of the target
 * right after it, from the ledger that committed with it when a kill came in between (see `openRun`).
 */
async function* setAside(run: Run, step: CopyStep, batch: number, rejects: SourceBatch['rejects']): AsyncGenerator<Fact, void, void> {
	if (rejects.length === 0) return;
	const entries = rejects.map((reject) => quarantineEntry(step, batch, reject));
	await run.folder.quarantine.append(entries);
	for (const entry of entries) {
		remember(run, entry);
		yield { type: 'record-quarantined', step: step.id, key: entry.key, column: entry.column, code: entry.code, reason: entry.reason };
	}
}

/** `--max-quarantined` holds for what only the server refuses as well. */
function refuseTooMany({ plan, quarantined }: Run): void {
	const bound = plan.policies.maxQuarantined;
	if (bound === null || quarantined <= bound) return;
	throw new RepotError({
		kind: 'blocked',
		code: 'TOO_MANY_QUARANTINED',
		message: `${quarantined} records are set aside; --max-quarantined allows ${bound}`,
		next: [
			'Look at quarantine.jsonl in the folder of the run',
			'Take back what was written with repot rollback, or raise --max-quarantined and start anew with --restart',
		],
	});
}

function stopWhenAsked(signals: RunSignals): void {
	if (!signals.stop.aborted && !signals.abort.aborted) return;
	throw new RepotError({ kind: 'interrupted', code: 'INTERRUPTED', message: 'stopped as asked' });
}

/** Notices a batch that took far longer than its predecessors, once a slow spell. */
class Pace {
	#average: number | null = null;
	#slow = false;

	judge(milliseconds: number): string | null {
		const usual = this.#average;
		this.#average = usual === null ? milliseconds : usual * 0.8 + milliseconds * 0.2;
		const slow = usual !== null && milliseconds > 1_000 && milliseconds > usual * 4;
		const starts = slow && !this.#slow;
		this.#slow = slow;
		return starts ? `the target took ${(milliseconds / 1000).toFixed(1)} s for a batch, ${(usual / 1000).toFixed(1)} s is usual` : null;
	}
}

function summaryOf(
	run: Run,
	options: MigrateOptions,
	ports: Ports,
	status: LedgerRun['status'],
	startedAt: number,
	finishedAt: number | null,
): RunSummary {
	return {
		id: run.id,
		plan: run.plan.id,
		intent: run.plan.intent,
		status,
		environment: run.plan.environment,
		tenant: run.plan.tenant.value,
		operator: ports.operator,
		startedAt: new Date(startedAt).toISOString(),
		finishedAt: finishedAt === null ? null : new Date(finishedAt).toISOString(),
		written: run.written,
		quarantined: run.quarantined,
		folder: run.folder.path,
		target: options.target,
		seconds: finishedAt === null ? null : (finishedAt - startedAt) / 1000,
		reason: null,
	};
}
