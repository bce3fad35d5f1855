import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import type { IndexState } from '../../source/core/inspection.js';
import type { StoredCollection } from './collections.js';
import { type HnswIndex, isLfsPointer, openHnsw } from './hnsw.js';
import { indexState } from './index-state.js';
import { isLogLost, type Losses, noLosses } from './losses.js';
import { isOriginalOf } from './normalised.js';
import { type IndexMetadata, readIndexMetadata } from './pickle.js';
import { documentOf, logFieldsReader, type StoredFields, sameFields, storedRecordReader } from './records.js';
import type { Schema } from './schema.js';
import { sequenceOf } from './values.js';
import { appliedSequence, isLogComplete, replayVectors, type VectorReplay, walRows, walVectorReader } from './wal.js';

/** Where each vector of one collection is; holds ids and positions, never vectors. */
export interface VectorStore {
	/** True when there is a place to read the vector from. */
	has(id: string): boolean;
	/** Ids that it has a vector for, or had. */
	ids(): Iterable<string>;
	/** The vector, or null when it is lost or never was. */
	read(id: string): Float32Array | null;
	/** Ids whose vector stands only in the log. */
	readonly inLog: number;
	/** Ids whose vector the persisted index holds. */
	readonly inIndex: number;
	/** Lost vectors found in log rows that state their record once more. */
	readonly restated: number;
	/** What the index files hold; looks at every label of the pickle. */
	indexState(): IndexState;
	/** Damage found, one sentence each, without the collection's name. */
	readonly notes: readonly string[];
	close(): void;
}

interface Persisted {
	readonly index: HnswIndex | null;
	readonly labels: ReadonlyMap<string, number>;
	readonly maxSeqId: number | null;
	/** True when vectors that the index once held cannot be found through it. */
	readonly damaged: boolean;
	readonly notes: readonly string[];
	/** Null: there is no pickle that could be read. */
	readonly pickle: IndexMetadata | null;
	/** Why no vector can be read although there is a pickle. */
	readonly problem: string | null;
}

/** Opens the vectors of a collection in the private copy at `directory`. */
export function openVectors(
	database: Database.Database,
	schema: Schema,
	directory: string,
	collection: StoredCollection,
	losses: Losses = noLosses,
): VectorStore {
	const recorded = appliedSequence(database, collection.vectorSegment);
	const persisted = openPersisted(directory, collection, recorded);
	const appliedUpTo = recorded ?? persisted.maxSeqId ?? 0;
	const { index, labels } = persisted;
	const position = (id: string): number | null => {
		const label = labels.get(id);
		return label === undefined || index === null ? null : index.positionOf(label);
	};
	const cosine = collection.space === 'cosine';
	const writtenAt = recordSequence(database, collection.metadataSegment);
	const replay = replayVectors(walRows(database, collection.topic, 0), {
		appliedUpTo,
		inIndex: (id) => position(id) !== null,
		indexDamaged: persisted.damaged,
		originalsMatter: cosine || persisted.damaged,
		writtenAt,
		isLogComplete: () => isLogComplete(database),
	});
	const walVector = walVectorReader(database);
	/** The row's vector can be read. */
	const readable = (sequence: number): boolean => sequence > 0 && !replay.unreadable.has(sequence);
	const lost = (id: string): boolean => !replay.pending.has(id) && position(id) === null && !readable(replay.applied.get(id) ?? 0);
	const restated = restatedVectors(
		database,
		schema,
		collection,
		losses,
		[...replay.ignored].map(([id, [last]]) => [id, last ?? 0] as const).filter(([id, last]) => lost(id) && readable(last)),
	);
	const recordsUpTo = appliedSequence(database, collection.metadataSegment) ?? 0;
	/** Whether a lost row of the log may have given the record another vector than the one that is found. */
	const isUncertain = (id: string): boolean => {
		if (losses.log.length === 0 && losses.logRows.size === 0) return false;
		const indexed = replay.pending.has(id) || position(id) === null ? null : appliedUpTo;
		const source = replay.pending.get(id) ?? indexed ?? replay.applied.get(id) ?? restated.get(id) ?? 0;
		if (indexed === null && losses.logRows.has(source)) return true;
		// 0: the record's own row was lost, and with it when it was last written.
		const written = writtenAt(id) || Number.POSITIVE_INFINITY;
		// A row that the record has passed by and did not take: what it took instead was lost.
		if (indexed === null && source > written && source <= recordsUpTo) return true;
		return isLogLost(losses, source, written);
	};
	const found = counts({ replay, readable, labels, position, restated: restated.size, exists: (id) => writtenAt(id) !== null });
	return {
		has: (id) => {
			const pending = replay.pending.get(id);
			return (pending === undefined ? !lost(id) || restated.has(id) : readable(pending)) && !isUncertain(id);
		},
		ids: () => new Set([...labels.keys(), ...replay.applied.keys(), ...replay.pending.keys()]),
		read: (id) => {
			if (isUncertain(id)) return null;
			const pending = replay.pending.get(id);
			if (pending !== undefined) return pending === 0 ? null : walVector(pending);
			const at = position(id);
			const indexed = at === null || index === null ? null : index.read(at);
			// An l2 or ip index holds what was given.
			if (indexed !== null && !cosine) return indexed;
			const applied = restated.get(id) ?? replay.applied.get(id) ?? 0;
			const candidates = indexed === null ? [applied] : [applied, ...(replay.ignored.get(id) ?? [])];
			return original(candidates, walVector, indexed);
		},
		...found,
		restated: restated.size,
		indexState: () => indexState({ ...persisted, directory, segment: collection.vectorSegment, recorded }),
		notes: [...persisted.notes, ...restatedNotes(restated.size), ...forgottenNotes(found.forgotten)],
		close: () => index?.close(),
	};
}

function openPersisted(directory: string, collection: StoredCollection, recorded: number | null): Persisted {
	const nothing: Persisted = { index: null, labels: new Map(), maxSeqId: null, damaged: false, notes: [], pickle: null, problem: null };
	if (collection.vectorSegment === null) return nothing;
	const folder = join(directory, collection.vectorSegment);
	const pickle = join(folder, 'index_metadata.pickle');
	if (!existsSync(pickle)) {
		// Without a pickle the index files were never persisted and hold nothing; unless SQLite says that they were.
		if ((recorded ?? 0) === 0) return nothing;
		const what = existsSync(folder) ? 'index_metadata.pickle is missing' : 'its segment folder is missing';
		return { ...nothing, damaged: true, notes: [`${what}: persisted vectors cannot be told apart any more`] };
	}
	if (isLfsPointer(pickle)) return { ...nothing, damaged: true, notes: ['index_metadata.pickle is a Git LFS pointer'] };
	const metadata = readIndexMetadata(pickle);
	const index = openHnsw(folder, collection.space === 'cosine', metadata.labels);
	const notes = pickleNotes(metadata);
	if (typeof index === 'string') {
		const harmless = metadata.labels.size === 0 && metadata.damage === null;
		const told = harmless ? notes : [...notes, index];
		return { ...nothing, maxSeqId: metadata.maxSeqId, damaged: !harmless, notes: told, pickle: metadata, problem: harmless ? null : index };
	}
	return {
		index,
		labels: metadata.labels,
		maxSeqId: metadata.maxSeqId,
		damaged: metadata.damage !== null || index.cut,
		notes: [...notes, ...index.notes],
		pickle: metadata,
		problem: null,
	};
}

function pickleNotes(metadata: IndexMetadata): string[] {
	if (metadata.damage === null) return [];
	return [`index_metadata.pickle is damaged (${metadata.damage}): ${metadata.labels.size} ids could be read from it`];
}

/**
 * Lost vectors that a row of the log states again. Chroma ignored that row, an ADD, because the id existed; where it carries the very document and metadata
 * of the stored record, its vector is that of the same text and is taken, with a note. Records without a document prove nothing and stay lost.
 */
function restatedVectors(
	database: Database.Database,
	schema: Schema,
	collection: StoredCollection,
	losses: Losses,
	ignored: readonly (readonly [id: string, sequence: number])[],
): ReadonlyMap<string, number> {
	const restated = new Map<string, number>();
	if (ignored.length === 0 || collection.metadataSegment === null) return restated;
	const stored = storedRecordReader(database, schema, losses, collection.metadataSegment);
	const logged = logFieldsReader(database);
	for (const [id, sequence] of ignored) {
		const fields: StoredFields = new Map();
		logged(sequence, fields);
		const record = stored(id);
		if (record !== null && record.lost === null && documentOf(fields) !== null && sameFields(record.fields, fields))
			restated.set(id, sequence);
	}
	return restated;
}

function restatedNotes(count: number): string[] {
	if (count === 0) return [];
	return [
		`${count === 1 ? '1 lost vector is' : `${count} lost vectors are`} taken from log rows that add the same id, document and metadata once more (Chroma ignored those rows because the ids existed)`,
	];
}

function recordSequence(database: Database.Database, segment: string | null): (id: string) => number | null {
	if (segment === null) return () => null;
	const statement = database.prepare('SELECT seq_id FROM embeddings WHERE segment_id = ? AND embedding_id = ?').safeIntegers(true).pluck();
	return (id) => sequenceOf(statement.get(segment, id));
}

function forgottenNotes(count: number): string[] {
	if (count === 0) return [];
	return [
		`${count === 1 ? '1 vector that its index lacks is' : `${count} vectors that its index lacks are`} taken from the write-ahead log`,
	];
}

function counts(of: {
	readonly replay: VectorReplay;
	readonly readable: (sequence: number) => boolean;
	readonly labels: ReadonlyMap<string, number>;
	readonly position: (id: string) => number | null;
	readonly restated: number;
	readonly exists: (id: string) => boolean;
}): { readonly inLog: number; readonly inIndex: number; readonly forgotten: number } {
	const { pending, applied } = of.replay;
	let inLog = of.restated;
	let inIndex = 0;
	let forgotten = 0;
	for (const sequence of pending.values()) if (of.readable(sequence)) inLog += 1;
	for (const id of of.labels.keys()) if (!pending.has(id) && of.position(id) !== null) inIndex += 1;
	for (const [id, sequence] of applied) {
		// The log also remembers rows without effect: updates of records that never were.
		if (of.readable(sequence) && !pending.has(id) && of.position(id) === null && of.exists(id)) forgotten += 1;
	}
	return { inLog: inLog + forgotten, inIndex, forgotten };
}

/**
 * The log's original where it is the vector that the index holds. A cosine index keeps it normalised, so its answer differs in the last bits (at
 * most 1.3e-7 of the component was seen); anything further apart is another vector, and the index is what the server answers from. The candidates are
 * sequences of log rows, 0 for none: a row that should have had no effect is one, because Chroma 0.4 takes some, and because a process that died
 * between writing its index and recording it leaves rows that the index has already taken in.
 */
function original(
	candidates: readonly number[],
	walVector: (sequence: number) => Float32Array | null,
	indexed: Float32Array | null,
): Float32Array | null {
	for (const sequence of candidates) {
		const logged = sequence === 0 ? null : walVector(sequence);
		if (logged !== null && (indexed === null || isOriginalOf(indexed, logged))) return logged;
	}
	return indexed;
}
