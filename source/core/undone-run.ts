import { RepotError } from './errors.js';
import { formatDateTime } from './format.js';
import type { LedgerRun } from './ports.js';

/** Of a run that was undone since there is nothing to check, or not all. Throws RepotError (usage) that names it and when. */
export function refuseUndone(run: Pick<LedgerRun, 'id' | 'status' | 'finishedAt'>): void {
	if (run.status !== 'rolled-back' && run.status !== 'partly-rolled-back') return;
	const isPart = run.status === 'partly-rolled-back';
	const when = run.finishedAt === null ? '' : ` on ${formatDateTime(run.finishedAt)}`;
	throw new RepotError({
		kind: 'usage',
		code: 'RUN_UNDONE',
		message: `Run ${run.id} was undone${isPart ? ' in part' : ''}${when}`,
		why: isPart ? 'the target holds no more than what the rollback kept of it' : 'the target holds nothing of it that could be checked',
		next: [
			...(isPart ? [`repot rollback ${run.id} --dry-run shows what is left`] : []),
			'repot migrate writes it again',
			'repot runs lists the other runs',
		],
	});
}
