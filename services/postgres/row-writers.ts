import type { CopyStep } from '../../source/core/plan/types.js';
import type { RowWriter } from '../../source/core/ports.js';
import type { TableInfo } from './catalog.js';
import type { Session } from './driver.js';
import { hasLedger } from './ledger.js';
import { provenance } from './provenance.js';
import { arrayLiteral, boolean, text } from './sql-text.js';

/**
 * `wrote`: the row's transaction is one of the run's batches. `since`: it lies between the run's first batch and now, counted in
 * 32 bits as xmin is; a number that no transaction since can have belongs to a row from before, however old. Runs of other tenants, and
 * those that were taken back whole, have no rows here.
 */
const versionsSql = `
WITH runs AS (SELECT b.run_id, min(b.xid::text::numeric) AS first FROM repot.batch b JOIN repot.run r ON r.id = b.run_id
		WHERE b.step_id = $1 AND r.tenant = $3 AND r.status <> 'rolled-back' GROUP BY b.run_id),
	wrote AS (SELECT DISTINCT run_id, xid::text::numeric % 4294967296 AS version FROM repot.batch WHERE step_id = $1)
SELECT r.run_id AS run, v.version::text AS version, w.version IS NOT NULL AS wrote,
	(v.version - r.first % 4294967296 + 4294967296) % 4294967296 <= pg_snapshot_xmax(pg_current_snapshot())::text::numeric - r.first AS since
FROM runs r CROSS JOIN unnest($2::numeric[]) AS v(version) LEFT JOIN wrote w ON w.run_id = r.run_id AND w.version = v.version`;

/** By xmin, what the runs of the ledger have to do with rows of that transaction in the step's table; null without a ledger. */
export async function findWriters(
	session: Session,
	step: CopyStep,
	tenant: string,
	table: TableInfo,
	versions: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Readonly<Record<string, RowWriter>>> | null> {
	if (versions.size === 0) return new Map();
	if (!(await hasLedger(session))) return null;
	const { rows } = await session.query(versionsSql, [step.id, arrayLiteral([...versions]), tenant]);
	const doubtful = new Set<string>();
	for (const run of new Set(rows.map((row) => text(row, 'run'))))
		if ((await provenance(session, run, step.id, table)).doubt !== null) doubtful.add(run);
	const found = new Map<string, Record<string, RowWriter>>();
	for (const row of rows) {
		const run = text(row, 'run');
		const writer: RowWriter | null = doubtful.has(run)
			? 'unknown'
			: boolean(row, 'wrote')
				? 'written'
				: boolean(row, 'since')
					? 'changed'
					: null;
		if (writer === null) continue;
		const version = text(row, 'version');
		found.set(version, { ...found.get(version), [run]: writer });
	}
	return found;
}
