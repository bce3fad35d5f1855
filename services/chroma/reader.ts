import { LostValue } from '../../source/core/mapping/cast-result.js';
import type { CopyStep } from '../../source/core/plan/types.js';
import type { RawRecord, Reader } from '../reader.js';
import type { CurrentRecord } from './collection-reader.js';
import { namelessRecords } from './damaged-records.js';
import { everything } from './losses.js';
import type { OpenedCopy } from './opened-copy.js';
import { sqliteProblem } from './problems.js';
import { documentOf, isDocumentLost, isMetadataLost, metadataOf } from './records.js';
import type { Stores } from './stores.js';
import type { VectorStore } from './vectors.js';

type Field = (record: CurrentRecord, vectors: VectorStore) => unknown;

const onLostPage = 'stood on a damaged page of chroma.sqlite3';

const fieldOf: Readonly<Record<string, Field>> = {
	id: (record) => record.id,
	embedding: (record, vectors) => vectors.read(record.id),
	document: ({ fields, lost }) =>
		lost !== null && isDocumentLost(lost, fields) ? new LostValue(`the document ${onLostPage}`, null) : documentOf(fields),
	metadata: ({ fields, lost }) => {
		const metadata = metadataOf(fields);
		if (lost === null || !isMetadataLost(lost)) return metadata;
		const keys = [...lost.keys].filter((key) => !key.startsWith('chroma:'));
		const what = lost.others ? 'keys of the metadata' : `the metadata of ${keys.map((key) => JSON.stringify(key)).join(', ')}`;
		return new LostValue(`${what} ${lost.others ? `may have stood` : 'stood'} on a damaged page of chroma.sqlite3`, metadata);
	},
};

/**
 * A Reader over one collection. `where` is the directory as the user named it, for errors. When a page turns out to be damaged, `replace` puts another
 * database in place of the one that is read; reading goes on in it after the last record.
 */
export function collectionReader(
	openStores: () => Stores,
	where: string,
	on: { readonly replace: (thrown: unknown, used: OpenedCopy) => boolean; readonly release: () => void },
): Reader {
	let stores = openStores();
	const all = [stores];
	const open = new Set<IterableIterator<RawRecord>>();
	let closed = false;

	const reopen = (): void => {
		stores = openStores();
		all.push(stores);
	};

	function* read(fields: readonly string[], from: string | null): Generator<RawRecord> {
		const getters = fields.map((field) => {
			const getter = fieldOf[field];
			if (getter === undefined) throw new TypeError(`a Chroma record has no field "${field}"`);
			return getter;
		});
		const withFields = fields.includes('document') || fields.includes('metadata');
		let after = from;
		for (;;) {
			const used = stores;
			try {
				for (const record of currentRecords(used, after, withFields)) {
					const values = getters.map((getter) => getter(record, used.vectors));
					after = record.cursor;
					yield { cursor: record.cursor, values };
				}
				return;
			} catch (thrown) {
				if (!on.replace(thrown, used.opened)) throw sqliteProblem(thrown, where);
				// Another pass over the same collection may have gone on already.
				if (stores === used) reopen();
			}
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
			for (const { vectors } of all) vectors.close();
			on.release();
		},
	};
}

/** The collection's records, and after them those of which nothing but the vector is left. */
function* currentRecords({ opened, records, vectors }: Stores, from: string | null, withFields: boolean): Generator<CurrentRecord> {
	yield* records.records(from, withFields);
	let place = 0;
	const first = from?.startsWith('v') === true ? Number(from.slice(1)) + 1 : 0;
	for (const id of namelessRecords(opened, records, vectors)) {
		if (place >= first) yield { cursor: `v${place}`, id, fields: new Map(), lost: everything };
		place += 1;
	}
}
