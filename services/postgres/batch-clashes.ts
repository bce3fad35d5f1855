import type { CopyStep } from '../../source/core/plan/types.js';
import { columnNames, namesIn, qualify, type TableInfo } from './catalog.js';
import type { Session } from './driver.js';
import { arrayLiteral, number, quoteName, text } from './sql-text.js';
import { clashSql, comparedParts, nameUniqueKey, type UniqueKey, withUnsent } from './unique-keys.js';

/** A staged row that cannot be written beside the table's rows or beside the others of its batch. */
export interface TakenOut {
	/** Zero-based place in the data. */
	readonly position: number;
	readonly code: 'UNIQUE_HELD_BY_OTHER' | 'ORPHAN';
	readonly reason: string;
}

/** The staged rows: a table that has the step's columns and numbers its rows in `repot_row` from 1. */
export interface Staged {
	readonly step: CopyStep;
	readonly table: TableInfo;
	readonly staging: string;
	/** SQL that is true for the rows of an alias that will be inserted; the others' keys are in the table. */
	readonly isNew: (alias: string) => string;
}

const clash = (position: number, { table }: Staged, unique: UniqueKey): TakenOut => ({
	position,
	code: 'UNIQUE_HELD_BY_OTHER',
	reason: `Another row of ${table.name} has the record's value of the unique key ${nameUniqueKey(unique)}`,
});

/** Takes out the new rows that clash with rows of the table. */
export async function takeOutHeld(session: Session, staged: Staged, uniques: readonly UniqueKey[]): Promise<TakenOut[]> {
	const { step, table, staging, isNew } = staged;
	const taken: TakenOut[] = [];
	for (const unique of uniques) {
		const left = { from: withUnsent(unique, step, staging), place: 'repot_row' };
		const found = await session.query(
			`DELETE FROM ${staging} s USING (${clashSql(unique, step, left, { from: table.qualified })}) c
			WHERE c.place = s.repot_row AND ${isNew('s')} RETURNING s.repot_row - 1 AS position`,
		);
		taken.push(...found.rows.map((row) => clash(number(row, 'position'), staged, unique)));
	}
	return taken;
}

/** Takes out of the new rows those that clash with an earlier one that stays. One query for each unique key finds the rows that share a value. */
export async function takeOutRepeated(session: Session, staged: Staged, uniques: readonly UniqueKey[]): Promise<TakenOut[]> {
	/** By row, the values that it shares with others: the unique key, and the first row that has the value. */
	const shared = new Map<number, { readonly unique: UniqueKey; readonly value: string }[]>();
	for (const unique of uniques) {
		for (const row of (await session.query(repeatedSql(staged, unique))).rows) {
			const place = number(row, 'place');
			const values = shared.get(place) ?? [];
			shared.set(place, values);
			values.push({ unique, value: `${unique.name} ${text(row, 'first')}` });
		}
	}
	const held = new Set<string>();
	const taken: TakenOut[] = [];
	for (const [place, values] of [...shared].toSorted(([left], [right]) => left - right)) {
		const clashing = values.find(({ value }) => held.has(value));
		if (clashing === undefined) for (const { value } of values) held.add(value);
		else taken.push(clash(place - 1, staged, clashing.unique));
	}
	if (taken.length > 0) {
		const rows = arrayLiteral(taken.map(({ position }) => String(position + 1)));
		await session.query(`DELETE FROM ${staged.staging} WHERE repot_row = ANY ($1::bigint[])`, [rows]);
	}
	return taken;
}

/** Rows that share a value of the unique key with another new row, each with the first row that has it. */
function repeatedSql({ step, staging, isNew }: Staged, unique: UniqueKey): string {
	const parts = unique.parts.map((_, place) => `repot_part${place}`);
	const whole = withUnsent(unique, step, `(SELECT s.* FROM ${staging} s WHERE ${isNew('s')}) repot_new`);
	const compared = `SELECT repot_row, ${comparedParts(unique).join(', ')} FROM ${whole}${unique.predicate === null ? '' : ` WHERE ${unique.predicate}`}`;
	const some = unique.nullsEqual ? '' : ` WHERE ${parts.map((part) => `${part} IS NOT NULL`).join(' AND ')}`;
	return `SELECT place, first FROM (SELECT repot_row AS place, min(repot_row) OVER w AS first, count(*) OVER w AS times FROM (${compared}) c${some}
		WINDOW w AS (PARTITION BY ${parts.join(', ')})) g WHERE times > 1`;
}

interface ForeignKeyInfo {
	readonly name: string;
	readonly columns: readonly string[];
	readonly parent: string;
	readonly parentName: string;
	readonly parentColumns: readonly string[];
	readonly itself: boolean;
}

/** The named foreign keys of the table, as far as this user sees every row of the table referred to. */
async function foreignKeysOf(session: Session, table: TableInfo, names: ReadonlySet<string>): Promise<ForeignKeyInfo[]> {
	const { rows } = await session.query(
		`SELECT k.conname AS name, ${columnNames('k.conrelid', 'k.conkey')} AS columns, n.nspname AS schema, p.relname AS parent,
			${columnNames('k.confrelid', 'k.confkey')} AS parent_columns, k.confrelid = k.conrelid AS itself
		FROM pg_constraint k JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace n ON n.oid = p.relnamespace
		WHERE k.conrelid = $1::oid AND k.contype = 'f' AND k.conname = ANY ($2::text[]) AND has_table_privilege(p.oid, 'SELECT') AND NOT row_security_active(p.oid)`,
		[table.oid, arrayLiteral([...names])],
	);
	return rows.map((row) => ({
		name: text(row, 'name'),
		columns: namesIn(text(row, 'columns')),
		parent: qualify(text(row, 'schema'), text(row, 'parent')),
		parentName: text(row, 'parent'),
		parentColumns: namesIn(text(row, 'parent_columns')),
		itself: text(row, 'itself') === 't',
	}));
}

/**
 * Takes out the new rows whose foreign key leads to no row, of the table referred to or, in a table that refers to itself, of the batch:
 * a statement's foreign keys are checked when it ends, so a child may come before its parent. What refers to a row that is taken out
 * goes with it. `names`: the foreign keys to look at.
 */
export async function takeOutOrphans(session: Session, staged: Staged, names: ReadonlySet<string>): Promise<TakenOut[]> {
	const { step, table, staging, isNew } = staged;
	const sent = (columns: readonly string[]): boolean => columns.every((name) => step.columns.some((column) => column.name === name));
	const keys = (await foreignKeysOf(session, table, names)).filter((key) => sent(key.columns) && (!key.itself || sent(key.parentColumns)));
	const taken: TakenOut[] = [];
	for (let before = -1; taken.length > before; ) {
		before = taken.length;
		for (const key of keys) {
			const complete = key.columns.map((name) => `s.${quoteName(name)} IS NOT NULL`).join(' AND ');
			const leads = (alias: string): string =>
				key.columns.map((name, place) => `${alias}.${quoteName(key.parentColumns[place] ?? '')} = s.${quoteName(name)}`).join(' AND ');
			const own = key.itself ? `AND NOT EXISTS (SELECT 1 FROM ${staging} o WHERE ${leads('o')} AND ${isNew('o')})` : '';
			const found = await session.query(
				`DELETE FROM ${staging} s WHERE ${isNew('s')} AND ${complete} AND NOT EXISTS (SELECT 1 FROM ${key.parent} p WHERE ${leads('p')}) ${own}
				RETURNING s.repot_row - 1 AS position`,
			);
			const reason = `${key.parentName} has no row that (${key.columns.join(', ')}) refers to (foreign key ${key.name})`;
			taken.push(...found.rows.map((row) => ({ position: number(row, 'position'), code: 'ORPHAN' as const, reason })));
		}
	}
	return taken;
}
