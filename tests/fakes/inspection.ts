import { tellChroma, tellSqlite } from '../../source/core/inspect.js';
import type {
	ChromaFacts,
	ChromaInspection,
	ChromaServerInspection,
	CollectionFacts,
	CollectionInspection,
	IndexState,
	SqliteFacts,
	SqliteInspection,
} from '../../source/core/inspection.js';
import type { ChromaCollection, ChromaDescription, SqliteDescription } from '../../source/core/ports.js';

const outside = { use: { state: 'not-in-use', by: [] }, beside: { journal: 'none', walBytes: 0 } } as const;

export const noIndex: IndexState = {
	folder: '00000000-0000-4000-8000-000000000000',
	folderExists: true,
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

/** A sound database, looked at. */
export function inspectedSqlite(description: SqliteDescription, more: Partial<SqliteFacts> = {}): SqliteInspection {
	return tellSqlite({ ...description, ...outside, encoding: 'UTF-8', views: 0, triggers: 0, unreadable: [], ...more });
}

/** A sound collection whose vectors are all in the log. */
export function inspectedCollection(collection: ChromaCollection, more: Partial<CollectionFacts> = {}): CollectionInspection {
	const { records } = collection;
	return {
		...collection,
		spaceFrom: 'schema_str',
		problem: null,
		complete: true,
		vectorsInLog: records,
		vectorsInIndex: 0,
		missingVectors: { count: 0, sample: [], goneFromLog: 0 },
		orphanedVectors: 0,
		restatedVectors: 0,
		documents: records,
		metadataKeys: { records, keys: [], more: 0 },
		log: { rows: records, first: 1, last: records, pending: records, recordsUpTo: records, unreadableRows: 0 },
		index: noIndex,
		...more,
	};
}

/** A sound directory of such collections. */
export function inspectedChroma(
	description: Omit<ChromaDescription, 'collections' | 'notes'>,
	collections: readonly CollectionInspection[],
	more: Partial<ChromaFacts> = {},
): ChromaInspection {
	return tellChroma({
		...description,
		...outside,
		integrity: 'ok',
		journalMode: 'delete',
		migrations: { embeddings_queue: 2, metadb: 5, sysdb: 10 },
		logPurging: true,
		strayLogRows: 0,
		strayListValues: 0,
		staleFolders: [],
		...more,
		collections,
	});
}

/** A running server that was looked at. */
export function inspectedServer(path: string, collections: readonly ChromaCollection[]): ChromaServerInspection {
	return { kind: 'chroma-server', path, from: 'server', bytes: 0, version: 'server, API v2', collections, notes: [], damage: [] };
}
