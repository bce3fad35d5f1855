import { formatQuantity } from '../core/format.js';
import { vectorStepId } from '../core/plan/langchain-tables.js';
import { type ColumnMapping, type CopyStep, isCopyStep, type Plan } from '../core/plan/types.js';
import { cutText, printable } from '../core/text-width.js';
import { cutNames, ellipsisOf } from './short-names.js';
import { paint, type TextStyle } from './style.js';
import { tableLines } from './table.js';

const noteWidth = 40;

/** The columns of every step: of collections that go alike once, and below that what is each one's own. */
export function columnLines(plan: Plan, style: TextStyle): readonly string[] {
	const alike = new Map<string, CopyStep[]>();
	for (const step of plan.steps.filter(isCopyStep)) {
		const key = JSON.stringify([step.table, step.columns.map(partsOf)]);
		alike.set(key, [...(alike.get(key) ?? []), step]);
	}
	return [...alike.values()].flatMap((steps) => groupLines(steps, style));
}

function groupLines(steps: readonly CopyStep[], style: TextStyle): readonly string[] {
	const [first] = steps;
	if (first === undefined) return [];
	const isShared = (place: number): boolean => new Set(steps.map(({ columns }) => noteAt(columns, place))).size === 1;
	const columns = [{ title: '' }, { title: 'COLUMN' }, { title: 'FROM' }, { title: 'TO' }, { title: 'CAST' }, { title: 'NOTES' }];
	const rows = first.columns.map((column, place) => {
		const [change, from, to, cast] = partsOf(column);
		return [style.tables ? change : spokenChanges[change], column.name, from, to, cast, isShared(place) ? noteOf(column) : 'see below'];
	});
	return ['', paint(style, 'strong', printable(titleOf(steps))), ...tableLines(columns, rows, style), ...ownLines(steps, isShared, style)];
}

function titleOf(steps: readonly CopyStep[]): string {
	const [first] = steps;
	if (steps.length > 1) return `Columns of ${first?.table}, ${formatQuantity(steps.length, 'collection')}`;
	const isOne = first?.collection === undefined || first.id === vectorStepId;
	return `Columns of ${first?.table}${isOne ? '' : `, step ${first.id}`}`;
}

/** A row a collection, with the notes that are not the same for all. */
function ownLines(steps: readonly CopyStep[], isShared: (place: number) => boolean, style: TextStyle): readonly string[] {
	const own = [...(steps[0]?.columns.keys() ?? [])].filter((place) => !isShared(place));
	if (own.length === 0) return [];
	const shown = cutNames(
		steps.map(({ id }) => id),
		style,
	);
	const titles = [{ title: 'STEP' }, ...own.map((place) => ({ title: steps[0]?.columns[place]?.name ?? '' }))];
	const note = (step: CopyStep, place: number): string => cutText(noteAt(step.columns, place), noteWidth, 'middle', ellipsisOf(style));
	return tableLines(
		titles,
		steps.map((step) => [shown(step.id), ...own.map((place) => note(step, place))]),
		style,
	);
}

const noteAt = (columns: readonly ColumnMapping[], place: number): string => {
	const column = columns[place];
	return column === undefined ? '' : noteOf(column);
};

/** Change, source, type and cast. */
const partsOf = (column: ColumnMapping): readonly [Change, string, string, string] => [
	changeOf(column),
	fromOf(column),
	toOf(column),
	column.cast,
];

const unchanged: ReadonlySet<ColumnMapping['cast']> = new Set(['text', 'bigint', 'double', 'numeric', 'boolean', 'bytea', 'vector']);

type Change = '+' | '~' | '';
const spokenChanges: Readonly<Record<Change, string>> = { '+': 'new', '~': 'change', '': 'unchanged' };

function changeOf(column: ColumnMapping): Change {
	if (column.source === null) return '+';
	return unchanged.has(column.cast) && column.source === column.name ? '' : '~';
}

function fromOf(column: ColumnMapping): string {
	if (column.source === null) return '-';
	const type = column.sourceType === null || column.sourceType === '' ? '' : ` ${column.sourceType}`;
	return column.source === column.name ? type.trim() || column.source : `${column.source}${type}`;
}

const toOf = (column: ColumnMapping): string =>
	`${column.targetType}${column.nullable ? '' : ' not null'}${column.defaultSql === undefined ? '' : ` default ${column.defaultSql}`}`;

const noteOf = ({ constant, keeps, note }: ColumnMapping): string =>
	[
		...(constant === undefined ? [] : [`= ${constant}`]),
		...(keeps === undefined ? [] : [`${keeps.field} kept as ${keeps.key}`]),
		...(note === undefined ? [] : [note]),
	].join('; ');
