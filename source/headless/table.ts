import Table from 'cli-table3';
import { printable } from '../core/text-width.js';
import { paint, type TextStyle } from './style.js';

export interface TableColumn {
	readonly title: string;
	readonly align?: 'left' | 'right';
}

const noRules = {
	top: '',
	'top-mid': '',
	'top-left': '',
	'top-right': '',
	bottom: '',
	'bottom-mid': '',
	'bottom-left': '',
	'bottom-right': '',
	left: '',
	'left-mid': '',
	mid: '',
	'mid-mid': '',
	right: '',
	'right-mid': '',
	middle: '',
} as const;

/**
 * Lines of a table: a heading, a rule under it where the style has rules, aligned columns. Without tables (screen readers) each row is one
 * sentence, `title value, title value`. Cells pass through `printable`, so that no value can steer the terminal.
 */
export function tableLines(columns: readonly TableColumn[], rows: readonly (readonly string[])[], style: TextStyle): readonly string[] {
	const clean = rows.map((row) => row.map((cell) => printable(cell)));
	if (!style.tables) return clean.map((row) => sentence(columns, row));
	const table = new Table({
		head: columns.map((column) => column.title),
		colAligns: columns.map((column) => column.align ?? 'left'),
		chars: noRules,
		style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2, compact: true },
	});
	table.push(...clean.map((row) => [...row]));
	const lines = table
		.toString()
		.split('\n')
		.map((line) => `  ${line.trimEnd()}`.trimEnd());
	const [heading = '', ...body] = lines;
	const rule = `  ${(style.unicode ? '─' : '-').repeat(Math.max(2, ...lines.map((line) => line.length - 2)))}`;
	return [paint(style, 'strong', heading), ...(style.rules ? [paint(style, 'quiet', rule)] : []), ...body];
}

function sentence(columns: readonly TableColumn[], row: readonly string[]): string {
	return row.flatMap((cell, index) => (cell === '' ? [] : [`${columns[index]?.title.toLowerCase() ?? ''} ${cell}`.trim()])).join(', ');
}
