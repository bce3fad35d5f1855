/** What a rollback would do, and what it did, as lines. Pure. */

import { formatCount, formatQuantity } from '../source/core/format.js';
import type { RollbackCount, RollbackPreview } from '../source/core/ports.js';
import { tableLines } from './components/data-table.js';
import { errorLines } from './components/error-panel.js';
import { blank, type LineSpec, line, paragraph, words } from './lines.js';
import type { Canvas } from './shell-context.js';
import type { UndoState } from './undo-state.js';

const columns = [
	{ title: 'TABLE', least: 10, cut: 'middle' as const },
	{ title: 'WRITTEN', align: 'right' as const },
	{ title: 'REMOVE', align: 'right' as const },
	{ title: 'RESTORE', align: 'right' as const },
	{ title: 'CHANGED SINCE', align: 'right' as const },
	{ title: 'IN USE', align: 'right' as const },
	{ title: 'GONE', align: 'right' as const, dropOrder: 1 },
];

export function rollbackLines(preview: RollbackPreview, width: number): readonly LineSpec[] {
	const kept = preview.tables.reduce((sum, table) => sum + table.changed + table.referenced, 0);
	return [
		...tableLines({ columns, rows: preview.tables.map(rowOf), width, cursor: null }),
		blank,
		...(kept === 0
			? [words('Nothing was changed since: the target will be as it was before the run.', 'good')]
			: [words(`! ${formatQuantity(kept, 'row')} changed since, or in use by others: kept and listed, never removed.`, 'warn')]),
		...preview.tables.filter(({ changedSample }) => changedSample.length > 0).map(sampleLine),
		...listed('Drops', preview.drops, width),
		...listed('Stays', preview.stays, width),
	];
}

function rowOf(table: RollbackCount) {
	const warn = (count: number) => ({ text: formatCount(count), tone: count > 0 ? ('warn' as const) : ('dim' as const) });
	return {
		cells: [
			table.table,
			formatCount(table.written),
			formatCount(table.removable),
			formatCount(table.restorable),
			warn(table.changed),
			warn(table.referenced),
			formatCount(table.gone),
		],
	};
}

function sampleLine(table: RollbackCount): LineSpec {
	return line({ text: `  ${table.table}  `, tone: 'dim' }, { text: table.changedSample.join('  ') });
}

function listed(label: string, names: readonly string[], width: number): readonly LineSpec[] {
	if (names.length === 0) return [];
	return names.flatMap((name, index) =>
		paragraph(name, width - 8, 'plain', 0).map((spec, part) =>
			line({ text: index === 0 && part === 0 ? label : '', width: 8, tone: 'dim' }, ...spec.parts),
		),
	);
}

export function undoLines(undo: UndoState, canvas: Canvas): readonly LineSpec[] {
	const rows = undo.tables.map((table) => {
		const done = undo.done[table.step];
		const cell = (count: number | undefined) => (count === undefined ? { text: '-', tone: 'dim' as const } : formatCount(count));
		return {
			cells: [table.table, formatCount(table.removable + table.restorable), cell(done?.removed), cell(done?.restored), cell(done?.kept)],
		};
	});
	const titles = [
		{ title: 'TABLE', least: 10, cut: 'middle' as const },
		{ title: 'TO UNDO', align: 'right' as const },
		{ title: 'REMOVED', align: 'right' as const },
		{ title: 'RESTORED', align: 'right' as const },
		{ title: 'KEPT', align: 'right' as const },
	];
	const table = rows.length === 0 ? [] : [...tableLines({ columns: titles, rows, width: canvas.width, cursor: null }), blank];
	const head = [undoVerdict(undo), blank, ...(undo.error === null ? [] : [...errorLines(undo.error, canvas.width), blank]), ...table];
	const log = undo.log.slice(-Math.max(1, canvas.lines - head.length)).map((text) => words(text, 'dim'));
	return [...head, ...log];
}

/** The state of a rollback in one line. */
export function undoVerdict(undo: UndoState): LineSpec {
	switch (undo.outcome) {
		case null:
			return line({ text: 'Undoing. Every table is one transaction; it can be stopped and repeated.', tone: 'strong' });
		case 'done':
			return line({ text: 'UNDONE', tone: 'good' }, { text: '   the target holds nothing of this run any more' });
		case 'kept-some':
			return line({ text: 'UNDONE, SOME ROWS KEPT', tone: 'warn' }, { text: '   they were changed since or are in use' });
		case 'failed':
			return line({ text: 'UNDO FAILED', tone: 'bad' }, { text: '   what is not undone is as it was; it can be repeated' });
	}
}
