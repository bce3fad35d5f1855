import { RepotError } from '../../source/core/errors.js';
import type { CopyStep } from '../../source/core/plan/types.js';
import type { Session } from './driver.js';
import { parseArray, quoteName, text } from './sql-text.js';

/** The table of langchain-postgres that names collections; its rows table refers to it by `collection_id`. */
export const collectionTable = 'langchain_pg_collection';

/** JSON key of the tenant in `cmetadata`. */
export const tenantKey = 'user_id';

export interface ColumnInfo {
	readonly name: string;
	/** Type without its modifier, as a cast takes it without cutting a value: `character varying`, `vector`. */
	readonly type: string;
	/** Type name without schema. */
	readonly base: string;
}

export interface TableInfo {
	readonly oid: string;
	readonly name: string;
	/** Quoted and schema-qualified. */
	readonly qualified: string;
	readonly columns: ReadonlyMap<string, ColumnInfo>;
}

export const qualify = (schema: string, name: string): string => `${quoteName(schema)}.${quoteName(name)}`;

/** A table of the connection's schema, from the catalogs; null when there is none. */
export async function findTable(session: Session, name: string): Promise<TableInfo | null> {
	const { rows } = await session.query(
		`SELECT c.oid::text AS oid, n.nspname AS schema, a.attname AS column, format_type(a.atttypid, -1) AS type, t.typname AS base
		FROM pg_class c
		JOIN pg_namespace n ON n.oid = c.relnamespace
		LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_type t ON t.oid = a.atttypid
		WHERE n.nspname = current_schema() AND c.relname = $1 AND c.relkind IN ('r', 'p')
		ORDER BY a.attnum`,
		[name],
	);
	const [first] = rows;
	if (first === undefined) return null;
	const columns = new Map<string, ColumnInfo>();
	for (const row of rows) {
		if (row.column === null) continue;
		const column = { name: text(row, 'column'), type: text(row, 'type'), base: text(row, 'base') };
		columns.set(column.name, column);
	}
	return { oid: text(first, 'oid'), name, qualified: qualify(text(first, 'schema'), name), columns };
}

/** @throws RepotError stale-plan when the table is not there. */
export async function requireTable(session: Session, name: string): Promise<TableInfo> {
	const table = await findTable(session, name);
	if (table !== null) return table;
	throw new RepotError({
		kind: 'stale-plan',
		code: 'TABLE_MISSING',
		message: `The table ${name} is not in the target`,
		where: name,
		next: ['Plan again: the target changed since the plan was made'],
	});
}

const isVectorType = (base: string): boolean => base === 'vector' || base === 'halfvec' || base === 'sparsevec';

/** SQL that is true when two values of a column differ: JSON by value, vectors by their bits, everything else by its own equality. */
export function differs(column: ColumnInfo, left: string, right: string): string {
	if (column.base === 'json') return `(${left})::jsonb IS DISTINCT FROM (${right})::jsonb`;
	if (isVectorType(column.base)) return `${column.base}_send(${left}) IS DISTINCT FROM ${column.base}_send(${right})`;
	if (['xml', 'point', 'polygon', 'box', 'circle', 'line', 'lseg', 'path'].includes(column.base))
		return `(${left})::text IS DISTINCT FROM (${right})::text`;
	return `${left} IS DISTINCT FROM ${right}`;
}

/** Column of a step that holds the tenant: the constant whose value is the tenant. Vectors keep it in their metadata instead. */
const tenantColumnOf = (step: CopyStep, tenant: string): string | null =>
	step.columns.find((column) => column.cast === 'constant' && column.constant === tenant)?.name ?? null;

/** SQL for the tenant of a row of `alias`, or null when the step's table has no tenant. */
export function tenantOf(step: CopyStep, tenant: string, alias: string, table: TableInfo): string | null {
	if (step.collection !== undefined) return `${alias}.cmetadata->>'${tenantKey}'`;
	const named = tenantColumnOf(step, tenant) ?? tenantKey;
	return table.columns.has(named) ? `${alias}.${quoteName(named)}::text` : null;
}

/** SQL for the names behind an array of column numbers, in its order; read with `namesIn`. */
export const columnNames = (relation: string, numbers: string): string =>
	`(SELECT array_agg(a.attname::text ORDER BY place.nth)::text FROM unnest(${numbers}) WITH ORDINALITY AS place(num, nth)
		JOIN pg_attribute a ON a.attrelid = ${relation} AND a.attnum = place.num)`;

export const namesIn = (array: string): string[] => parseArray(array).flatMap((name) => (name === null ? [] : [name]));
