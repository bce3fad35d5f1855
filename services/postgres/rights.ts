import type { TableRights, TargetRights } from '../../source/core/ports.js';
import { namesIn } from './catalog.js';
import type { Session } from './driver.js';
import { openness } from './server-state.js';
import { boolean, quoteName, text } from './sql-text.js';

/** Rights to make tables in the schema and to keep the ledger, whether changes are taken at all, and the statements that mend it. */
export async function targetRights(session: Session): Promise<TargetRights> {
	const { rows } = await session.query(
		`SELECT current_user AS user, current_database() AS database, current_schema() AS schema, has_schema_privilege(current_schema(), 'CREATE') AS tables,
			has_database_privilege(current_database(), 'TEMP') AS temporary,
			ledger.present, coalesce(ledger.usable, has_database_privilege(current_database(), 'CREATE')) AS ledger
		FROM (SELECT count(*) > 0 AS present, bool_and(has_schema_privilege(n.oid, 'USAGE') AND CASE
				WHEN EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'run') THEN NOT EXISTS (
					SELECT 1 FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS needed
					WHERE c.relnamespace = n.oid AND c.relkind = 'r' AND NOT has_table_privilege(c.oid, needed))
				ELSE has_schema_privilege(n.oid, 'CREATE') END) AS usable
			FROM pg_namespace n WHERE n.nspname = 'repot') ledger`,
	);
	const { frozen, unguarded } = await openness(session);
	const [row] = rows;
	const name = text(row, 'user');
	const user = quoteName(name);
	const ledger = boolean(row, 'present')
		? `GRANT USAGE, CREATE ON SCHEMA repot TO ${user}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA repot TO ${user};`
		: `GRANT CREATE ON DATABASE ${quoteName(text(row, 'database'))} TO ${user};`;
	return {
		ledger: boolean(row, 'ledger'),
		tables: boolean(row, 'tables'),
		temporary: boolean(row, 'temporary'),
		user: name,
		grants: {
			ledger,
			temporary: `GRANT TEMP ON DATABASE ${quoteName(text(row, 'database'))} TO ${user};`,
			tables: `GRANT USAGE, CREATE ON SCHEMA ${quoteName(text(row, 'schema'))} TO ${user};`,
		},
		...(frozen.length === 0 ? {} : { frozen }),
		...(unguarded === null ? {} : { unguarded }),
	};
}

/** Columns whose default takes from a sequence that this user may not use. The sequence of an identity column asks for no right. */
async function closedSequences(session: Session, oid: string): Promise<NonNullable<TableRights['closedSequences']>> {
	const { rows } = await session.query(
		`SELECT a.attname AS column, format('%I.%I', n.nspname, s.relname) AS sequence
		FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
			JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid AND p.refclassid = 'pg_class'::regclass
			JOIN pg_class s ON s.oid = p.refobjid JOIN pg_namespace n ON n.oid = s.relnamespace
		WHERE d.adrelid = $1::oid AND CASE WHEN s.relkind = 'S' THEN NOT has_sequence_privilege(s.oid, 'USAGE, UPDATE') ELSE false END ORDER BY a.attnum`,
		[oid],
	);
	return rows.map((row) => ({ column: text(row, 'column'), sequence: text(row, 'sequence') }));
}

/** What this user may do with a table, from the catalogs alone. */
export async function tableRights(session: Session, oid: string): Promise<TableRights> {
	const { rows } = await session.query(
		`SELECT pg_has_role(relowner, 'USAGE') AS owner, has_table_privilege(oid, 'SELECT') AS select, has_table_privilege(oid, 'INSERT') AS insert,
			has_table_privilege(oid, 'UPDATE') AS update, has_table_privilege(oid, 'DELETE') AS delete,
			has_table_privilege(oid, 'REFERENCES') AS "references", row_security_active(oid) AS secured,
			(SELECT coalesce(array_agg(attname::text ORDER BY attnum), '{}')::text FROM pg_attribute
				WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND has_column_privilege(c.oid, attnum, 'INSERT')) AS fillable
		FROM pg_class c WHERE oid = $1::oid`,
		[oid],
	);
	const [row] = rows;
	const insert = boolean(row, 'insert');
	const fillable = namesIn(text(row, 'fillable'));
	const closed = await closedSequences(session, oid);
	return {
		owner: boolean(row, 'owner'),
		...(boolean(row, 'select') ? {} : { select: false }),
		insert,
		...(insert || fillable.length === 0 ? {} : { insertColumns: fillable }),
		update: boolean(row, 'update'),
		delete: boolean(row, 'delete'),
		references: boolean(row, 'references'),
		...(boolean(row, 'secured') ? { rowSecurity: true } : {}),
		...(closed.length === 0 ? {} : { closedSequences: closed }),
	};
}
