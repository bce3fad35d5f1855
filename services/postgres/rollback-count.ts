import { type CopyStep, isCopyStep } from '../../source/core/plan/types.js';
import type { RollbackCount } from '../../source/core/ports.js';
import { findTableByOid, type TableInfo, tenantOf } from './catalog.js';
import type { Session } from './driver.js';
import { hasWriters, type StoredRun } from './ledger.js';
import { provenance } from './provenance.js';
import { allReferences, countFates, type FindTable, keyOf, lowHalf, type Node, onePass, ours } from './rollback-sql.js';
import { number, quoteLiteral, text, textOrNull } from './sql-text.js';

export interface StepRollback {
	readonly step: CopyStep;
	/** Null when the table is gone. */
	readonly node: Node | null;
	readonly counts: RollbackCount;
	/** Why nothing of this step is touched, or null. */
	readonly doubt: string | null;
	/** Runs that overwrote rows of this one since, and how many they hold. */
	readonly overwrittenBy: readonly { readonly run: string; readonly rows: number }[];
}

interface Written {
	readonly rows: number;
	readonly updated: number;
	readonly removed: number;
	readonly restored: number;
	/** Overwritten rows that are not restored yet. */
	readonly saved: number;
}

async function readWritten(session: Session, run: string, step: CopyStep): Promise<Written | null> {
	const { rows } = await session.query(
		`SELECT s.removed, s.restored, coalesce(sum(b.rows), 0) AS rows, coalesce(sum(b.updated), 0) AS updated,
			(SELECT count(*) FROM repot.overwritten o WHERE o.run_id = $1 AND o.step_id = $2) AS saved
		FROM repot.step s LEFT JOIN repot.batch b ON b.run_id = s.run_id AND b.step_id = s.step_id
		WHERE s.run_id = $1 AND s.step_id = $2 GROUP BY s.removed, s.restored`,
		[run, step.id],
	);
	const [row] = rows;
	if (row === undefined) return null;
	return {
		rows: number(row, 'rows'),
		updated: number(row, 'updated'),
		removed: number(row, 'removed'),
		restored: number(row, 'restored'),
		saved: number(row, 'saved'),
	};
}

/** Finds the run's tables by the oids that its steps recorded; the connection may look at another schema than the run did. */
async function tableFinder(session: Session, stored: StoredRun): Promise<FindTable> {
	const { rows } = await session.query(
		"SELECT step_id, table_oid::text AS table_oid FROM repot.step WHERE run_id = $1 AND table_oid IS NOT NULL AND kind <> 'collection'",
		[stored.run.id],
	);
	const recorded = new Map(rows.map((row) => [text(row, 'step_id'), textOrNull(row, 'table_oid')]));
	return (name): Promise<TableInfo | null> => {
		// A copy step's record says where the rows went; a schema step's may be older than the table.
		const steps = stored.plan.steps.filter((step) => step.table === name && recorded.has(step.id));
		const step = steps.find(isCopyStep) ?? steps[0];
		return findTableByOid(session, step === undefined ? null : (recorded.get(step.id) ?? null), name);
	};
}

type Found = Pick<StepRollback, 'step' | 'node' | 'doubt'>;

/** The run's copy steps that wrote something, children before parents, with their tables. */
export async function findNodes(session: Session, stored: StoredRun): Promise<Found[]> {
	const found = [];
	const find = await tableFinder(session, stored);
	for (const step of stored.plan.steps.filter(isCopyStep).toReversed()) {
		const table = await find(step.table);
		const proven = await provenance(session, stored.run.id, step.id, table);
		const renamed = table !== null && table.name !== step.table ? `the table is now called ${table.qualified}` : null;
		const doubt = proven.doubt ?? renamed;
		if (table === null) {
			found.push({ step, node: null, doubt });
			continue;
		}
		found.push({
			step,
			node: {
				step,
				table,
				tenant: stored.run.tenant,
				references: await allReferences(session, stored.plan, step, table, find),
				trusted: doubt === null,
			},
			doubt,
		});
	}
	return found;
}

/**
 * Rows that were written after the run began, by nobody this ledger knows, in the run's tenant or collection: among them are the
 * run's rows that were changed since. The ledger holds no key per row, so this is an upper bound.
 */
async function changedSince(
	session: Session,
	stored: StoredRun,
	node: Node,
): Promise<{ readonly count: number; readonly sample: readonly string[] }> {
	const { step, table } = node;
	const owner = tenantOf(step, stored.run.tenant, 'e', table);
	const scope = [
		...(owner === null ? [] : [`${owner} = ${quoteLiteral(stored.run.tenant)}`]),
		...(step.collection === undefined ? [] : [`e.collection_id = ${quoteLiteral(step.collection.uuid)}::uuid`]),
	];
	const { rows } = await session.query(
		`SELECT count(*) AS count, coalesce(array_to_string((array_agg(k ORDER BY k))[1:5], E'\\x1f'), '') AS sample FROM (
			SELECT array_to_string(${keyOf(step, 'e')}, ', ', 'NULL') AS k FROM ${table.qualified} e
			LEFT JOIN (SELECT key, bool_or(run_id = $1 AND step_id = $2) AS by_run, bool_or(run_id <> $1) AS by_others FROM repot.overwritten GROUP BY key) o
				ON o.key = ${keyOf(step, 'e')}
			WHERE ${['true', ...scope].join(' AND ')} AND NOT ${ours(node, 'e')} AND o.by_run IS NOT TRUE
				AND age(e.xmin)::bigint <= (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::numeric - min(xid::text::numeric) FROM repot.batch WHERE run_id = $1 AND step_id = $2)
				AND (NOT e.xmin::text IN (SELECT (xid::text::numeric % 4294967296)::bigint::text FROM repot.batch WHERE run_id <> $1) OR o.by_others)) c`,
		[stored.run.id, step.id],
	);
	return { count: number(rows[0], 'count'), sample: keysIn(text(rows[0], 'sample')) };
}

const keysIn = (sample: string): string[] => (sample === '' ? [] : sample.split('\u001f'));

interface Overwritten {
	readonly changed: number;
	readonly sample: readonly string[];
	readonly gone: number;
}

async function countOverwritten(session: Session, run: string, node: Node): Promise<Overwritten> {
	const { rows } = await session.query(
		`SELECT count(*) FILTER (WHERE changed) AS changed, coalesce(array_to_string((array_agg(k ORDER BY k) FILTER (WHERE changed))[1:5], E'\\x1f'), '') AS sample,
			count(*) FILTER (WHERE gone) AS gone
		FROM (SELECT array_to_string(w.key, ', ', 'NULL') AS k, e.ctid IS NULL AS gone, e.ctid IS NOT NULL AND NOT coalesce(${ours(node, 'e')}, false) AS changed
			FROM repot.overwritten w LEFT JOIN ${node.table.qualified} e ON w.key = ${keyOf(node.step, 'e')} WHERE w.run_id = $1 AND w.step_id = $2) o`,
		[run, node.step.id],
	);
	return { changed: number(rows[0], 'changed'), sample: keysIn(text(rows[0], 'sample')), gone: number(rows[0], 'gone') };
}

/** Later runs that hold rows of this step: saved when they overwrote them, with a transaction of this run as the writer. */
async function laterRuns(session: Session, run: string, node: Node): Promise<StepRollback['overwrittenBy']> {
	if (!(await hasWriters(session))) return [];
	const { rows } = await session.query(
		`SELECT o.run_id AS run, count(*) AS rows FROM repot.overwritten o JOIN repot.step s ON s.run_id = o.run_id AND s.step_id = o.step_id AND s.table_oid = $3::oid
		JOIN ${node.table.qualified} e ON o.key = ${keyOf(node.step, 'e')} JOIN repot.run r ON r.id = o.run_id
		WHERE o.run_id <> $1 AND NOT ${ours(node, 'e')} AND o.writer IN (SELECT ${lowHalf('xid')} FROM repot.batch WHERE run_id = $1 AND step_id = $2)
		GROUP BY o.run_id, r.started ORDER BY r.started DESC, o.run_id`,
		[run, node.step.id, node.table.oid],
	);
	return rows.map((row) => ({ run: text(row, 'run'), rows: number(row, 'rows') }));
}

/** Rows of one step's table that are the run's: all, those that it overwrote, and those that go. */
interface Fates {
	readonly ours: number;
	readonly restorable: number;
	readonly goes: number;
}

async function countAllFates(session: Session, run: string, nodes: readonly Node[]): Promise<ReadonlyMap<Node, Fates>> {
	if (nodes.length === 0) return new Map();
	const { rows } = await session.query(countFates(nodes), [run]);
	return new Map(
		nodes.map((node, index) => [
			node,
			{ ours: number(rows[index], 'ours'), restorable: number(rows[index], 'restorable'), goes: number(rows[index], 'goes') },
		]),
	);
}

async function countStep(
	session: Session,
	stored: StoredRun,
	node: Node,
	fates: Fates,
	written: Written,
): Promise<Omit<RollbackCount, 'step' | 'table' | 'written'>> {
	const counted = { removable: fates.goes, referenced: fates.ours - fates.restorable - fates.goes, restorable: fates.restorable };
	const missing = Math.max(0, written.rows - written.removed - counted.removable - counted.referenced);
	const saved = written.saved === 0 ? { changed: 0, sample: [], gone: 0 } : await countOverwritten(session, stored.run.id, node);
	const candidates = missing === 0 ? { count: 0, sample: [] } : await changedSince(session, stored, node);
	const changed = Math.min(missing, candidates.count);
	return {
		...counted,
		changed: changed + saved.changed,
		changedSample: [...candidates.sample.slice(0, changed), ...saved.sample].slice(0, 5),
		gone: missing - changed + saved.gone,
	};
}

async function countFound(
	session: Session,
	stored: StoredRun,
	{ step, node, doubt }: Found,
	known: Fates | undefined,
): Promise<StepRollback | null> {
	const written = await readWritten(session, stored.run.id, step);
	if (written === null) return null;
	const total = written.rows + written.updated;
	const left = total - written.removed - written.restored;
	const nothing = { removable: 0, restorable: 0, changed: 0, changedSample: [], referenced: 0, gone: 0 };
	const trusted = node !== null && known !== undefined ? { node, known } : null;
	const counts =
		trusted !== null
			? await countStep(session, stored, trusted.node, trusted.known, written)
			: node === null && doubt === null
				? { ...nothing, gone: left }
				: { ...nothing, changed: left };
	return {
		step,
		node,
		doubt: left === 0 ? null : doubt,
		counts: { step: step.id, table: step.table, written: total, ...counts },
		overwrittenBy: trusted === null || counts.changed === 0 ? [] : await laterRuns(session, stored.run.id, trusted.node),
	};
}

const isTrusted = (node: Node | null): node is Node => node?.trusted === true;

/** What a rollback will find for every copy step, children first. */
export async function countRollback(session: Session, stored: StoredRun): Promise<StepRollback[]> {
	const found = await findNodes(session, stored);
	await session.query(onePass);
	const fates = await countAllFates(session, stored.run.id, found.map(({ node }) => node).filter(isTrusted));
	const counted: StepRollback[] = [];
	for (const one of found) {
		const result = await countFound(session, stored, one, one.node === null ? undefined : fates.get(one.node));
		if (result !== null) counted.push(result);
	}
	return counted;
}

/** What is left of one step, after it was undone and in the same transaction. Steps of tables that refer to it were undone before. */
export async function countLeft(session: Session, stored: StoredRun, found: Found): Promise<StepRollback | null> {
	await session.query(onePass);
	const fates = await countAllFates(session, stored.run.id, [found.node].filter(isTrusted));
	return countFound(session, stored, found, found.node === null ? undefined : fates.get(found.node));
}
