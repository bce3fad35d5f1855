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
}

/**
 * The rows of one topic after `after`, in sequence order. `length(vector)` reads the row's header only, so a row's vector costs nothing here. There
 * is no index on topic: the bound on seq_id keeps the scan to the part that matters.
 */
export function* walRows(database: Database.Database, topic: string, after: number): Generator<WalRow> {
	const statement = database
		.prepare('SELECT seq_id, operation, id, length(vector) FROM embeddings_queue WHERE topic = ? AND seq_id > ? ORDER BY seq_id')
		.raw();
	for (const row of statement.iterate(topic, after) as IterableIterator<[number, number, unknown, number | null]>) {
		yield { sequence: row[0], operation: Number(row[1]), id: textOf(row[2]), hasVector: (row[3] ?? 0) > 0 };
	}
}

/** How far each segment of a collection has taken in the log; 0 when nothing is recorded, which replays everything. */
export function appliedSequence(database: Database.Database, segment: string | null): number | null {
	if (segment === null) return null;
	return sequenceOf(database.prepare('SELECT seq_id FROM max_seq_id WHERE segment_id = ?').safeIntegers(true).pluck().get(segment));
}

export interface VectorReplay {
	/** Id to the sequence of the row that holds its vector; 0: deleted, or never effective. */
	readonly pending: ReadonlyMap<string, number>;
	/** The same for rows that the index has taken in already and that purging left: the untouched originals of indexed vectors. */
	readonly applied: ReadonlyMap<string, number>;
	/** Rows whose vector should have had no effect: ADDs of ids that existed, UPDATEs of ids that did not. The last few of each id, newest first. */
	readonly ignored: ReadonlyMap<string, readonly number[]>;
}

export interface ReplayOptions {
	readonly appliedUpTo: number;
	readonly inIndex: (id: string) => boolean;
	readonly indexDamaged: boolean;
	/** False when the index holds its vectors bit for bit: rows of ids that it has need not be remembered then. */
	readonly originalsMatter: boolean;
	readonly writtenAt: (id: string) => number | null;
}

/** An application may add all of its records again at every start, and Chroma 0.4 logs that for ever. */
const rememberedRows = 3;

/**
 * Replays the vector half of the log as Chroma's segment reader does: ADD only when the id is not alive, UPDATE only when it is, UPSERT always, DELETE
 * when alive. Whether an id was alive is known from earlier rows or from the persisted index; it is uncertain for rows that the index took in before
 * the log was purged, and for ids that a damaged index has lost. Then `writtenAt` (embeddings.seq_id of the record that exists now) decides
 * whether an ADD had any effect: a record last written before that row was not touched by it.
 *
 * An undamaged index can lack an id that is alive by the log: Chroma 0.4 forgets the vector of an id that is deleted and added again within one of its
 * batches. An UPDATE of such an id counts, because its record took it.
 */
export function replayVectors(rows: Iterable<WalRow>, options: ReplayOptions): VectorReplay {
	const pending = new Map<string, number>();
	const applied = new Map<string, number>();
	const ignored = new Map<string, readonly number[]>();
	for (const row of rows) {
		const old = row.sequence <= options.appliedUpTo;
		if (old && !options.originalsMatter && options.inIndex(row.id)) continue;
		const earlier = applied.get(row.id);
		const known = old ? earlier : (pending.get(row.id) ?? (options.indexDamaged ? earlier : undefined));
		const indexed = !old && known === undefined && options.inIndex(row.id);
		const alive = known === undefined ? indexed : known > 0;
		const uncertain = known === undefined && !indexed && (old || options.indexDamaged);
		const overlay = old ? applied : pending;
		if (row.operation === walOperation.delete) {
			if (alive || uncertain) overlay.set(row.id, 0);
		} else if (row.hasVector) {
			const forgotten = row.operation === walOperation.update && known === undefined && (earlier ?? 0) > 0;
			if (forgotten || takes(row, alive, uncertain, options.writtenAt)) overlay.set(row.id, row.sequence);
			else ignored.set(row.id, [row.sequence, ...(ignored.get(row.id) ?? []).slice(0, rememberedRows - 1)]);
		}
	}
	return { pending, applied, ignored };
}

function takes(row: WalRow, alive: boolean, uncertain: boolean, writtenAt: (id: string) => number | null): boolean {
	if (row.operation === walOperation.upsert) return true;
	if (row.operation === walOperation.update) return alive || uncertain;
	if (row.operation !== walOperation.add || alive) return false;
	return !uncertain || (writtenAt(row.id) ?? row.sequence) >= row.sequence;
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
