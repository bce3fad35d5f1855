import type { Spread } from './statistics.js';

/** One line of the table. A figure that could not be taken has `skipped` instead of a spread. */
export interface Figure {
	readonly name: string;
	readonly unit: 's' | 'MB' | 'ms' | 'x';
	readonly spread?: Spread;
	readonly skipped?: string;
	/** Upper bound that the project promises, in the same unit. */
	readonly bound?: number;
	readonly note?: string;
}

const digits: Readonly<Record<Figure['unit'], number>> = { s: 2, MB: 0, ms: 0, x: 2 };

const verdict = (figure: Figure): string => {
	if (figure.bound === undefined || figure.spread === undefined) return '';
	return figure.spread.median <= figure.bound ? 'ok' : 'OVER';
};

const cells = (figure: Figure): readonly string[] => {
	const shown = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(digits[figure.unit]));
	const bound = figure.bound === undefined ? '' : `<= ${figure.bound}`;
	const { spread } = figure;
	const name = figure.note === undefined ? figure.name : `${figure.name} (${figure.note})`;
	if (spread === undefined) return [name, figure.unit, 'skipped', '', '', '', bound, figure.skipped ?? ''];
	return [name, figure.unit, shown(spread.median), shown(spread.min), shown(spread.max), String(spread.runs), bound, verdict(figure)];
};

/** The figures as a plain table; widths follow the content. */
export const renderFigures = (figures: readonly Figure[]): string => {
	const rows = [['FIGURE', 'UNIT', 'MEDIAN', 'MIN', 'MAX', 'RUNS', 'PROMISED', ''], ...figures.map(cells)];
	const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
	const line = (row: readonly string[]): string =>
		row
			.map((cell, column) => (column < 2 || column > 5 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
			.join('  ');
	return rows.map((row) => line(row).trimEnd()).join('\n');
};
