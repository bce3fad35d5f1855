/** What a rollback would do, and what it did, as lines. Pure. */

import { formatCount, formatQuantity } from '../source/core/format.js';
import { placeOfStep } from '../source/core/plan/langchain-tables.js';
import type { RollbackCount, RollbackPreview } from '../source/core/ports.js';
import { stayWords, undoneBefore } from '../source/core/undo.js';
import { tableLines } from './components/data-table.js';
import { errorLines } from './components/error-panel.js';
import { blank, type LineSpec, line, paragraph } from './lines.js';
import type { Canvas } from './shell-context.js';
import type { UndoneStep, UndoState } from './undo-state.js';

const columns = [
	{ title: 'TABLE', least: 10, cut: 'middle' as const },
	{ title: 'WRITTEN', align: 'right' as const },
	{ title: 'REMOVE', align: 'right' as const },
	{ title: 'RESTORE', align: 'right' as const },
	{ title: 'CHANGED', align: 'right' as const },
	{ title: 'REFERRED', align: 'right' as const },
	{ title: 'GONE', align: 'right' as const, dropOrder: 1 },
];

/** Only for a run that a rollback was at before. */
const undoneColumn = { title: 'UNDONE BEFORE', align: 'right' as const };

export function rollbackLines(preview: RollbackPreview, width: number): readonly LineSpec[] {
	const kept = keptWords(preview.tables);
	const before = preview.tables.map((table) => undoneBefore(preview.run, table));
	const again = before.some((count) => count > 0);
	const rows = preview.tables.map((table, index) => rowOf(table, again ? (before[index] ?? 0) : null));
	return [
		...tableLines({ columns: again ? [...columns, undoneColumn] : columns, rows, width, cursor: null }),
		blank,
		...(kept === null && again && preview.tables.every((table) => table.removable + table.restorable === 0)
			? paragraph('Nothing of its rows is left to undo.', width)
			: kept === null
				? paragraph('Nothing was changed since: every row of the run goes or gets its former values back.', width, 'good')
				: paragraph(`! Kept, never removed: ${kept}.`, width, 'warn')),
		...preview.tables.filter(({ changedSample }) => changedSample.length > 0).flatMap((table) => sampleLines(table, width)),
		...listed('Drops', preview.drops, width),
		...listed('Stays', preview.stays, width),
	];
}

function rowOf(table: RollbackCount, before: number | null) {
	const warn = (count: number) => ({ text: formatCount(count), tone: count > 0 ? ('warn' as const) : ('dim' as const) });
	return {
		cells: [
			placeOfStep(table.step, table.table),
			formatCount(table.written),
			formatCount(table.removable),
			formatCount(table.restorable),
			warn(table.changed),
			warn(table.referenced),
			formatCount(table.gone),
			...(before === null ? [] : [formatCount(before)]),
		],
	};
}

type KeptRows = Pick<RollbackCount, 'changed' | 'referenced'> & Partial<Pick<UndoneStep, 'unrestored'>>;

/** Which rows stay and why: `3 rows changed since, 2 rows that other rows refer to`; null: none. */
function keptWords(tables: readonly KeptRows[]): string | null {
	const changed = tables.reduce((sum, table) => sum + table.changed, 0);
	const referenced = tables.reduce((sum, table) => sum + table.referenced, 0);
	const unrestored = tables.reduce((sum, table) => sum + (table.unrestored ?? 0), 0);
	const reasons = [
		...(changed > 0 ? [`${formatQuantity(changed, 'row')} changed since`] : []),
		...(referenced > 0 ? [`${formatQuantity(referenced, 'row')} that other rows refer to`] : []),
		...(unrestored > 0 ? [`${formatQuantity(unrestored, 'row')} whose former values the table refuses`] : []),
	];
	return reasons.length === 0 ? null : reasons.join(', ');
}

function sampleLines(table: RollbackCount, width: number): readonly LineSpec[] {
	return paragraph(`${placeOfStep(table.step, table.table)}: ${table.changedSample.join('  ')}`, width, 'dim', 3);
}

function listed(label: string, names: readonly string[], width: number): readonly LineSpec[] {
	if (names.length === 0) return [];
	return names.flatMap((name, index) =>
		paragraph(name, width - 9, 'plain', 0).map((spec, part) =>
			line({ text: index === 0 && part === 0 ? label : '', width: 8, tone: 'dim' }, ...spec.parts),
		),
	);
}

export function undoLines(undo: UndoState, canvas: Canvas): readonly LineSpec[] {
	const rows = undo.tables.map((table) => {
		const done = undo.done[table.step];
		const cell = (count: number | undefined) => (count === undefined ? { text: '-', tone: 'dim' as const } : formatCount(count));
		return {
			cells: [
				placeOfStep(table.step, table.table),
				formatCount(table.removable + table.restorable),
				cell(done?.removed),
				cell(done?.restored),
				cell(done?.kept),
			],
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
	const log = undo.log.flatMap((text) => paragraph(text, canvas.width, 'dim'));
	return [...head, ...log.slice(-Math.max(1, canvas.lines - head.length))];
}

/** The state of a rollback in one line. */
export function undoVerdict(undo: UndoState): LineSpec {
	switch (undo.outcome) {
		case null:
			return line({ text: 'Undoing. Every table is one transaction; it can be stopped and repeated.', tone: 'strong' });
		case 'done':
			return line({ text: 'UNDONE', tone: 'good' }, { text: '   the target holds nothing of this run any more' });
		case 'kept-some':
			if (undo.kept === 0) return line({ text: partly(undo), tone: 'warn' }, { text: '   something of others is in them' });
			return line(
				{ text: partly(undo), tone: 'warn' },
				{ text: `   ${keptWords(Object.values(undo.done)) ?? 'they were changed since, or other rows refer to them'}` },
			);
		case 'failed':
			return line({ text: 'UNDO FAILED', tone: 'bad' }, { text: '   what is not undone is as it was; it can be repeated' });
	}
}

const partly = (undo: UndoState): string => `PARTLY UNDONE: ${(stayWords(undo) ?? 'some objects stay').toUpperCase()}`;
