import type { TableInfo } from './catalog.js';
import type { Session } from './driver.js';
import { databaseIdentity } from './ledger.js';
import { boolean, text, textOrNull } from './sql-text.js';

/**
 * SQL that is true for rows whose xmin is a transaction of the batches of run $1, step $2: written by that run and not touched
 * since. xmin is the low half of the 64-bit number that the ledger holds; it survives freezing.
 */
export const writtenBy = (alias: string): string =>
	`${alias}.xmin::text IN (SELECT (xid::text::numeric % 4294967296)::bigint::text FROM repot.batch WHERE run_id = $1 AND step_id = $2)`;

export interface Provenance {
	/** Why xmin proves nothing here, or null when it does. */
	readonly doubt: string | null;
}

/**
 * xmin means what the ledger says only in the same cluster and database, in the same table, and before the 32-bit number can
 * have come round: anything else is doubt, and doubt keeps every row. `table` is null when it is gone.
 */
export async function provenance(session: Session, run: string, step: string, table: TableInfo | null): Promise<Provenance> {
	const identity = await databaseIdentity(session);
	const { rows } = await session.query(
		`SELECT r.system_identifier AS system, r.database::text AS database, s.table_oid::text AS table_oid,
			coalesce((SELECT pg_snapshot_xmax(pg_current_snapshot())::text::numeric - min(b.xid::text::numeric) < 2147483648
				FROM repot.batch b WHERE b.run_id = r.id AND b.step_id = s.step_id), true) AS recent
		FROM repot.run r JOIN repot.step s ON s.run_id = r.id WHERE r.id = $1 AND s.step_id = $2`,
		[run, step],
	);
	const [row] = rows;
	if (row === undefined) return { doubt: 'the ledger does not know the step' };
	if (text(row, 'system') !== identity.system || text(row, 'database') !== identity.database) {
		return { doubt: 'the database was restored or copied from another one since, so what the run wrote cannot be told apart' };
	}
	if (table === null) return { doubt: null };
	if (textOrNull(row, 'table_oid') !== table.oid) return { doubt: `the table ${table.name} was made anew since` };
	if (!boolean(row, 'recent')) return { doubt: 'more than two thousand million transactions have passed since' };
	return { doubt: null };
}
