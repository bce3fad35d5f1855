import { RepotError } from '../../source/core/errors.js';
import type { CopyStep } from '../../source/core/plan/types.js';
import type { Clock, SourceBatch, WriteResult } from '../../source/core/ports.js';
import { allRefused, type Refused, withKeys } from './batch-refusals.js';
import { type BatchRequest, copyStatement } from './batch-request.js';
import { findTable, requireTable, type TableInfo } from './catalog.js';
import { findRefused, findRefusedTogether, joinRows, type Probe, splitRows } from './copy-rows.js';
import { type Driver, ServerError, type Session } from './driver.js';
import { refusesValues } from './errors.js';
import { copyWatched, type Merged, mergeRows, type Watched } from './merge.js';
import { number, text } from './sql-text.js';
import { impliesStepKey, otherKeys, type UniqueKey, uniqueKeysOf } from './unique-keys.js';

/** Thrown inside a probing transaction to undo it. */
class Undo extends Error {}

function changedTarget(error: ServerError, step: CopyStep): RepotError {
	return new RepotError({
		kind: 'stale-plan',
		code: 'KEY_APPEARED',
		message: `The table ${step.table} holds a key that it did not hold when the plan was made`,
		where: `${step.table} (${step.key.join(', ')})`,
		why: error.detail ?? error.message,
		next: ['Plan again; the new plan shows the conflict and --on-conflict says what to do with it'],
		cause: error,
	});
}

/** A step's table, and its unique keys where writing has to ask them. */
interface Place {
	readonly table: TableInfo;
	readonly uniques: readonly UniqueKey[];
}

/** Only `skip` looks for clashes before it writes: there the plan has counted them, and there may be many. */
async function findPlace(session: Session, { step, policy }: BatchRequest): Promise<Place> {
	const table = await requireTable(session, step.table);
	return { table, uniques: step.write === 'merge' && policy === 'skip' ? otherKeys(await uniqueKeysOf(session, table), step) : [] };
}

/**
 * Which constraints a batch was refused by that look at more than one row. What they refuse is then looked for among the staged rows, by
 * one query each, before the next attempt.
 */
class Watch {
	#uniques: boolean;
	readonly #foreignKeys = new Set<string>();

	readonly #watchesForeignKeys: boolean;

	constructor(uniques = false, watchesForeignKeys = true) {
		this.#uniques = uniques;
		this.#watchesForeignKeys = watchesForeignKeys;
	}

	/** For parts of a batch: what their foreign keys lead to may be in another part. */
	withoutForeignKeys(): Watch {
		return new Watch(this.#uniques, false);
	}

	/** False when such a constraint is watched already, or cannot be. */
	add(error: ServerError): boolean {
		if (error.code === '23503' && !this.#watchesForeignKeys) return false;
		const isNew =
			error.code === '23505'
				? !this.#uniques
				: error.code === '23503' && error.constraint !== undefined && !this.#foreignKeys.has(error.constraint);
		if (!isNew) return false;
		if (error.code === '23505') this.#uniques = true;
		else this.#foreignKeys.add(error.constraint ?? '');
		return true;
	}

	/** Null: nothing to look for. */
	async at(session: Session, place: Place, step: CopyStep): Promise<Watched | null> {
		if (!this.#uniques && this.#foreignKeys.size === 0) return null;
		const uniques = this.#uniques ? otherKeys(await uniqueKeysOf(session, place.table), step) : place.uniques;
		return { uniques, amongThemselves: this.#uniques, foreignKeys: this.#foreignKeys };
	}
}

/** Writes rows inside the caller's transaction. Sub-transactions must not be used: the rows' xmin has to be the batch's transaction. */
async function writeRows(
	session: Session,
	request: BatchRequest,
	place: Place,
	watch: Watch,
	data: Uint8Array,
	rows: number,
): Promise<Merged> {
	const watched = await watch.at(session, place, request.step);
	if (request.step.write === 'merge') {
		const usual: Watched = { uniques: place.uniques, amongThemselves: false, foreignKeys: new Set() };
		return mergeRows(session, request, place.table, watched ?? usual, data, rows);
	}
	if (watched !== null) return copyWatched(session, request, place.table, watched, data);
	await session.copyIn(copyStatement(place.table.qualified, request.step), data);
	return { ...nothingMerged, written: rows };
}

/**
 * A refusal of records rather than of the work: of one for its own values (`refusesValues`), or of one beside others, by a foreign key,
 * another unique key or an exclusion constraint. The step's key, violated, is a row that the plan did not see.
 */
function refusal(error: unknown, keyConstraints: ReadonlySet<string>): ServerError | null {
	if (refusesValues(error)) return error;
	if (!(error instanceof ServerError)) return null;
	if (error.code === '23503') return error;
	if (error.constraint === undefined || keyConstraints.has(error.constraint)) return null;
	return error.code === '23505' || error.code === '23P01' ? error : null;
}

/** The result of a batch that the ledger already holds: its outcome was unknown to the caller after a lost connection. */
async function storedResult(session: Session, request: BatchRequest): Promise<WriteResult> {
	const { rows } = await session.query(
		'SELECT rows, updated, skipped, refused::text AS refused FROM repot.batch WHERE run_id = $1 AND step_id = $2 AND sequence = $3',
		[request.run, request.step.id, String(request.sequence)],
	);
	const [row] = rows;
	return {
		written: number(row, 'rows'),
		updated: number(row, 'updated'),
		skipped: number(row, 'skipped'),
		refused: JSON.parse(text(row, 'refused')) as Refused[],
	};
}

/**
 * Takes the batch's place in the ledger, and makes the step's row with the first; false when the place was taken. Waits when an
 * older connection is still writing the same batch.
 */
async function claim(session: Session, { run, step, sequence, batch }: BatchRequest, table: TableInfo): Promise<boolean> {
	const { affected } = await session.query(
		`WITH step AS (INSERT INTO repot.step (run_id, step_id, kind, state, table_oid) VALUES ($1, $2, 'copy', 'running', $9::oid) ON CONFLICT (run_id, step_id) DO NOTHING)
		INSERT INTO repot.batch (run_id, step_id, sequence, first_cursor, last_cursor, rows, bytes, rejected, xid, committed_at)
		VALUES ($1, $2, $3::integer, $4, $5, $6::bigint, $7::bigint, $8::bigint, pg_current_xact_id(), clock_timestamp()) ON CONFLICT (run_id, step_id, sequence) DO NOTHING`,
		[
			run,
			step.id,
			String(sequence),
			batch.first,
			batch.last,
			String(batch.rows),
			String(batch.data.length),
			String(batch.rejects.length),
			table.oid,
		],
	);
	return affected === 1;
}

async function settle(session: Session, request: BatchRequest, result: WriteResult, milliseconds: number): Promise<void> {
	await session.query(
		`UPDATE repot.batch SET rows = $4, updated = $5, skipped = $6, rejected = $7, refused = $8, committed_at = clock_timestamp(), milliseconds = $9
		WHERE run_id = $1 AND step_id = $2 AND sequence = $3`,
		[
			request.run,
			request.step.id,
			String(request.sequence),
			String(result.written),
			String(result.updated),
			String(result.skipped),
			String(request.batch.rejects.length + result.refused.length),
			JSON.stringify(result.refused),
			String(milliseconds),
		],
	);
}

/** Writes batches and finds the records that the server refuses. */
export class BatchWriter {
	readonly #driver: Driver;
	readonly #clock: Clock;
	readonly #places = new Map<string, Place>();

	constructor(driver: Driver, clock: Clock) {
		this.#driver = driver;
		this.#clock = clock;
	}

	async write(request: BatchRequest): Promise<WriteResult> {
		try {
			return await this.#attempt(request, new Map(), new Watch());
		} catch (error) {
			return this.#writeRest(request, error);
		}
	}

	/**
	 * Writes what of a failed batch can be written. Each round leaves out more: what a watched constraint refuses, the records that are
	 * refused by themselves, and what none of that finds, by trying parts after the rows before them.
	 */
	async #writeRest(request: BatchRequest, error: unknown): Promise<WriteResult> {
		this.#places.clear();
		const constraints = await this.#keyConstraints(request, error);
		const watch = new Watch();
		const refused = new Map<number, ServerError>();
		let failure = error;
		for (;;) {
			const known = refusal(failure, constraints);
			if (known === null) throw this.#explain(failure, request);
			if (refusesValues(known) || !watch.add(known)) {
				const found = await this.#find(request, refused, known, constraints, watch);
				if (found.size === 0) throw this.#explain(failure, request);
				for (const [row, reason] of found) refused.set(row, reason);
				if (refusesEverything(refused, request.batch)) throw error;
			}
			try {
				return await this.#attempt(request, refused, watch);
			} catch (next) {
				failure = next;
			}
		}
	}

	async #find(
		request: BatchRequest,
		refused: ReadonlyMap<number, ServerError>,
		known: ServerError,
		constraints: ReadonlySet<string>,
		watch: Watch,
	): Promise<Map<number, ServerError>> {
		const kept = batchIndexes(request.batch.rows).filter((index) => !refused.has(index));
		if (refusesValues(known)) {
			const probe = this.#probe(request, constraints, watch.withoutForeignKeys());
			// Foreign keys are checked when the statement ends: a part that they refuse holds no row that is refused for its own values.
			const found = await findRefused(
				kept,
				async (indexes) => {
					const error = await probe(indexes);
					return error?.code === '23503' ? null : error;
				},
				refusesValues,
			);
			// Unless a trigger does that, later still.
			return found.size > 0 ? found : findRefused(kept, probe, refusesValues);
		}
		// A later row may be the parent, or under `update` let go of a value.
		const mayPass = ({ code }: ServerError): boolean => code === '23503' || request.policy === 'update';
		return findRefusedTogether(kept, known, this.#probe(request, constraints, watch), mayPass);
	}

	/** Catalogs are read with the first batch of a step that this process writes, and again after an error. */
	async #placeOf(session: Session, request: BatchRequest): Promise<Place> {
		const name = `${request.run}/${request.step.id}`;
		const known = this.#places.get(name);
		if (known !== undefined && request.sequence > 0) return known;
		const place = await findPlace(session, request);
		this.#places.set(name, place);
		return place;
	}

	#explain(error: unknown, request: BatchRequest): unknown {
		return error instanceof ServerError && error.code === '23505' ? changedTarget(error, request.step) : error;
	}

	/** Unique constraints and indexes whose violation means that the step's key is taken. */
	async #keyConstraints({ step }: BatchRequest, error: unknown): Promise<ReadonlySet<string>> {
		const table = error instanceof ServerError ? await findTable(this.#driver, step.table) : null;
		if (table === null) return new Set();
		const uniques = await uniqueKeysOf(this.#driver, table);
		return new Set(uniques.filter((unique) => impliesStepKey(unique, step)).map(({ name }) => name));
	}

	/** One transaction: the ledger row, the rows except `refused`, and the ledger row's final figures. */
	async #attempt(request: BatchRequest, refused: ReadonlyMap<number, ServerError>, watch: Watch): Promise<WriteResult> {
		const { step, batch } = request;
		const started = this.#clock.now();
		return this.#driver.transaction(
			async (session) => {
				const place = await this.#placeOf(session, request);
				if (!(await claim(session, request, place.table))) return storedResult(session, request);
				const kept = batchIndexes(batch.rows).filter((index) => !refused.has(index));
				const data = refused.size === 0 ? batch.data : this.#some(request, kept);
				const merged = kept.length === 0 ? nothingMerged : await writeRows(session, request, place, watch, data, kept.length);
				const outcome = {
					written: merged.written,
					updated: merged.updated,
					skipped: merged.skipped,
					refused: withKeys(allRefused(refused, merged, kept, step), request),
				};
				// The usual batch ends as it was claimed: one round trip less, which counts where the server is far away.
				if (!isAsClaimed(outcome, batch)) await settle(session, request, outcome, Math.max(0, Math.round(this.#clock.now() - started)));
				return outcome;
			},
			{ signal: request.signal },
		);
	}

	#some({ batch, step }: BatchRequest, indexes: readonly number[]): Uint8Array {
		const rows = splitRows(batch.data, step.format);
		return joinRows(
			indexes.map((index) => rows[index] ?? new Uint8Array()),
			step.format,
			batch.data,
		);
	}

	/** Writes a part of the batch in a transaction that is undone. */
	#probe(request: BatchRequest, constraints: ReadonlySet<string>, watch: Watch): Probe<ServerError> {
		const probe: Probe<ServerError> = async (indexes) => {
			try {
				await this.#driver.transaction(
					async (session) => {
						const place = await findPlace(session, request);
						await writeRows(session, request, place, watch, this.#some(request, indexes), indexes.length);
						// What would be checked when the transaction commits has to show before it is undone.
						await session.query('SET CONSTRAINTS ALL IMMEDIATE');
						throw new Undo();
					},
					{ signal: request.signal },
				);
				return null;
			} catch (error) {
				if (error instanceof Undo) return null;
				const refused = refusal(error, constraints);
				if (refused === null) throw this.#explain(error, request);
				return !refusesValues(refused) && watch.add(refused) ? probe(indexes) : refused;
			}
		};
		return probe;
	}
}

/**
 * Every record of the batch is refused for one and the same reason that is not about data (class 22) or constraints (class 23):
 * then it is the work that is refused, and nothing is set aside.
 */
function refusesEverything(refused: ReadonlyMap<number, ServerError>, batch: SourceBatch): boolean {
	const [code, ...others] = new Set([...refused.values()].map((error) => error.code));
	return batch.rows > 1 && refused.size === batch.rows && others.length === 0 && code !== undefined && !/^2[23]/.test(code);
}

const isAsClaimed = (result: WriteResult, batch: SourceBatch): boolean =>
	result.written === batch.rows && result.updated === 0 && result.skipped === 0 && result.refused.length === 0;

const nothingMerged: Merged = { written: 0, updated: 0, skipped: 0, heldByOthers: [], takenOut: [] };

const batchIndexes = (rows: number): number[] => Array.from({ length: rows }, (_, index) => index);
