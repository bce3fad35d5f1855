import { RepotError } from '../../source/core/errors.js';
import type { CopyStep } from '../../source/core/plan/types.js';
import type { Clock, SourceBatch, WriteResult } from '../../source/core/ports.js';
import { type BatchRequest, copyStatement } from './batch-request.js';
import { findTable, requireTable, type TableInfo } from './catalog.js';
import { findRefused, joinRows, splitRows } from './copy-rows.js';
import { type Driver, ServerError, type Session } from './driver.js';
import { refusalCode, refusesValues } from './errors.js';
import { type Merged, mergeRows } from './merge.js';
import { number, text } from './sql-text.js';

type Refused = WriteResult['refused'][number];

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

/** Writes rows inside the caller's transaction. Sub-transactions must not be used: the rows' xmin has to be the batch's transaction. */
async function writeRows(session: Session, request: BatchRequest, table: TableInfo, data: Uint8Array, rows: number): Promise<Merged> {
	if (request.step.write === 'merge') return mergeRows(session, request, table, data, rows);
	await session.copyIn(copyStatement(table.qualified, request.step), data);
	return { written: rows, updated: 0, skipped: 0, heldByOthers: [] };
}

/** A record that only its own values can have been refused for: class 22 and the like, or (skip, update) another unique key. */
function refusal(error: unknown, request: BatchRequest, keyConstraints: ReadonlySet<string>): ServerError | null {
	if (refusesValues(error)) return error;
	const isOtherUnique =
		error instanceof ServerError &&
		error.code === '23505' &&
		request.policy !== 'fail' &&
		request.step.write === 'merge' &&
		!keyConstraints.has(error.constraint ?? '');
	return isOtherUnique ? error : null;
}

/** Unique constraints and indexes on exactly the step's key. */
async function keyConstraintsOf(session: Session, step: CopyStep, table: TableInfo): Promise<ReadonlySet<string>> {
	const { rows } = await session.query(
		`SELECT c.relname AS name, (SELECT string_agg(a.attname, ',' ORDER BY a.attname) FROM pg_attribute a
			WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int2[])) AS columns
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::oid AND i.indisunique`,
		[table.oid],
	);
	const key = [...step.key].sort().join(',');
	return new Set(rows.filter((row) => row.columns === key).map((row) => text(row, 'name')));
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
	readonly #tables = new Map<string, TableInfo>();

	constructor(driver: Driver, clock: Clock) {
		this.#driver = driver;
		this.#clock = clock;
	}

	async write(request: BatchRequest): Promise<WriteResult> {
		try {
			return await this.#attempt(request, new Map());
		} catch (error) {
			this.#tables.clear();
			const constraints = await this.#keyConstraints(error, request);
			if (refusal(error, request, constraints) === null) throw this.#explain(error, request);
			const refused = await this.#findRefused(request, constraints);
			if (refused.size === 0 || refusesEverything(refused, request.batch)) throw error;
			try {
				return await this.#attempt(request, refused);
			} catch (second) {
				throw this.#explain(second, request);
			}
		}
	}

	/** Catalogs are read with the first batch of a step that this process writes, and again after an error. */
	async #tableOf(session: Session, { run, step, sequence }: BatchRequest): Promise<TableInfo> {
		const place = `${run}/${step.id}`;
		const known = this.#tables.get(place);
		if (known !== undefined && sequence > 0) return known;
		const table = await requireTable(session, step.table);
		this.#tables.set(place, table);
		return table;
	}

	#explain(error: unknown, request: BatchRequest): unknown {
		return error instanceof ServerError && error.code === '23505' ? changedTarget(error, request.step) : error;
	}

	async #keyConstraints(error: unknown, { step }: BatchRequest): Promise<ReadonlySet<string>> {
		if (!(error instanceof ServerError) || error.code !== '23505') return new Set();
		const table = await findTable(this.#driver, step.table);
		return table === null ? new Set() : keyConstraintsOf(this.#driver, step, table);
	}

	/** One transaction: the ledger row, the rows except `refused`, and the ledger row's final figures. */
	async #attempt(request: BatchRequest, refused: ReadonlyMap<number, ServerError>): Promise<WriteResult> {
		const { step, batch } = request;
		const started = this.#clock.now();
		return this.#driver.transaction(
			async (session) => {
				const table = await this.#tableOf(session, request);
				if (!(await claim(session, request, table))) return storedResult(session, request);
				const kept = batchIndexes(batch.rows).filter((index) => !refused.has(index));
				const data = refused.size === 0 ? batch.data : this.#some(request, kept);
				const merged = kept.length === 0 ? nothingMerged : await writeRows(session, request, table, data, kept.length);
				const outcome = {
					written: merged.written,
					updated: merged.updated,
					skipped: merged.skipped,
					refused: allRefused(refused, merged, kept, step),
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

	/** Finds the refused rows by writing parts of the batch in transactions that are undone. */
	#findRefused(request: BatchRequest, constraints: ReadonlySet<string>): Promise<Map<number, ServerError>> {
		return findRefused(request.batch.rows, async (indexes) => {
			try {
				await this.#driver.transaction(
					async (session) => {
						const table = await requireTable(session, request.step.table);
						await writeRows(session, request, table, this.#some(request, indexes), indexes.length);
						throw new Undo();
					},
					{ signal: request.signal },
				);
				return null;
			} catch (error) {
				if (error instanceof Undo) return null;
				const refused = refusal(error, request, constraints);
				if (refused === null) throw this.#explain(error, request);
				return refused;
			}
		});
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

const nothingMerged: Merged = { written: 0, updated: 0, skipped: 0, heldByOthers: [] };

const batchIndexes = (rows: number): number[] => Array.from({ length: rows }, (_, index) => index);

/** Refusals by the server and by tenancy, as indexes into the batch. */
function allRefused(refused: ReadonlyMap<number, ServerError>, merged: Merged, kept: readonly number[], step: CopyStep): Refused[] {
	const byServer = [...refused].map(([row, error]) => ({
		row,
		code: refusalCode(error),
		reason: error.detail === undefined ? error.message : `${error.message}: ${error.detail}`,
	}));
	const whose = step.collection === undefined ? 'another tenant' : 'another collection or tenant';
	const byOthers = merged.heldByOthers.map((index) => ({
		row: kept[index] ?? index,
		code: 'KEY_HELD_BY_OTHER',
		reason: `A row of ${whose} in ${step.table} has this key`,
	}));
	return [...byServer, ...byOthers].sort((left, right) => left.row - right.row);
}
