import { ServerError, type Session } from './driver.js';
import { hasWriters } from './ledger.js';
import { keyOf, lowHalf, type Node, onePass, ours, placeOf } from './rollback-sql.js';
import { boolean, number, quoteName, text, textOrNull } from './sql-text.js';

/** What became of the overwritten rows of one step. */
export interface Restored {
	readonly restored: number;
	/** Rows that stay as they are because their former values clash with rows that are there now, or break a constraint. */
	readonly clashes: number;
	/** Keys of the first five of them, in order. */
	readonly clashing: readonly string[];
	/** What the server said of the first. */
	readonly why: string;
	/** The table has other columns now, so that nothing could be put back. */
	readonly misfit: boolean;
}

export const nothingRestored: Restored = { restored: 0, clashes: 0, clashing: [], why: '', misfit: false };

const candidates = 'pg_temp.repot_restoring';

/** The former row no longer fits the table: a column came or went since it was saved. */
const noLongerFits = (error: unknown): boolean => error instanceof ServerError && (error.code === '22P02' || error.code === '42804');

/** A key, a reference or another constraint that holds now refuses the former values (SQLSTATE class 23). */
const isClash = (error: unknown): error is ServerError => error instanceof ServerError && error.code.startsWith('23');

/** Rows of one owner among the candidates, by their numbers. */
interface Group {
	readonly first: number;
	readonly last: number;
	/** The run and step that had written the rows before this run overwrote them; null: the application. */
	readonly owner: { readonly run: string; readonly step: string } | null;
}

/** Up to this many rows may be found by their place in the table, one after another; more are found in one pass over it. */
const fewRows = 20_000;

/** A part with a clash is divided into this many: halves would write most rows again and again before the clash is alone. */
const ways = 16;

/**
 * Finds and locks the rows that the run overwrote and nobody changed since, numbered owner by owner. The owner is the run of this
 * ledger, on this cluster and table, one of whose transactions is the saved row's xmin; without one it is the application.
 */
async function findCandidates(session: Session, run: string, node: Node): Promise<Group[]> {
	const writer = (await hasWriters(session)) ? 'o.writer' : 'NULL::bigint';
	await session.query(
		`CREATE TEMP TABLE repot_restoring (id bigint, key text[], saved tid, relation oid, place tid, owner_run text, owner_step text, PRIMARY KEY (id)) ON COMMIT DROP`,
	);
	await session.query(
		`INSERT INTO ${candidates} SELECT row_number() OVER (ORDER BY owner_run, owner_step, key), key, saved, relation, place, owner_run, owner_step FROM (
			SELECT o.key, o.ctid AS saved, e.tableoid AS relation, e.ctid AS place, w.run_id AS owner_run, w.step_id AS owner_step
			FROM repot.overwritten o JOIN ${node.table.qualified} e ON o.key = ${keyOf(node.step, 'e')}
			LEFT JOIN (SELECT DISTINCT ON (${lowHalf('b.xid')}) ${lowHalf('b.xid')} AS low, b.run_id, b.step_id
				FROM repot.batch b JOIN repot.step s ON s.run_id = b.run_id AND s.step_id = b.step_id AND s.table_oid = $3::oid
				JOIN repot.run r ON r.id = b.run_id JOIN repot.run own ON own.id = $1 AND own.system_identifier = r.system_identifier AND own.database = r.database
				ORDER BY ${lowHalf('b.xid')}, b.xid::text::numeric DESC) w ON w.low = ${writer}
			WHERE o.run_id = $1 AND o.step_id = $2 AND ${ours(node, 'e')} FOR UPDATE OF e) found`,
		[run, node.step.id, node.table.oid],
	);
	await session.query(`ANALYZE ${candidates}`);
	const { rows } = await session.query(
		`SELECT min(id) AS first, max(id) AS last, owner_run, owner_step FROM ${candidates} GROUP BY owner_run, owner_step ORDER BY 1`,
	);
	return rows.map((row) => {
		const owner = textOrNull(row, 'owner_run');
		return {
			first: number(row, 'first'),
			last: number(row, 'last'),
			owner: owner === null ? null : { run: owner, step: text(row, 'owner_step') },
		};
	});
}

/**
 * Notes in the owner's part of the ledger that the rows which this sub-transaction wrote are its again, so that undoing the owner
 * finds them. The number below zero keeps it apart from what the owner read and wrote itself. A sub-transaction has a number of its own, the
 * xmin of everything that it writes, a little above that of its transaction.
 */
async function noteOwner(session: Session, { run, step }: NonNullable<Group['owner']>): Promise<void> {
	await session.query(
		`INSERT INTO repot.batch (run_id, step_id, sequence, first_cursor, last_cursor, rows, bytes, rejected, xid, committed_at)
		SELECT $1, $2, least(min(sequence), 0) - 1, '', '', 0, 0, 0, pg_current_xact_id(), clock_timestamp() FROM repot.batch WHERE run_id = $1 AND step_id = $2`,
		[run, step],
	);
	await session.query(
		`UPDATE repot.batch SET xid = (xid::text::numeric + (xmin::text::numeric - ${lowHalf('xid')} + 4294967296) % 4294967296)::text::xid8
		WHERE run_id = $1 AND step_id = $2 AND sequence = (SELECT min(sequence) FROM repot.batch WHERE run_id = $1 AND step_id = $2)`,
		[run, step],
	);
}

/**
 * Writes the former values of the candidates from `first` to `last` and takes them out of the ledger. Places identify the rows on both
 * sides: the table's are locked, and nobody but the holder of the run's lock writes the ledger's, whose statistics may be missing.
 */
async function writeBack(session: Session, node: Node, assignments: string, { first, last, owner }: Group): Promise<number> {
	const few = last - first < fewRows;
	await session.query(few ? 'SET LOCAL enable_nestloop = on' : onePass);
	const there = few ? 'e.tableoid = w.relation AND e.ctid = w.place' : `${placeOf('e')} = w.relation::text || w.place::text`;
	const { affected } = await session.query(
		`WITH restored AS (
			UPDATE ${node.table.qualified} e SET ${assignments}
			FROM (SELECT c.saved, c.relation, c.place, o.row::${node.table.qualified} AS r
				FROM ${candidates} c JOIN repot.overwritten o ON o.ctid = c.saved WHERE c.id BETWEEN $1::bigint AND $2::bigint OFFSET 0) w
			WHERE ${there} RETURNING w.saved)
		DELETE FROM repot.overwritten o USING restored WHERE o.ctid = restored.saved`,
		[String(first), String(last)],
	);
	if (affected > 0 && owner !== null) await noteOwner(session, owner);
	return affected;
}

interface Clash {
	readonly group: Group;
	readonly error: ServerError;
}

interface Progress {
	restored: number;
	clashes: readonly Clash[];
}

type Write = (part: Group) => Promise<number>;

/**
 * Divides what clashes until the rows that do are alone, and gives those; every part that fits is a sub-transaction and stands. At
 * most 16 log16(n) statements for each clash.
 */
async function restoreParts(session: Session, group: Group, write: Write, progress: Progress): Promise<Clash[]> {
	await session.query('SAVEPOINT repot_restore');
	try {
		progress.restored += await write(group);
		await session.query('RELEASE SAVEPOINT repot_restore');
		return [];
	} catch (error) {
		if (!isClash(error) && !noLongerFits(error)) throw error;
		await session.query('ROLLBACK TO SAVEPOINT repot_restore; RELEASE SAVEPOINT repot_restore');
		if (!isClash(error)) throw error;
		if (group.first === group.last) return [{ group, error }];
		const size = Math.ceil((group.last - group.first + 1) / ways);
		const clashes: Clash[] = [];
		for (let first = group.first; first <= group.last; first += size) {
			const part = { ...group, first, last: Math.min(group.last, first + size - 1) };
			clashes.push(...(await restoreParts(session, part, write, progress)));
		}
		return clashes;
	}
}

/** A row may clash with one that comes back after it: what is left is tried again as long as something came back. */
async function restoreGroups(session: Session, groups: readonly Group[], write: Write, progress: Progress): Promise<void> {
	let todo = groups;
	while (todo.length > 0) {
		const before = progress.restored;
		const clashes: Clash[] = [];
		for (const group of todo) clashes.push(...(await restoreParts(session, group, write, progress)));
		progress.clashes = clashes;
		todo = progress.restored === before ? [] : clashes.map(({ group }) => group);
	}
}

async function valueColumns(session: Session, { step, table }: Node): Promise<string[]> {
	const { rows } = await session.query(
		"SELECT attname AS name FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity <> 'a' ORDER BY attnum",
		[table.oid],
	);
	return rows.map((row) => text(row, 'name')).filter((name) => !step.key.includes(name));
}

async function firstKeys(session: Session, clashes: readonly Clash[]): Promise<string[]> {
	const ids = clashes.map(({ group }) => group.first).join(',');
	const { rows } = await session.query(
		`SELECT array_to_string(key, ', ', 'NULL') AS key FROM ${candidates} WHERE id = ANY ('{${ids}}'::bigint[]) ORDER BY 1 LIMIT 5`,
	);
	return rows.map((row) => text(row, 'key'));
}

/**
 * Puts back the rows that the run overwrote and nobody changed since, and forgets them in the ledger. A row that came from another run
 * is that run's again. What clashes stays, in the table and in the ledger, so that a later rollback can put it back. Inside the
 * caller's transaction.
 */
export async function restoreRows(session: Session, run: string, node: Node): Promise<Restored> {
	const { rows } = await session.query('SELECT EXISTS (SELECT 1 FROM repot.overwritten WHERE run_id = $1 AND step_id = $2) AS any', [
		run,
		node.step.id,
	]);
	const columns = boolean(rows[0], 'any') ? await valueColumns(session, node) : [];
	if (columns.length === 0) return nothingRestored;
	const assignments = columns.map((name) => `${quoteName(name)} = (w.r).${quoteName(name)}`).join(', ');
	const progress: Progress = { restored: 0, clashes: [] };
	let misfit = false;
	const groups = await findCandidates(session, run, node);
	try {
		await restoreGroups(session, groups, (part) => writeBack(session, node, assignments, part), progress);
	} catch (error) {
		if (!noLongerFits(error)) throw error;
		misfit = true;
	}
	const { restored, clashes } = progress;
	const why = clashes[0] === undefined ? '' : reasonOf(clashes[0].error);
	const clashing = clashes.length === 0 ? [] : await firstKeys(session, clashes);
	await session.query(`${onePass}; DROP TABLE ${candidates}`);
	return { restored, clashes: clashes.length, clashing, why, misfit };
}

const reasonOf = ({ message, detail }: ServerError): string => (detail === undefined ? message : `${message}: ${detail}`);
