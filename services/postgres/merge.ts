import { RepotError } from '../../source/core/errors.js';
import type { CopyStep } from '../../source/core/plan/types.js';
import { type BatchRequest, copyStatement } from './batch-request.js';
import { differs, type TableInfo, tenantOf } from './catalog.js';
import type { Session } from './driver.js';
import { keepsWriters } from './ledger.js';
import { number, quoteName, text } from './sql-text.js';
import { clashSql, type UniqueKey } from './unique-keys.js';

export interface Merged {
	readonly written: number;
	readonly updated: number;
	readonly skipped: number;
	/** Zero-based positions in the data of rows whose key a row of another tenant or collection has. */
	readonly heldByOthers: readonly number[];
	/** The same of new rows whose value of another unique key a row of the table has. */
	readonly clashing: readonly { readonly position: number; readonly unique: UniqueKey }[];
}

const staging = 'pg_temp.repot_staging';

/** Parts of the statements; `e` is a row of the table, `s` a staged one. */
function parts(step: CopyStep, table: TableInfo, tenant: string) {
	const sameKey = step.key.map((name) => `e.${quoteName(name)} = s.${quoteName(name)}`).join(' AND ');
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

/** Takes new rows that clash on a unique key out of the staged ones, so that the rest can be written at once. */
async function takeOutClashing(
	session: Session,
	step: CopyStep,
	table: TableInfo,
	uniques: readonly UniqueKey[],
	sameKey: string,
): Promise<Merged['clashing']> {
	const clashing: Merged['clashing'][number][] = [];
	for (const unique of uniques) {
		const found = await session.query(
			`DELETE FROM ${staging} s USING (${clashSql(unique, step, { from: staging, place: 'repot_row' }, { from: table.qualified })}) c
			WHERE c.place = s.repot_row AND NOT EXISTS (SELECT 1 FROM ${table.qualified} e WHERE ${sameKey}) RETURNING s.repot_row - 1 AS position`,
		);
		clashing.push(...found.rows.map((row) => ({ position: number(row, 'position'), unique })));
	}
	return clashing;
}

/**
 * Merges a batch through a staging table. A key that another tenant or collection holds is never touched, whatever the policy.
 * `fail`: rows with equal values stay, a difference stops the batch. `skip`: rows that are there stay. `update`: rows that differ
 * are saved to repot.overwritten and overwritten; equal ones stay.
 * `uniques`: other unique keys; new rows that clash on them with rows of the table are left out and named.
 */
export async function mergeRows(
	session: Session,
	request: BatchRequest,
	table: TableInfo,
	uniques: readonly UniqueKey[],
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
	const clashing = await takeOutClashing(session, step, table, uniques, sameKey);
	const columns = step.columns.map((column) => quoteName(column.name));
	const inserted = await session.query(
		`INSERT INTO ${table.qualified} (${columns.join(', ')}) OVERRIDING SYSTEM VALUE SELECT ${columns.map((name) => `s.${name}`).join(', ')} FROM ${staging} s
		WHERE NOT EXISTS (SELECT 1 FROM ${table.qualified} e WHERE ${sameKey}) ORDER BY s.repot_row`,
	);
	const heldByOthers = held.rows.map((row) => number(row, 'position'));
	const skipped = rows - inserted.affected - updated - heldByOthers.length - clashing.length;
	return { written: inserted.affected, updated, skipped, heldByOthers, clashing };
}
