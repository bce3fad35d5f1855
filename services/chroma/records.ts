import { isUtf8 } from 'node:buffer';
import type Database from 'better-sqlite3';
import type { ChromaMetadata, ChromaScalar } from '../reader.js';
import { type Losses, type LostFields, lostFieldsOf } from './losses.js';
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
	/** What of its fields is lost; null: nothing. */
	readonly lost: LostFields | null;
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
	losses: Losses,
	segment: string,
	afterRow: number,
	withFields: boolean,
): Generator<StoredRecord> {
	if (!withFields) {
		const statement = database.prepare('SELECT id, embedding_id FROM embeddings WHERE +segment_id = ? AND id > ? ORDER BY id').raw();
		for (const [row, id] of statement.iterate(segment, afterRow) as IterableIterator<[number, unknown]>) {
			yield { row, id: textOf(id), fields: new Map(), lost: null };
		}
		return;
	}
	const record = recordMaker(database, schema, losses);
	const statement = database
		.prepare(`${joined(schema)} WHERE +e.segment_id = ? AND e.id > ? ORDER BY e.id`)
		.raw()
		.safeIntegers(true);
	let rows: JoinedRow[] = [];
	for (const row of statement.iterate(segment, BigInt(afterRow)) as IterableIterator<JoinedRow>) {
		if (rows[0] !== undefined && rows[0][0] !== row[0]) {
			yield record(rows);
			rows = [];
		}
		rows.push(row);
	}
	if (rows.length > 0) yield record(rows);
}

/** Reads the stored record of one id; null when there is none. */
export function storedRecordReader(
	database: Database.Database,
	schema: Schema,
	losses: Losses,
	segment: string,
): (id: string) => StoredRecord | null {
	const record = recordMaker(database, schema, losses);
	const statement = database
		.prepare(`${joined(schema)} WHERE e.segment_id = ? AND e.embedding_id = ?`)
		.raw()
		.safeIntegers(true);
	return (id) => {
		const rows = statement.all(segment, id) as JoinedRow[];
		return rows.length === 0 ? null : record(rows);
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

function recordMaker(database: Database.Database, schema: Schema, losses: Losses): (rows: JoinedRow[]) => StoredRecord {
	const lists = listReader(database, schema);
	const spoiled = spoiledText(database);
	return (rows) => {
		const [row, id] = rows[0] as JoinedRow;
		const fields: StoredFields = new Map();
		let lost = lostFieldsOf(losses, Number(row));
		// The join comes by key; the order of writing is the rowid's.
		if (rows.length > 1) rows.sort((a, b) => Number(a[2]) - Number(b[2]));
		for (const [, , metadataRow, key, string, int, float, bool] of rows) {
			// SQLite stores NaN as NULL; Chroma answers such a record without the key.
			const value = metadataRow === null ? undefined : scalarOf(string, int, float, bool);
			if (value === undefined) continue;
			if (metadataRow !== null && spoiled(value, metadataRow)) lost = withKey(lost, textOf(key));
			else fields.set(textOf(key), value);
		}
		lists?.(row, fields);
		for (const key of lost?.keys ?? []) fields.delete(key);
		return { row: Number(row), id: textOf(id), fields, lost };
	};
}

const withKey = (lost: LostFields | null, key: string): LostFields => ({
	keys: new Set(lost?.keys).add(key),
	others: lost?.others ?? false,
});

const replacementCharacter = '\ufffd';

/**
 * Chroma writes UTF-8 and nothing else: text of other bytes stood on a page that was overwritten (the last page of a long text is read unchecked). Such bytes come as
 * replacement characters, which a text may also have of its own.
 */
function spoiledText(database: Database.Database): (value: unknown, metadataRow: bigint) => boolean {
	let bytes: Database.Statement | null = null;
	return (value, metadataRow) => {
		if (typeof value !== 'string' || !value.includes(replacementCharacter)) return false;
		bytes ??= database.prepare('SELECT CAST(string_value AS BLOB) FROM embedding_metadata WHERE rowid = ?').pluck();
		const found: unknown = bytes.get(metadataRow);
		return found instanceof Uint8Array && !isUtf8(found);
	};
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

/** What of the lost fields the rest, or the log after it, does not give either; null: the record is whole. */
export function stillLost(lost: LostFields | null, fields: StoredFields): LostFields | null {
	if (lost === null) return null;
	const keys = new Set([...lost.keys].filter((key) => !fields.has(key)));
	return keys.size === 0 && !lost.others ? null : { keys, others: lost.others };
}

/** Whether the document is among what is lost. */
export const isDocumentLost = (lost: LostFields, fields: StoredFields): boolean =>
	lost.keys.has(documentKey) || (lost.others && !fields.has(documentKey));

/** Whether metadata is among what is lost. */
export const isMetadataLost = (lost: LostFields): boolean =>
	lost.others || [...lost.keys].some((key) => !key.startsWith('chroma:') || key === uriKey);
