import type Database from 'better-sqlite3';
import type { CollectionInspection, IndexState } from '../../source/core/inspection.js';
import { openRecords } from './collection-reader.js';
import type { StoredCollection } from './collections.js';
import { type LogTopic, logState } from './directory-state.js';
import type { Losses } from './losses.js';
import { collectionFacts, matchVectors, mostSampled, noVectors } from './match-vectors.js';
import { fieldFacts } from './metadata-keys.js';
import type { Schema } from './schema.js';
import { sequenceOf } from './values.js';
import { openVectors } from './vectors.js';

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

const checkEvery = 4096;

/** What one collection holds. Every id is read once, to find those without a vector; no vector and no document is read. */
export function lookAtCollection(looking: Looking, stored: StoredCollection): CollectionInspection {
	const { database, schema, directory, losses } = looking;
	if (stored.problem !== null) return unreadableCollection(stored, stored.problem);
	const records = openRecords(database, schema, stored, losses);
	const vectors = openVectors(database, schema, directory, stored, losses);
	try {
		const index = vectors.indexState();
		const gone = goneFromLog(looking, stored, index.persistedUpTo ?? 0);
		const { missing, orphans, nameless, damaged } = matchVectors({ sqlite: database, losses }, stored, records, vectors, gone.look);
		return {
			...collectionFacts(stored, records.count + nameless.length, vectors),
			spaceFrom: stored.spaceFrom,
			problem: null,
			complete: stored.metadataSegment !== null,
			vectorsInLog: vectors.inLog,
			vectorsInIndex: vectors.inIndex,
			missingVectors: { ...missing, goneFromLog: gone.count() },
			orphanedVectors: orphans,
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

/** Counts, among the records without a vector, those whose row the log should hold and does not. */
function goneFromLog({ database, check }: Looking, stored: StoredCollection, indexUpTo: number) {
	const sequence = database.prepare('SELECT seq_id FROM embeddings WHERE segment_id = ? AND embedding_id = ?').safeIntegers(true).pluck();
	const logged = database.prepare('SELECT 1 FROM embeddings_queue WHERE seq_id = ? AND topic = ?');
	let [seen, count] = [0, 0];
	return {
		look(id: string, isThere: boolean): void {
			seen += 1;
			if (seen % checkEvery === 0) check();
			if (isThere) return;
			const writtenAt = sequenceOf(sequence.get(stored.metadataSegment, id)) ?? 0;
			if (writtenAt > indexUpTo && logged.get(writtenAt, stored.topic) === undefined) count += 1;
		},
		count: (): number => count,
	};
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
		...collectionFacts(stored, 0, noVectors),
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
