import type { CopyStep } from '../../source/core/plan/types.js';
import { namesIn, type TableInfo } from './catalog.js';
import type { Session } from './driver.js';
import { boolean, quoteName, text, textOrNull } from './sql-text.js';

/** A unique constraint or unique index of a table. Of an index with INCLUDE, only the columns that make it unique. */
export interface UniqueKey {
	readonly name: string;
	/** What is unique, as SQL over the table's columns: quoted names, or expressions such as `lower(email)`. */
	readonly parts: readonly string[];
	/** Rows that it holds for, as SQL over the table's columns; null: all. */
	readonly predicate: string | null;
	/** NULLS NOT DISTINCT, since PostgreSQL 15. */
	readonly nullsEqual: boolean;
	/** Columns that parts and predicate read. */
	readonly reads: readonly string[];
}

/** How messages name it: `items_email_key (lower(email))`. */
export const nameUniqueKey = ({ name, parts }: Pick<UniqueKey, 'name' | 'parts'>): string => `${name} (${parts.join(', ')})`;

/**
 * Unique constraints and indexes from the catalogs, in the order of their names. An index that backs a constraint depends on the
 * constraint and not on the columns, so `reads` comes from its key as well as from pg_depend.
 */
export async function uniqueKeysOf(session: Session, table: TableInfo): Promise<readonly UniqueKey[]> {
	const { rows } = await session.query(
		`SELECT c.relname AS name, pg_get_expr(i.indpred, i.indrelid, true) AS predicate,
			(SELECT array_agg(pg_get_indexdef(i.indexrelid, nth, true) ORDER BY nth)::text FROM generate_series(1, i.indnkeyatts::int) AS nth) AS parts,
			coalesce((to_jsonb(i)->>'indnullsnotdistinct')::boolean, false) AS nulls_equal,
			(SELECT array_agg(a.attname::text ORDER BY a.attnum)::text FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum > 0
				AND (a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) OR a.attnum IN (SELECT d.refobjsubid FROM pg_depend d
					WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid))) AS reads
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisready ORDER BY c.relname`,
		[table.oid],
	);
	return rows.map((row) => ({
		name: text(row, 'name'),
		parts: namesIn(text(row, 'parts')),
		predicate: textOrNull(row, 'predicate'),
		nullsEqual: boolean(row, 'nulls_equal'),
		reads: namesIn(textOrNull(row, 'reads') ?? '{}'),
	}));
}

/** Columns alone, over all rows: comparing it cannot fail on any value. */
export const isPlain = ({ predicate, parts, reads }: UniqueKey): boolean =>
	predicate === null && parts.every((part) => reads.some((name) => part === name || part === quoteName(name)));

/**
 * Whether two rows that are equal in the unique key have the same key of the step: then it is the step's key, or that with more
 * columns, and violating it says that the step's key is taken.
 */
export const impliesStepKey = (unique: UniqueKey, step: Pick<CopyStep, 'key'>): boolean =>
	step.key.every((column) => unique.parts.some((part) => part === column || part === quoteName(column)));

/** Unique keys on which a record may clash with a row of another key, as far as the step itself sends all that they read. */
export const otherKeys = (keys: readonly UniqueKey[], step: CopyStep): readonly UniqueKey[] =>
	keys.filter(
		(unique) => !impliesStepKey(unique, step) && unique.reads.every((name) => step.columns.some((column) => column.name === name)),
	);

/** Rows on one side of a comparison by a unique key: SQL of a table expression, and what names a row of it. */
interface Side {
	readonly from: string;
	readonly place: string;
}

/**
 * A statement that gives `place` of every row of `left` whose unique key a row of `right` with another step key holds. Both sides
 * have the columns that the unique key reads, under their names, and those of the step's key.
 */
export function clashSql(unique: UniqueKey, step: Pick<CopyStep, 'key'>, left: Side, right: Pick<Side, 'from'>): string {
	const where = unique.predicate === null ? '' : ` WHERE ${unique.predicate}`;
	// Names that no column has, because parts and predicate name columns without a table.
	const parts = unique.parts.map((part, index) => `${part} AS repot_part${index}`);
	const key = step.key.map((name, index) => `${quoteName(name)} AS repot_key${index}`);
	const same = unique.parts.map((_, index) => {
		const [mine, theirs] = [`l.repot_part${index}`, `r.repot_part${index}`];
		// IS NOT DISTINCT FROM would keep the server from using the index.
		return unique.nullsEqual ? `(${mine} = ${theirs} OR (${mine} IS NULL AND ${theirs} IS NULL))` : `${mine} = ${theirs}`;
	});
	const sameKey = step.key.map((_, index) => `l.repot_key${index} = r.repot_key${index}`).join(' AND ');
	return `SELECT DISTINCT l.repot_place AS place FROM (SELECT ${[`${left.place} AS repot_place`, ...key, ...parts].join(', ')} FROM ${left.from}${where}) l
		JOIN (SELECT ${[...key, ...parts].join(', ')} FROM ${right.from}${where}) r ON ${same.join(' AND ')} AND NOT (${sameKey})`;
}
