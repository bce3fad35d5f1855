import type { ComparedStep, SourceDescription, SourceTable, TargetTable } from '../ports.js';
import { fitsIndex } from './index-fit.js';
import { identifier, quoteIdent } from './names.js';
import { sameColumns } from './tables.js';
import type { CopyStep, Hazard } from './types.js';

const sourceTable = (step: CopyStep, description: SourceDescription): SourceTable | undefined =>
	step.source.kind === 'sqlite'
		? description.sqlite?.tables.find((table) => step.source.kind === 'sqlite' && table.name === step.source.table)
		: undefined;

/** Unique indexes of the source over plain columns; the one behind the primary key is the step's key. */
const uniqueIndexes = (source: SourceTable | undefined, step: CopyStep) =>
	(source?.indexes ?? []).filter(
		(index) => index.unique && !index.partial && index.columns.length > 0 && !sameColumns(index.columns, step.key),
	);

/** The unique indexes of the source that the run would make on a table that is there already. */
export function plannedUniques(
	step: CopyStep,
	table: TargetTable,
	description: SourceDescription,
): NonNullable<ComparedStep['plannedUniques']> {
	const known = [table.primaryKey, ...table.uniques];
	return uniqueIndexes(sourceTable(step, description), step)
		.filter((index) => fitsIndex(index) && !known.some((columns) => sameColumns(columns, index.columns)))
		.map(({ name, columns }) => ({
			name: identifier(name.startsWith('sqlite_autoindex') ? `${step.table}_${columns.join('_')}_key` : name),
			columns,
		}))
		.filter(({ name }) => !table.indexes.some((index) => index.name === name));
}

const within = (some: readonly string[], all: readonly string[]): boolean => some.every((name) => all.includes(name));

/** Unique keys of an existing table that hold for more than the source promises: two of its records may share what only one can have there. */
export function unpromisedUniques(step: CopyStep, table: TargetTable, description: SourceDescription): Hazard[] {
	const promised = [step.key, ...uniqueIndexes(sourceTable(step, description), step).map((index) => index.columns)];
	return table.uniques
		.filter((columns) => columns.length > 0 && !promised.some((unique) => within(unique, columns)))
		.map((columns) => ({
			code: 'TARGET_UNIQUE',
			severity: 'warn',
			step: step.id,
			column: columns.join(', '),
			count: 1,
			sample: [],
			message: `${table.name} is unique by (${columns.join(', ')}) in the target, and nothing in the source promises that: of records that share a value, the first is written and the others are set aside`,
		}));
}

/** Unique keys of an existing table that read a column which the step does not send and the server computes: whether records clash on them cannot be known before. */
export function unseenUniques(step: CopyStep, table: TargetTable): Hazard[] {
	const isSent = (name: string): boolean => step.columns.some((column) => column.name === name);
	return (table.uniqueKeys ?? []).flatMap(({ name, parts, computed }): Hazard[] => {
		const unknown = computed.filter((column) => !isSent(column));
		if (unknown.length === 0 || step.key.every((key) => parts.some((part) => part === key || part === quoteIdent(key)))) return [];
		const message = `the unique key ${name} (${parts.join(', ')}) of ${table.name} depends on ${unknown.join(', ')}, which the server computes for each row, so records that it refuses show only when they are written, and are set aside then`;
		return [
			{ code: 'TARGET_UNIQUE_UNSEEN', severity: 'warn', step: step.id, column: unknown.join(', '), count: 1, sample: [name], message },
		];
	});
}
