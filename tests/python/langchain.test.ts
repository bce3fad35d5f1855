import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { asPgvector, orderOf } from './answers.js';
import { type BothAnswers, dataSetIn, migrateAndAsk, user } from './migrated.js';

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const tolerance = 1e-6;
const adminUrl = process.env.REPOT_TEST_POSTGRES_URL;
const missing = [
	...(process.env.REPOT_TEST_PYTHON ? [] : ['REPOT_TEST_PYTHON (a Python with chromadb, langchain-postgres and psycopg) is not set']),
	...(adminUrl ? [] : ['REPOT_TEST_POSTGRES_URL is not set']),
];

const sets = [
	{ name: 'demo', folder: 'source/demo/data', absent: 'the demo data is missing' },
	{ name: 'golden', folder: '../shared/real/golden', absent: '../shared is not here' },
];

test.runIf(process.env.REPOT_REQUIRE_SERVERS === '1')('everything that these suites need is here', () => {
	expect(missing).toEqual([]);
	expect(existsSync(fromRoot('dist/cli.js'))).toBe(true);
	expect(dataSetIn(fromRoot('source/demo/data'))).not.toBeNull();
});

for (const { name, folder, absent } of sets) {
	const dataSet = dataSetIn(fromRoot(folder));
	const reasons = [...missing, ...(dataSet ? [] : [absent])];
	const because = reasons.length > 0 ? ` (skipped: ${reasons.join('; ')})` : '';

	describe.skipIf(reasons.length > 0)(`langchain-postgres on the migrated ${name} set${because}`, () => {
		let answers: BothAnswers;

		beforeAll(async () => {
			if (dataSet === null || adminUrl === undefined) throw new Error(`not reached: ${because}`);
			answers = await migrateAndAsk(dataSet, adminUrl);
		}, 180_000);

		test('finds the ids that Chroma finds, in its order, at its distances', () => {
			const { chroma, pgvector } = answers;
			expect(chroma.probes.length).toBeGreaterThan(0);
			for (const [index, probe] of chroma.probes.entries()) {
				const expected = probe.hits.map((hit) => ({ id: hit.id, distance: asPgvector(chroma.space, hit.distance) }));
				const found = pgvector.searches[index] ?? [];
				expect(orderOf(found, tolerance)).toEqual(orderOf(expected, tolerance));
				for (const [rank, hit] of expected.entries())
					expect(Math.abs((found[rank]?.distance ?? Number.NaN) - hit.distance)).toBeLessThanOrEqual(tolerance);
			}
		});

		test('finds with a filter on metadata what Chroma finds with it', () => {
			const { chroma, pgvector } = answers;
			let compared = 0;
			for (const [index, { narrowed }] of chroma.probes.entries()) {
				if (narrowed === null) continue;
				const expected = narrowed.hits.map((hit) => ({ id: hit.id, distance: asPgvector(chroma.space, hit.distance) }));
				const found = pgvector.narrowed[index] ?? [];
				expect(orderOf(found, tolerance)).toEqual(orderOf(expected, tolerance));
				for (const [rank, hit] of expected.entries())
					expect(Math.abs((found[rank]?.distance ?? Number.NaN) - hit.distance)).toBeLessThanOrEqual(tolerance);
				compared += expected.length;
			}
			expect(compared).toBeGreaterThan(chroma.probes.length);
		});

		test('gives back every record by its id, with its document and its metadata and the tenant', () => {
			const { chroma, pgvector } = answers;
			const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1);
			const expected = chroma.records.map((record) => ({
				id: record.id,
				document: record.document ?? '',
				metadata: { ...record.metadata, user_id: `'${user}'` },
			}));
			expect([...pgvector.records].sort(byId)).toEqual(expected.sort(byId));
			expect(pgvector.unknown).toEqual([]);
		});

		test('a filter on user_id keeps all rows of the tenant and none of another', () => {
			const { pgvector } = answers;
			expect(pgvector.filtered).toEqual(pgvector.searches);
			expect(pgvector.foreign.flat()).toEqual([]);
		});
	});
}
