import { RepotError } from '../../source/core/errors.js';
import type { CopyStep } from '../../source/core/plan/types.js';
import { type Staged, type TakenOut, takeOutHeld, takeOutOrphans, takeOutRepeated } from './batch-clashes.js';
import { type BatchRequest, copyStatement } from './batch-request.js';
import { differs, type TableInfo, tenantOf } from './catalog.js';
import type { Session } from './driver.js';
import { keepsWriters } from './ledger.js';
import { number, quoteName, text } from './sql-text.js';
import type { UniqueKey } from './unique-keys.js';

export interface Merged {
	readonly written: number;
	readonly updated: number;
	readonly skipped: number;
	/** Zero-based positions in the data of rows whose key a row of another tenant or collection has. */
	readonly heldByOthers: readonly number[];
	/** New rows that were left out because another unique key or a foreign key would refuse them. */
	readonly takenOut: readonly TakenOut[];
}

/** What is looked for among the staged rows before they are written. */
export interface Watched {
	/** Unique keys on which new rows may clash with rows of the table. */
	readonly uniques: readonly UniqueKey[];
	/** The same, among themselves. */
	readonly amongThemselves: boolean;
	/** Names of foreign keys that may lead nowhere. */
	readonly foreignKeys: ReadonlySet<string>;
}

const staging = 'pg_temp.repot_staging';

const sameKeySql = (step: CopyStep, staged: string): string =>
	step.key.map((name) => `e.${quoteName(name)} = ${staged}.${quoteName(name)}`).join(' AND ');

/** Parts of the statements; `e` is a row of the table, `s` a staged one. */
function parts(step: CopyStep, table: TableInfo, tenant: string) {
	const sameKey = sameKeySql(step, 's');
	const values = step.columns.filter((column) => !step.key.includes(column.name)).map((column) => column.name);
	const changed = values.flatMap((name) => {
		const column = table.columns.get(name);
		return column === undefined ? [] : [`(${differs(column, `e.${quoteName(name)}`, `s.${quoteName(name)}`)})`];
	});
	const owner = tenantOf(step, tenant, 'e', table);
	const others = [
		...(step.collection === undefined ? [] : ['e.collection_id IS DISTINCT FROM s.collection_id']),
		...(owner === null ? [] : [`coalesce(${owner} <> '${tenant.replaceAll("'", "''")}', false)`]),
	];
	return { sameKey, values, changed: changed.join(' OR ') || 'false', others: others.join(' OR ') || 'false' };
}

/** The staged copy has the columns' types without constraints, and a number that tells a row's place in the batch. */
async function stage(session: Session, step: CopyStep, table: TableInfo, data: Uint8Array): Promise<void> {
	const columns = step.columns.map((column) => quoteName(column.name)).join(', ');
	await session.query(
		`CREATE TEMP TABLE repot_staging ON COMMIT DROP AS SELECT ${columns} FROM ${table.qualified} WITH NO DATA;
		ALTER TABLE ${staging} ADD COLUMN repot_row bigint GENERATED ALWAYS AS IDENTITY`,
	);
	await session.copyIn(copyStatement(staging, step), data);
}

async function refuseDiffering(session: Session, step: CopyStep, table: TableInfo, where: string): Promise<void> {
	const key = `ARRAY[${step.key.map((name) => `e.${quoteName(name)}::text`).join(', ')}]`;
	const { rows } = await session.query(
		`SELECT count(*) AS count, array_to_string((array_agg(k ORDER BY k))[1:5], '; ') AS sample
		FROM (SELECT array_to_string(${key}, ', ', 'NULL') AS k FROM ${staging} s JOIN ${table.qualified} e ON ${where}) d`,
	);
	if (number(rows[0], 'count') === 0) return;
	throw new RepotError({
		kind: 'stale-plan',
		code: 'KEY_DIFFERS',
		message: `The table ${step.table} holds other values under keys of this batch`,
		where: `${step.table} (${step.key.join(', ')})`,
		why: `Keys: ${text(rows[0], 'sample')}`,
		next: ['Plan again; the new plan counts these conflicts and --on-conflict says what to do with them'],
	});
}

/** Takes new rows that would be refused out of the staged ones, so that the rest can be written at once. */
async function takeOut(session: Session, staged: Staged, watched: Watched): Promise<TakenOut[]> {
	const orphans = await takeOutOrphans(session, staged, watched.foreignKeys);
	const held = await takeOutHeld(session, staged, watched.uniques);
	const repeated = watched.amongThemselves ? await takeOutRepeated(session, staged, watched.uniques) : [];
	// What referred to one of those.
	const left = held.length + repeated.length > 0 ? await takeOutOrphans(session, staged, watched.foreignKeys) : [];
	return [...orphans, ...held, ...repeated, ...left];
}

const columnsOf = (step: CopyStep): string[] => step.columns.map((column) => quoteName(column.name));

/** Writes a batch of new rows through a staging table, less those that would be refused. A key that the table holds is an error, as for COPY. */
export async function copyWatched(
	session: Session,
	request: BatchRequest,
	table: TableInfo,
	watched: Watched,
	data: Uint8Array,
): Promise<Merged> {
	const { step } = request;
	await stage(session, step, table, data);
	const takenOut = await takeOut(session, { step, table, staging, isNew: () => 'true' }, watched);
	const columns = columnsOf(step).join(', ');
	const { affected } = await session.query(
		`INSERT INTO ${table.qualified} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM ${staging} ORDER BY repot_row`,
	);
	return { written: affected, updated: 0, skipped: 0, heldByOthers: [], takenOut };
}

/**
 * Merges a batch through a staging table. A key that another tenant or collection holds is never touched, whatever the policy.
 * `fail`: rows with equal values stay, a difference stops the batch. `skip`: rows that are there stay. `update`: rows that differ
 * are saved to repot.overwritten and overwritten; equal ones stay.
 * New rows that `watched` finds are left out and named.
 */
export async function mergeRows(
	session: Session,
	request: BatchRequest,
	table: TableInfo,
	watched: Watched,
	data: Uint8Array,
	rows: number,
): Promise<Merged> {
	const { run, step, sequence, policy } = request;
	await stage(session, step, table, data);
	const { sameKey, values, changed, others } = parts(step, table, request.tenant);
	const held = await session.query(
		`SELECT s.repot_row - 1 AS position FROM ${staging} s JOIN ${table.qualified} e ON ${sameKey} WHERE ${others} ORDER BY 1`,
	);
	const differing = `${sameKey} AND NOT (${others}) AND (${changed})`;
	if (policy === 'fail') await refuseDiffering(session, step, table, differing);
	let updated = 0;
	if (policy === 'update' && values.length > 0) {
		const key = `ARRAY[${step.key.map((name) => `e.${quoteName(name)}::text`).join(', ')}]`;
		const [column, writer] = (await keepsWriters(session)) ? [', writer', ', e.xmin::text::bigint AS writer'] : ['', ''];
		await session.query(
			`INSERT INTO repot.overwritten (run_id, step_id, sequence, key, row${column})
			SELECT $1, $2, $3::integer, k, r${column} FROM (SELECT ${key} AS k, e::text AS r${writer} FROM ${table.qualified} e JOIN ${staging} s ON ${differing} FOR UPDATE OF e) o
			ON CONFLICT (run_id, step_id, key) DO NOTHING`,
			[run, step.id, String(sequence)],
		);
		const assignments = values.map((name) => `${quoteName(name)} = s.${quoteName(name)}`).join(', ');
		updated = (await session.query(`UPDATE ${table.qualified} e SET ${assignments} FROM ${staging} s WHERE ${differing}`)).affected;
	}
	const isNew = (alias: string): string => `NOT EXISTS (SELECT 1 FROM ${table.qualified} e WHERE ${sameKeySql(step, alias)})`;
	const takenOut = await takeOut(session, { step, table, staging, isNew }, watched);
	const columns = columnsOf(step);
	const inserted = await session.query(
		`INSERT INTO ${table.qualified} (${columns.join(', ')}) OVERRIDING SYSTEM VALUE SELECT ${columns.map((name) => `s.${name}`).join(', ')} FROM ${staging} s
		WHERE ${isNew('s')} ORDER BY s.repot_row`,
	);
	const heldByOthers = held.rows.map((row) => number(row, 'position'));
	const skipped = rows - inserted.affected - updated - heldByOthers.length - takenOut.length;
	return { written: inserted.affected, updated, skipped, heldByOthers, takenOut };
}
