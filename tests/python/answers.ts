import { z } from 'zod';

/** Values as Python's repr writes them. */
const metadata = z.record(z.string(), z.string());

const chromaHits = z.array(z.object({ id: z.string(), distance: z.number() }));

export const chromaAnswers = z.object({
	space: z.enum(['cosine', 'l2', 'ip']),
	records: z.array(z.object({ id: z.string(), document: z.string().nullable(), metadata })),
	probes: z.array(
		z.object({
			id: z.string(),
			vector: z.array(z.number()),
			hits: chromaHits,
			narrowed: z.object({ filter: z.record(z.string(), z.string()), hits: chromaHits }).nullable(),
		}),
	),
});
export type ChromaAnswers = z.infer<typeof chromaAnswers>;

const found = z.object({ id: z.string(), document: z.string(), metadata });
const hits = z.array(z.array(found.extend({ distance: z.number() })));

export const pgvectorAnswers = z.object({
	searches: hits,
	filtered: hits,
	foreign: hits,
	/** Of each probe with a filter on a value of its own metadata; null where that has no text. */
	narrowed: z.array(hits.element.nullable()),
	records: z.array(found),
	unknown: z.array(found),
});

/** What langchain-postgres calls each space of Chroma. */
export const strategies = { cosine: 'cosine', l2: 'l2', ip: 'inner' } as const;

/** Chroma's distance as pgvector gives it: Chroma squares l2, and counts an inner product from 1. */
export const asPgvector = (space: ChromaAnswers['space'], distance: number): number =>
	({ cosine: distance, l2: Math.sqrt(Math.max(distance, 0)), ip: distance - 1 })[space];

/** Ids in the order of their distance; ids whose distances agree within `tolerance` have no order of their own, so they are sorted by name. */
export const orderOf = (list: readonly { readonly id: string; readonly distance: number }[], tolerance: number): readonly string[] => {
	const groups: { distance: number; ids: string[] }[] = [];
	for (const { id, distance } of list) {
		const group = groups.at(-1);
		if (group !== undefined && Math.abs(distance - group.distance) <= tolerance) group.ids.push(id);
		else groups.push({ distance, ids: [id] });
	}
	return groups.flatMap((group) => group.ids.sort());
};
