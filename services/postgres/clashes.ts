import type { CopyStep } from '../../source/core/plan/types.js';
import type { CastRecord, ComparedStep, UniqueClash } from '../../source/core/ports.js';
import { type ColumnInfo, findTable, type TableInfo, tenantOf } from './catalog.js';
import { ServerError, type Session } from './driver.js';
import { arrayLiteral, number, quoteName, textOrNull } from './sql-text.js';
import { clashSql, isPlain, otherKeys, type UniqueKey, uniqueKeysOf, withUnsent } from './unique-keys.js';
import { vectorText } from './vector-text.js';

/**
 * A sent text as a value of the column. An integer that the column cannot hold is NULL: the server refuses that record for it,
 * so it clashes with none.
 */
function typed(column: ColumnInfo | undefined, reference: string): string {
	if (column === undefined) return reference;
	const bits = column.base === 'int2' ? 15 : column.base === 'int4' ? 31 : null;
	if (bits === null) return `${reference}::${column.type}`;
	const limit = 2 ** bits;
	return `CASE WHEN ${reference}::numeric BETWEEN -${limit} AND ${limit - 1} THEN ${reference}::${column.type} END`;
}

const sentText = (value: string | Uint8Array | null | undefined): string | null =>
	value instanceof Uint8Array ? vectorText(value) : (value ?? null);

/** The records at `places` as a table expression with the columns that `unique` reads, numbered by `repot_row` from 1. */
function sentRows(unique: UniqueKey, step: CopyStep, table: TableInfo, records: readonly CastRecord[], places: readonly number[]) {
	const sent = unique.reads.filter((name) => step.columns.some((column) => column.name === name));
	const names = [...new Set([...step.key, ...sent])];
	const columns = names.map((name, index) => `${typed(table.columns.get(name), `s.v${index}`)} AS ${quoteName(name)}`);
	const params = names.map((name) => {
		const position = step.columns.findIndex((column) => column.name === name);
		return arrayLiteral(places.map((place) => sentText(records[place]?.values[position])));
	});
	const arrays = names.map((_, index) => `$${index + 1}::text[]`).join(', ');
	const rows = `(SELECT s.repot_row, ${columns.join(', ')} FROM unnest(${arrays}) WITH ORDINALITY AS s(${names.map((_, index) => `v${index}`).join(', ')}, repot_row)) sent`;
	return { from: withUnsent(unique, step, rows), params };
}

/**
 * An expression or a predicate of an index may fail on a record's values, and would when the record is written: it is refused and
 * set aside then, and clashes with none here.
 */
async function forgiving<T>(session: Session, unique: UniqueKey, empty: T, work: () => Promise<T>): Promise<T> {
	if (isPlain(unique)) return work();
	await session.query('SAVEPOINT repot_expression');
	try {
		return await work();
	} catch (error) {
		if (!(error instanceof ServerError) || !/^(22|42)/.test(error.code)) throw error;
		await session.query('ROLLBACK TO SAVEPOINT repot_expression');
		return empty;
	} finally {
		await session.query('RELEASE SAVEPOINT repot_expression');
	}
}

const holderOf = (owner: string | null, tenant: string): NonNullable<UniqueClash['holder']> =>
	owner === null ? 'nobody' : owner === tenant ? 'own' : 'other';

const planned = ({ name, columns }: { readonly name: string; readonly columns: readonly string[] }): UniqueKey => ({
	name,
	parts: columns.map(quoteName),
	predicate: null,
	nullsEqual: false,
	reads: columns,
});

/**
 * Which of the records at `places` hold a value of another unique key that a row with another key of the table holds too. Keys of which
 * it is not known before the write what they read are left out. Needs a transaction.
 */
export const findClashes = async (
	session: Session,
	step: CopyStep,
	table: TableInfo,
	records: readonly CastRecord[],
	places: readonly number[],
	tenant: string,
): Promise<ReadonlyMap<number, readonly UniqueClash[]>> =>
	clashesOn(session, otherKeys(await uniqueKeysOf(session, table), step), {}, step, table, records, places, tenant);

/**
 * The same for unique indexes that the run would make after the copy. The table has no index for them and is read whole each time, so
 * this is asked of many records at once.
 */
export async function findPlannedClashes(
	session: Session,
	step: ComparedStep,
	tenant: string,
	records: readonly CastRecord[],
): Promise<ReadonlyMap<number, readonly UniqueClash[]>> {
	const table = await findTable(session, step.table);
	if (table === null) return new Map();
	const keys = otherKeys((step.plannedUniques ?? []).map(planned), step);
	return clashesOn(session, keys, { planned: true }, step, table, records, [...records.keys()], tenant);
}

async function clashesOn(
	session: Session,
	keys: readonly UniqueKey[],
	mark: Pick<UniqueClash, 'planned'>,
	step: CopyStep,
	table: TableInfo,
	records: readonly CastRecord[],
	places: readonly number[],
	tenant: string,
): Promise<ReadonlyMap<number, readonly UniqueClash[]>> {
	const found = new Map<number, UniqueClash[]>();
	const owner = tenantOf(step, tenant, 'held', table);
	for (const unique of keys) {
		const { from, params } = sentRows(unique, step, table, records, places);
		const sql = clashSql(unique, step, { from, place: 'repot_row' }, { from: `${table.qualified} held`, owner });
		const rows = await forgiving(session, unique, [], async () => (await session.query(sql, params)).rows);
		const clash: UniqueClash = { name: unique.name, columns: mark.planned === true ? unique.reads : unique.parts, ...mark };
		for (const row of rows) {
			const place = places[number(row, 'place') - 1];
			if (place === undefined) continue;
			const known = found.get(place) ?? [];
			found.set(place, known);
			const mine = { ...clash, ...(owner === null ? {} : { holder: holderOf(textOrNull(row, 'owner'), tenant) }) };
			const same = known.findIndex(({ name }) => name === clash.name);
			if (same < 0) known.push(mine);
			else if (mine.holder === 'other') known[same] = mine;
		}
	}
	return found;
}
