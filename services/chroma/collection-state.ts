import type Database from 'better-sqlite3';
import type { CollectionFacts, CollectionInspection, IndexState } from '../../source/core/inspection.js';
import { openRecords, type RecordStore } from './collection-reader.js';
import type { StoredCollection } from './collections.js';
import { damagedRecords, namelessRecords } from './damaged-records.js';
import { type LogTopic, logState } from './directory-state.js';
import type { Losses } from './losses.js';
import { fieldFacts } from './metadata-keys.js';
import type { Schema } from './schema.js';
import { sequenceOf } from './values.js';
import { openVectors, type VectorStore } from './vectors.js';

/** The private copy that is looked at. */
export interface Looking {
	readonly database: Database.Database;
	readonly schema: Schema;
	/** Folder of the copy, with its segment folders. */
	readonly directory: string;
	readonly losses: Losses;
	readonly topics: ReadonlyMap<string, LogTopic>;
	/** Called now and then; throws when nobody waits for the answer any more. */
	readonly check: () => void;
}

const mostSampled = 5;
const checkEvery = 4096;

/** What one collection holds. Every id is read once, to find those without a vector; no vector and no document is read. */
export function lookAtCollection(looking: Looking, stored: StoredCollection): CollectionInspection {
	const { database, schema, directory, losses } = looking;
	if (stored.problem !== null) return unreadableCollection(stored, stored.problem);
	const records = openRecords(database, schema, stored, losses);
	const vectors = openVectors(database, schema, directory, stored, losses);
	try {
		const index = vectors.indexState();
		const missing = missingVectors(looking, stored, records, vectors, index.persistedUpTo ?? 0);
		const { inLog, inIndex } = vectors;
		const nameless = [...namelessRecords({ losses }, records, vectors)];
		const damaged = damagedRecords({ sqlite: database, losses }, stored);
		return {
			...described(stored, records.count + nameless.length, inLog, inIndex),
			spaceFrom: stored.spaceFrom,
			problem: null,
			complete: stored.metadataSegment !== null,
			vectorsInLog: inLog,
			vectorsInIndex: inIndex,
			missingVectors: missing,
			orphanedVectors: Math.max(0, inLog + inIndex - (records.count - missing.count) - nameless.length),
			...(damaged.count === 0 ? {} : { damagedRecords: damaged }),
			...(nameless.length === 0 ? {} : { namelessRecords: { count: nameless.length, sample: nameless.slice(0, mostSampled) } }),
			...(stored.lostMetadata.length === 0 ? {} : { lostMetadataKeys: stored.lostMetadata }),
			restatedVectors: vectors.restated,
			...fieldFacts(database, schema, stored),
			log: logState(database, stored, looking.topics.get(stored.topic), index.persistedUpTo ?? 0, records.unreadableRows),
			index,
		};
	} finally {
		vectors.close();
	}
}

function described(stored: StoredCollection, records: number, inLog: number, inIndex: number) {
	const { id, name, tenant, database, dimension, space, metadata } = stored;
	const vectorsIn = inLog > 0 ? (inIndex > 0 ? 'both' : 'wal') : inIndex > 0 ? 'index' : 'none';
	return { id, name, tenant, database, records, dimension, space, metadata, vectorsIn } as const;
}

function missingVectors(
	{ database, check }: Looking,
	stored: StoredCollection,
	records: RecordStore,
	vectors: VectorStore,
	indexUpTo: number,
): CollectionFacts['missingVectors'] {
	const sequence = database.prepare('SELECT seq_id FROM embeddings WHERE segment_id = ? AND embedding_id = ?').safeIntegers(true).pluck();
	const sample: string[] = [];
	const logged = database.prepare('SELECT 1 FROM embeddings_queue WHERE seq_id = ? AND topic = ?');
	let [seen, count, goneFromLog] = [0, 0, 0];
	for (const { id } of records.records(null, false)) {
		seen += 1;
		if (seen % checkEvery === 0) check();
		if (vectors.has(id)) continue;
		count += 1;
		if (sample.length < mostSampled) sample.push(id);
		const writtenAt = sequenceOf(sequence.get(stored.metadataSegment, id)) ?? 0;
		if (writtenAt > indexUpTo && logged.get(writtenAt, stored.topic) === undefined) goneFromLog += 1;
	}
	return { count, sample, goneFromLog };
}

const noIndex: IndexState = {
	folder: null,
	folderExists: false,
	pickle: 'absent',
	pickleDamage: null,
	ids: 0,
	elements: null,
	claimed: null,
	deleted: null,
	maxElements: null,
	unnamed: 0,
	problem: null,
	persistedUpTo: null,
	lostLengths: 0,
	normalised: true,
};

/** A collection of which only its row in the tables is known. */
export function unreadableCollection(stored: StoredCollection, problem: string): CollectionInspection {
	return {
		...described(stored, 0, 0, 0),
		spaceFrom: stored.spaceFrom,
		problem,
		complete: true,
		vectorsInLog: 0,
		vectorsInIndex: 0,
		missingVectors: { count: 0, sample: [], goneFromLog: 0 },
		orphanedVectors: 0,
		restatedVectors: 0,
		documents: null,
		metadataKeys: { records: 0, keys: [], more: 0 },
		log: { rows: 0, first: null, last: null, pending: 0, recordsUpTo: null, unreadableRows: 0 },
		index: { ...noIndex, folder: stored.vectorSegment },
	};
}
