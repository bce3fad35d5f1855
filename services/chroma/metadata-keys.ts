import type Database from 'better-sqlite3';
import type { MetadataKeys, MetadataType } from '../../source/core/inspection.js';
import type { ChromaScalar } from '../reader.js';
import type { StoredCollection } from './collections.js';
import { noLosses } from './losses.js';
import { documentOf, logFieldsReader, type StoredFields, storedRecordReader } from './records.js';
import type { Schema } from './schema.js';
import { textOf } from './values.js';
import { appliedSequence, replayRecords, walRows } from './wal.js';

/** Records whose keys are looked at: reading those of millions would take longer than anybody waits for a description. */
const mostRecords = 100_000;
const mostKeys = 100;
/** Distinct keys held at most while counting. */
const mostTallied = 10_000;

export interface FieldFacts {
	readonly documents: number;
	readonly metadataKeys: MetadataKeys;
}

/**
 * Documents and metadata keys of one collection as they stand after the log. Values are not read: SQLite tells from the header of a row which typed
 * column is set. Documents are counted in all records, keys in the first `limit` ones.
 */
export function fieldFacts(database: Database.Database, schema: Schema, collection: StoredCollection, limit = mostRecords): FieldFacts {
	const segment = collection.metadataSegment;
	if (segment === null) return { documents: 0, metadataKeys: { records: 0, keys: [], more: 0 } };
	const tally = new Tally();
	const { last, records } = firstRecords(database, segment, limit);
	tally.records = records;
	tally.documents = countDocuments(database, segment);
	for (const row of storedKeys(database, schema, segment, last)) tally.add(row.key, row.type, row.count);
	applyLog(database, schema, collection, segment, { last, limit }, tally);
	return { documents: tally.documents, metadataKeys: tally.keys() };
}

class Tally {
	documents = 0;
	records = 0;
	readonly #types = new Map<string, Map<MetadataType, number>>();

	add(key: string, type: MetadataType, count: number): void {
		if (key.startsWith('chroma:') && key !== 'chroma:uri') return;
		let types = this.#types.get(key);
		if (types === undefined) {
			if (this.#types.size >= mostTallied) return;
			types = new Map();
			this.#types.set(key, types);
		}
		types.set(type, (types.get(type) ?? 0) + count);
	}

	addFields(fields: StoredFields, sign: 1 | -1): void {
		this.records += sign;
		for (const [key, value] of fields) this.add(key, typeOf(value), sign);
	}

	keys(): MetadataKeys {
		const all = [...this.#types]
			.map(([key, types]) => ({ key, types: Object.fromEntries([...types].filter(([, count]) => count > 0).sort(byName)) }))
			.filter(({ types }) => Object.keys(types).length > 0)
			.sort((a, b) => (a.key < b.key ? -1 : 1));
		return { records: this.records, keys: all.slice(0, mostKeys), more: Math.max(0, all.length - mostKeys) };
	}
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

function typeOf(value: ChromaScalar | readonly ChromaScalar[]): MetadataType {
	if (value === null) return 'null';
	if (typeof value === 'string') return 'string';
	if (typeof value === 'bigint') return 'int';
	if (typeof value === 'number') return 'float';
	return typeof value === 'boolean' ? 'bool' : 'list';
}

/** embeddings.id of the last of the first `limit` records, and how many they are. */
function firstRecords(database: Database.Database, segment: string, limit: number): { readonly last: number; readonly records: number } {
	const row = database
		.prepare('SELECT max(id), count(*) FROM (SELECT id FROM embeddings WHERE +segment_id = ? ORDER BY id LIMIT ?)')
		.raw()
		.get(segment, limit) as [number | null, number];
	return { last: row[0] ?? 0, records: row[1] };
}

function countDocuments(database: Database.Database, segment: string): number {
	return database
		.prepare(
			`SELECT count(*) FROM embeddings e JOIN embedding_metadata m ON m.id = e.id AND m.key = 'chroma:document'
			WHERE +e.segment_id = ? AND m.string_value IS NOT NULL`,
		)
		.pluck()
		.get(segment) as number;
}

interface CountedKey {
	readonly key: string;
	readonly type: MetadataType;
	readonly count: number;
}

/** By Chroma's precedence: string, int, float, bool; lists where the version has them, which take the place of a scalar of the same key. */
function storedKeys(database: Database.Database, schema: Schema, segment: string, last: number): readonly CountedKey[] {
	const isList = schema.lists ? 'EXISTS (SELECT 1 FROM embedding_metadata_array a WHERE a.id = m.id AND a.key = m.key)' : '0';
	const bool = schema.recordBooleans ? "WHEN m.bool_value IS NOT NULL THEN 'bool'" : '';
	const scalars = database
		.prepare(
			`SELECT m.key, CASE WHEN ${isList} THEN 'list' WHEN m.string_value IS NOT NULL THEN 'string' WHEN m.int_value IS NOT NULL THEN 'int'
				WHEN m.float_value IS NOT NULL THEN 'float' ${bool} ELSE 'null' END AS type, count(*)
			FROM embeddings e JOIN embedding_metadata m ON m.id = e.id
			WHERE +e.segment_id = ? AND e.id <= ? AND m.key <> 'chroma:document' GROUP BY 1, 2 LIMIT ?`,
		)
		.raw()
		.all(segment, last, mostTallied) as CountedRow[];
	const lists = schema.lists
		? (database
				.prepare(
					`SELECT a.key, 'list', count(DISTINCT a.id) FROM embedding_metadata_array a JOIN embeddings e ON e.id = a.id
					WHERE +e.segment_id = ? AND e.id <= ?
						AND NOT EXISTS (SELECT 1 FROM embedding_metadata m WHERE m.id = a.id AND m.key = a.key) GROUP BY 1 LIMIT ?`,
				)
				.raw()
				.all(segment, last, mostTallied) as CountedRow[])
		: [];
	return [...scalars, ...lists].map(([key, type, count]) => ({ key: textOf(key), type, count }));
}

type CountedRow = [key: unknown, type: MetadataType, count: number];

/** What the log changes and the tables have not taken in yet; few records as a rule, so they are read one by one. */
function applyLog(
	database: Database.Database,
	schema: Schema,
	collection: StoredCollection,
	segment: string,
	{ last, limit }: { readonly last: number; readonly limit: number },
	tally: Tally,
): void {
	const exists = database.prepare('SELECT 1 FROM embeddings WHERE segment_id = ? AND embedding_id = ?');
	const applied = appliedSequence(database, segment) ?? 0;
	const changes = replayRecords(walRows(database, collection.topic, applied), (id) => exists.get(segment, id) !== undefined);
	if (changes.size === 0) return;
	const stored = storedRecordReader(database, schema, noLosses, segment);
	const logged = logFieldsReader(database);
	const count = (fields: StoredFields, sign: 1 | -1, isLookedAt: boolean): void => {
		if (documentOf(fields) !== null) tally.documents += sign;
		if (isLookedAt) tally.addFields(fields, sign);
	};
	for (const [id, { kind, rows }] of changes) {
		const before = stored(id);
		const isLookedAt = before === null ? tally.records < limit : before.row <= last;
		if (before !== null) count(before.fields, -1, isLookedAt);
		if (kind === 'gone') continue;
		const after: StoredFields = kind === 'merge' && before !== null ? new Map(before.fields) : new Map();
		for (const sequence of rows) logged(sequence, after);
		count(after, 1, isLookedAt);
	}
}
