import type { RawRecord, Reader } from '../reader.js';
import type { Spool, SpooledRecord } from './spool.js';

const fieldOf: Readonly<Record<string, (record: SpooledRecord) => unknown>> = {
	id: (record) => record.id,
	embedding: (record) => record.vector,
	document: (record) => record.document,
	metadata: (record) => record.metadata,
};

/** A Reader over one spooled collection. A cursor is the position of a record, as text. */
export function spoolReader(spool: Spool, collection: string, records: number, release: () => void): Reader {
	const open = new Set<IterableIterator<RawRecord>>();
	let closed = false;

	function* read(fields: readonly string[], from: string | null): Generator<RawRecord> {
		const getters = fields.map((field) => {
			const getter = fieldOf[field];
			if (getter === undefined) throw new TypeError(`a Chroma record has no field "${field}"`);
			return getter;
		});
		const wanted = { vector: fields.includes('embedding'), document: fields.includes('document'), metadata: fields.includes('metadata') };
		for (const record of spool.records(collection, positionOf(from), wanted)) {
			yield { cursor: String(record.position), values: getters.map((getter) => getter(record)) };
		}
	}

	return {
		read(_step, fields, from) {
			if (closed) throw new TypeError('this reader is closed');
			const iterator = read(fields, from);
			open.add(iterator);
			return iterator;
		},
		positions: () => ({
			count: () => records,
			ahead: (from, places) => {
				const position = positionOf(from) + places;
				return position <= records ? String(position) : null;
			},
		}),
		close() {
			if (closed) return;
			closed = true;
			// A statement that is still being iterated would keep SQLite from closing.
			for (const iterator of open) iterator.return?.();
			release();
		},
	};
}

function positionOf(cursor: string | null): number {
	if (cursor === null) return 0;
	const position = Number(cursor);
	if (!/^\d+$/.test(cursor) || !Number.isSafeInteger(position))
		throw new TypeError(`not a cursor of a copied Chroma collection: ${cursor}`);
	return position;
}
