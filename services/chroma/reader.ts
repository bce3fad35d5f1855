import type { CopyStep } from '../../source/core/plan/types.js';
import type { RawRecord, Reader } from '../reader.js';
import type { CurrentRecord, RecordStore } from './collection-reader.js';
import { sqliteProblem } from './problems.js';
import { documentOf, metadataOf } from './records.js';
import type { VectorStore } from './vectors.js';

type Field = (record: CurrentRecord) => unknown;

/** A Reader over one collection. `where` is the directory as the user named it, for errors; `release` gives the stores back. */
export function collectionReader(records: RecordStore, vectors: VectorStore, where: string, release: () => void): Reader {
	const fieldOf: Readonly<Record<string, Field>> = {
		id: (record) => record.id,
		embedding: (record) => vectors.read(record.id),
		document: (record) => documentOf(record.fields),
		metadata: (record) => metadataOf(record.fields),
	};
	const open = new Set<IterableIterator<RawRecord>>();
	let closed = false;

	function* read(fields: readonly string[], from: string | null): Generator<RawRecord> {
		const getters = fields.map((field) => {
			const getter = fieldOf[field];
			if (getter === undefined) throw new TypeError(`a Chroma record has no field "${field}"`);
			return getter;
		});
		const withFields = fields.includes('document') || fields.includes('metadata');
		try {
			for (const record of records.records(from, withFields)) {
				yield { cursor: record.cursor, values: getters.map((getter) => getter(record)) };
			}
		} catch (thrown) {
			throw sqliteProblem(thrown, where);
		}
	}

	return {
		read(_step: CopyStep, fields, from) {
			if (closed) throw new TypeError('this reader is closed');
			const iterator = read(fields, from);
			open.add(iterator);
			return iterator;
		},
		close() {
			if (closed) return;
			closed = true;
			// A statement that is still being iterated would keep SQLite from closing.
			for (const iterator of open) iterator.return?.();
			release();
		},
	};
}
