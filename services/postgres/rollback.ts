import { asRepotError } from '../../source/core/errors.js';
import { formatQuantity } from '../../source/core/format.js';
import type { SchemaStep } from '../../source/core/plan/types.js';
import type { Clock, RollbackCount, RollbackEvent, RollbackPreview } from '../../source/core/ports.js';
import { qualify } from './catalog.js';
import { type Driver, ServerError, type Session } from './driver.js';
import { requireRun, type StoredRun } from './ledger.js';
import { countLeft, countRollback, findNodes, type StepRollback } from './rollback-count.js';
import {
	collectionRows,
	collectionStays,
	decideObject,
	dropLedgerWhenDone,
	findMade,
	findMadeCollections,
	type MadeCollection,
	tablesMade,
} from './rollback-objects.js';
import { nothingRestored, type Restored, restoreRows } from './rollback-restore.js';
import { deleteRows, type Node, onePass } from './rollback-sql.js';
import { quoteName, text } from './sql-text.js';

/** Why rows of a step stay, where the figures alone do not say it. */
const staysBecause = ({ step, doubt, counts, overwrittenBy }: StepRollback): string[] => [
	...(doubt === null ? [] : [`${formatQuantity(counts.changed, 'row')} of ${step.table}: ${doubt}`]),
	...overwrittenBy.map(
		({ run, rows }) =>
			`${formatQuantity(rows, 'row')} of ${step.table}: overwritten since by run ${run}; undo that run before this one, or this one again after it`,
	),
];

/** What a rollback would do; reads only. */
export async function previewRollback(session: Session, run: string): Promise<RollbackPreview> {
	const stored = await requireRun(session, run);
	const planned = await countRollback(session, stored);
	const made = await findMade(session, stored);
	const drops: string[] = [];
	const stays = planned.flatMap(staysBecause);
	let collections = 0;
	for (const collection of await findMadeCollections(session, stored)) {
		const going = planned
			.filter(({ step }) => step.collection?.uuid === collection.uuid)
			.reduce((sum, { counts }) => sum + counts.removable, 0);
		const left = (await collectionRows(session, collection)) - going;
		if (left === 0) collections++;
		if (left === 0) drops.push(collection.shown);
		else stays.push(collectionStays(collection, left));
	}
	for (const object of made) {
		const fate = await decideObject(session, object, tablesMade(made), planned, collections);
		if (fate === null) continue;
		if (fate.fate === 'stay') stays.push(`${fate.shown}: ${fate.why}`);
		else drops.push(fate.shown);
	}
	return { run: stored.run, tables: planned.map(({ counts }) => counts), drops, stays };
}

/**
 * For every deleted row the server looks for rows that refer to it, and without an index it reads the whole referring table each
 * time (seen: 200,000 parents take 52 s instead of 2 s). Indexes for the length of the transaction; where this user may not make
 * one, it takes as long as it takes.
 */
async function indexReferences(session: Session, node: Node): Promise<readonly string[]> {
	const made: string[] = [];
	for (const { qualified, columns } of node.references) {
		const { rows } = await session.query(
			`SELECT n.nspname AS schema FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.oid = $1::regclass AND pg_has_role(c.relowner, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE') AND NOT EXISTS (
				SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
				WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL AND a.attname = $2)`,
			[qualified, columns[0] ?? ''],
		);
		const [row] = rows;
		if (row === undefined) continue;
		const name = `repot_rollback_${made.length}`;
		await session.query(`CREATE INDEX ${quoteName(name)} ON ${qualified} (${columns.map(quoteName).join(', ')})`);
		made.push(qualify(text(row, 'schema'), name));
	}
	return made;
}

/** What really happened to one step. */
interface Undone {
	readonly removed: number;
	readonly restored: Restored;
	/** What of the run is left in the table, and why. */
	readonly left: Pick<RollbackCount, 'changed' | 'changedSample' | 'referenced'> & { readonly unrestored: number; readonly kept: number };
}

/** Undoes one copy step in one transaction. Tables that refer to it are kept still meanwhile, so that no new row loses its parent. */
async function undoStep(session: Session, stored: StoredRun, planned: StepRollback): Promise<Undone> {
	const stepId = planned.step.id;
	const found = (await findNodes(session, stored)).find(({ step }) => step.id === stepId) ?? planned;
	const { node } = found;
	if (node === null || !node.trusted)
		return { removed: 0, restored: nothingRestored, left: leftOf((await countLeft(session, stored, found)) ?? planned) };
	for (const { qualified } of node.references) await session.query(`LOCK TABLE ${qualified} IN SHARE ROW EXCLUSIVE MODE`);
	await session.query('SET CONSTRAINTS ALL IMMEDIATE');
	const indexes = await indexReferences(session, node);
	await session.query(onePass);
	const removed = (await session.query(deleteRows(node), [stored.run.id])).affected;
	for (const index of indexes) await session.query(`DROP INDEX ${index}`);
	const restored = await restoreRows(session, stored.run.id, node);
	await session.query(
		"UPDATE repot.step SET state = 'rolled-back', removed = removed + $3, restored = restored + $4 WHERE run_id = $1 AND step_id = $2",
		[stored.run.id, stepId, String(removed), String(restored.restored)],
	);
	const { counts } = planned;
	const asCounted =
		counts.changed === 0 && counts.referenced === 0 && removed === counts.removable && restored.restored === counts.restorable;
	// The count before is of another moment: rows may have been changed, gone or come to be referred to since.
	const after = asCounted ? null : await countLeft(session, stored, found);
	return { removed, restored, left: after === null ? nothingLeft : leftOf(after) };
}

const nothingLeft: Undone['left'] = { changed: 0, changedSample: [], referenced: 0, unrestored: 0, kept: 0 };

function leftOf({ counts }: StepRollback): Undone['left'] {
	const { changed, changedSample, referenced, restorable, removable } = counts;
	return { changed, changedSample, referenced, unrestored: restorable, kept: changed + referenced + restorable + removable };
}

type Emit = (event: RollbackEvent extends infer Event ? (Event extends RollbackEvent ? Omit<Event, 'at'> : never) : never) => RollbackEvent;

interface Totals {
	removed: number;
	restored: number;
	kept: number;
}

async function* undoRows(
	driver: Driver,
	stored: StoredRun,
	planned: readonly StepRollback[],
	options: { signal: AbortSignal | undefined },
	emit: Emit,
	totals: Totals,
): AsyncGenerator<RollbackEvent> {
	for (const plan of planned) {
		const { step } = plan;
		for (const message of staysBecause(plan)) yield emit({ type: 'notice', step: step.id, message: `Kept: ${message}` });
		const { removed, restored, left } = await driver.transaction((session) => undoStep(session, stored, plan), options);
		for (const message of keptBecause(plan, restored, left)) yield emit({ type: 'notice', step: step.id, message: `Kept: ${message}` });
		totals.removed += removed;
		totals.restored += restored.restored;
		totals.kept += left.kept;
		const { kept, changed, referenced, unrestored } = left;
		yield emit({ type: 'rows-removed', step: step.id, removed, restored: restored.restored, kept, changed, referenced, unrestored });
	}
}

/** Why rows were kept that the count before did not show as kept. */
function keptBecause({ step, counts }: StepRollback, restored: Restored, left: Undone['left']): string[] {
	const newly = Math.max(0, left.changed - counts.changed);
	const clashing = restored.clashing.join('; ');
	return [
		...(newly === 0
			? []
			: [`${formatQuantity(newly, 'row')} of ${step.table}, changed while the run was being undone: ${left.changedSample.join('; ')}`]),
		...(restored.clashes === 0
			? []
			: [
					`${formatQuantity(restored.clashes, 'row')} of ${step.table}, overwritten by the run, whose former values the table refuses now (${restored.why}): ${clashing}. They stay as they are, their former values stay in repot.overwritten; repeat the rollback when nothing is in their way`,
				]),
		...(restored.misfit
			? [
					`${formatQuantity(left.unrestored, 'row')} of ${step.table}, overwritten by the run, because the table's columns changed since; their former values are in repot.overwritten`,
				]
			: []),
	];
}

type Told = { readonly dropped: string } | { readonly stays: string; readonly counts: boolean } | null;

/** Removes a collection that the run made when nothing is in it any more; gives what to tell. */
async function undoCollection(session: Session, stored: StoredRun, collection: MadeCollection): Promise<Told> {
	await session.query(`LOCK TABLE ${collection.table.qualified} IN SHARE ROW EXCLUSIVE MODE`);
	const rows = await collectionRows(session, collection);
	if (rows > 0) return { stays: collectionStays(collection, rows), counts: true };
	await session.query(`DELETE FROM ${collection.table.qualified} WHERE uuid::text = $1`, [collection.uuid]);
	await session.query("UPDATE repot.step SET state = 'rolled-back' WHERE run_id = $1 AND step_id = $2", [
		stored.run.id,
		collection.recordId,
	]);
	return { dropped: collection.shown };
}

/** Drops one object in its own transaction; gives what to tell. */
async function undoObject(session: Session, stored: StoredRun, stepId: string, madeTables: ReadonlySet<string>): Promise<Told> {
	const object = (await findMade(session, stored)).find(({ step }) => step.id === stepId);
	if (object === undefined) return null;
	const fate = await decideObject(session, object, madeTables, [], 0);
	if (fate?.fate === 'stay') return { stays: `${fate.shown}: ${fate.why}`, counts: fate.counts };
	if (fate?.fate === 'drop') {
		if (fate.step.what === 'table') {
			await session.query(`LOCK TABLE ${fate.sql.slice('DROP TABLE '.length)} IN ACCESS EXCLUSIVE MODE`);
			const again = await decideObject(session, object, madeTables, [], 0);
			if (again?.fate === 'stay') return { stays: `${again.shown}: ${again.why}`, counts: again.counts };
		}
		await session.query(fate.sql);
	}
	// The record of an object that goes with its table waits for the table.
	if (fate?.fate === 'with-table') return null;
	await session.query("UPDATE repot.step SET state = 'rolled-back' WHERE run_id = $1 AND step_id = $2", [stored.run.id, stepId]);
	return fate === null ? null : { dropped: fate.shown };
}

/** An index that takes vectors of one dimension only, over rows whose former vectors may have another: they could not come back under it. */
const holdsToDimension = ({ what, sql }: SchemaStep): boolean => what === 'vector-index' && /::(?:vector|halfvec)\(\d+\)/.test(sql);

/** Drops the run's own indexes that would refuse former rows, where it did not make the table as well. */
async function* undoNarrowIndexes(
	driver: Driver,
	stored: StoredRun,
	options: { signal: AbortSignal | undefined },
	emit: Emit,
): AsyncGenerator<RollbackEvent> {
	const made = await driver.transaction((session) => findMade(session, stored), { readOnly: true });
	const tables = tablesMade(made);
	for (const { step, tableOid } of made) {
		if (!holdsToDimension(step) || tables.has(tableOid ?? '')) continue;
		const told = await driver.transaction((session) => undoObject(session, stored, step.id, tables), options);
		if (told !== null && 'dropped' in told) yield emit({ type: 'object-dropped', object: told.dropped });
	}
}

async function* undoObjects(
	driver: Driver,
	stored: StoredRun,
	options: { signal: AbortSignal | undefined },
	emit: Emit,
	stayed: { count: number },
): AsyncGenerator<RollbackEvent> {
	const tell = (step: string | null, told: NonNullable<Told>): RollbackEvent => {
		if ('dropped' in told) return emit({ type: 'object-dropped', object: told.dropped });
		if (told.counts) stayed.count++;
		return emit({ type: 'notice', step, message: `Stays: ${told.stays}` });
	};
	for (const collection of await driver.transaction((session) => findMadeCollections(session, stored), { readOnly: true })) {
		const told = await driver.transaction((session) => undoCollection(session, stored, collection), options);
		if (told !== null) yield tell(null, told);
	}
	const made = await driver.transaction((session) => findMade(session, stored), { readOnly: true });
	for (const { step } of made) {
		try {
			const told = await driver.transaction((session) => undoObject(session, stored, step.id, tablesMade(made)), options);
			if (told !== null) yield tell(step.id, told);
		} catch (error) {
			// Something of others depends on the object, e.g. a view or a foreign key.
			if (!(error instanceof ServerError && error.code === '2BP01')) throw error;
			stayed.count++;
			yield emit({ type: 'notice', step: step.id, message: `Stays: ${step.what} ${step.object}: ${error.detail ?? error.message}` });
		}
	}
}

/**
 * Undoes one run: rows that it inserted and nobody touched since go, rows that it overwrote come back, objects that it made go.
 * Children before parents, one transaction per step; it may be killed and repeated. `rollback-finished` comes last, also on failure.
 */
export async function* rollbackRun(
	driver: Driver,
	clock: Clock,
	run: string,
	signal: AbortSignal | undefined,
	explain: (error: unknown) => unknown,
): AsyncGenerator<RollbackEvent> {
	const emit: Emit = (event) => ({ at: new Date(clock.now()).toISOString(), ...event }) as RollbackEvent;
	const options = { signal };
	const totals: Totals = { removed: 0, restored: 0, kept: 0 };
	const stored = await driver.transaction((session) => requireRun(session, run), { readOnly: true, signal });
	try {
		const planned = await driver.transaction((session) => countRollback(session, stored), { readOnly: true, signal });
		const tables: RollbackCount[] = planned.map(({ counts }) => counts);
		yield emit({ type: 'rollback-started', run, tables });
		// From here on the run is not whole any more, also when this process is killed in the middle.
		await driver.transaction(
			(session) => session.query("UPDATE repot.run SET status = 'partly-rolled-back' WHERE id = $1", [run]),
			options,
		);
		const stayed = { count: 0 };
		if (planned.some(({ counts }) => counts.restorable > 0)) yield* undoNarrowIndexes(driver, stored, options, emit);
		yield* undoRows(driver, stored, planned, options, emit, totals);
		yield* undoObjects(driver, stored, options, emit, stayed);
		const outcome = totals.kept === 0 && stayed.count === 0 ? 'done' : 'kept-some';
		const dropped = await driver.transaction(async (session) => {
			await session.query('UPDATE repot.run SET status = $2, finished = clock_timestamp() WHERE id = $1', [
				run,
				outcome === 'done' ? 'rolled-back' : 'partly-rolled-back',
			]);
			return dropLedgerWhenDone(session);
		}, options);
		if (dropped !== null) yield emit({ type: 'object-dropped', object: dropped });
		const stays = stayed.count === 0 ? {} : { stays: stayed.count };
		yield emit({ type: 'rollback-finished', run, outcome, ...totals, ...stays });
	} catch (error) {
		yield emit({ type: 'rollback-finished', run, outcome: 'failed', ...totals, error: asRepotError(explain(error)).toJSON() });
	}
}
