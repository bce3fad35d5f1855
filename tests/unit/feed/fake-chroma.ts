import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChromaSnapshot } from '../../../services/chroma/open.js';
import type { ChromaMetadata, RawRecord } from '../../../services/reader.js';

/** What the fake holds, as JSON in the file that is given as its path. A component `null` stands for NaN. */
export interface FakeRecord {
	readonly id: string;
	readonly embedding: readonly (number | null)[] | null;
	readonly document: string | null;
	readonly metadata: Readonly<Record<string, string>> | null;
}

/** Runs inside the worker in place of the Chroma reader. */
export async function openChroma(request: { readonly path: string; readonly into: string }): Promise<ChromaSnapshot> {
	const records = JSON.parse(readFileSync(request.path, 'utf8')) as readonly FakeRecord[];
	writeFileSync(join(request.into, 'fake-copy'), 'copied');
	const fieldsOf = (record: FakeRecord): Readonly<Record<string, unknown>> => ({
		id: record.id,
		embedding: record.embedding === null ? null : Float32Array.from(record.embedding, (component) => component ?? Number.NaN),
		document: record.document,
		metadata: record.metadata === null ? null : (new Map(Object.entries(record.metadata)) satisfies ChromaMetadata),
	});
	return {
		bytes: 1,
		fingerprint: async () => 'f'.repeat(64),
		close: async () => {},
		describe: () => ({
			path: request.path,
			bytes: 1,
			version: 'fake',
			notes: [],
			collections: [
				{
					id: 'c',
					name: 'c',
					tenant: 't',
					database: 'd',
					records: records.length,
					dimension: 2,
					space: 'l2',
					metadata: null,
					vectorsIn: 'wal',
				},
			],
		}),
		reader: () => ({
			*read(_step, fields, from): IterableIterator<RawRecord> {
				for (let index = from === null ? 0 : Number(from) + 1; index < records.length; index++) {
					const all = fieldsOf(records[index] as FakeRecord);
					if (fields.includes('id') && all.id === 'crash') process.nextTick(() => process.exit(9));
					yield { cursor: String(index), values: fields.map((field) => all[field]) };
				}
			},
			close() {},
		}),
	};
}
