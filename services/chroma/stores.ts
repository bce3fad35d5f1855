import { openRecords, type RecordStore } from './collection-reader.js';
import type { StoredCollection } from './collections.js';
import type { OpenedCopy } from './opened-copy.js';
import { openVectors, type VectorStore } from './vectors.js';

/** One collection of an opened copy: its records, and where their vectors are. */
export interface Stores {
	readonly opened: OpenedCopy;
	readonly records: RecordStore;
	readonly vectors: VectorStore;
}

/** `directory`: the folder of the copy, with its segment folders. */
export const openStores = (opened: OpenedCopy, directory: string, collection: StoredCollection): Stores => ({
	opened,
	records: openRecords(opened.sqlite, opened.schema, collection, opened.losses),
	vectors: openVectors(opened.sqlite, opened.schema, directory, collection, opened.losses),
});
