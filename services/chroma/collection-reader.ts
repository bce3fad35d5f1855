import type Database from 'better-sqlite3';
import type { StoredCollection } from './collections.js';
import { everything, type Losses, type LostFields, noLosses } from './losses.js';
import { logFieldsReader, type StoredFields, stillLost, storedRecords } from './records.js';
import type { Schema } from './schema.js';
import { appliedSequence, type RecordChange, replayRecords, walRows } from './wal.js';

/** One record as it stands after the log: what a server would answer, in its order. */
export interface CurrentRecord {
	/** Where reading goes on after it. */
	readonly cursor: string;
	readonly id: string;
	readonly fields: StoredFields;
	/** What of its fields is lost; null: nothing, or fields were not asked for. */
	readonly lost: LostFields | null;
}

/** The records of one collection: the metadata segment with the rows of the log that it has not taken in yet. */
export interface RecordStore {
	readonly count: number;
	/** Rows of the log whose metadata is not JSON: their keys are lost. */
	readonly unreadableRows: number;
	has(id: string): boolean;
	records(from: string | null, withFields: boolean): Generator<CurrentRecord>;
}

export function openRecords(
	database: Database.Database,
	schema: Schema,
	collection: StoredCollection,
	losses: Losses = noLosses,
): RecordStore {
	const segment = collection.metadataSegment;
	if (segment === null) return { count: 0, unreadableRows: 0, has: () => false, records: function* () {} };
	const exists = database.prepare('SELECT 1 FROM embeddings WHERE segment_id = ? AND embedding_id = ?');
	const stored = (id: string): boolean => exists.get(segment, id) !== undefined;
	const applied = appliedSequence(database, segment) ?? 0;
	const changes = replayRecords(walRows(database, collection.topic, applied), stored);
	const context = { database, schema, losses, segment, changes };
	return {
		count: countRecords(database, segment, changes, stored),
		unreadableRows: changes.size === 0 ? 0 : countUnreadable(database, collection.topic, applied),
		has: (id) => {
			const kind = changes.get(id)?.kind;
			return kind === undefined ? stored(id) : kind !== 'gone';
		},
		records: (from, withFields) => currentRecords(context, parseCursor(from), withFields),
	};
}

interface Context {
	readonly database: Database.Database;
	readonly schema: Schema;
	readonly losses: Losses;
	readonly segment: string;
	readonly changes: ReadonlyMap<string, RecordChange>;
}

/** `r<embeddings.id>` after a stored record, `w<seq_id>` after one that only the log holds, `v<place>` after one of which only the vector is left. */
function parseCursor(from: string | null): { readonly row: number; readonly sequence: number } {
	if (from === null) return { row: 0, sequence: 0 };
	const number = Number(from.slice(1));
	if (!/^[rwv]\d+$/.test(from) || !Number.isSafeInteger(number)) throw new TypeError(`not a cursor of a Chroma collection: ${from}`);
	if (from.startsWith('v')) return { row: Number.POSITIVE_INFINITY, sequence: Number.POSITIVE_INFINITY };
	return from.startsWith('r') ? { row: number, sequence: 0 } : { row: Number.POSITIVE_INFINITY, sequence: number };
}

function* currentRecords(
	{ database, schema, losses, segment, changes }: Context,
	from: { readonly row: number; readonly sequence: number },
	withFields: boolean,
): Generator<CurrentRecord> {
	const applyLog = changes.size === 0 ? null : logFieldsReader(database);
	const apply = (fields: StoredFields, change: RecordChange, before: LostFields | null): LostFields | null => {
		if (!withFields) return null;
		for (const sequence of change.rows) applyLog?.(sequence, fields);
		// A row of the log without its metadata may have set any key.
		return change.rows.some((sequence) => losses.logRows.has(sequence)) ? { ...everything, keys: before?.keys ?? new Set() } : before;
	};
	if (from.row !== Number.POSITIVE_INFINITY) {
		for (const { row, id, fields, lost } of storedRecords(database, schema, losses, segment, from.row, withFields)) {
			const change = changes.get(id);
			if (change !== undefined && change.kind !== 'merge') continue;
			const left = change === undefined ? lost : apply(fields, change, lost);
			yield { cursor: `r${row}`, id, fields, lost: stillLost(left, fields) };
		}
	}
	for (const [id, change] of changes) {
		const born = change.rows[0];
		if (change.kind !== 'new' || born === undefined || born <= from.sequence) continue;
		const fields: StoredFields = new Map();
		// Its stored row may be among the lost ones: then this is a change, and not all of it.
		const lost = apply(fields, change, losses.records ? everything : null);
		yield { cursor: `w${born}`, id, fields, lost: stillLost(lost, fields) };
	}
}

function countRecords(
	database: Database.Database,
	segment: string,
	changes: ReadonlyMap<string, RecordChange>,
	stored: (id: string) => boolean,
): number {
	let count = Number(database.prepare('SELECT count(*) FROM embeddings WHERE segment_id = ?').pluck().get(segment));
	for (const [id, change] of changes) {
		if (change.kind === 'merge') continue;
		count += (change.kind === 'new' ? 1 : 0) - (stored(id) ? 1 : 0);
	}
	return count;
}

function countUnreadable(database: Database.Database, topic: string, after: number): number {
	return Number(
		database
			.prepare(
				'SELECT count(*) FROM embeddings_queue WHERE topic = ? AND seq_id > ? AND metadata IS NOT NULL AND NOT json_valid(metadata, 2)',
			)
			.pluck()
			.get(topic, after),
	);
}
