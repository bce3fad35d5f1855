import { createHash } from 'node:crypto';
import { RepotError } from '../../source/core/errors.js';
import type { TargetFacts } from '../../source/core/plan/types.js';
import type { TargetCollection, TargetDescription, TargetResources, TargetTable } from '../../source/core/ports.js';
import { collectionTable, columnNames, findTable, namesIn, type TableInfo, tenantKey } from './catalog.js';
import type { Driver, Session } from './driver.js';
import { listRuns } from './ledger.js';
import { tableRights, targetRights } from './rights.js';
import { boolean, number, quoteName, text, textOrNull } from './sql-text.js';
import { uniqueKeysOf } from './unique-keys.js';

const embeddingTable = 'langchain_pg_embedding';

export interface DescribeRequest {
	readonly tables: readonly string[];
	/** Names of langchain collections. */
	readonly collections: readonly string[];
	readonly tenant: { readonly column: string; readonly value: string };
}

const deleteActions: Readonly<Record<string, string>> = { a: 'NO ACTION', r: 'RESTRICT', c: 'CASCADE', n: 'SET NULL', d: 'SET DEFAULT' };

type Counts = Pick<TargetTable, 'rows' | 'tenantRows'>;

/** Of a table that this user may not read. */
const unread: Counts = { rows: 0, tenantRows: 0 };

async function countRows(session: Session, table: TableInfo, tenant: DescribeRequest['tenant']): Promise<Counts> {
	const owner = ownerOf(table, tenant.column);
	const { rows } =
		owner === null
			? await session.query(`SELECT count(*) AS rows, 0 AS tenant_rows FROM ${table.qualified}`)
			: await session.query(`SELECT count(*) AS rows, count(*) FILTER (WHERE ${owner} = $1) AS tenant_rows FROM ${table.qualified}`, [
					tenant.value,
				]);
	return { rows: number(rows[0], 'rows'), tenantRows: number(rows[0], 'tenant_rows') };
}

async function describeTable(session: Session, table: TableInfo, tenant: DescribeRequest['tenant']): Promise<TargetTable> {
	const columns = await session.query(
		`SELECT attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS required, atthasdef OR attidentity <> '' AS defaulted,
			attgenerated <> '' AS generated
		FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
		[table.oid],
	);
	const keys = await session.query(
		`SELECT i.indisprimary AS is_primary, ${columnNames('i.indrelid', 'i.indkey::int2[]')} AS columns FROM pg_index i
		WHERE i.indrelid = $1::oid AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL ORDER BY i.indexrelid`,
		[table.oid],
	);
	const uniqueKeys = await uniqueKeysOf(session, table);
	const foreign = await session.query(
		`SELECT k.conname AS name, ${columnNames('k.conrelid', 'k.conkey')} AS columns, p.relname AS parent, ${columnNames('k.confrelid', 'k.confkey')} AS parent_columns, k.confdeltype AS action
		FROM pg_constraint k JOIN pg_class p ON p.oid = k.confrelid WHERE k.conrelid = $1::oid AND k.contype = 'f' ORDER BY k.conname`,
		[table.oid],
	);
	const indexes = await session.query(
		'SELECT c.relname AS name, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::oid ORDER BY c.relname',
		[table.oid],
	);
	const rights = await tableRights(session, table.oid);
	const counts = rights.select === false ? unread : await countRows(session, table, tenant);
	return {
		name: table.name,
		columns: columns.rows.map((row) => ({
			name: text(row, 'name'),
			type: text(row, 'type'),
			notNull: boolean(row, 'required'),
			hasDefault: boolean(row, 'defaulted'),
			...(boolean(row, 'generated') ? { generated: true } : {}),
		})),
		primaryKey: keys.rows.filter((row) => boolean(row, 'is_primary')).flatMap((row) => namesIn(text(row, 'columns'))),
		uniques: keys.rows.filter((row) => !boolean(row, 'is_primary')).map((row) => namesIn(text(row, 'columns'))),
		uniqueKeys: uniqueKeys.map(({ name, parts, reads, unsent }) => ({
			name,
			parts,
			computed: reads.filter((column) => unsent?.has(column) !== true),
		})),
		foreignKeys: foreign.rows.map((row) => ({
			name: text(row, 'name'),
			columns: namesIn(text(row, 'columns')),
			parent: text(row, 'parent'),
			parentColumns: namesIn(text(row, 'parent_columns')),
			onDelete: deleteActions[text(row, 'action')] ?? 'NO ACTION',
		})),
		indexes: indexes.rows.map((row) => ({ name: text(row, 'name'), definition: text(row, 'definition') })),
		...counts,
		rights,
	};
}

/** SQL for the tenant of a row, or null when the table has none. */
const ownerOf = (table: TableInfo, column: string): string | null =>
	table.columns.has(column) ? `${quoteName(column)}::text` : table.name === embeddingTable ? `cmetadata->>'${tenantKey}'` : null;

/** The older langchain_community layout: key `uuid`, record ids in `custom_id`, collection names not unique. */
function refuseOldLayout(table: TableInfo): void {
	if (!table.columns.has('custom_id') || table.columns.has('id')) return;
	throw new RepotError({
		kind: 'blocked',
		code: 'OLD_LANGCHAIN_LAYOUT',
		message: `${embeddingTable} has the layout of the older langchain_community package`,
		where: table.name,
		why: 'Its key is the column uuid and record ids are in custom_id; langchain-postgres, whose layout is written here, cannot read that',
		next: [
			'Use another database or schema (append ?options=-csearch_path%3DSCHEMA to the URL)',
			'Or migrate that table to langchain-postgres first',
		],
	});
}

/** None when this user may not read their tables: the rights of the tables say so. */
async function describeCollections(session: Session, tenant: string): Promise<TargetCollection[]> {
	const collections = await findTable(session, collectionTable);
	const rows = await findTable(session, embeddingTable);
	if (collections === null || rows === null || !rows.columns.has('collection_id')) return [];
	for (const { oid } of [collections, rows]) if ((await tableRights(session, oid)).select === false) return [];
	const found = await session.query(
		`SELECT c.uuid::text AS uuid, c.name, coalesce(n.rows, 0) AS rows, coalesce(n.tenant_rows, 0) AS tenant_rows FROM ${collections.qualified} c
		LEFT JOIN (SELECT collection_id, count(*) AS rows, count(*) FILTER (WHERE cmetadata->>'${tenantKey}' = $1) AS tenant_rows FROM ${rows.qualified} GROUP BY 1) n
			ON n.collection_id = c.uuid ORDER BY c.name, c.uuid`,
		[tenant],
	);
	return found.rows.map((row) => ({
		uuid: text(row, 'uuid'),
		name: text(row, 'name'),
		rows: number(row, 'rows'),
		tenantRows: number(row, 'tenant_rows'),
	}));
}

async function describeResources(session: Session): Promise<TargetResources> {
	const { rows } = await session.query(
		`SELECT pg_size_bytes(current_setting('effective_cache_size')) AS cache, pg_size_bytes(current_setting('maintenance_work_mem')) AS maintenance,
			current_setting('max_parallel_workers') AS workers`,
	);
	return {
		effectiveCacheBytes: number(rows[0], 'cache'),
		maintenanceBytes: number(rows[0], 'maintenance'),
		maxParallelWorkers: number(rows[0], 'workers'),
	};
}

async function describeExtension(session: Session): Promise<TargetDescription['vectorExtension']> {
	const { rows } = await session.query(
		`SELECT (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS installed, e.default_version AS available,
			coalesce((SELECT bool_or(NOT v.superuser OR (v.trusted AND has_database_privilege(current_database(), 'CREATE')))
				FROM pg_available_extension_versions v WHERE v.name = 'vector' AND v.version = e.default_version), false)
			OR current_setting('is_superuser') = 'on' AS may
		FROM (SELECT 1) one LEFT JOIN pg_available_extensions e ON e.name = 'vector'`,
	);
	const available = textOrNull(rows[0], 'available');
	return { installed: textOrNull(rows[0], 'installed'), available, mayCreate: available !== null && boolean(rows[0], 'may') };
}

/** @throws RepotError target when no schema of the search path exists. */
export async function currentSchema(session: Session): Promise<string> {
	const { rows } = await session.query('SELECT current_schema() AS schema');
	const schema = textOrNull(rows[0], 'schema');
	if (schema !== null) return schema;
	throw new RepotError({
		kind: 'target',
		code: 'NO_SCHEMA',
		message: 'No schema of the search path exists or may be used',
		next: ['Have an administrator run: CREATE SCHEMA public; GRANT USAGE, CREATE ON SCHEMA public TO THE_USER;'],
	});
}

export async function serverFacts(driver: Driver, session: Session): Promise<Omit<TargetFacts, 'fingerprint'>> {
	const { rows } = await session.query(
		"SELECT current_setting('server_version') AS server, (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS pgvector",
	);
	return {
		label: driver.label,
		identity: driver.identity,
		embedded: driver.embedded,
		serverVersion: text(rows[0], 'server'),
		pgvectorVersion: textOrNull(rows[0], 'pgvector'),
	};
}

/** What a plan relies on of one table. */
interface Relied extends Pick<TargetTable, 'name' | 'columns' | 'primaryKey' | 'uniques' | 'foreignKeys' | 'indexes'> {
	readonly oid: string;
	/** This tenant's rows, or all where the table knows no tenant; null where the collection says it. */
	readonly rows: number | null;
}

function reliedOn(table: TableInfo, described: TargetTable, tenantColumn: string): Relied {
	const { name, columns, primaryKey, uniques, foreignKeys, indexes } = described;
	const byCollection = name === embeddingTable || name === collectionTable;
	const rows = byCollection ? null : ownerOf(table, tenantColumn) === null ? described.rows : described.tenantRows;
	return { oid: table.oid, name, columns, primaryKey, uniques, foreignKeys, indexes, rows };
}

/**
 * Hash over what a plan relies on: for each table its oid, columns, constraints, indexes and this tenant's rows, and the named collections with
 * this tenant's. What other tenants do meanwhile is no part of it, because a key of theirs that appears is found when it is written. Nor are
 * server, address, versions and rights; reading changes nothing in it.
 */
function fingerprint(tables: readonly Relied[], collections: readonly TargetCollection[], named: readonly string[]): string {
	const relied = {
		tables: [...tables].sort((left, right) => (left.name < right.name ? -1 : 1)),
		collection: collections.filter(({ name }) => named.includes(name)).map(({ uuid, name, tenantRows }) => ({ uuid, name, tenantRows })),
	};
	return createHash('sha256').update(JSON.stringify(relied)).digest('hex');
}

/** More relations than any schema that people look after; beyond it a clash is told by the server when the index is made. */
const mostRelationNames = 100_000;

async function relationNames(session: Session): Promise<readonly string[]> {
	const { rows } = await session.query(
		`SELECT relname AS name FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) ORDER BY relname LIMIT ${mostRelationNames}`,
	);
	return rows.map((row) => text(row, 'name'));
}

/** Reads catalogs and counts rows in one read-only snapshot. */
export async function describeTarget(driver: Driver, session: Session, request: DescribeRequest): Promise<TargetDescription> {
	const schema = await currentSchema(session);
	const asked = [...new Set([...request.tables, ...(request.collections.length === 0 ? [] : [collectionTable, embeddingTable])])];
	const tables: TargetTable[] = [];
	const relied: Relied[] = [];
	for (const name of asked) {
		const table = await findTable(session, name);
		if (table === null) continue;
		if (name === embeddingTable) refuseOldLayout(table);
		const described = await describeTable(session, table, request.tenant);
		tables.push(described);
		relied.push(reliedOn(table, described, request.tenant.column));
	}
	const collections = await describeCollections(session, request.tenant.value);
	const rights = await targetRights(session);
	return {
		facts: { ...(await serverFacts(driver, session)), fingerprint: fingerprint(relied, collections, request.collections) },
		resources: await describeResources(session),
		schema,
		tables,
		collections,
		vectorExtension: await describeExtension(session),
		rights,
		// Without that right its tables may not even be read.
		runs: rights.ledger ? await listRuns(session) : [],
		relationNames: await relationNames(session),
	};
}
