import { RepotError } from '../../source/core/errors.js';
import type { CopyStep } from '../../source/core/plan/types.js';
import type { Session } from './driver.js';
import { parseArray, quoteLiteral, quoteName, text } from './sql-text.js';

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
	readonly schema: string;
	readonly name: string;
	/** Quoted and schema-qualified. */
	readonly qualified: string;
	readonly columns: ReadonlyMap<string, ColumnInfo>;
}

export const qualify = (schema: string, name: string): string => `${quoteName(schema)}.${quoteName(name)}`;

async function readTable(session: Session, where: string, params: readonly string[]): Promise<TableInfo | null> {
	const { rows } = await session.query(
		`SELECT c.oid::text AS oid, n.nspname AS schema, c.relname AS name, a.attname AS column, format_type(a.atttypid, -1) AS type, t.typname AS base
		FROM pg_class c
		JOIN pg_namespace n ON n.oid = c.relnamespace
		LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_type t ON t.oid = a.atttypid
		WHERE ${where} AND c.relkind IN ('r', 'p')
		ORDER BY a.attnum`,
		params,
	);
	const [first] = rows;
	if (first === undefined) return null;
	const columns = new Map<string, ColumnInfo>();
	for (const row of rows) {
		if (row.column === null) continue;
		const column = { name: text(row, 'column'), type: text(row, 'type'), base: text(row, 'base') };
		columns.set(column.name, column);
	}
	const schema = text(first, 'schema');
	const name = text(first, 'name');
	return { oid: text(first, 'oid'), schema, name, qualified: qualify(schema, name), columns };
}

/** A table of the connection's schema, or of the schema named, from the catalogs; null when there is none. */
export const findTable = (session: Session, name: string, schema?: string): Promise<TableInfo | null> =>
	schema === undefined
		? readTable(session, 'n.nspname = current_schema() AND c.relname = $1', [name])
		: readTable(session, 'n.nspname = $2 AND c.relname = $1', [name, schema]);

/**
 * The table that a run worked on: the one with the oid that its ledger recorded, in whatever schema and under whatever name it is
 * now. When that is gone, or none was recorded, the table of that name in the connection's schema.
 */
export const findTableByOid = async (session: Session, oid: string | null, name: string): Promise<TableInfo | null> =>
	(oid === null ? null : await readTable(session, 'c.oid = $1::oid', [oid])) ?? (await findTable(session, name));

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

/**
 * SQL that is true for rows of `alias` that can be the run's: of its tenant, and of its collection. A row without a tenant can be.
 * Only what the step itself writes counts, because a column that it copies may hold anything.
 */
export function ownedBy(step: CopyStep, tenant: string, alias: string): string {
	const column = tenantColumnOf(step, tenant);
	const owner =
		step.collection === undefined
			? column === null
				? null
				: `${alias}.${quoteName(column)}::text`
			: `${alias}.cmetadata->>'${tenantKey}'`;
	return [
		'true',
		...(owner === null ? [] : [`coalesce(${owner} = ${quoteLiteral(tenant)}, true)`]),
		...(step.collection === undefined ? [] : [`${alias}.collection_id::text = ${quoteLiteral(step.collection.uuid)}`]),
	].join(' AND ');
}

/** SQL for the names behind an array of column numbers, in its order; read with `namesIn`. */
export const columnNames = (relation: string, numbers: string): string =>
	`(SELECT array_agg(a.attname::text ORDER BY place.nth)::text FROM unnest(${numbers}) WITH ORDINALITY AS place(num, nth)
		JOIN pg_attribute a ON a.attrelid = ${relation} AND a.attnum = place.num)`;

export const namesIn = (array: string): string[] => parseArray(array).flatMap((name) => (name === null ? [] : [name]));
