import { describe, expect, it } from 'vitest';
import { makePlan } from '../../../source/core/plan/make-plan.js';
import type { ChromaCollection, Ports, Source } from '../../../source/core/ports.js';
import { verify } from '../../../source/core/verify/verify.js';
import { bench, fakeTables, request } from '../../fakes/engine.js';

/** What a verification of so many collections asks of both sides. */
async function asked(collections: number) {
	const tables = fakeTables(0);
	tables.sqlite = null;
	const named = Array.from({ length: collections }, (_, at): ChromaCollection => {
		const more = { tenant: 't', database: 'd', records: 30, dimension: 2, space: 'l2', metadata: null, vectorsIn: 'wal' } as const;
		return { id: `id-${at}`, name: `c${at}`, ...more };
	});
	tables.chroma = { path: 'chroma', bytes: 1, version: '1.5', notes: [], collections: named };
	tables.vectorsOf = Object.fromEntries(
		named.map(({ id, name }) => [id, Array.from({ length: 30 }, (_, at) => ({ id: `${name}-${at}`, vector: [at, at + 1] }))]),
	);
	const ports = bench(tables);
	const plan = await makePlan(request({ sqlitePath: null, collections: ['all'] }), ports);
	const counts = { mostStreams: 0, streams: 0, probes: new Map<string, number>(), sought: 0, embedded: [] as number[] };
	const source: Source = {
		...ports.source,
		async *records(step, limit, signal) {
			counts.mostStreams = Math.max(counts.mostStreams, ++counts.streams);
			try {
				yield* ports.source.records(step, limit, signal);
			} finally {
				counts.streams--;
			}
		},
		probes: (step, count, signal) => {
			counts.probes.set(step.id, (counts.probes.get(step.id) ?? 0) + 1);
			return ports.source.probes(step, count, signal);
		},
		neighbours: (step, probes, k, signal) => {
			counts.sought += probes.length;
			return ports.source.neighbours(step, probes, k, signal);
		},
	};
	const embedder: NonNullable<Ports['embedder']> = {
		model: 'fake',
		embed: async (texts, dimension) => {
			counts.embedded.push(dimension);
			return texts.map((_, at) => Float32Array.from([at, at]));
		},
	};
	const figures = { run: null, setAside: {}, asideKeys: {}, fresh: false };
	const options = { similarityThreshold: 0.8, validationSample: 1000 };
	for await (const _check of verify(plan, options, { source, target: ports.target, embedder }, figures, new AbortController().signal));
	return counts;
}

describe('a verification of many collections', () => {
	it('reads one after the other and draws the probes of each once', async () => {
		const { mostStreams, probes } = await asked(12);
		expect(mostStreams).toBe(1);
		expect(probes.size).toBe(12);
		expect(new Set(probes.values())).toEqual(new Set([1]));
	});

	it('shares its searches among them, with a least number for each, and embeds its texts once a dimension', async () => {
		for (const [collections, probes, texts] of [
			[1, 20, 5],
			[10, 20, 5],
			[25, 8, 2],
			[100, 5, 1],
		] as const)
			expect(await asked(collections)).toMatchObject({ sought: collections * (probes + texts), embedded: [2] });
	});
});
