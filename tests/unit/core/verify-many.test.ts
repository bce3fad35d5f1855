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
	const counts = { mostStreams: 0, streams: 0, probes: new Map<string, number>(), searches: 0, embedded: [] as number[] };
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
	};
	const target: Ports['target'] = {
		...ports.target,
		search: (...parameters) => {
			counts.searches++;
			return ports.target.search(...parameters);
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
	for await (const _check of verify(plan, options, { source, target, embedder }, figures, new AbortController().signal));
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
		// Each probe is sought exactly, by the index, and once for its time; one search goes before those that are timed.
		const searches = (collections: number, probes: number, texts: number) => collections * (3 * probes + 1 + 2 * texts);
		expect(await asked(1)).toMatchObject({ searches: searches(1, 20, 5), embedded: [2] });
		expect(await asked(10)).toMatchObject({ searches: searches(10, 20, 5), embedded: [2] });
		expect(await asked(25)).toMatchObject({ searches: searches(25, 8, 2), embedded: [2] });
		expect(await asked(100)).toMatchObject({ searches: searches(100, 5, 1), embedded: [2] });
	});
});
