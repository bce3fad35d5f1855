import { type CopyStep, isCopyStep, type Plan } from '../../source/core/plan/types.js';
import { columnNames, findTable, namesIn, qualify, type TableInfo } from './catalog.js';
import type { Session } from './driver.js';
import { writtenBy } from './provenance.js';
import { quoteLiteral, quoteName, text } from './sql-text.js';

/** A table whose rows refer to rows of another by `columns` -> `parentColumns`. */
export interface Reference {
	readonly child: string;
	readonly qualified: string;
	readonly columns: readonly string[];
	readonly parentColumns: readonly string[];
}

/** One copy step of the run with what is known of its table and of the tables that refer to it. */
export interface Node {
	readonly step: CopyStep;
	readonly table: TableInfo;
	readonly references: readonly Reference[];
	/** xmin can be trusted for this table. */
	readonly trusted: boolean;
}

/** Foreign keys of the catalogs that point at a table. */
export async function referencesTo(session: Session, table: TableInfo): Promise<Reference[]> {
	const { rows } = await session.query(
		`SELECT c.relname AS child, n.nspname AS schema, ${columnNames('k.conrelid', 'k.conkey')} AS columns, ${columnNames('k.confrelid', 'k.confkey')} AS parent_columns
		FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE k.confrelid = $1::oid AND k.contype = 'f' ORDER BY k.oid`,
		[table.oid],
	);
	return rows.map((row) => ({
		child: text(row, 'child'),
		qualified: qualify(text(row, 'schema'), text(row, 'child')),
		columns: namesIn(text(row, 'columns')),
		parentColumns: namesIn(text(row, 'parent_columns')),
	}));
}

/** Foreign keys as the plan knows them: a killed run may not have made their constraints yet. */
async function plannedReferences(session: Session, plan: Plan, step: CopyStep): Promise<Reference[]> {
	const references: Reference[] = [];
	for (const child of plan.steps.filter(isCopyStep)) {
		for (const key of child.foreignKeys.filter(({ parent }) => parent === step.id)) {
			const table = await findTable(session, child.table);
			if (table !== null)
				references.push({ child: child.table, qualified: table.qualified, columns: key.columns, parentColumns: key.parentColumns });
		}
	}
	return references;
}

export async function allReferences(session: Session, plan: Plan, step: CopyStep, table: TableInfo): Promise<Reference[]> {
	const found = [...(await referencesTo(session, table)), ...(await plannedReferences(session, plan, step))];
	const distinct = new Map(
		found.map((reference) => [JSON.stringify([reference.qualified, reference.columns, reference.parentColumns]), reference]),
	);
	return [...distinct.values()];
}

/** Text form of a row's key, as the ledger keeps it. */
export const keyOf = (step: CopyStep, alias: string): string =>
	`ARRAY[${step.key.map((name) => `${alias}.${quoteName(name)}::text`).join(', ')}]`;

/** Written by run $1 in the step and not touched since. `$2` of `writtenBy` is put in as a literal, because steps nest. */
export const ours = ({ step, trusted }: Node, alias: string): string =>
	trusted ? writtenBy(alias).replace('$2', quoteLiteral(step.id)) : 'false';

/** Overwritten by the run: the former row is kept in the ledger. */
export const overwritten = ({ step }: Node, alias: string): string =>
	`EXISTS (SELECT 1 FROM repot.overwritten o WHERE o.run_id = $1 AND o.step_id = ${quoteLiteral(step.id)} AND o.key = ${keyOf(step, alias)})`;

const list = (alias: string, columns: readonly string[]): string => columns.map((name) => `${alias}.${quoteName(name)}`).join(', ');

const equal = (left: string, leftColumns: readonly string[], right: string, rightColumns: readonly string[]): string =>
	leftColumns.map((name, index) => `${left}.${quoteName(name)} = ${right}.${quoteName(rightColumns[index] ?? '')}`).join(' AND ');

/** Writes the conditions with an alias of its own for every table that they read. */
class Conditions {
	readonly #nodes: readonly Node[];
	#aliases = 0;

	constructor(nodes: readonly Node[]) {
		this.#nodes = nodes;
	}

	removable(node: Node, row: string, path: readonly Node[] = []): string {
		const within = node.references
			.filter((reference) => reference.qualified === node.table.qualified)
			.map((reference) => this.#notHeldWithin(node, reference, row, path));
		return [this.#notHeldElsewhere(node, row, path), ...within].join(' AND ');
	}

	#alias(): string {
		return `r${this.#aliases++}`;
	}

	/** Inserted by the run, and no row that stays in another table refers to it. */
	#notHeldElsewhere(node: Node, row: string, path: readonly Node[]): string {
		const free = node.references
			.filter((reference) => reference.qualified !== node.table.qualified)
			.map((reference) => {
				const child = this.#alias();
				const refers = equal(child, reference.columns, row, reference.parentColumns);
				return `NOT EXISTS (SELECT 1 FROM ${reference.qualified} ${child} WHERE ${refers} AND ${this.#stays(reference, child, [...path, node])})`;
			});
		return [ours(node, row), `NOT ${overwritten(node, row)}`, ...free].join(' AND ');
	}

	/** A row stays unless its own step removes it; in a ring of foreign keys it is taken to stay. */
	#stays(reference: Reference, row: string, path: readonly Node[]): string {
		const node = this.#nodes.find(({ table }) => table.qualified === reference.qualified);
		if (node === undefined || path.includes(node)) return 'true';
		const same = this.#alias();
		return `NOT EXISTS (SELECT 1 FROM ${node.table.qualified} ${same} WHERE ${same}.ctid = ${row}.ctid AND ${this.removable(node, same, path)})`;
	}

	/** Rows that stay hold the rows of their own table that they refer to, and those hold theirs. */
	#notHeldWithin(node: Node, reference: Reference, row: string, path: readonly Node[]): string {
		const [from, same, parent, held] = [this.#alias(), this.#alias(), this.#alias(), this.#alias()];
		const table = node.table.qualified;
		const names = reference.columns.map((_, index) => `k${index}`);
		const set = (alias: string): string => reference.columns.map((name) => `${alias}.${quoteName(name)} IS NOT NULL`).join(' AND ');
		return `NOT EXISTS (SELECT 1 FROM (WITH RECURSIVE held(${names.join(', ')}) AS (
			SELECT ${list(from, reference.columns)} FROM ${table} ${from} WHERE ${set(from)}
				AND NOT EXISTS (SELECT 1 FROM ${table} ${same} WHERE ${same}.ctid = ${from}.ctid AND ${this.#notHeldElsewhere(node, same, path)})
			UNION SELECT ${list(parent, reference.columns)} FROM ${table} ${parent} JOIN held ON ${equal(parent, reference.parentColumns, 'held', names)} WHERE ${set(parent)})
			SELECT * FROM held) ${held} WHERE ${equal(held, names, row, reference.parentColumns)})`;
	}
}

/**
 * SQL that is true for rows of a step's table that go: inserted by the run, and no row that stays refers to them, in any depth.
 * Without this a foreign key with ON DELETE CASCADE would take rows of others along. Written as NOT EXISTS throughout, to stand at
 * the top of a WHERE: only there the planner turns it into hash joins, and a table of any size takes one pass.
 */
export const removable = (node: Node, nodes: readonly Node[], row: string): string => new Conditions(nodes).removable(node, row);
