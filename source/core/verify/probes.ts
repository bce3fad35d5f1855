import type { CopyStep } from '../plan/types.js';
import type { Embedder, Probe, Source } from '../ports.js';

/** A number that the collections of a plan share, so that hundreds of them are checked in about the time of ten. */
interface Shared {
	readonly all: number;
	readonly most: number;
	readonly least: number;
}

const stored: Shared = { all: 200, most: 20, least: 5 };
const texts: Shared = { all: 50, most: 5, least: 1 };

/** What one of `collections` gets: `most` while all of them can have it, and never fewer than `least`. */
const shareOf = ({ all, most, least }: Shared, collections: number): number =>
	Math.max(least, Math.min(most, Math.floor(all / Math.max(1, collections))));

/** Text queries that each of so many collections is asked. */
export const textsEach = (collections: number): number => shareOf(texts, collections);

/** Stored vectors to search for, drawn once a step. */
export function probeDrawer(source: Source, collections: number, signal: AbortSignal): (step: CopyStep) => Promise<readonly Probe[]> {
	const count = shareOf(stored, collections);
	const drawn = new Map<string, Promise<readonly Probe[]>>();
	return (step) => {
		const probes = drawn.get(step.id) ?? source.probes(step, count, signal);
		drawn.set(step.id, probes);
		return probes;
	};
}

/** Embeds the texts once a dimension, however many collections have it. */
export function textEmbedder(
	embedder: Embedder,
	queries: readonly string[],
	signal: AbortSignal,
): (dimension: number) => ReturnType<Embedder['embed']> {
	const known = new Map<number, ReturnType<Embedder['embed']>>();
	return (dimension) => {
		const vectors = known.get(dimension) ?? embedder.embed(queries, dimension, signal);
		known.set(dimension, vectors);
		return vectors;
	};
}
