import type { CopyStep } from '../../source/core/plan/types.js';
import { namesIn, type TableInfo } from './catalog.js';
import type { Session } from './driver.js';
import { boolean, parseArray, quoteName, text, textOrNull } from './sql-text.js';

/** A unique constraint or unique index of a table. Of an index with INCLUDE, only the columns that make it unique. */
export interface UniqueKey {
	readonly name: string;
	/** What is unique, as SQL over the table's columns: quoted names, or expressions such as `lower(email)`. */
	readonly parts: readonly string[];
	/** By part, the collation that the index compares by when it is not the column's own; null: the value's own. Left out: all null. */
	readonly collations?: readonly (string | null)[];
	/** Rows that it holds for, as SQL over the table's columns; null: all. */
	readonly predicate: string | null;
	/** NULLS NOT DISTINCT, since PostgreSQL 15. */
	readonly nullsEqual: boolean;
	/** Columns that parts and predicate read. */
	readonly reads: readonly string[];
	/**
	 * Of those, what a row gets that is written without them, as SQL: NULL, or a default that is a constant. Columns whose value the server
	 * makes up (identity, generated, a default that is computed) are not among them. Left out: none.
	 */
	readonly unsent?: ReadonlyMap<string, string>;
}

/** How messages name it: `items_email_key (lower(email))`. */
export const nameUniqueKey = ({ name, parts }: Pick<UniqueKey, 'name' | 'parts'>): string => `${name} (${parts.join(', ')})`;

/**
 * Unique constraints and indexes from the catalogs, in the order of their names. An index that backs a constraint depends on the
 * constraint and not on the columns, so `reads` comes from its key as well as from pg_depend. A constant is a Const node, with nothing or
 * a relabelling around it (nodes/primnodes.h).
 */
export async function uniqueKeysOf(session: Session, table: Pick<TableInfo, 'oid'>): Promise<readonly UniqueKey[]> {
	const { rows } = await session.query(
		`SELECT c.relname AS name, pg_get_expr(i.indpred, i.indrelid, true) AS predicate,
			(SELECT array_agg(pg_get_indexdef(i.indexrelid, nth, true) ORDER BY nth)::text FROM generate_series(1, i.indnkeyatts::int) AS nth) AS parts,
			(SELECT array_agg(CASE WHEN l.oid IS NOT NULL AND l.oid IS DISTINCT FROM a.attcollation THEN quote_ident(n.nspname) || '.' || quote_ident(l.collname) END ORDER BY nth)::text
				FROM generate_series(1, i.indnkeyatts::int) AS nth LEFT JOIN pg_collation l ON l.oid = (i.indcollation::oid[])[nth - 1] LEFT JOIN pg_namespace n ON n.oid = l.collnamespace
				LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = (i.indkey::int2[])[nth - 1] AND a.attnum > 0) AS collations,
			coalesce((to_jsonb(i)->>'indnullsnotdistinct')::boolean, false) AS nulls_equal, reads.names, reads.unsent
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid CROSS JOIN LATERAL (
			SELECT array_agg(a.attname::text ORDER BY a.attnum)::text AS names, array_agg(CASE WHEN a.attidentity <> '' OR a.attgenerated <> '' THEN NULL
				WHEN d.adbin IS NULL THEN 'NULL::' || format_type(a.atttypid, a.atttypmod)
				WHEN d.adbin::text ~ '^(\\{RELABELTYPE :arg )*\\{CONST ' THEN '(' || pg_get_expr(d.adbin, d.adrelid) || ')::' || format_type(a.atttypid, a.atttypmod) END ORDER BY a.attnum)::text AS unsent
			FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = i.indrelid AND a.attnum > 0
				AND (a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) OR a.attnum IN (SELECT d.refobjsubid FROM pg_depend d
					WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid))) reads
		WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisready ORDER BY c.relname`,
		[table.oid],
	);
	return rows.map((row) => {
		const reads = namesIn(textOrNull(row, 'names') ?? '{}');
		const unsent = parseArray(textOrNull(row, 'unsent') ?? '{}');
		return {
			name: text(row, 'name'),
			parts: namesIn(text(row, 'parts')),
			collations: parseArray(text(row, 'collations')),
			predicate: textOrNull(row, 'predicate'),
			nullsEqual: boolean(row, 'nulls_equal'),
			reads,
			unsent: new Map(reads.flatMap((name, place) => (unsent[place] === null ? [] : [[name, unsent[place] ?? 'NULL'] as const]))),
		};
	});
}

/** Columns alone, over all rows: comparing it cannot fail on any value. */
export const isPlain = ({ predicate, parts, reads }: UniqueKey): boolean =>
	predicate === null && parts.every((part) => reads.some((name) => part === name || part === quoteName(name)));

/**
 * Whether two rows that are equal in the unique key have the same key of the step: then it is the step's key, or that with more
 * columns, and violating it says that the step's key is taken. A collation of its own may take different keys for equal.
 */
export const impliesStepKey = (unique: UniqueKey, step: Pick<CopyStep, 'key'>): boolean =>
	step.key.every((column) =>
		unique.parts.some((part, place) => (part === column || part === quoteName(column)) && (unique.collations?.[place] ?? null) === null),
	);

const sends = (step: Pick<CopyStep, 'columns'>, name: string): boolean => step.columns.some((column) => column.name === name);

/** Whether all that the unique key reads of a record is known before it is written: sent, or what the server takes for a column not sent. */
const isKnown = (unique: UniqueKey, step: Pick<CopyStep, 'columns'>): boolean =>
	unique.reads.every((name) => sends(step, name) || unique.unsent?.has(name) === true);

/**
 * Unique keys on which a record may clash with a row of another key, as far as it is known before the record is written what they read. A
 * unique key of columns that are all not sent is compared as well: of a constant, the second record clashes with the first.
 */
export const otherKeys = (keys: readonly UniqueKey[], step: Pick<CopyStep, 'columns' | 'key'>): readonly UniqueKey[] =>
	keys.filter((unique) => !impliesStepKey(unique, step) && isKnown(unique, step));

/** `from`, which has the step's columns, with the columns besides that the unique key reads. */
export function withUnsent(unique: UniqueKey, step: Pick<CopyStep, 'columns'>, from: string): string {
	const added = unique.reads.flatMap((name) => (sends(step, name) ? [] : [`${unique.unsent?.get(name) ?? 'NULL'} AS ${quoteName(name)}`]));
	return added.length === 0 ? from : `(SELECT *, ${added.join(', ')} FROM ${from}) repot_whole`;
}

/** The parts as they are compared, under names that no column has, because parts and predicate name columns without a table. */
export const comparedParts = ({ parts, collations }: UniqueKey): string[] =>
	parts.map((part, place) => {
		const collation = collations?.[place] ?? null;
		return `${collation === null ? part : `(${part}) COLLATE ${collation}`} AS repot_part${place}`;
	});

/** Rows on one side of a comparison by a unique key: SQL of a table expression, and what names a row of it. */
interface Side {
	readonly from: string;
	readonly place: string;
	/** SQL for whose row it is. */
	readonly owner?: string | null;
}

/**
 * A statement that gives `place` of every row of `left` whose unique key a row of `right` with another step key holds, and `owner` of
 * that row, where one is asked for. Both sides have the columns that the unique key reads, under their names, and those of the step's key.
 */
export function clashSql(unique: UniqueKey, step: Pick<CopyStep, 'key'>, left: Side, right: Pick<Side, 'from' | 'owner'>): string {
	const where = unique.predicate === null ? '' : ` WHERE ${unique.predicate}`;
	const parts = comparedParts(unique);
	const key = step.key.map((name, index) => `${quoteName(name)} AS repot_key${index}`);
	const same = unique.parts.map((_, index) => {
		const [mine, theirs] = [`l.repot_part${index}`, `r.repot_part${index}`];
		// IS NOT DISTINCT FROM would keep the server from using the index.
		return unique.nullsEqual ? `(${mine} = ${theirs} OR (${mine} IS NULL AND ${theirs} IS NULL))` : `${mine} = ${theirs}`;
	});
	const sameKey = step.key.map((_, index) => `l.repot_key${index} = r.repot_key${index}`).join(' AND ');
	const hasOwner = right.owner !== undefined && right.owner !== null;
	const owner = hasOwner ? [`${right.owner} AS repot_owner`] : [];
	return `SELECT DISTINCT l.repot_place AS place${hasOwner ? ', r.repot_owner AS owner' : ''} FROM (SELECT ${[`${left.place} AS repot_place`, ...key, ...parts].join(', ')} FROM ${left.from}${where}) l
		JOIN (SELECT ${[...key, ...parts, ...owner].join(', ')} FROM ${right.from}${where}) r ON ${same.join(' AND ')} AND NOT (${sameKey})`;
}
