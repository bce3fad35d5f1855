import { dirname } from 'node:path';
import type BetterSqlite from 'better-sqlite3';
import type { ChromaCollection, ChromaDescription } from '../../source/core/ports.js';
import type { Reader } from '../reader.js';
import { Database } from '../sqlite/engine.js';
import { openRecords, type RecordStore } from './collection-reader.js';
import { listCollections, type StoredCollection } from './collections.js';
import { chromaProblem, withSqlite } from './problems.js';
import { collectionReader } from './reader.js';
import { readSchema } from './schema.js';
import { openVectors, type VectorStore } from './vectors.js';

/** A private copy of a Chroma directory, opened. */
export interface ChromaCopy {
	describe(): ChromaDescription;
	reader(collectionId: string): Reader;
	close(): void;
}

interface Stores {
	readonly records: RecordStore;
	readonly vectors: VectorStore;
}

/**
 * Opens the copied chroma.sqlite3 at `database`, its segment folders beside it. `path` is the directory as the user named it, `bytes` what was
 * copied. `:memory:` stands for a database without a byte.
 * Throws a RepotError when it is not a Chroma database or one that is newer than this reader.
 */
export function openCopy(database: string, path: string, bytes: number): ChromaCopy {
	// Not readonly: a copy in WAL mode needs its -shm file. query_only keeps the copy's bytes as they were taken.
	const sqlite = withSqlite(path, () => new Database(database, { fileMustExist: database !== ':memory:' }));
	try {
		return withSqlite(path, () => {
			sqlite.pragma('query_only = ON');
			return copyOver(sqlite, dirname(database), path, bytes);
		});
	} catch (thrown) {
		sqlite.close();
		throw thrown;
	}
}

function copyOver(sqlite: BetterSqlite.Database, directory: string, path: string, bytes: number): ChromaCopy {
	const schema = readSchema(sqlite, path);
	const collections = listCollections(sqlite, schema);
	const readers = new Set<Reader>();
	let described: ChromaDescription | null = null;

	const open = (collection: StoredCollection): Stores => ({
		records: openRecords(sqlite, schema, collection),
		vectors: openVectors(sqlite, schema, directory, collection),
	});

	return {
		describe() {
			described ??= withSqlite(path, () => {
				const parts = collections.map((collection) => describeCollection(collection, open));
				const notes = [
					...(schema.version === 'empty'
						? ['chroma.sqlite3 is empty, or its tables were never completely made: nothing was ever stored in it']
						: []),
				];
				if (schema.lists) notes.push(...strayLists(sqlite));
				return {
					path,
					bytes,
					version: schema.version,
					collections: parts.map((part) => part.collection),
					notes: [...notes, ...parts.flatMap((part) => part.notes)],
				};
			});
			return described;
		},
		reader(collectionId) {
			const collection = collections.find(({ id }) => id === collectionId);
			if (collection === undefined) throw new TypeError(`no collection has the id ${collectionId}`);
			if (collection.problem !== null) throw unreadable(path, collection, collection.problem);
			const { records, vectors } = withSqlite(path, () => open(collection));
			const reader = collectionReader(records, vectors, path, () => {
				vectors.close();
				readers.delete(reader);
			});
			readers.add(reader);
			return reader;
		},
		close() {
			for (const reader of [...readers]) reader.close();
			sqlite.close();
		},
	};
}

function describeCollection(
	stored: StoredCollection,
	open: (collection: StoredCollection) => Stores,
): { readonly collection: ChromaCollection; readonly notes: readonly string[] } {
	const about = `Collection "${stored.name}"`;
	const facts = {
		id: stored.id,
		name: stored.name,
		tenant: stored.tenant,
		database: stored.database,
		dimension: stored.dimension,
		space: stored.space,
		metadata: stored.metadata,
	};
	if (stored.problem !== null) {
		return { collection: { ...facts, records: 0, vectorsIn: 'none' }, notes: [`${about} cannot be read: ${stored.problem}`] };
	}
	const { records, vectors } = open(stored);
	try {
		const found = matchVectors(records, vectors);
		const notes = [...vectors.notes];
		if (stored.metadataSegment === null) notes.push('it was never completely created and is read as empty');
		if (found.missing > 0)
			notes.push(
				`${found.missing} of ${records.count} records have no vector (${found.sample.join(', ')}${found.missing > found.sample.length ? ', ...' : ''})`,
			);
		if (found.orphans > 0) notes.push(`${found.orphans} vectors belong to no record and are left out, as the server does`);
		if (records.unreadableRows > 0)
			notes.push(`${records.unreadableRows} rows of its write-ahead log hold metadata that is not JSON; those values are lost`);
		return {
			collection: { ...facts, records: records.count, vectorsIn: whereVectorsAre(vectors) },
			notes: notes.map((note) => `${about}: ${note}`),
		};
	} finally {
		vectors.close();
	}
}

function matchVectors(
	records: RecordStore,
	vectors: VectorStore,
): { readonly missing: number; readonly sample: readonly string[]; readonly orphans: number } {
	const sample: string[] = [];
	let missing = 0;
	for (const { id } of records.records(null, false)) {
		if (vectors.has(id)) continue;
		missing += 1;
		if (sample.length < 5) sample.push(id);
	}
	return { missing, sample, orphans: Math.max(0, vectors.inLog + vectors.inIndex - (records.count - missing)) };
}

function whereVectorsAre({ inLog, inIndex }: VectorStore): ChromaCollection['vectorsIn'] {
	if (inLog > 0) return inIndex > 0 ? 'both' : 'wal';
	return inIndex > 0 ? 'index' : 'none';
}

/** Chroma 1.5 leaves the list values of a deleted collection behind and uses row numbers again, so that its server shows them on new records. */
function strayLists(sqlite: BetterSqlite.Database): readonly string[] {
	const count = Number(
		sqlite
			.prepare('SELECT count(*) FROM embedding_metadata_array a WHERE NOT EXISTS (SELECT 1 FROM embeddings e WHERE e.id = a.id)')
			.pluck()
			.get(),
	);
	if (count === 0) return [];
	return [
		`${count} list values belong to no record: a collection was deleted, and its lists may show on newer records, as they do in Chroma's own answers`,
	];
}

function unreadable(path: string, collection: StoredCollection, why: string): Error {
	return chromaProblem({
		code: 'CHROMA_COLLECTION_UNREADABLE',
		message: `Collection "${collection.name}" cannot be read from its directory`,
		where: path,
		why,
		next: ['Choose another collection with --collection NAME', 'Or export this one with the Chroma that wrote it'],
	});
}
