import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NearestSearch } from '../../../services/feed/neighbours.js';
import type { Neighbour, Probe } from '../../../source/core/ports.js';
import { column, quarantine, tableStep, vectorStep } from '../mapping/steps.js';
import { collect, feedOf } from './support.js';

const rows = (count: number): string =>
	`CREATE TABLE t (id INTEGER PRIMARY KEY, j TEXT);
	INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT i * 3, '{}' FROM n`;
const step = tableStep('t', [column('id', 'bigint'), column('j', 'json-text')]);

describe('cast records', () => {
	it('are all accepted ones in chunks of at most 500', async () => {
		const { feed } = feedOf({ sql: `${rows(1200)}; UPDATE t SET j = 'x' WHERE id = 9` });
		const chunks = await collect(feed.records(step, null));
		expect(chunks.map((chunk) => chunk.length)).toEqual([500, 500, 199]);
		expect(chunks[0]?.slice(0, 3)).toEqual([
			{ key: ['3'], values: ['3', '{}', 'ana'] },
			{ key: ['6'], values: ['6', '{}', 'ana'] },
			{ key: ['12'], values: ['12', '{}', 'ana'] },
		]);
	});

	it('spread evenly over the table, the same ones every time', async () => {
		const { feed } = feedOf({ sql: rows(1000) });
		const sample = (await collect(feed.records(step, 50))).flat().map(({ key }) => Number(key[0]) / 3 - 1);
		expect(sample).toHaveLength(50);
		sample.forEach((index, run) => {
			expect(Math.floor(index / 20)).toBe(run);
		});
		expect(new Set(sample.map((index) => index % 20)).size).toBeGreaterThan(5);
		const again = (await collect(feed.records(step, 50))).flat().map(({ key }) => Number(key[0]) / 3 - 1);
		expect(again).toEqual(sample);
	});

	it.each([
		[31, 20],
		[39, 20],
		[100, 99],
	])('draw one from each of %i / %i runs that are no whole number long', async (total, limit) => {
		const { feed } = feedOf({ sql: rows(total) });
		const sample = (await collect(feed.records(step, limit))).flat().map(({ key }) => Number(key[0]) / 3 - 1);
		expect(sample).toHaveLength(limit);
		sample.forEach((index, run) => {
			expect(index).toBeGreaterThanOrEqual(Math.floor((run * total) / limit));
			expect(index).toBeLessThan(Math.floor(((run + 1) * total) / limit));
		});
	});

	it('are the same ones whether the source skips or every record is walked', async () => {
		const count = 173;
		const skipped = feedOf({ sql: rows(count) }).feed;
		const walked = feedOf({
			records: Array.from({ length: count }, (_, index) => ({
				id: String(index),
				embedding: [1, index],
				document: 'd',
				metadata: null,
			})),
		}).feed;
		const drawn = (await collect(skipped.records(step, 30))).flat().map(({ key }) => String(Number(key[0]) / 3 - 1));
		expect((await collect(walked.records(vectorStep(2), 30))).flat().map(({ key }) => key[0])).toEqual(drawn);
		expect(drawn).toHaveLength(30);
	});

	it('are all there when fewer than asked for', async () => {
		const { feed } = feedOf({ sql: rows(20) });
		expect((await collect(feed.records(step, 20))).flat()).toHaveLength(20);
		expect((await collect(feed.records(step, 1000))).flat()).toHaveLength(20);
	});

	it('take the next accepted record for a refused one', async () => {
		const { feed } = feedOf({ sql: `${rows(100)}; UPDATE t SET j = 'x' WHERE id % 6 = 0` });
		const sample = (await collect(feed.records(step, 10))).flat();
		expect(sample.length).toBeGreaterThanOrEqual(9);
		for (const { key } of sample) expect(Number(key[0]) % 6).not.toBe(0);
	});

	it('carry vectors as float32 bytes', async () => {
		const { feed } = feedOf({ records: [{ id: 'a', embedding: [1, -0.5], document: null, metadata: null }] });
		const [chunk] = await collect(feed.records(vectorStep(2), null));
		const vector = chunk?.[0]?.values[2];
		expect(vector).toBeInstanceOf(Uint8Array);
		expect(Buffer.from(vector as Uint8Array).toString('hex')).toBe('0000803f000000bf');
	});
});

describe('probes and neighbours', () => {
	const vector = (index: number): number[] => [Math.fround(Math.cos(index)), Math.fround(Math.sin(index))];
	const records = Array.from({ length: 100 }, (_, index) => ({
		id: `k${index}`,
		embedding: vector(index),
		document: null,
		metadata: null,
	}));

	it('are drawn from the stored vectors, the same ones every time', async () => {
		const { feed } = feedOf({ records });
		const probes = await feed.probes(vectorStep(2, {}, 'l2'), 20);
		expect(probes).toHaveLength(20);
		expect(new Set(probes.map(({ label }) => label)).size).toBe(20);
		for (const probe of probes) expect([...probe.vector]).toEqual(vector(Number(probe.label.slice(1))));
		expect(await feed.probes(vectorStep(2, {}, 'l2'), 20)).toEqual(probes);
	});

	it('are drawn beside records without a vector, whichever way those go', async () => {
		const holes = Array.from({ length: 900 }, (_, index) => ({ id: `n${index}`, embedding: null, document: null, metadata: null }));
		const { feed } = feedOf({ records: records.flatMap((record, index) => [record, ...holes.slice(index * 9, index * 9 + 9)]) });
		for (const policies of [quarantine, { ...quarantine, onMissingVector: 'null' as const }]) {
			const probes = await feed.probes(vectorStep(2, { policies }, 'l2'), 20);
			expect(new Set(probes.map(({ label }) => label)).size).toBe(20);
		}
	});

	it('find themselves first, and never a refused record', async () => {
		const { feed } = feedOf({ records: [...records, { id: 'bad', embedding: vector(7), document: 'a\0', metadata: null }] });
		const step = vectorStep(2, {}, 'l2');
		const probes = await feed.probes(step, 5);
		const found = await feed.neighbours(step, probes, 3);
		expect(found.map((nearest) => nearest[0])).toEqual(probes.map(({ label }) => ({ key: label, distance: 0 })));
		expect(found.flat().map(({ key }) => key)).not.toContain('bad');
	});
});

describe('the nearest of a stream', () => {
	const float = fc.float({ noNaN: true, noDefaultInfinity: true, min: -100, max: 100 });
	const vectors = fc.array(fc.tuple(float, float, float), { minLength: 1, maxLength: 30 });
	const distances = {
		l2: (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, index) => sum + (value - (b[index] ?? 0)) ** 2, 0),
		ip: (a: readonly number[], b: readonly number[]) => 1 - a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0),
		cosine: (a: readonly number[], b: readonly number[]) => {
			const size = (v: readonly number[]) => Math.sqrt(v.reduce((sum, value) => sum + value * value, 0));
			const product = a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
			return size(a) === 0 || size(b) === 0 ? 1 : 1 - product / (size(a) * size(b));
		},
	};

	it.each(['l2', 'ip', 'cosine'] as const)('is what sorting all of them by %s gives', (space) => {
		fc.assert(
			fc.property(vectors, fc.tuple(float, float, float), fc.integer({ min: 1, max: 8 }), (stored, query, k) => {
				const probe: Probe = { label: 'q', vector: Float32Array.from(query) };
				const search = new NearestSearch(space, [probe], k);
				const all: Neighbour[] = stored.map((components, index) => ({ key: `k${index}`, distance: distances[space](query, components) }));
				stored.forEach((components, index) => {
					search.add(`k${index}`, Float32Array.from(components));
				});
				const expected = all.sort((a, b) => a.distance - b.distance || (a.key < b.key ? -1 : 1)).slice(0, k);
				const [found] = search.result();
				expect(found?.map(({ distance }) => distance)).toEqual(expected.map(({ distance }) => expect.closeTo(distance, 9)));
				if (space === 'l2') expect(found?.map(({ key }) => key)).toEqual(expected.map(({ key }) => key));
			}),
		);
	});

	it('knows Chroma’s distances', () => {
		const search = (space: 'l2' | 'ip' | 'cosine') => {
			const nearest = new NearestSearch(space, [{ label: 'q', vector: Float32Array.of(3, 4) }], 1);
			nearest.add('a', Float32Array.of(0, 0));
			return nearest.result()[0]?.[0]?.distance;
		};
		expect([search('l2'), search('ip'), search('cosine')]).toEqual([25, 1, 1]);
	});
});
