import type Database from 'better-sqlite3';
import type { ChromaMetadata, ChromaScalar } from '../reader.js';
import type { Schema } from './schema.js';
import { scalarOf, textOf } from './values.js';

/** Keys of one record as stored, `chroma:document` and other reserved ones included. */
export type StoredFields = Map<string, ChromaScalar | readonly ChromaScalar[]>;

export interface StoredRecord {
	/** embeddings.id: the server's order. */
	readonly row: number;
	readonly id: string;
	/** Empty when fields were not asked for. */
	readonly fields: StoredFields;
}

const documentKey = 'chroma:document';
const uriKey = 'chroma:uri';

/**
 * The stored records of a metadata segment after `afterRow`, by embeddings.id, streamed from one ordered join: memory is that of one record.
 * `+e.segment_id` keeps SQLite from taking the (segment_id, embedding_id) index, which would sort the whole collection first.
 */
export function* storedRecords(
	database: Database.Database,
	schema: Schema,
	segment: string,
	afterRow: number,
	withFields: boolean,
): Generator<StoredRecord> {
	if (!withFields) {
		const statement = database.prepare('SELECT id, embedding_id FROM embeddings WHERE +segment_id = ? AND id > ? ORDER BY id').raw();
		for (const [row, id] of statement.iterate(segment, afterRow) as IterableIterator<[number, unknown]>) {
			yield { row, id: textOf(id), fields: new Map() };
		}
		return;
	}
	const lists = listReader(database, schema);
	const statement = database
		.prepare(`${joined(schema)} WHERE +e.segment_id = ? AND e.id > ? ORDER BY e.id`)
		.raw()
		.safeIntegers(true);
	let rows: JoinedRow[] = [];
	for (const row of statement.iterate(segment, BigInt(afterRow)) as IterableIterator<JoinedRow>) {
		if (rows[0] !== undefined && rows[0][0] !== row[0]) {
			yield recordOf(rows, lists);
			rows = [];
		}
		rows.push(row);
	}
	if (rows.length > 0) yield recordOf(rows, lists);
}

/** Reads the stored record of one id; null when there is none. */
export function storedRecordReader(database: Database.Database, schema: Schema, segment: string): (id: string) => StoredRecord | null {
	const lists = listReader(database, schema);
	const statement = database
		.prepare(`${joined(schema)} WHERE e.segment_id = ? AND e.embedding_id = ?`)
		.raw()
		.safeIntegers(true);
	return (id) => {
		const rows = statement.all(segment, id) as JoinedRow[];
		return rows.length === 0 ? null : recordOf(rows, lists);
	};
}

const joined = (schema: Schema): string =>
	`SELECT e.id, e.embedding_id, m.rowid, m.key, m.string_value, m.int_value, m.float_value, ${schema.recordBooleans ? 'm.bool_value' : 'NULL'}
	FROM embeddings e LEFT JOIN embedding_metadata m ON m.id = e.id`;

type JoinedRow = [
	row: bigint,
	id: unknown,
	metadataRow: bigint | null,
	key: unknown,
	string: unknown,
	int: unknown,
	float: unknown,
	bool: unknown,
];

function recordOf(rows: JoinedRow[], lists: ((row: bigint, fields: StoredFields) => void) | null): StoredRecord {
	const [row, id] = rows[0] as JoinedRow;
	const fields: StoredFields = new Map();
	// The join comes by key; the order of writing is the rowid's.
	if (rows.length > 1) rows.sort((a, b) => Number(a[2]) - Number(b[2]));
	for (const [, , metadataRow, key, string, int, float, bool] of rows) {
		// SQLite stores NaN as NULL; Chroma answers such a record without the key.
		const value = metadataRow === null ? undefined : scalarOf(string, int, float, bool);
		if (value !== undefined) fields.set(textOf(key), value);
	}
	lists?.(row, fields);
	return { row: Number(row), id: textOf(id), fields };
}

/** Adds the list values of one record (Chroma 1.5 and later: one row per element, in rowid order); null when there are none in the whole directory. */
function listReader(database: Database.Database, schema: Schema): ((row: bigint, fields: StoredFields) => void) | null {
	if (!schema.lists || database.prepare('SELECT 1 FROM embedding_metadata_array LIMIT 1').get() === undefined) return null;
	const statement = database
		.prepare('SELECT key, string_value, int_value, float_value, bool_value FROM embedding_metadata_array WHERE id = ? ORDER BY rowid')
		.raw()
		.safeIntegers(true);
	return (row, fields) => {
		const lists = new Map<string, ChromaScalar[]>();
		for (const [key, string, int, float, bool] of statement.all(row) as unknown[][]) {
			const name = textOf(key);
			const list = lists.get(name) ?? [];
			list.push(scalarOf(string, int, float, bool) ?? null);
			lists.set(name, list);
		}
		for (const [name, list] of lists) fields.set(name, list);
	};
}

/** Applies the metadata of one log row: present keys replace, null removes. Numbers keep the type that their JSON text shows. */
export function logFieldsReader(database: Database.Database): (sequence: number, fields: StoredFields) => void {
	const entries = database
		.prepare(
			'SELECT j.key, j.type, j.atom, j.value FROM embeddings_queue q, json_each(q.metadata) j WHERE q.seq_id = ? AND json_valid(q.metadata, 2)',
		)
		.raw()
		.safeIntegers(true);
	const elements = database.prepare('SELECT type, atom FROM json_each(?)').raw().safeIntegers(true);
	return (sequence, fields) => {
		for (const [key, type, atom, value] of entries.all(sequence) as [unknown, string, unknown, unknown][]) {
			const name = textOf(key);
			const list =
				type === 'array' ? (elements.all(value) as [string, unknown][]).map(([kind, element]) => jsonScalar(kind, element)) : null;
			const scalar = list === null ? jsonScalar(type, atom) : null;
			// An empty list leaves no rows behind in Chroma: the key is gone.
			if (list === null ? scalar === null : list.length === 0) fields.delete(name);
			else fields.set(name, list ?? scalar);
		}
	};
}

function jsonScalar(type: string, atom: unknown): ChromaScalar {
	if (type === 'true' || type === 'false') return type === 'true';
	// A REAL column holds no negative zero: Chroma answers 0.0 once it has applied the row.
	if (type === 'real') return Number(atom) + 0;
	if (type === 'integer') return typeof atom === 'bigint' || typeof atom === 'number' ? atom : null;
	return type === 'text' ? textOf(atom) : null;
}

/** The user's document: null when the record has none; `""` is a real, empty document. */
export function documentOf(fields: StoredFields): string | null {
	const document = fields.get(documentKey);
	return typeof document === 'string' ? document : null;
}

/** The user's metadata: reserved keys removed except the URI; null when nothing is left, as the server answers. */
export function metadataOf(fields: StoredFields): ChromaMetadata | null {
	const metadata: StoredFields = new Map();
	for (const [key, value] of fields) if (!key.startsWith('chroma:') || key === uriKey) metadata.set(key, value);
	return metadata.size === 0 ? null : metadata;
}

/** True when both hold the same keys with the same values and types. */
export function sameFields(a: StoredFields, b: StoredFields): boolean {
	if (a.size !== b.size) return false;
	for (const [key, value] of a) {
		const other = b.get(key);
		const equal =
			Array.isArray(value) && Array.isArray(other)
				? value.length === other.length && value.every((element, at) => element === other[at])
				: value === other;
		if (!equal) return false;
	}
	return true;
}
