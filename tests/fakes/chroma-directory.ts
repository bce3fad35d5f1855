import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChromaSnapshot } from '../../services/chroma/open.js';
import type { ChromaMetadata, RawRecord } from '../../services/reader.js';
import type { DistanceSpace } from '../../source/core/plan/types.js';

/** What the fake directory holds, as JSON in the file that is given as its path. */
export interface FakeCollection {
	readonly name: string;
	readonly database?: string;
	readonly space: DistanceSpace;
	readonly dimension: number | null;
	readonly records: readonly {
		readonly id: string;
		readonly embedding: readonly number[] | null;
		readonly document: string | null;
		readonly metadata: Readonly<Record<string, string>> | null;
	}[];
}

/** Runs inside the reading thread in place of the Chroma reader: several collections. The id of a collection is its place. */
export async function openChroma(request: { readonly path: string; readonly into: string }): Promise<ChromaSnapshot> {
	const text = readFileSync(request.path, 'utf8');
	const collections = JSON.parse(text) as readonly FakeCollection[];
	writeFileSync(join(request.into, 'fake-copy'), 'copied');
	return {
		bytes: text.length,
		fingerprint: async () => createHash('sha256').update(text).digest('hex'),
		close: async () => {},
		describe: () => ({
			path: request.path,
			bytes: text.length,
			version: 'fake',
			notes: [],
			collections: collections.map(({ name, database, space, dimension, records }, place) => ({
				id: `c-${place}`,
				name,
				tenant: 'default_tenant',
				database: database ?? 'default_database',
				records: records.length,
				dimension,
				space,
				metadata: `{"made_by":"${name}"}`,
				vectorsIn: 'wal',
			})),
		}),
		reader: (id) => readerOf(collections[Number(id.slice(2))]?.records ?? []),
	};
}

function readerOf(records: FakeCollection['records']): ReturnType<ChromaSnapshot['reader']> {
	const fieldsOf = ({ id, embedding, document, metadata }: FakeCollection['records'][number]): Readonly<Record<string, unknown>> => ({
		id,
		embedding: embedding === null ? null : Float32Array.from(embedding),
		document,
		metadata: metadata === null ? null : (new Map(Object.entries(metadata)) satisfies ChromaMetadata),
	});
	return {
		*read(_step, fields, from): IterableIterator<RawRecord> {
			for (let index = from === null ? 0 : Number(from) + 1; index < records.length; index++) {
				const all = fieldsOf(records[index] as FakeCollection['records'][number]);
				yield { cursor: String(index), values: fields.map((field) => all[field]) };
			}
		},
		close() {},
	};
}

/** Writes a directory for `openChroma` and gives its path. */
export function writeFakeChroma(path: string, collections: readonly FakeCollection[]): string {
	writeFileSync(path, JSON.stringify(collections));
	return path;
}

export const fakeChromaModule = new URL('./chroma-directory.ts', import.meta.url).href;
