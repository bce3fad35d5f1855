import { setTimeout as sleep } from 'node:timers/promises';
import { asRepotError, RepotError } from './errors.js';
import type { RunSignals } from './operations.js';
import { nothingToCopy } from './plan/measure.js';
import type { CopyStep } from './plan/types.js';
import type { Ports, SourceBatch, WriteResult } from './ports.js';
import { type RetryPolicy, retrying } from './retry.js';
import { excludedFrom, quarantineEntry, type Run, remember } from './run.js';
import type { Fact } from './run-fact.js';
import { stopWhenAsked } from './stop.js';

/** Reads and writes one step batch by batch, from where the ledger says an earlier attempt ended. */
export async function* copyStep(
	run: Run,
	step: CopyStep,
	retry: RetryPolicy,
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
	for await (const batch of ports.source.read(step, done?.lastCursor ?? null, excludedFrom(run, step), signals.abort)) {
		stopWhenAsked(signals);
		while (signals.paused?.() === true) {
			await sleep(100, undefined, { signal: signals.abort });
			stopWhenAsked(signals);
		}
		yield* setAside(run, step, sequence, batch.rejects);
		const sentAt = ports.clock.now();
		const result = yield* write(run, step, sequence, batch, retry, ports, signals);
		const milliseconds = ports.clock.now() - sentAt;
		const refused = [];
		for (const { row, code, reason, key } of result.refused)
			refused.push(await ports.source.refusedRecord(step, batch.first, row, code, reason, key));
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
			...(result.skipped === 0 ? {} : { skipped: result.skipped }),
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
	retry: RetryPolicy,
	ports: Ports,
	signals: RunSignals,
): AsyncGenerator<Fact, WriteResult, void> {
	const attempts = retrying(
		() => ports.target.writeBatch(run.id, step, sequence, batch, run.plan.policies.onConflict, signals.abort),
		(error) => ports.target.isTransient(error),
		retry,
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
