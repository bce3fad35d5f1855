import { toSql } from 'pgvector';
import type { CopyStep, DistanceSpace } from '../../source/core/plan/types.js';
import type { Probe, SearchHit, SearchMode, StepCounts } from '../../source/core/ports.js';
import { collectionTable, requireTable, type TableInfo, tenantKey, tenantOf } from './catalog.js';
import type { Session } from './driver.js';
import { hasLedger } from './ledger.js';
import { provenance, writtenBy } from './provenance.js';
import { number, quoteLiteral, quoteName, text } from './sql-text.js';

/** pgvector's operators, and how their result becomes the distance as Chroma defines it: squared l2, 1 - dot, cosine distance. */
const spaces: Record<DistanceSpace, { readonly operator: string; readonly toDistance: (value: number) => number }> = {
	l2: { operator: '<->', toDistance: (value) => value * value },
	ip: { operator: '<#>', toDistance: (value) => 1 + value },
	cosine: { operator: '<=>', toDistance: (value) => value },
};

const versionAtLeast = (version: string, major: number, minor: number): boolean => {
	const [first = 0, second = 0] = version.split('.').map(Number);
	return first > major || (first === major && second >= minor);
};

const isSent = (mode: SearchMode): boolean => mode === 'as-sent' || mode === 'as-sent-filtered';

async function setSearch(session: Session, k: number, mode: SearchMode): Promise<void> {
	if (isSent(mode)) return;
	if (mode === 'exact') {
		await session.query('SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_indexonlyscan = off');
		return;
	}
	// The collection and the tenant are filtered after the index gave its candidates: more candidates, and (0.8) more rounds.
	await session.query(`SET LOCAL hnsw.ef_search = ${Math.min(1000, Math.max(100, k * 4))}`);
	const { rows } = await session.query("SELECT extversion AS version FROM pg_extension WHERE extname = 'vector'");
	if (versionAtLeast(text(rows[0], 'version'), 0, 8)) await session.query('SET LOCAL hnsw.iterative_scan = strict_order');
}

const ownRows = `e.cmetadata->>'${tenantKey}' = $2`;

/** The filter of langchain-postgres, `{"user_id": TENANT}`, which the planner judges by another rule than a comparison; $2 is the tenant. */
const langchainFilter = `jsonb_path_match(e.cmetadata, '$."${tenantKey}" == $"value"'::jsonpath, jsonb_build_object('value', $2::text))`;

/**
 * Finds no row without a vector; not `exact`, with the cast of the index where that has one. What is sent as langchain-postgres does has its
 * join, filters and order. Runs inside a transaction, whose settings it changes.
 */
export async function searchVectors(
	session: Session,
	step: CopyStep,
	tenant: string,
	probe: Probe,
	k: number,
	mode: SearchMode,
): Promise<readonly SearchHit[]> {
	const { collection, source } = step;
	if (collection === undefined || source.kind !== 'chroma') throw new Error(`${step.id} holds no vectors`);
	const table = await requireTable(session, step.table);
	const { operator, toDistance } = spaces[source.space];
	await setSearch(session, k, mode);
	const cast = mode === 'exact' || collection.indexedAs === undefined ? null : collection.indexedAs;
	const [found, sought] = cast === null ? ['e.embedding', '$1::vector'] : [`e.embedding::${cast}`, `$1::${cast}`];
	const owner = { 'as-sent': '$2::text IS NOT NULL', 'as-sent-filtered': langchainFilter, exact: ownRows, widened: ownRows }[mode];
	const join = isSent(mode) ? `JOIN ${(await requireTable(session, collectionTable)).qualified} c ON e.collection_id = c.uuid` : '';
	// The collection stands there as a constant, so that the server sees that a partial index holds its rows.
	const { rows } = await session.query(
		`SELECT e.id AS key, ${found} ${operator} ${sought} AS distance FROM ${table.qualified} e ${join}
		WHERE e.collection_id = ${quoteLiteral(collection.uuid)}::uuid AND e.embedding IS NOT NULL
			AND ${owner}
		ORDER BY distance ASC LIMIT $3::int`,
		[toSql(Array.from(probe.vector)), tenant, String(k)],
	);
	return rows.map((row) => ({ key: text(row, 'key'), distance: toDistance(number(row, 'distance')) }));
}

/** Rows that count for a step: its collection's, or the whole table. */
const scopeOf = (step: CopyStep): { readonly where: string; readonly params: readonly string[] } =>
	step.collection === undefined ? { where: 'true', params: [] } : { where: 'e.collection_id = $1::uuid', params: [step.collection.uuid] };

/** Rows that runs of this tenant wrote and that now name another tenant, of `others` rows that are not this tenant's; null when the ledger cannot prove what they wrote. */
async function countForeign(
	session: Session,
	step: CopyStep,
	tenant: string,
	table: TableInfo,
	owner: string,
	others: number,
): Promise<number | null> {
	if (!(await hasLedger(session))) return null;
	const { rows } = await session.query("SELECT id FROM repot.run WHERE tenant = $1 AND status <> 'rolled-back'", [tenant]);
	let foreign: number | null = null;
	for (const row of rows) {
		const run = text(row, 'id');
		if ((await provenance(session, run, step.id, table)).doubt !== null) continue;
		foreign ??= 0;
		// Nobody else has a row here: the table need not be read once more.
		if (others === 0) continue;
		const counted = await session.query(
			`SELECT count(*) AS count FROM ${table.qualified} e WHERE ${writtenBy('e')} AND ${owner} IS DISTINCT FROM $3`,
			[run, step.id, tenant],
		);
		foreign += number(counted.rows[0], 'count');
	}
	return foreign;
}

export async function countRows(session: Session, step: CopyStep, tenant: string): Promise<StepCounts> {
	const table = await requireTable(session, step.table);
	const { where, params } = scopeOf(step);
	const owner = tenantOf(step, tenant, 'e', table);
	const tenantParameter = `$${params.length + 1}`;
	const nulls =
		step.collection === undefined ? '' : `, count(*) FILTER (WHERE ${owner} = ${tenantParameter} AND e.embedding IS NULL) AS without`;
	const counts =
		owner === null
			? { sql: 'count(*) AS rows, count(*) AS tenant_rows, 0 AS missing', params }
			: {
					sql: `count(*) AS rows, count(*) FILTER (WHERE ${owner} = ${tenantParameter}) AS tenant_rows, count(*) FILTER (WHERE coalesce(${owner}, '') = '') AS missing${nulls}`,
					params: [...params, tenant],
				};
	const { rows } = await session.query(`SELECT ${counts.sql} FROM ${table.qualified} e WHERE ${where}`, counts.params);
	const all = number(rows[0], 'rows');
	const tenantRows = number(rows[0], 'tenant_rows');
	return {
		rows: all,
		tenantRows,
		missingTenant: number(rows[0], 'missing'),
		...(step.collection === undefined ? {} : { withoutVector: number(rows[0], 'without') }),
		foreignInRun: owner === null ? null : await countForeign(session, step, tenant, table, owner, all - tenantRows),
	};
}

/** JSON type to number of the tenant's rows; SQL NULL is not counted, the JSON value null is `null`. */
export async function countJsonTypes(
	session: Session,
	step: CopyStep,
	column: string,
	tenant: string,
): Promise<Readonly<Record<string, number>>> {
	const table = await requireTable(session, step.table);
	const { where, params } = scopeOf(step);
	const owner = tenantOf(step, tenant, 'e', table);
	const whose = owner === null ? 'true' : `${owner} = $${params.length + 1}`;
	const value = `e.${quoteName(column)}`;
	const { rows } = await session.query(
		`SELECT jsonb_typeof(${value}::jsonb) AS type, count(*) AS count FROM ${table.qualified} e
		WHERE ${where} AND ${whose} AND ${value} IS NOT NULL GROUP BY 1 ORDER BY 1`,
		owner === null ? params : [...params, tenant],
	);
	return Object.fromEntries(rows.map((row) => [text(row, 'type'), number(row, 'count')]));
}
