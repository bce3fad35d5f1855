import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { column, tableStep, vectorStep } from '../mapping/steps.js';
import { hasReal, photograph, realFolder, realReason } from '../sqlite/support.js';
import { collectBatches, feedOf, linesOf } from './support.js';

const text = (name: string) => column(name, 'text');
const at = (name: string) => column(name, 'iso-timestamp', { nullable: false });

describe.skipIf(!hasReal)(`the golden set${realReason}`, () => {
	const golden = join(realFolder, 'golden');
	const open = () => feedOf({ sqlitePath: join(golden, 'collections_golden.db'), chromaPath: join(golden, 'chroma_golden') }).feed;
	const items = tableStep('items', [text('id'), text('filename'), at('created_at'), at('updated_at')]);
	const analyses = tableStep(
		'analyses',
		[text('id'), text('item_id'), column('raw_response', 'json-text'), text('trace_id'), at('created_at')],
		{
			foreignKeys: [{ columns: ['item_id'], parent: 'items', parentColumns: ['id'], onDelete: 'CASCADE' }],
		},
	);

	it('is described, scanned and read whole, and not a byte of it changes', async () => {
		const before = photograph(golden);
		const feed = open();
		const { sqlite, chroma } = await feed.describe();
		expect(sqlite?.tables.find(({ name }) => name === 'items')?.rows).toBe(55);
		const [collection] = chroma?.collections ?? [];
		expect(collection).toMatchObject({ name: 'collections_vectors_golden', records: 55, dimension: 1024, space: 'cosine' });

		expect(await feed.scan(items)).toMatchObject({ rows: 55, rejected: 0, findings: [], notes: { created_at: '55 ISO 8601' } });
		expect(await feed.scan(analyses)).toMatchObject({
			rows: 55,
			rejected: 0,
			findings: [],
			notes: { raw_response: '55 valid', created_at: '55 ISO 8601', trace_id: 'empty in all 55 rows' },
			jsonTypes: { raw_response: { object: 55 } },
		});
		expect(linesOf(await collectBatches(feed.read(analyses, null, {})))).toHaveLength(55);

		const vectors = vectorStep(1024, {}, 'cosine', collection?.id);
		expect(await feed.scan(vectors)).toMatchObject({ rows: 55, rejected: 0, jsonTypes: { cmetadata: { object: 55 } } });
		const batches = await collectBatches(feed.read(vectors, null, {}));
		expect(batches.reduce((sum, { rows }) => sum + rows, 0)).toBe(55);
		const { sqlite: one, chroma: two } = await feed.fingerprints();
		expect([one, two]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), expect.stringMatching(/^[0-9a-f]{64}$/)]);
		await feed.close();
		expect(photograph(golden)).toEqual(before);
	});

	it('gives vectors that find themselves', async () => {
		const feed = open();
		const { chroma } = await feed.describe();
		const vectors = vectorStep(1024, {}, 'cosine', chroma?.collections[0]?.id);
		const probes = await feed.probes(vectors, 20);
		expect(probes).toHaveLength(20);
		const found = await feed.neighbours(vectors, probes, 5);
		found.forEach((nearest, index) => {
			expect(nearest).toHaveLength(5);
			expect(nearest[0]?.key).toBe(probes[index]?.label);
			expect(nearest[0]?.distance).toBeCloseTo(0, 9);
		});
	});
});
