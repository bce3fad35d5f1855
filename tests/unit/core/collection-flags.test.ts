import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseCollections, flagName } from '../../../source/core/plan/collection.js';
import type { ChromaCollection } from '../../../source/core/ports.js';

const names = fc.constantFrom('all', 'docs', 'notes');
const collections = fc
	.uniqueArray(fc.record({ name: names, database: names }), { minLength: 1, selector: ({ name, database }) => `${database}/${name}` })
	.map((all) =>
		all.map(
			(one, at): ChromaCollection => ({
				...one,
				id: `id-${at}`,
				tenant: 't',
				records: 1,
				dimension: 2,
				space: 'l2',
				metadata: null,
				vectorsIn: 'wal',
			}),
		),
	);

describe('the name of a collection for --collection', () => {
	it('chooses that collection and no other, also one that is really called all', () => {
		fc.assert(
			fc.property(collections, (all) => {
				const description = { path: 'chroma', bytes: 1, version: '1.5', notes: [], collections: all };
				for (const one of all) expect(chooseCollections(description, [flagName(one, all)])).toEqual([one]);
			}),
		);
	});
});
