import type { List } from '../hooks/use-list.js';
import { type LineSpec, line } from '../lines.js';
import { type Column, type TableRow, tableLines } from './data-table.js';
import { hiddenRows } from './list-window.js';

interface SelectListProps<Item> {
	readonly list: List<Item>;
	readonly columns: readonly Column[];
	readonly rowOf: (item: Item) => TableRow;
	readonly width: number;
	/** Said when nothing is left to choose from. */
	readonly none: string;
}

/** A table to choose from: cursor, window, what the filter says and what it hides. */
export function selectListLines<Item>({ list, columns, rowOf, width, none }: SelectListProps<Item>): readonly LineSpec[] {
	const table = tableLines({ columns, rows: list.items.map(rowOf), width, cursor: list.cursor, window: list.window });
	const hidden = hiddenRows(list.window);
	const filter = list.filtering ? `/${list.filter}_` : list.filter === '' ? '' : `/${list.filter}   (/ to change, esc clears while typing)`;
	return [
		...table,
		...(list.items.length === 0 ? [line({ text: `  ${list.filter === '' ? none : 'nothing matches'}`, tone: 'dim' })] : []),
		...(hidden === null ? [] : [line({ text: `  ${hidden}`, tone: 'dim' })]),
		...(filter === '' ? [] : [line({ text: `  ${filter}`, tone: 'accent' })]),
	];
}
