import { formatQuantity } from './format.js';
import type { Clock, LedgerRun, RollbackCount, RollbackEvent, RunHistory, Target } from './ports.js';

/** Rows that an earlier rollback of the run dealt with already. */
export function undoneBefore(run: Pick<LedgerRun, 'status'>, table: RollbackCount): number {
	if (run.status !== 'rolled-back' && run.status !== 'partly-rolled-back') return 0;
	const { written, removable, restorable, changed, referenced, gone } = table;
	return Math.max(0, written - removable - restorable - changed - referenced - gone);
}

/** `1 row and 3 objects stay`; null: nothing does. */
export function stayWords({ kept, stays = 0 }: { readonly kept: number; readonly stays?: number | undefined }): string | null {
	const parts = [...(kept > 0 ? [formatQuantity(kept, 'row')] : []), ...(stays > 0 ? [formatQuantity(stays, 'object')] : [])];
	return parts.length === 0 ? null : `${parts.join(' and ')} ${kept + stays === 1 ? 'stays' : 'stay'}`;
}

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
			if (event.type === 'rollback-started') await remember(event.run, 'partly-rolled-back', reason, history, clock);
			if (event.type === 'rollback-finished' && event.outcome === 'done') await remember(event.run, 'rolled-back', reason, history, clock);
			yield event;
		}
	} finally {
		await unlock().catch(() => {});
	}
}

/** The status is set before the first row goes: a rollback that is killed in the middle must not leave a run that looks whole. */
async function remember(run: string, status: LedgerRun['status'], reason: string | null, history: RunHistory, clock: Clock): Promise<void> {
	const known = await history.find(run);
	// The run was made on another computer: its history is there, the ledger tells the rest.
	if (known !== null) await history.record({ ...known, status, finishedAt: new Date(clock.now()).toISOString(), reason });
}
