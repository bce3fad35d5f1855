import { formatAgo, formatCount, formatDateTime, formatDuration, formatQuantity } from '../core/format.js';
import { writtenWords } from '../core/outcome-words.js';
import { placeOfStep } from '../core/plan/langchain-tables.js';
import type { LedgerRun, RollbackPreview, RunSummary } from '../core/ports.js';
import { printable } from '../core/text-width.js';
import { undoneBefore } from '../core/undo.js';
import { paint, type TextStyle } from './style.js';
import { tableLines } from './table.js';

const right = 'right' as const;

/** Status as a word first, so that it reads without colour. */
const statuses: Readonly<Record<LedgerRun['status'], string>> = {
	running: 'running, or killed',
	done: 'ok',
	quarantined: 'ok, records set aside',
	'verification-failed': 'X check failed',
	failed: 'X failed',
	interrupted: 'LOOK stopped, resumable',
	'rolled-back': 'undone',
	'partly-rolled-back': 'LOOK partly undone',
};

export function runTableLines(runs: readonly (LedgerRun | RunSummary)[], now: number, style: TextStyle): readonly string[] {
	const columns = [
		{ title: 'RUN' },
		{ title: 'ENVIRONMENT' },
		{ title: 'STARTED' },
		{ title: 'STATUS' },
		{ title: 'WRITTEN', align: right },
		{ title: 'SET ASIDE', align: right },
		{ title: 'TIME', align: right },
		{ title: 'BY' },
	];
	const rows = runs.map((run) => [
		run.id,
		run.environment,
		formatAgo(run.startedAt, now),
		statuses[run.status],
		writtenWords(run),
		formatCount(run.quarantined),
		'seconds' in run && run.seconds !== null ? formatDuration(run.seconds * 1000) : '-',
		run.operator,
	]);
	return tableLines(columns, rows, style);
}

export function runDetailLines(run: RunSummary, style: TextStyle): readonly string[] {
	const facts: readonly (readonly [string, string])[] = [
		['Environment', run.environment],
		['Target', run.target],
		['Tenant', run.tenant],
		['Status', statuses[run.status]],
		['Started', formatDateTime(run.startedAt)],
		['Finished', run.finishedAt === null ? '-' : formatDateTime(run.finishedAt)],
		['Time', run.seconds === null ? '-' : formatDuration(run.seconds * 1000)],
		['Written', run.status === 'running' ? writtenWords(run) : formatQuantity(run.written, 'record')],
		['Set aside', formatQuantity(run.quarantined, 'record')],
		['Plan', run.plan],
		['Operator', run.operator],
		...(run.reason === null ? [] : [['Reason', run.reason] as const]),
		['Folder', run.folder],
	];
	return [paint(style, 'strong', `Run ${run.id}`), ...facts.map(([label, value]) => `  ${label.padEnd(12)} ${printable(value)}`)];
}

/** `a, b and 3 more`; without known keys only how many. */
function keptKeys({ changed, changedSample }: RollbackPreview['tables'][number]): string {
	const more = changed - changedSample.length;
	if (changedSample.length === 0) return formatQuantity(changed, 'row');
	return `${changedSample.join(', ')}${more > 0 ? ` and ${formatCount(more)} more` : ''}`;
}

/** What a rollback will do: rows to remove and restore, rows that stay, objects that go. */
export function rollbackLines(preview: RollbackPreview, style: TextStyle): readonly string[] {
	const before = preview.tables.map((table) => undoneBefore(preview.run, table));
	const columns = [
		{ title: 'TABLE' },
		{ title: 'WRITTEN', align: right },
		{ title: 'REMOVE', align: right },
		{ title: 'RESTORE', align: right },
		{ title: 'CHANGED, KEPT', align: right },
		{ title: 'REFERRED TO, KEPT', align: right },
		{ title: 'GONE', align: right },
		...(before.some((count) => count > 0) ? [{ title: 'UNDONE BEFORE', align: right }] : []),
	];
	const rows = preview.tables.map((table, index) => [
		placeOfStep(table.step, table.table),
		...[table.written, table.removable, table.restorable, table.changed, table.referenced, table.gone, before[index] ?? 0]
			.slice(0, columns.length - 1)
			.map((count) => formatCount(count)),
	]);
	const changed = preview.tables.filter((table) => table.changed > 0);
	const remove = preview.tables.reduce((sum, table) => sum + table.removable, 0);
	const restore = preview.tables.reduce((sum, table) => sum + table.restorable, 0);
	return [
		paint(style, 'strong', `Rollback of run ${preview.run.id}, environment ${printable(preview.run.environment)}`),
		...tableLines(columns, rows, style),
		...changed.map((table) => printable(`LOOK ${placeOfStep(table.step, table.table)}: changed since the run, kept: ${keptKeys(table)}`)),
		...preview.drops.map((object) => `Drop   ${printable(object)}`),
		...preview.stays.map((object) => `Stays  ${printable(object)}`),
		`Total  ${formatQuantity(remove, 'row')} to remove, ${formatQuantity(restore, 'row')} to restore`,
	];
}
