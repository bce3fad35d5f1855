import { type CopyStep, isCopyStep, type Plan } from '../../source/core/plan/types.js';
import { columnNames, namesIn, ownedBy, qualify, type TableInfo } from './catalog.js';
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
	readonly tenant: string;
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

/** Finds a table of the run by its name in the plan. */
export type FindTable = (name: string) => Promise<TableInfo | null>;

/** Foreign keys as the plan knows them: a killed run may not have made their constraints yet. */
async function plannedReferences(plan: Plan, step: CopyStep, find: FindTable): Promise<Reference[]> {
	const references: Reference[] = [];
	for (const child of plan.steps.filter(isCopyStep)) {
		for (const key of child.foreignKeys.filter(({ parent }) => parent === step.id)) {
			const table = await find(child.table);
			if (table !== null && key.columns.every((name) => table.columns.has(name)))
				references.push({ child: child.table, qualified: table.qualified, columns: key.columns, parentColumns: key.parentColumns });
		}
	}
	return references;
}

export async function allReferences(session: Session, plan: Plan, step: CopyStep, table: TableInfo, find: FindTable): Promise<Reference[]> {
	const found = [...(await referencesTo(session, table)), ...(await plannedReferences(plan, step, find))];
	const distinct = new Map(
		found.map((reference) => [JSON.stringify([reference.qualified, reference.columns, reference.parentColumns]), reference]),
	);
	return [...distinct.values()];
}

/** The half of a transaction's 64-bit number that a row keeps as its xmin. */
export const lowHalf = (xid: string): string => `(${xid}::text::numeric % 4294967296)::bigint`;

/** Text form of a row's key, as the ledger keeps it. */
export const keyOf = (step: CopyStep, alias: string): string =>
	`ARRAY[${step.key.map((name) => `${alias}.${quoteName(name)}::text`).join(', ')}]`;

/**
 * Written by run $1 in the step and not touched since. A row of another tenant or collection never is, even should a number of
 * 32 bits come round. `$2` of `writtenBy` is put in as a literal, because steps nest.
 */
export const ours = ({ step, trusted, tenant }: Node, alias: string): string =>
	trusted ? `(${writtenBy(alias).replace('$2', () => quoteLiteral(step.id))} AND ${ownedBy(step, tenant, alias)})` : 'false';

/**
 * Keeps every table at one pass: the server's guesses about common table expressions are far too low, and a nested loop chosen on
 * such a guess reads a table once per row. Compiling the statement costs more than it saves.
 */
export const onePass = 'SET LOCAL enable_nestloop = off; SET LOCAL jit = off';

const equal = (left: string, leftColumns: readonly string[], right: string, rightColumns: readonly string[]): string =>
	leftColumns.map((name, index) => `${left}.${name} = ${right}.${rightColumns[index] ?? 'NULL'}`).join(' AND ');

const quoted = (names: readonly string[]): string[] => names.map(quoteName);

const isWithin = (node: Node, reference: Reference): boolean => reference.qualified === node.table.qualified;

/** Columns of the node's table by which some reference joins it, under the short names that they have in its expression. */
function joinColumns(node: Node, nodes: readonly Node[]): ReadonlyMap<string, string> {
	const all = nodes.flatMap(({ references }) => references);
	const asChild = all.filter(({ qualified }) => qualified === node.table.qualified).flatMap(({ columns }) => columns);
	const asParent = node.references.filter((reference) => isWithin(node, reference)).flatMap(({ parentColumns }) => parentColumns);
	return new Map([...new Set([...asChild, ...asParent])].map((name, index) => [name, `c${index}`]));
}

/**
 * Common table expressions, one per step, that say of every row of its table what becomes of it:
 * - `place`: identity of the row, equal to `placeOf`;
 * - `ours`: written by the run and not touched since;
 * - `saved`: the run overwrote it, and the ledger keeps its former values;
 * - `goes`: inserted by the run, and no row that stays refers to it, in any depth. Without this a foreign key with ON DELETE
 *   CASCADE would take rows of others along.
 *
 * `nodes` come in the order in which they are undone, children first. Rows of a table that is undone later, which only a ring of
 * foreign keys brings about, and rows of tables that the run did not write, stay. Each table is read once, and all joins are on
 * equality, so that a table of any size takes time in proportion to it.
 */
function fates(nodes: readonly Node[]): { readonly expressions: string; readonly nameOf: (node: Node) => string } {
	const names = nodes.map((_, index) => `fate${index}`);
	const columns = nodes.map((node) => joinColumns(node, nodes));
	const short = (index: number, wanted: readonly string[]): string[] => wanted.map((name) => columns[index]?.get(name) ?? 'NULL');

	/** Distinct values by which rows that stay refer to this table. */
	const holders = (reference: Reference, index: number): string => {
		const child = nodes.findIndex(({ table }) => table.qualified === reference.qualified);
		const known = child >= 0 && child < index;
		const values = known ? short(child, reference.columns) : quoted(reference.columns);
		const set = values.map((name) => `${name} IS NOT NULL`);
		return `SELECT DISTINCT ${values.map((name, at) => `${name} AS k${at}`).join(', ')} FROM ${known ? names[child] : reference.qualified}
			WHERE ${[...set, ...(known ? ['NOT goes'] : [])].join(' AND ')}`;
	};

	/** What is known without the rows of the same table. */
	const own = (node: Node, index: number): string => {
		const outer = node.references.filter((reference) => !isWithin(node, reference));
		const held = outer.map(
			(reference, at) =>
				`LEFT JOIN (${holders(reference, index)}) h${at} ON ${equal(
					`h${at}`,
					reference.columns.map((_, place) => `k${place}`),
					'e',
					quoted(reference.parentColumns),
				)}`,
		);
		const kept = [...(columns[index] ?? [])].map(([name, alias]) => `, e.${quoteName(name)} AS ${alias}`).join('');
		const free = [ours(node, 'e'), 'o.key IS NULL', ...outer.map((_, at) => `h${at}.k0 IS NULL`)].join(' AND ');
		return `SELECT ${placeOf('e')} AS place${kept}, ${ours(node, 'e')} AS ours, o.key IS NOT NULL AS saved, ${free} AS goes FROM ${node.table.qualified} e
			LEFT JOIN repot.overwritten o ON o.run_id = $1 AND o.step_id = ${quoteLiteral(node.step.id)} AND o.key = ${keyOf(node.step, 'e')} ${held.join(' ')}`;
	};

	const expressions = nodes.flatMap((node, index) => {
		const within = node.references.filter((reference) => isWithin(node, reference));
		const name = names[index] ?? '';
		if (within.length === 0) return [`${name} AS MATERIALIZED (${own(node, index)})`];
		const links = within.map(
			({ columns: from, parentColumns }) =>
				`SELECT c.place AS child, p.place AS parent, c.goes FROM ${name}_own c JOIN ${name}_own p ON ${equal('c', short(index, from), 'p', short(index, parentColumns))}`,
		);
		return [
			`${name}_own AS MATERIALIZED (${own(node, index)})`,
			`${name}_link AS MATERIALIZED (${links.join(' UNION ALL ')})`,
			// Rows that stay hold the rows of their own table that they refer to, and those hold theirs.
			`${name}_held (place) AS (SELECT parent FROM ${name}_link WHERE NOT goes UNION SELECT l.parent FROM ${name}_held h JOIN ${name}_link l ON l.child = h.place)`,
			`${name} AS MATERIALIZED (SELECT f.place${[...(columns[index] ?? []).values()].map((alias) => `, f.${alias}`).join('')}, f.ours, f.saved, f.goes AND h.place IS NULL AS goes
				FROM ${name}_own f LEFT JOIN ${name}_held h ON h.place = f.place)`,
		];
	});
	return { expressions: `WITH RECURSIVE ${expressions.join(',\n')}`, nameOf: (node) => names[nodes.indexOf(node)] ?? '' };
}

/** Identity of a row while nothing writes to it, also in a partitioned table. As text, because PostgreSQL 13 cannot hash a ctid. */
export const placeOf = (alias: string): string => `(${alias}.tableoid::text || ${alias}.ctid::text)`;

/** Counts what `fates` says, one row a step in the order of `nodes`, numbered from 0. */
export function countFates(nodes: readonly Node[]): string {
	const { expressions, nameOf } = fates(nodes);
	const counts = nodes.map(
		(node, index) =>
			`SELECT ${index} AS node, count(*) FILTER (WHERE ours) AS ours, count(*) FILTER (WHERE ours AND saved) AS restorable, count(*) FILTER (WHERE goes) AS goes FROM ${nameOf(node)}`,
	);
	return `${expressions} ${counts.join(' UNION ALL ')} ORDER BY node`;
}

/**
 * Deletes the rows of one step that go. The steps of the tables that refer to it were undone before, so whatever is left there
 * stays. `ours` stands here again for rows that another connection changes meanwhile: the server looks at their new version.
 */
export function deleteRows(node: Node): string {
	const { expressions, nameOf } = fates([node]);
	return `${expressions} DELETE FROM ${node.table.qualified} e USING ${nameOf(node)} f WHERE f.goes AND f.place = ${placeOf('e')} AND ${ours(node, 'e')}`;
}
