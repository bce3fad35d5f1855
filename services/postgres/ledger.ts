import { RepotError } from '../../source/core/errors.js';
import { isCopyStep, type Plan, type Step } from '../../source/core/plan/types.js';
import type { Ledger, LedgerRun, LedgerStep } from '../../source/core/ports.js';
import { type Driver, type Row, ServerError, type Session } from './driver.js';
import { boolean, isoTime, number, text, textOrNull } from './sql-text.js';

/** Only when the schema is absent: an administrator may have made it for a user who may not. The comment says that it goes with the ledger. */
const schemaSql = `
CREATE SCHEMA repot;
COMMENT ON SCHEMA repot IS 'Ledger of repot: what each run wrote, for resuming and undoing it. Format 1.';
`;

/**
 * The ledger's tables. `run.plan` is json, not jsonb: the plan is kept as it was written, and sample keys may hold what jsonb
 * refuses. `batch.xid` is the transaction that wrote the batch: every row it wrote has that number as `xmin` until it is changed.
 * `overwritten.row` is the text form of the whole row before it was overwritten, `writer` its xmin then. A sequence below 0 in `batch` is
 * a transaction by which a rollback of another run gave rows back to this one; it read no source.
 */
const ledgerSql = `
CREATE TABLE repot.run (
	id text PRIMARY KEY, plan_id text NOT NULL, intent text NOT NULL, status text NOT NULL, environment text NOT NULL, tenant text NOT NULL,
	operator text NOT NULL, version text NOT NULL, plan json NOT NULL, system_identifier text NOT NULL, database oid NOT NULL,
	started timestamptz NOT NULL, finished timestamptz, written bigint NOT NULL DEFAULT 0, quarantined bigint NOT NULL DEFAULT 0);
CREATE TABLE repot.step (
	run_id text NOT NULL REFERENCES repot.run ON DELETE CASCADE, step_id text NOT NULL, position integer NOT NULL GENERATED ALWAYS AS IDENTITY,
	kind text NOT NULL, state text NOT NULL, object text, created boolean NOT NULL DEFAULT false, table_oid oid,
	removed bigint NOT NULL DEFAULT 0, restored bigint NOT NULL DEFAULT 0, finished_at timestamptz, PRIMARY KEY (run_id, step_id));
CREATE TABLE repot.batch (
	run_id text NOT NULL REFERENCES repot.run ON DELETE CASCADE, step_id text NOT NULL, sequence integer NOT NULL,
	first_cursor text NOT NULL, last_cursor text NOT NULL, rows bigint NOT NULL, bytes bigint NOT NULL, rejected bigint NOT NULL,
	skipped bigint NOT NULL DEFAULT 0, updated bigint NOT NULL DEFAULT 0, refused jsonb NOT NULL DEFAULT '[]', xid xid8 NOT NULL,
	committed_at timestamptz NOT NULL, milliseconds bigint NOT NULL DEFAULT 0, PRIMARY KEY (run_id, step_id, sequence));
CREATE TABLE repot.overwritten (
	run_id text NOT NULL REFERENCES repot.run ON DELETE CASCADE, step_id text NOT NULL, sequence integer NOT NULL, key text[] NOT NULL, row text NOT NULL, writer bigint,
	PRIMARY KEY (run_id, step_id, key));
`;

/** Their names, without the schema. */
export const ledgerTables: ReadonlySet<string> = new Set(['run', 'step', 'batch', 'overwritten']);

const runColumns = 'id, plan_id, intent, status, environment, tenant, operator, started, finished, written, quarantined';

const toRun = (row: Row): LedgerRun => {
	const finished = textOrNull(row, 'finished');
	return {
		id: text(row, 'id'),
		plan: text(row, 'plan_id'),
		intent: text(row, 'intent'),
		status: text(row, 'status') as LedgerRun['status'],
		environment: text(row, 'environment'),
		tenant: text(row, 'tenant'),
		operator: text(row, 'operator'),
		startedAt: isoTime(text(row, 'started')),
		finishedAt: finished === null ? null : isoTime(finished),
		written: number(row, 'written'),
		quarantined: number(row, 'quarantined'),
	};
};

/** Steps that read a source or change the schema; other rows of repot.step only record objects. */
const toStep = (row: Row): LedgerStep => ({
	id: text(row, 'step_id'),
	state: text(row, 'state') === 'running' ? 'running' : 'done',
	lastBatch: number(row, 'last_batch'),
	lastCursor: textOrNull(row, 'last_cursor'),
	rows: number(row, 'rows'),
	bytes: number(row, 'bytes'),
	rejected: number(row, 'rejected'),
	skipped: number(row, 'skipped'),
	refused: (JSON.parse(text(row, 'refused')) as StoredRefusal[]).map(({ key, ...refused }) =>
		key === null ? refused : { ...refused, key },
	),
});

/** A version that did not keep the keys left null. */
type StoredRefusal = Omit<NonNullable<LedgerStep['refused']>[number], 'key'> & { readonly key: readonly string[] | null };

export async function hasLedger(session: Session): Promise<boolean> {
	const { rows } = await session.query(
		"SELECT count(*) > 0 AS present FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'repot' AND c.relname = 'run'",
	);
	return boolean(rows[0], 'present');
}

/** Whether the ledger says whose the overwritten rows were: one of an earlier version does not. */
export async function hasWriters(session: Session): Promise<boolean> {
	const { rows } = await session.query(
		"SELECT count(*) > 0 AS present FROM pg_attribute WHERE attrelid = 'repot.overwritten'::regclass AND attname = 'writer' AND NOT attisdropped",
	);
	return boolean(rows[0], 'present');
}

/**
 * Before rows are overwritten: gives a ledger of an earlier version the column for their writers. False where this user may not; the rows
 * are then saved without, and after a rollback they are nobody's.
 */
export async function keepsWriters(session: Session): Promise<boolean> {
	if (await hasWriters(session)) return true;
	const { rows } = await session.query(
		"SELECT pg_has_role(relowner, 'USAGE') AS may FROM pg_class WHERE oid = 'repot.overwritten'::regclass",
	);
	if (!boolean(rows[0], 'may')) return false;
	await session.query('ALTER TABLE repot.overwritten ADD COLUMN IF NOT EXISTS writer bigint');
	return true;
}

async function makeLedger(session: Session): Promise<void> {
	const { rows } = await session.query("SELECT count(*) > 0 AS present FROM pg_namespace WHERE nspname = 'repot'");
	if (!boolean(rows[0], 'present')) await session.query(schemaSql);
	await session.query(ledgerSql);
}

/** Numbers of runs are random: two alike are a defect, and one run must not go on in the other's record. */
const runIdTaken = (id: string): RepotError =>
	new RepotError({ kind: 'internal', code: 'RUN_ID_TAKEN', message: `The target's ledger already holds a run ${id}`, where: 'repot.run' });

/** What identifies the cluster and database whose transaction numbers the ledger holds. */
export async function databaseIdentity(session: Session): Promise<{ readonly system: string; readonly database: string }> {
	const { rows } = await session.query('SELECT oid::text AS oid FROM pg_database WHERE datname = current_database()');
	const database = text(rows[0], 'oid');
	const permitted = await session.query("SELECT has_function_privilege('pg_control_system()', 'EXECUTE') AS may");
	if (!boolean(permitted.rows[0], 'may')) return { system: 'unknown', database };
	const control = await session.query('SELECT system_identifier::text AS system FROM pg_control_system()');
	return { system: text(control.rows[0], 'system'), database };
}

export async function listRuns(session: Session): Promise<readonly LedgerRun[]> {
	if (!(await hasLedger(session))) return [];
	const { rows } = await session.query(`SELECT ${runColumns} FROM repot.run ORDER BY started DESC, id DESC`);
	return rows.map(toRun);
}

export interface StoredRun {
	readonly run: LedgerRun;
	readonly plan: Plan;
	readonly system: string;
	readonly database: string;
}

async function findRun(session: Session, run: string): Promise<StoredRun | null> {
	if (!(await hasLedger(session))) return null;
	const { rows } = await session.query(
		`SELECT ${runColumns}, plan::text AS plan, system_identifier, database::text AS database FROM repot.run WHERE id = $1`,
		[run],
	);
	const [row] = rows;
	if (row === undefined) return null;
	return {
		run: toRun(row),
		plan: JSON.parse(text(row, 'plan')) as Plan,
		system: text(row, 'system_identifier'),
		database: text(row, 'database'),
	};
}

/** @throws RepotError usage `NO_SUCH_RUN` */
export async function requireRun(session: Session, run: string): Promise<StoredRun> {
	const stored = await findRun(session, run);
	if (stored !== null) return stored;
	throw new RepotError({
		kind: 'usage',
		code: 'NO_SUCH_RUN',
		message: `The target's ledger holds no run ${run}`,
		next: ['List the runs with: repot runs'],
	});
}

/** Records an object and whether the run made it; the first record stays. */
export async function recordObject(
	session: Session,
	run: string,
	step: { readonly id: string; readonly kind: string; readonly object: string },
	created: boolean,
	tableOid: string | null,
): Promise<void> {
	await session.query(
		`INSERT INTO repot.step (run_id, step_id, kind, state, object, created, table_oid, finished_at)
		VALUES ($1, $2, $3, 'done', $4, $5, $6, clock_timestamp()) ON CONFLICT (run_id, step_id) DO NOTHING`,
		[run, step.id, step.kind, step.object, created ? 't' : 'f', tableOid],
	);
}

const stepsSql = `
SELECT s.step_id, s.state, coalesce(b.last_batch, -1) AS last_batch, l.last_cursor, coalesce(b.rows, 0) AS rows, coalesce(b.bytes, 0) AS bytes,
	coalesce(b.rejected, 0) AS rejected, coalesce(b.skipped, 0) AS skipped,
	coalesce((SELECT json_agg(json_build_object('batch', x.sequence, 'first', x.first_cursor,
		'after', (SELECT p.last_cursor FROM repot.batch p WHERE p.run_id = x.run_id AND p.step_id = x.step_id AND p.sequence = x.sequence - 1 AND p.sequence >= 0), 'row', r->'row', 'code', r->'code', 'reason', r->'reason', 'key', r->'key') ORDER BY x.sequence, (r->>'row')::bigint)
		FROM repot.batch x CROSS JOIN LATERAL jsonb_array_elements(x.refused) r WHERE x.run_id = s.run_id AND x.step_id = s.step_id AND x.refused <> '[]'), '[]') AS refused
FROM repot.step s
LEFT JOIN (SELECT step_id, max(sequence) AS last_batch, sum(rows + updated) AS rows, sum(bytes) AS bytes, sum(rejected) AS rejected, sum(skipped) AS skipped
	FROM repot.batch WHERE run_id = $1 GROUP BY step_id) b USING (step_id)
LEFT JOIN repot.batch l ON l.run_id = s.run_id AND l.step_id = s.step_id AND l.sequence = b.last_batch
WHERE s.run_id = $1 AND s.kind <> 'collection' ORDER BY s.position`;

/** The record of runs in schema `repot`. */
export function createLedger(driver: Driver): Ledger {
	return {
		async begin({ id, plan, operator, version }) {
			await driver.persist();
			await driver.transaction(async (session) => {
				if (!(await hasLedger(session))) await makeLedger(session);
				const { system, database } = await databaseIdentity(session);
				const { affected } = await session.query(
					`INSERT INTO repot.run (id, plan_id, intent, status, environment, tenant, operator, version, plan, system_identifier, database, started)
					VALUES ($1, $2, $3, 'running', $4, $5, $6, $7, $8, $9, $10, clock_timestamp()) ON CONFLICT (id) DO NOTHING`,
					[id, plan.id, plan.intent, plan.environment, plan.tenant.value, operator, version, JSON.stringify(plan), system, database],
				);
				if (affected === 0) throw runIdTaken(id);
			});
		},
		find: (run) =>
			driver.transaction(
				async (session) => {
					const stored = await findRun(session, run);
					if (stored === null) return null;
					const { rows } = await session.query(stepsSql, [run]);
					return { run: stored.run, plan: stored.plan, steps: rows.map(toStep) };
				},
				{ readOnly: true },
			),
		runs: () => driver.transaction(listRuns, { readOnly: true }),
		async stepDone(run: string, step: Step) {
			await driver.query(
				`INSERT INTO repot.step (run_id, step_id, kind, state, finished_at) VALUES ($1, $2, $3, 'done', clock_timestamp())
				ON CONFLICT (run_id, step_id) DO UPDATE SET state = 'done', finished_at = clock_timestamp()`,
				[run, step.id, isCopyStep(step) ? 'copy' : step.what],
			);
		},
		async finish(run, status, totals) {
			await driver.query('UPDATE repot.run SET status = $2, finished = clock_timestamp(), written = $3, quarantined = $4 WHERE id = $1', [
				run,
				status,
				String(totals.written),
				String(totals.quarantined),
			]);
		},
	};
}

/** The run that the ledger says is under way, for the message that the lock is held. */
export async function runningRun(session: Session): Promise<LedgerRun | null> {
	try {
		return (await listRuns(session)).find((run) => run.status === 'running') ?? null;
	} catch (error) {
		if (error instanceof ServerError) return null;
		throw error;
	}
}
