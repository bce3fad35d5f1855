import type { TableRights, TargetRights } from '../../source/core/ports.js';
import type { Session } from './driver.js';
import { boolean, quoteName, text } from './sql-text.js';

/** Rights to make tables in the schema and to keep the ledger, and the statements that give them. */
export async function targetRights(session: Session): Promise<TargetRights> {
	const { rows } = await session.query(
		`SELECT current_user AS user, current_database() AS database, current_schema() AS schema, has_schema_privilege(current_schema(), 'CREATE') AS tables,
			ledger.present, coalesce(ledger.usable, has_database_privilege(current_database(), 'CREATE')) AS ledger
		FROM (SELECT count(*) > 0 AS present, bool_and(has_schema_privilege(n.oid, 'USAGE') AND CASE
				WHEN EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'run') THEN NOT EXISTS (
					SELECT 1 FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS needed
					WHERE c.relnamespace = n.oid AND c.relkind = 'r' AND NOT has_table_privilege(c.oid, needed))
				ELSE has_schema_privilege(n.oid, 'CREATE') END) AS usable
			FROM pg_namespace n WHERE n.nspname = 'repot') ledger`,
	);
	const [row] = rows;
	const name = text(row, 'user');
	const user = quoteName(name);
	const ledger = boolean(row, 'present')
		? `GRANT USAGE, CREATE ON SCHEMA repot TO ${user}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA repot TO ${user};`
		: `GRANT CREATE ON DATABASE ${quoteName(text(row, 'database'))} TO ${user};`;
	return {
		ledger: boolean(row, 'ledger'),
		tables: boolean(row, 'tables'),
		user: name,
		grants: { ledger, tables: `GRANT USAGE, CREATE ON SCHEMA ${quoteName(text(row, 'schema'))} TO ${user};` },
	};
}

/** What this user may do with a table. */
export async function tableRights(session: Session, oid: string): Promise<TableRights> {
	const { rows } = await session.query(
		`SELECT pg_has_role(relowner, 'USAGE') AS owner, has_table_privilege(oid, 'INSERT') AS insert, has_table_privilege(oid, 'UPDATE') AS update,
			has_table_privilege(oid, 'DELETE') AS delete, has_table_privilege(oid, 'REFERENCES') AS "references" FROM pg_class WHERE oid = $1::oid`,
		[oid],
	);
	const [row] = rows;
	return {
		owner: boolean(row, 'owner'),
		insert: boolean(row, 'insert'),
		update: boolean(row, 'update'),
		delete: boolean(row, 'delete'),
		references: boolean(row, 'references'),
	};
}
