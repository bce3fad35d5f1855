import { applySchemaSteps } from './apply-schema-steps.js';
import { alreadyDone, refuseBlocked } from './before-run.js';
import { copyStep } from './copy-step.js';
import { asRepotError, type RepotError } from './errors.js';
import type { MigrationEvent, RunOutcome } from './events.js';
import type { RunSignals } from './operations.js';
import { differingLeft } from './outcome-words.js';
import { vectorStepId } from './plan/langchain-tables.js';
import { isCopyStep, type Plan, type Step } from './plan/types.js';
import type { LedgerRun, Ports, RunSummary } from './ports.js';
import type { RetryPolicy } from './retry.js';
import { openRun, type Run, setAsideByStep } from './run.js';
import type { Fact } from './run-fact.js';
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
				...(run.before.sessions === 0 ? {} : { before: run.before }),
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

/** An index over one of several collections is known by that rather than by its name. */
function labelOf(step: Step): string {
	if (isCopyStep(step)) return step.id;
	const own = step.vectorIndex?.step;
	return own === undefined || own === vectorStepId
		? `${step.what} ${step.object}`
		: `${step.what} of ${own.slice(vectorStepId.length + 1)}`;
}

function runStarted(run: Run): Fact {
	const differing = differingLeft(run.plan);
	return {
		type: 'run-started',
		run: run.id,
		plan: run.plan.id,
		environment: run.plan.environment,
		resumed: run.resumed !== null,
		...(differing === 0 ? {} : { differing }),
		steps: run.plan.steps
			.filter((step) => isCopyStep(step) || step.needed)
			.map((step) => {
				const done = run.resumed?.find((candidate) => candidate.id === step.id);
				return {
					id: step.id,
					label: labelOf(step),
					kind: step.kind,
					rows: isCopyStep(step) ? step.rows : 0,
					bytes: isCopyStep(step) ? step.bytes : 0,
					seconds: step.seconds,
					rowsDone: done === undefined ? 0 : done.rows + done.rejected + done.skipped,
					bytesDone: done?.bytes ?? 0,
					...(done === undefined ? {} : { written: done.rows, rejected: done.rejected }),
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
	yield* applySchemaSteps(run, 'before', ports, signals);
	for (const step of run.plan.steps.filter(isCopyStep)) yield* copyStep(run, step, options.retry, ports, signals);
	yield* applySchemaSteps(run, 'after', ports, signals);
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
		seconds: finishedAt === null ? null : (finishedAt - startedAt + run.before.milliseconds) / 1000,
		reason: null,
	};
}
