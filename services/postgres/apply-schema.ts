import { RepotError } from '../../source/core/errors.js';
import type { CopyStep, SchemaStep } from '../../source/core/plan/types.js';
import { collectionTable, findTable, requireTable } from './catalog.js';
import { type Driver, ServerError, type Session } from './driver.js';
import { buildVectorIndex, type SchemaListeners } from './index-build.js';
import { recordObject } from './ledger.js';
import { onceOldRowsAreGone } from './old-rows.js';
import { refusedObject } from './refused-object.js';
import { boolean, text } from './sql-text.js';

const inSchema = 'n.nspname = current_schema()';

const indexSql = `SELECT count(*) > 0 AS present FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
	WHERE ${inSchema} AND c.relname = $1 AND t.relname = $2`;

/** Whether the object of a step is in the catalogs. `analyze` makes no object. */
async function isPresent(session: Session, step: SchemaStep): Promise<boolean> {
	const queries: Record<SchemaStep['what'], readonly [string, readonly string[]] | null> = {
		extension: ['SELECT count(*) > 0 AS present FROM pg_extension WHERE extname = $1', [step.object]],
		table: [
			`SELECT count(*) > 0 AS present FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${inSchema} AND c.relkind IN ('r', 'p') AND c.relname = $1`,
			[step.table],
		],
		'primary-key': [
			`SELECT count(*) > 0 AS present FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE ${inSchema} AND c.relname = $1 AND k.contype = 'p'`,
			[step.table],
		],
		'foreign-key': [
			`SELECT count(*) > 0 AS present FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE ${inSchema} AND c.relname = $1 AND k.conname = $2`,
			[step.table, step.object],
		],
		index: [indexSql, [step.object, step.table]],
		'vector-index': [indexSql, [step.object, step.table]],
		analyze: null,
	};
	const query = queries[step.what];
	if (query === null) return false;
	const { rows } = await session.query(query[0], query[1]);
	return boolean(rows[0], 'present');
}

/** What an earlier attempt of the same run recorded, or null. */
async function recorded(session: Session, run: string, step: SchemaStep): Promise<'created' | 'present' | null> {
	const { rows } = await session.query('SELECT created FROM repot.step WHERE run_id = $1 AND step_id = $2', [run, step.id]);
	const [row] = rows;
	return row === undefined ? null : boolean(row, 'created') ? 'created' : 'present';
}

function extensionRefused(error: unknown): unknown {
	if (!(error instanceof ServerError) || error.code !== '42501') return error;
	return new RepotError({
		kind: 'target',
		code: 'NO_PRIVILEGE',
		message: 'The database user may not create the extension vector',
		why: error.message,
		next: ['Have an administrator run in this database: CREATE EXTENSION vector;', 'Then run the same command again'],
		cause: error,
	});
}

/** The work of one step inside a transaction: look, make, record. The record and the object commit together. */
async function apply(
	session: Session,
	run: string,
	step: SchemaStep,
	make: (session: Session) => Promise<void>,
): Promise<'created' | 'present'> {
	const before = await recorded(session, run, step);
	if (await isPresent(session, step)) {
		const table = await findTable(session, step.table);
		if (before === null) await recordObject(session, run, { id: step.id, kind: step.what, object: step.object }, false, table?.oid ?? null);
		return before ?? 'present';
	}
	await make(session);
	const table = await findTable(session, step.table);
	// A record without its object: somebody dropped it between two attempts, and this run makes it again.
	if (before !== null) await session.query('DELETE FROM repot.step WHERE run_id = $1 AND step_id = $2', [run, step.id]);
	await recordObject(session, run, { id: step.id, kind: step.what, object: step.object }, step.what !== 'analyze', table?.oid ?? null);
	return 'created';
}

/** Runs one schema step when its object is missing. Repeating it after a kill at any instant ends in the same state. */
export async function applySchemaStep(
	driver: Driver,
	run: string,
	step: SchemaStep,
	listeners: SchemaListeners,
): Promise<'created' | 'present'> {
	const options = { signal: listeners.signal };
	const removeListener = driver.onNotice(listeners.onNotice);
	try {
		if (step.what === 'vector-index' && step.vectorIndex !== undefined) {
			const settings = step.vectorIndex;
			const build = () =>
				buildVectorIndex(driver, settings, listeners, (prepare) =>
					driver.transaction(
						(session) =>
							apply(session, run, step, async () => {
								await prepare(session);
								await session.query(step.sql);
							}),
						options,
					),
				);
			return await onceOldRowsAreGone(build, listeners);
		}
		return await driver.transaction(
			(session) =>
				apply(session, run, step, async () => {
					await session.query(step.sql);
				}),
			options,
		);
	} catch (error) {
		throw step.what === 'extension' ? extensionRefused(error) : refusedObject(error, step);
	} finally {
		removeListener();
	}
}

const collectionChanged = (name: string, why: string): RepotError =>
	new RepotError({
		kind: 'stale-plan',
		code: 'COLLECTION_CHANGED',
		message: `The collection ${name} is not as the plan saw it`,
		where: collectionTable,
		why,
		next: ['Plan again'],
	});

/** Makes the run's langchain collection, once, and records it. */
export async function ensureCollection(driver: Driver, run: string, step: CopyStep): Promise<void> {
	const { collection } = step;
	if (collection === undefined) return;
	await driver.transaction(async (session) => {
		const table = await requireTable(session, collectionTable);
		const { rows } = await session.query(`SELECT uuid::text AS uuid FROM ${table.qualified} WHERE name = $1`, [collection.name]);
		const record = { id: `${step.id}/collection`, kind: 'collection', object: collection.uuid };
		const [row] = rows;
		if (row !== undefined) {
			if (text(row, 'uuid') !== collection.uuid)
				throw collectionChanged(collection.name, `Its uuid is ${text(row, 'uuid')}, planned was ${collection.uuid}`);
			await recordObject(session, run, record, false, table.oid);
			return;
		}
		if (collection.exists) throw collectionChanged(collection.name, 'It was there when the plan was made and is gone');
		await session.query(`INSERT INTO ${table.qualified} (uuid, name, cmetadata) VALUES ($1, $2, $3)`, [
			collection.uuid,
			collection.name,
			collection.metadata,
		]);
		await recordObject(session, run, record, true, table.oid);
	});
}
