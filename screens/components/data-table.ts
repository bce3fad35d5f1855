import { type CutPlace, textWidth } from '../../source/core/text-width.js';
import type { LineSpec, Part } from '../lines.js';
import type { Tone } from '../theme.js';
import type { ListWindow } from './list-window.js';

export interface Column {
	readonly title: string;
	readonly align?: 'left' | 'right';
	readonly cut?: CutPlace;
	/** May be narrowed to `least` cells when the line is too short. */
	readonly least?: number;
	/** Left out altogether, highest first, when narrowing is not enough. */
	readonly dropOrder?: number;
	/** Narrowed before columns of a lower number; 0 without it. */
	readonly yields?: number;
	readonly tone?: Tone;
}

export interface Cell {
	readonly text: string;
	readonly tone?: Tone | undefined;
}

export interface TableRow {
	readonly cells: readonly (Cell | string)[];
	/** Further lines under the row, shown as they are. */
	readonly under?: readonly LineSpec[];
}

interface TableProps {
	readonly columns: readonly Column[];
	readonly rows: readonly TableRow[];
	readonly width: number;
	/** Index of the row with the cursor, or null for a table that is only read. */
	readonly cursor: number | null;
	/** Rows that are shown; without it all. */
	readonly window?: ListWindow;
	/** Without it the titles are shown. */
	readonly titles?: boolean;
}

const gap = 2;
const pointerWidth = 3;

/** A table whose columns line up, cut to the width; the row with the cursor carries `>`. */
export function tableLines({ columns, rows, width, cursor, window, titles = true }: TableProps): readonly LineSpec[] {
	const widths = columnWidths(columns, rows, width - pointerWidth);
	const from = window?.from ?? 0;
	const shown = rows.slice(from, window === undefined ? undefined : window.to);
	const head: LineSpec[] = titles
		? [
				rowLine(
					columns,
					columns.map(({ title }) => ({ text: title, tone: 'dim' as const })),
					widths,
					false,
				),
			]
		: [];
	const body = shown.flatMap((row, index) => [
		rowLine(columns, row.cells.map(asCell), widths, cursor === from + index),
		...(row.under ?? []),
	]);
	return [...head, ...body];
}

const asCell = (cell: Cell | string): Cell => (typeof cell === 'string' ? { text: cell } : cell);

function rowLine(columns: readonly Column[], cells: readonly Cell[], widths: readonly number[], selected: boolean): LineSpec {
	const parts: Part[] = [{ text: selected ? ' > ' : '   ', tone: selected ? 'accent' : undefined }];
	columns.forEach((column, index) => {
		const cellWidth = widths[index] ?? 0;
		if (cellWidth === 0) return;
		const cell = cells[index] ?? { text: '' };
		const tone = cell.tone ?? (selected && index === 0 ? 'strong' : column.tone);
		parts.push({
			text: cell.text,
			tone,
			width: cellWidth,
			...(column.align === undefined ? {} : { align: column.align }),
			...(column.cut === undefined ? {} : { cut: column.cut }),
		});
		parts.push({ text: ' '.repeat(gap) });
	});
	return { parts: parts.slice(0, -1) };
}

/** As wide as the widest cell; too wide in all: columns that may be narrowed are, then columns that may be dropped are (width 0). */
export function columnWidths(columns: readonly Column[], rows: readonly TableRow[], width: number): readonly number[] {
	const widths = columns.map((column, index) =>
		Math.max(textWidth(column.title), ...rows.map((row) => textWidth(asCell(row.cells[index] ?? '').text))),
	);
	const used = () => widths.reduce((sum, cells) => sum + (cells > 0 ? cells + gap : 0), -gap);
	const yieldsOf = (at: number): number => columns[at]?.yields ?? 0;
	const narrow = () => {
		let narrowed = true;
		while (used() > width && narrowed) {
			narrowed = false;
			// One cell at a time from the widest that may shrink, so that narrow columns keep what they need.
			const [index] = columns
				.map((column, at) => ({ at, spare: (widths[at] ?? 0) - (column.least ?? Number.POSITIVE_INFINITY) }))
				.filter(({ spare }) => spare > 0)
				.sort((left, right) => yieldsOf(right.at) - yieldsOf(left.at) || (widths[right.at] ?? 0) - (widths[left.at] ?? 0))
				.map(({ at }) => at);
			if (index !== undefined) {
				widths[index] = (widths[index] ?? 0) - 1;
				narrowed = true;
			}
		}
	};
	narrow();
	const droppable = columns.map((column, at) => ({ at, order: column.dropOrder ?? 0 })).filter(({ order }) => order > 0);
	for (const { at } of droppable.sort((left, right) => right.order - left.order)) {
		if (used() <= width) break;
		widths[at] = 0;
	}
	return widths;
}
