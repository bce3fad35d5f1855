import type { ObjectToMake } from '../ports.js';
import type { Draft, TableMapping } from './draft-parts.js';
import { fitsIndex } from './index-fit.js';
import { madeObject } from './made-object.js';
import type { ForeignKey, Hazard } from './types.js';

/**
 * Numbers that a foreign key may compare: PostgreSQL casts the referring value to the type referred to where that is implicit
 * (pg_cast: bigint to numeric and double precision, numeric to double precision, and not the other way).
 */
const widening: Readonly<Record<string, readonly string[]>> = {
	bigint: ['numeric', 'double precision'],
	numeric: ['double precision'],
};

const comparable = (child: string, parent: string): boolean => child === parent || (widening[child]?.includes(parent) ?? false);

const sameSet = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((name) => b.includes(name));

/** Whether the target will have a key or unique index on exactly these columns. */
function isUnique(parent: TableMapping, columns: readonly string[]): boolean {
	const named = columns.map((name) => name.toLowerCase());
	const lower = (names: readonly string[]): string[] => names.map((name) => name.toLowerCase());
	return (
		sameSet(lower(parent.key), named) ||
		parent.source.indexes.some((index) => index.unique && !index.partial && fitsIndex(index) && sameSet(lower(index.columns), named))
	);
}

/** Why PostgreSQL would not create a foreign key, or null. */
function fault(child: TableMapping, parent: TableMapping, { columns, parentColumns }: ForeignKey): string | null {
	if (parentColumns.length !== columns.length || !isUnique(parent, parentColumns)) {
		return `${parent.target} (${parentColumns.join(', ')}) is not unique there`;
	}
	for (const [place, name] of columns.entries()) {
		const parentName = parentColumns[place] ?? '';
		const type = child.columns.find((column) => column.name === name)?.targetType;
		const parentType = parent.columns.find((column) => column.name === parentName)?.targetType;
		if (type === undefined) return `${child.target} has no column ${name}`;
		if (parentType === undefined) return `${parent.target} has no column ${parentName}`;
		if (!comparable(type, parentType)) {
			return `${child.target}.${name} is ${type}, ${parent.target}.${parentName} is ${parentType}, and PostgreSQL compares no such values`;
		}
	}
	return null;
}

/**
 * Takes out the foreign keys that PostgreSQL would refuse to create, which is only known after the load: SQLite lets any types and columns
 * refer to each other. The rows go over as they are; nothing checks those references then, in the target or on the way.
 */
export function keepReferences(tables: readonly TableMapping[], hazards: Hazard[]): TableMapping[] {
	return tables.map((table) => ({
		...table,
		foreignKeys: table.foreignKeys.filter((foreign) => {
			const parent = tables.find((other) => other.target === foreign.parent);
			const why = parent === undefined ? null : fault(table, parent, foreign);
			if (why === null) return true;
			hazards.push({
				code: 'FOREIGN_KEY_LEFT',
				severity: 'warn',
				step: table.target,
				column: foreign.columns.join(', '),
				count: 1,
				sample: [foreign.parent],
				message: `the foreign key from ${table.target} (${foreign.columns.join(', ')}) to ${foreign.parent} is not created: ${why}`,
				hint: 'The records are copied all the same; to have the foreign key, declare both sides alike in the application and plan again',
			});
			return false;
		}),
	}));
}

/** Takes out the foreign keys that refer to the columns of unique indexes which are not made: PostgreSQL would refuse them. */
export function withoutReferencesTo(
	left: readonly ObjectToMake[],
	draft: Pick<Draft, 'copies' | 'schema'>,
	hazards: Hazard[],
): Pick<Draft, 'copies' | 'schema'> {
	const isLost = (table: string, columns: readonly string[]): boolean =>
		left.some((object) => object.what === 'unique' && object.table === table && sameSet(object.columns, columns));
	const schema = draft.schema.filter((step) => {
		const made = madeObject(step);
		if (made?.parent === undefined || !isLost(made.parent.table, made.parent.columns)) return true;
		hazards.push({
			code: 'FOREIGN_KEY_LEFT',
			severity: 'warn',
			step: step.table,
			column: made.columns.join(', '),
			count: 1,
			sample: [made.parent.table],
			message: `the foreign key from ${step.table} (${made.columns.join(', ')}) to ${made.parent.table} is not created: the unique index that it needs there is not`,
			hint: 'The records are copied all the same',
		});
		return false;
	});
	const copies = draft.copies.map((copy) => ({
		...copy,
		foreignKeys: copy.foreignKeys.filter(({ parent, parentColumns }) => !isLost(parent, parentColumns)),
	}));
	return { copies, schema };
}
