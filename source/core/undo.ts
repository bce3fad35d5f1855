import type { Clock, RollbackEvent, RunHistory, Target } from './ports.js';

/** Undoes one run under the target's lock and keeps the outcome and the reason in the history. */
export async function* undo(
	run: string,
	reason: string | null,
	target: Target,
	history: RunHistory,
	clock: Clock,
	signal?: AbortSignal,
): AsyncGenerator<RollbackEvent, void, void> {
	const unlock = await target.lock();
	try {
		for await (const event of target.rollback(run, signal)) {
			if (event.type === 'rollback-finished') await remember(event, reason, history, clock);
			yield event;
		}
	} finally {
		await unlock().catch(() => {});
	}
}

async function remember(
	event: RollbackEvent & { type: 'rollback-finished' },
	reason: string | null,
	history: RunHistory,
	clock: Clock,
): Promise<void> {
	const known = await history.find(event.run);
	// The run was made on another computer: its history is there, the ledger tells the rest.
	if (known === null || event.outcome === 'failed') return;
	await history.record({
		...known,
		status: event.outcome === 'done' ? 'rolled-back' : 'partly-rolled-back',
		finishedAt: new Date(clock.now()).toISOString(),
		reason,
	});
}
