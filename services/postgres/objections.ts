import type { Objection, ObjectToMake } from '../../source/core/ports.js';
import { findTable, type TableInfo } from './catalog.js';
import type { Session } from './driver.js';
import { number, quoteName, text, textOrNull } from './sql-text.js';

/** Values of duplicates that are told. */
const mostDuplicates = 5;
/** Orphans that are handed out, so that those whose parent the run brings can be told from the others. */
const mostOrphans = 1_000;

const listed = (columns: readonly string[], alias = ''): string => columns.map((name) => `${alias}${quoteName(name)}`).join(', ');
const all = (columns: readonly string[], condition: string, alias = ''): string =>
	columns.map((name) => `${alias}${quoteName(name)} ${condition}`).join(' AND ');

/** Lists the values that several rows share. Two NULLs are not equal to a unique index. */
export const duplicatesSql = (table: string, columns: readonly string[]): string =>
	`SELECT ${listed(columns)}, count(*) AS how_many FROM ${table} WHERE ${all(columns, 'IS NOT NULL')} GROUP BY ${listed(columns)} HAVING count(*) > 1`;

export const nullsSql = (table: string, columns: readonly string[]): string =>
	`SELECT * FROM ${table} WHERE NOT (${all(columns, 'IS NOT NULL')})`;

/** Lists the values without a parent, as MATCH SIMPLE has it: a row with a NULL among them refers to nothing. `parent` null: there is no table yet. */
export function orphansSql(table: string, columns: readonly string[], parent: string | null, parentColumns: readonly string[]): string {
	const same = parentColumns.map((name, at) => `p.${quoteName(name)} = c.${quoteName(columns[at] ?? '')}`).join(' AND ');
	const missing = parent === null ? '' : ` AND NOT EXISTS (SELECT 1 FROM ${parent} p WHERE ${same})`;
	return `SELECT ${listed(columns, 'c.')}, count(*) AS how_many FROM ${table} c WHERE ${all(columns, 'IS NOT NULL', 'c.')}${missing} GROUP BY ${listed(columns, 'c.')}`;
}

/** SQL for the bytes of a row's values as they are stored: an index keeps them as they are, or smaller. */
const entryBytes = (columns: readonly string[]): string =>
	columns.map((name) => `coalesce(pg_column_size(${quoteName(name)}), 0)`).join(' + ');

export const longestSql = (table: string, columns: readonly string[]): string =>
	`SELECT ${entryBytes(columns)} AS bytes, * FROM ${table} ORDER BY 1 DESC LIMIT 5`;

/** Types whose values are too short to fill an index entry. */
const shortTypes: ReadonlySet<string> = new Set([
	...['bool', 'int2', 'int4', 'int8', 'float4', 'float8', 'uuid'],
	...['date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval'],
]);

/** The values that a statement lists, in its order, and how many there are. */
async function valuesOf(session: Session, sql: string, columns: readonly string[], most: number): Promise<Omit<Objection, 'step' | 'why'>> {
	const texts = columns.map((name, at) => `d.${quoteName(name)}::text AS v${at}`).join(', ');
	const { rows } = await session.query(
		`SELECT ${texts}, count(*) OVER () AS found FROM (${sql}) d ORDER BY ${listed(columns, 'd.')} LIMIT ${most}`,
	);
	const values = rows.map((row) => columns.map((_, at) => text(row, `v${at}`)));
	return { count: rows.length === 0 ? 0 : number(rows[0], 'found'), values, sql: `${sql};` };
}

async function countOf(session: Session, sql: string): Promise<number> {
	const { rows } = await session.query(`SELECT count(*) AS count FROM (${sql}) d`);
	return number(rows[0], 'count');
}

/** Statements for people name the table as the plan does, without its schema. */
async function objectionsTo(session: Session, object: ObjectToMake, table: TableInfo): Promise<Objection[]> {
	const { step, what, columns, parent } = object;
	const shown = quoteName(object.table);
	if (what === 'foreign-key') {
		const found = parent === undefined ? null : await findTable(session, parent.table);
		if (found !== null && parent?.columns.some((name) => !found.columns.has(name))) return [];
		const sql = orphansSql(shown, columns, found === null ? null : quoteName(found.name), parent?.columns ?? []);
		return [{ step, why: 'orphans', ...(await valuesOf(session, sql, columns, mostOrphans)) }];
	}
	const objections: Objection[] = [];
	if (what === 'primary-key') {
		const sql = nullsSql(shown, columns);
		objections.push({ step, why: 'nulls', count: await countOf(session, sql), values: [], sql: `${sql};` });
	}
	if (what !== 'index')
		objections.push({ step, why: 'duplicates', ...(await valuesOf(session, duplicatesSql(shown, columns), columns, mostDuplicates)) });
	// The rows are in a unique index over the primary key's columns already; without one a plan is blocked.
	if (what !== 'primary-key' && columns.some((name) => !shortTypes.has(table.columns.get(name)?.base ?? ''))) {
		const { rows } = await session.query(`SELECT max(${entryBytes(columns)}) AS bytes FROM ${table.qualified}`);
		const bytes = Number(textOrNull(rows[0], 'bytes') ?? 0);
		objections.push({ step, why: 'entry', count: bytes, values: [], sql: `${longestSql(shown, columns)};` });
	}
	return objections;
}

/** One statement for each thing that the rows could have against an object; what they have nothing against is left out. Reads only. */
export async function findObjections(session: Session, objects: readonly ObjectToMake[]): Promise<readonly Objection[]> {
	const objections: Objection[] = [];
	for (const object of objects) {
		const table = await findTable(session, object.table);
		if (table === null || object.columns.some((name) => !table.columns.has(name))) continue;
		objections.push(...(await objectionsTo(session, object, table)));
	}
	return objections.filter(({ count }) => count > 0);
}
