import type BetterSqlite from 'better-sqlite3';
import type { ChromaCollection } from '../../source/core/ports.js';
import type { RecordStore } from './collection-reader.js';
import type { StoredCollection } from './collections.js';
import { damagedRecords, namelessRecords } from './damaged-records.js';
import type { Losses } from './losses.js';
import type { VectorStore } from './vectors.js';

export const mostSampled = 5;

/** Ids that are told: how many, and the first few. */
export interface Sampled {
	readonly count: number;
	readonly sample: readonly string[];
}

/** What one look at every id of a collection tells. */
export interface MatchedVectors {
	/** Records without a vector. */
	readonly missing: Sampled;
	/** Vectors of ids that have no record; Chroma leaves them out too. */
	readonly orphans: number;
	/** Records of which nothing but id and vector is left. */
	readonly nameless: readonly string[];
	/** Records that have lost a part of their document or metadata. */
	readonly damaged: Sampled;
}

/** Compares records and vectors by their ids; reads no vector. `onRecord` is told each id, and whether a vector is there. */
export function matchVectors(
	opened: { readonly sqlite: BetterSqlite.Database; readonly losses: Losses },
	stored: StoredCollection,
	records: RecordStore,
	vectors: VectorStore,
	onRecord: (id: string, isThere: boolean) => void = () => {},
): MatchedVectors {
	const sample: string[] = [];
	let count = 0;
	for (const { id } of records.records(null, false)) {
		const isThere = vectors.has(id);
		onRecord(id, isThere);
		if (isThere) continue;
		count += 1;
		if (sample.length < mostSampled) sample.push(id);
	}
	const nameless = [...namelessRecords(opened, records, vectors)];
	return {
		missing: { count, sample },
		orphans: Math.max(0, vectors.inLog + vectors.inIndex - (records.count - count) - nameless.length),
		nameless,
		damaged: damagedRecords(opened, stored),
	};
}

/** A collection as it is told: `records` with those of which only id and vector are left. */
export function collectionFacts(
	stored: StoredCollection,
	records: number,
	{ inLog, inIndex }: { readonly inLog: number; readonly inIndex: number },
): ChromaCollection {
	const { id, name, tenant, database, dimension, space, metadata } = stored;
	const vectorsIn = inLog > 0 ? (inIndex > 0 ? 'both' : 'wal') : inIndex > 0 ? 'index' : 'none';
	return { id, name, tenant, database, records, dimension, space, metadata, vectorsIn };
}

export const noVectors = { inLog: 0, inIndex: 0 };
