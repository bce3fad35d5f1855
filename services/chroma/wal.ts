import type Database from 'better-sqlite3';
import { floatsOf, sequenceOf, textOf } from './values.js';

/** `embeddings_queue.operation` (chromadb/types.py, Operation). */
const walOperation = { add: 0, update: 1, upsert: 2, delete: 3 } as const;

/** One row of the write-ahead log, without its payload. */
export interface WalRow {
	readonly sequence: number;
	readonly operation: number;
	readonly id: string;
	readonly hasVector: boolean;
	/** False: its vector is there and is no whole number of float32. */
	readonly isReadable: boolean;
}

/**
 * The rows of one topic after `after`, in sequence order. `length(vector)` reads the row's header only, so a row's vector costs nothing here. There
 * is no index on topic: the bound on seq_id keeps the scan to the part that matters.
 */
export function* walRows(database: Database.Database, topic: string, after: number): Generator<WalRow> {
	const statement = database
		.prepare(
			`SELECT seq_id, operation, id, length(vector), typeof(vector) = 'blob' AND length(vector) % 4 = 0 AND encoding IS 'FLOAT32'
			FROM embeddings_queue WHERE topic = ? AND seq_id > ? ORDER BY seq_id`,
		)
		.raw();
	for (const row of statement.iterate(topic, after) as IterableIterator<[number, number, unknown, number | null, number]>) {
		yield { sequence: row[0], operation: Number(row[1]), id: textOf(row[2]), hasVector: (row[3] ?? 0) > 0, isReadable: row[4] === 1 };
	}
}

/** Whether every row that the log ever held is still there: its numbers run from 1 without a gap. */
export function isLogComplete(database: Database.Database): boolean {
	// The first number is looked up in no time, and a purged log lacks it as a rule.
	if (database.prepare('SELECT min(seq_id) FROM embeddings_queue').pluck().get() !== 1) return false;
	return database.prepare('SELECT count(*) = max(seq_id) FROM embeddings_queue').pluck().get() === 1;
}

/** The last row of the log that a segment has taken in; null when nothing is recorded for it, or nothing that can be compared. */
export function appliedSequence(database: Database.Database, segment: string | null): number | null {
	if (segment === null) return null;
	return sequenceOf(database.prepare('SELECT seq_id FROM max_seq_id WHERE segment_id = ?').safeIntegers(true).pluck().get(segment));
}

export interface VectorReplay {
	/** Id to the sequence of the row that holds its vector; 0: deleted, never effective, or one of two that cannot be told apart. */
	readonly pending: ReadonlyMap<string, number>;
	/** The same for rows that the index has taken in already and that purging left: the untouched originals of indexed vectors. */
	readonly applied: ReadonlyMap<string, number>;
	/** Rows whose vector should have had no effect: ADDs of ids that existed, UPDATEs of ids that did not. The last few of each id, newest first. */
	readonly ignored: ReadonlyMap<string, readonly number[]>;
	/** Rows whose vector cannot be read. */
	readonly unreadable: ReadonlySet<number>;
}

export interface ReplayOptions {
	readonly appliedUpTo: number;
	readonly inIndex: (id: string) => boolean;
	readonly indexDamaged: boolean;
	/** False when the index holds its vectors bit for bit: rows of ids that it has need not be remembered then. */
	readonly originalsMatter: boolean;
	readonly writtenAt: (id: string) => number | null;
	/** Whether no row of the log was ever purged or lost. Asked only when the index is damaged. */
	readonly isLogComplete: () => boolean;
}

/** An application may add all of its records again at every start, and Chroma 0.4 logs that for ever. */
const rememberedRows = 3;

/**
 * Replays the vector half of the log as Chroma's segment reader does: ADD only when the id is not alive, UPDATE only when it is, UPSERT always, DELETE
 * when alive. Whether an id was alive is known from earlier rows or from the persisted index; it is uncertain for rows that the index took in before
 * the log was purged, and for ids that a damaged index has lost. Then `writtenAt` (embeddings.seq_id of the record that exists now) decides:
 * a record last written before a row was not touched by it, and a row that it was last written by had its effect. An UPDATE that is older than
 * that counts only where the index is damaged: an undamaged one would hold the id that it changed.
 *
 * An undamaged index can lack an id that is alive by the log: Chroma 0.4 forgets the vector of an id that is deleted and added again within one of its
 * batches. An UPDATE of such an id counts, because its record took it.
 */
export function replayVectors(rows: Iterable<WalRow>, options: ReplayOptions): VectorReplay {
	const { appliedUpTo, indexDamaged, inIndex, writtenAt } = options;
	const pending = new Map<string, number>();
	const applied = new Map<string, number>();
	const ignored = new Map<string, readonly number[]>();
	const unreadable = new Set<number>();
	const guesses = new Guesses();
	const mayLack = indexDamaged && !options.isLogComplete();
	for (const row of rows) {
		const old = row.sequence <= appliedUpTo;
		if (old && !options.originalsMatter && inIndex(row.id)) continue;
		const earlier = applied.get(row.id);
		const known = old ? earlier : (pending.get(row.id) ?? (indexDamaged ? earlier : undefined));
		const indexed = !old && known === undefined && inIndex(row.id);
		const alive = known === undefined ? indexed : known > 0;
		const uncertain = known === undefined && !indexed && (indexDamaged ? mayLack : old);
		const overlay = old ? applied : pending;
		if (row.operation === walOperation.delete) {
			if (alive || uncertain) overlay.set(row.id, 0);
			guesses.settle(row.id);
		} else if (row.hasVector) {
			if (!row.isReadable) unreadable.add(row.sequence);
			const written = (): number | null => writtenAt(row.id);
			const forgotten = row.operation === walOperation.update && known === undefined && (earlier ?? 0) > 0;
			if (forgotten || guesses.turn(row, written) || takes(row, { alive, uncertain, written, indexDamaged })) {
				overlay.set(row.id, row.sequence);
				if (uncertain && row.operation === walOperation.update && written() !== row.sequence) guesses.make(row.id, overlay);
				else guesses.settle(row.id);
			} else ignored.set(row.id, [row.sequence, ...(ignored.get(row.id) ?? []).slice(0, rememberedRows - 1)]);
		}
	}
	guesses.dropUnclear();
	return { pending, applied, ignored, unreadable };
}

function takes(
	row: WalRow,
	id: { readonly alive: boolean; readonly uncertain: boolean; readonly written: () => number | null; readonly indexDamaged: boolean },
): boolean {
	if (row.operation === walOperation.upsert) return true;
	if (row.operation === walOperation.update) {
		if (id.alive || !id.uncertain) return id.alive;
		const written = id.written() ?? 0;
		return id.indexDamaged ? written >= row.sequence : written === row.sequence;
	}
	if (row.operation !== walOperation.add || id.alive) return false;
	return !id.uncertain || (id.written() ?? row.sequence) >= row.sequence;
}

/**
 * Ids whose life rests on an UPDATE that need not have had an effect. An ADD that follows tells: it had one only if the UPDATE had none. Where the
 * record was written once more after both, neither is known to be its vector.
 */
class Guesses {
	readonly #open = new Map<string, Map<string, number>>();
	readonly #unclear = new Map<string, Map<string, number>>();

	make(id: string, overlay: Map<string, number>): void {
		this.#open.set(id, overlay);
	}

	/** What follows rests on no guess any more. */
	settle(id: string): void {
		this.#open.delete(id);
		this.#unclear.delete(id);
	}

	/** Whether this row shows that the guess was wrong. */
	turn(row: WalRow, written: () => number | null): boolean {
		const overlay = this.#open.get(row.id);
		if (overlay === undefined || row.operation !== walOperation.add) return false;
		const last = written() ?? 0;
		if (last > row.sequence) this.#unclear.set(row.id, overlay);
		return last === row.sequence;
	}

	dropUnclear(): void {
		for (const [id, overlay] of this.#unclear) overlay.set(id, 0);
	}
}

/** What the log changes about one record that the metadata segment has not taken in yet. */
export interface RecordChange {
	/** `merge`: over the stored record; `new`: in place of it, at the end of the order; `gone`: deleted. */
	readonly kind: 'merge' | 'new' | 'gone';
	/** Rows whose metadata applies, in order. */
	readonly rows: readonly number[];
}

/** Replays the metadata half: ADD of an existing id is ignored as a whole, UPDATE of a missing one too, UPDATE and UPSERT merge, DELETE removes. */
export function replayRecords(rows: Iterable<WalRow>, exists: (id: string) => boolean): ReadonlyMap<string, RecordChange> {
	const changes = new Map<string, RecordChange & { readonly rows: number[] }>();
	for (const row of rows) {
		const change = changes.get(row.id);
		const alive = change === undefined ? exists(row.id) : change.kind !== 'gone';
		if (row.operation === walOperation.delete) {
			if (alive) replaceLast(changes, row.id, { kind: 'gone', rows: [] });
		} else if (!alive) {
			if (row.operation !== walOperation.update) replaceLast(changes, row.id, { kind: 'new', rows: [row.sequence] });
		} else if (row.operation !== walOperation.add) {
			if (change === undefined) changes.set(row.id, { kind: 'merge', rows: [row.sequence] });
			else change.rows.push(row.sequence);
		}
	}
	return changes;
}

/** A Map keeps the place of a key that is set again; a record that is added again goes to the end. */
function replaceLast<Change>(changes: Map<string, Change>, id: string, change: Change): void {
	changes.delete(id);
	changes.set(id, change);
}

/** Reads one vector of the log: every bit as the client sent it. Null when the row holds none that can be read (no vector, or not FLOAT32). */
export function walVectorReader(database: Database.Database): (sequence: number) => Float32Array | null {
	const statement = database.prepare('SELECT vector, encoding FROM embeddings_queue WHERE seq_id = ?').raw();
	return (sequence) => {
		const row = statement.get(sequence) as [unknown, unknown] | undefined;
		if (row === undefined || !(row[0] instanceof Uint8Array) || row[1] !== 'FLOAT32') return null;
		return floatsOf(row[0]);
	};
}
