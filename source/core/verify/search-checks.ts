import type { CheckResult } from '../events.js';
import { formatCount } from '../format.js';
import type { CopyStep } from '../plan/types.js';
import type { Neighbour, Probe, SearchHit, SearchMode } from '../ports.js';
import { type Check, type CheckContext, placeOf, rowsBeside } from './context.js';
import { skipped } from './count-checks.js';
import { textEmbedder, textsEach } from './probes.js';

const neighbourCount = 5;

/** The text queries that the applications of this profile are checked with. */
const textQueries = ['modern furniture', 'outdoor activities', 'food photography', 'vintage items', 'nature scenes'] as const;

/** Distances are computed in float64 here and in float32 arithmetic there: equal within this much, relative to the larger. */
const tolerance = 1e-5;

/** Share of the source's nearest that the target returns; a neighbour at the same distance as the last one counts as the same. */
export function overlap(source: readonly Neighbour[], found: readonly SearchHit[]): number {
	if (source.length === 0) return found.length === 0 ? 1 : 0;
	const furthest = source.at(-1)?.distance ?? 0;
	const keys = new Set(source.map((neighbour) => neighbour.key));
	const hits = found.slice(0, source.length);
	const same = hits.filter((hit) => keys.has(hit.key) || hit.distance <= furthest + tolerance * Math.max(1, Math.abs(furthest)));
	return same.length / source.length;
}

interface Overlaps {
	readonly exact: readonly number[];
	readonly index: readonly number[];
}

/** Applications narrow a collection to their user where it holds rows of others. */
const sentMode = ({ state }: CopyStep): SearchMode => (state.rowsBefore > state.tenantRowsBefore ? 'as-sent-filtered' : 'as-sent');

/** What the probes of one collection found, and how many rows an application gets of those that it asks for. */
interface Measured extends Overlaps {
	readonly sent: readonly { readonly found: number; readonly there: number }[];
}

const mean = (values: readonly number[]): number =>
	values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

async function measure(context: CheckContext, step: CopyStep, probes: readonly Probe[]): Promise<Measured> {
	const nearest = await context.source.neighbours(step, probes, neighbourCount, context.signal);
	const exact: number[] = [];
	const index: number[] = [];
	const sent: { found: number; there: number }[] = [];
	const search = (probe: Probe, limit: number, mode: SearchMode) =>
		context.target.search(step, context.plan.tenant.value, probe, limit, mode, context.signal);
	// Rows of this user that are not the source's may be nearer: ask for more, and look for the source's among them.
	const strangers = rowsBeside(step);
	for (const [at, probe] of probes.entries()) {
		const expected = nearest[at] ?? [];
		const limit = neighbourCount + Math.min(strangers, 50);
		const judge = (hits: readonly SearchHit[]): number =>
			strangers === 0
				? overlap(expected, hits)
				: expected.filter((neighbour) => hits.some((hit) => hit.key === neighbour.key)).length / Math.max(1, expected.length);
		const nearestThere = await search(probe, limit, 'exact');
		exact.push(judge(nearestThere));
		const asSent = await search(probe, neighbourCount, sentMode(step));
		sent.push({ found: asSent.length, there: Math.min(neighbourCount, nearestThere.length) });
		// What the server's own settings find need not be looked for with wider ones.
		const found = judge(asSent);
		index.push(found === 1 ? found : judge(await search(probe, limit, 'widened')));
	}
	return { exact, index, sent };
}

/** What the probes of one collection found. */
interface CollectionSearch {
	readonly step: CopyStep;
	readonly probes: number;
	readonly stored: Measured;
	readonly text: Awaited<ReturnType<typeof measureText>>;
}

/** Why a collection's neighbours cannot be compared, or null. */
const incomparable = (context: CheckContext, { state }: CopyStep): string | null =>
	context.plan.policies.onConflict === 'skip' && state.differing > 0
		? `${formatCount(state.differing)} records are left as the target has them, so neighbours cannot be compared`
		: null;

/**
 * Top-5 of the target against exact nearest neighbours computed from the source, collection by collection: stored vectors as probes, and text
 * queries when an embedder is there. Each collection has to reach the threshold by itself.
 */
export const searchCheck: Check = async (context) => {
	if (context.collections.length === 0) return skipped('search', 'no collection in this plan');
	const searches: CollectionSearch[] = [];
	const embed = context.embedder === null ? null : textEmbedder(context.embedder, textQueries, context.signal);
	const passedOver: string[] = [];
	for (const step of context.collections) {
		const why = incomparable(context, step);
		const probes = why === null ? await context.probes(step) : [];
		if (probes.length === 0) passedOver.push(`${aboutOf(context, step)}${why ?? 'the collection holds no vectors'}`);
		else
			searches.push({
				step,
				probes: probes.length,
				stored: await measure(context, step, probes),
				text: await measureText(context, step, embed),
			});
	}
	if (searches.length === 0) return skipped('search', passedOver.join('; '));
	return searchResult(context, searches, passedOver);
};

/** Nothing where there is one collection only. */
const aboutOf = ({ collections }: CheckContext, step: CopyStep): string => (collections.length === 1 ? '' : `${placeOf(step)}: `);

const joined = (all: readonly Overlaps[]): Overlaps => ({
	exact: all.flatMap(({ exact }) => exact),
	index: all.flatMap(({ index }) => index),
});

const figuresOf = ({ exact, index }: Overlaps) => ({
	exact: { mean: mean(exact), min: Math.min(...exact) },
	index: { mean: mean(index), min: Math.min(...index) },
});

function searchResult(context: CheckContext, searches: readonly CollectionSearch[], passedOver: readonly string[]): CheckResult {
	const threshold = context.options.similarityThreshold;
	const stored = joined(searches.map((search) => search.stored));
	const texts = searches.flatMap(({ text }) => text.overlaps ?? []);
	const probes = searches.reduce((sum, search) => sum + search.probes, 0);
	const text = texts.length === 0 ? null : joined(texts);
	const failed = searches.filter((search) => misses(search, threshold));
	const short = searches.filter(({ stored: { sent } }) => sent.some(({ found, there }) => found < there));
	const got = meanShare(searches.flatMap((search) => search.stored.sent));
	const figures = [
		`exact ${mean(stored.exact).toFixed(2)}`,
		`index ${mean(stored.index).toFixed(2)} mean, ${Math.min(...stored.index).toFixed(2)} min (${probes})`,
		...(short.length === 0 ? [] : [`results ${got.toFixed(2)} of those asked for`]),
		...(text === null ? [] : [`text ${mean(text.index).toFixed(2)} (${text.index.length})`]),
	];
	return {
		name: 'search',
		result: failed.length > 0 || searches.some((search) => loses(search, threshold) || search.text.failed) ? 'fail' : 'pass',
		figures: figures.join('   '),
		data: {
			threshold,
			neighbours: neighbourCount,
			probes,
			...figuresOf(stored),
			results: got,
			...(text === null ? {} : { text: { queries: textQueries, mean: mean(text.index), exactMean: mean(text.exact) } }),
			...(context.collections.length === 1
				? {}
				: {
						collections: Object.fromEntries(
							searches.map((one) => [one.step.id, { probes: one.probes, ...figuresOf(one.stored), results: meanShare(one.stored.sent) }]),
						),
					}),
		},
		details: [
			...failed.map((search) => `${aboutOf(context, search.step)}${failureCause(search.stored, threshold)}`),
			...short.map(({ step, stored: { sent } }) => `${aboutOf(context, step)}${shortageCause(sent)}`),
			...new Set(searches.flatMap((search) => search.text.notes)),
			...passedOver,
		],
	};
}

const misses = ({ stored, text }: CollectionSearch, threshold: number): boolean =>
	mean(stored.index) < threshold || mean(stored.exact) < threshold || (text.overlaps !== null && mean(text.overlaps.index) < threshold);

/**
 * Too few results of the collection's own rows. Where other users share the collection it is told and does not fail: every filtered search of that
 * target loses as much, whoever wrote its rows, and neither another run nor a rollback mends it.
 */
const loses = ({ step, stored }: CollectionSearch, threshold: number): boolean =>
	sentMode(step) === 'as-sent' && meanShare(stored.sent) < threshold;

function failureCause(stored: Overlaps, threshold: number): string {
	if (mean(stored.exact) < threshold)
		return "an exact search differs as well: the vectors or their metric are not the source's; compare the fields check";
	return `an exact search agrees, the index does not reach ${threshold}: raise hnsw.ef_search, or rebuild the index with more memory (--index-memory)`;
}

/** Rows found of the rows asked for, at most as many as are there; 1 where none is. */
function meanShare(sent: Measured['sent']): number {
	const shares = sent.map(({ found, there }) => (there === 0 ? 1 : Math.min(1, found / there)));
	return shares.length === 0 ? 1 : mean(shares);
}

function shortageCause(sent: Measured['sent']): string {
	const short = sent.filter(({ found, there }) => found < there);
	const average = mean(short.map(({ found }) => found));
	return `as langchain-postgres sends them, ${short.length} of ${sent.length} searches for the nearest ${neighbourCount} gave fewer, ${average.toFixed(1)} on average: the rows are right, but an index gives the nearest of all rows in it (hnsw.ef_search, 40 by default), of which only those of the collection and the user are kept; with pgvector 0.8 or later, have searches go on until there are enough: ALTER DATABASE ... SET hnsw.iterative_scan = 'strict_order'; rows of other collections are out of the way of an index of the collection's own`;
}

async function measureText(
	context: CheckContext,
	step: CopyStep,
	embed: ReturnType<typeof textEmbedder> | null,
): Promise<{ overlaps: Overlaps | null; notes: string[]; failed: boolean }> {
	const { embedder } = context;
	if (embedder === null || embed === null)
		return { overlaps: null, notes: ['text queries were not run: VOYAGE_API_KEY is not set'], failed: false };
	const dimension = step.source.kind === 'chroma' ? step.source.dimension : null;
	if (dimension === null) return { overlaps: null, notes: [], failed: false };
	try {
		const vectors = (await embed(dimension)).slice(0, textsEach(context.collections.length));
		const probes = vectors.map((vector, at) => ({ label: textQueries[at] ?? '', vector }));
		return { overlaps: await measure(context, step, probes), notes: [], failed: false };
	} catch (error) {
		if (context.signal.aborted) throw error;
		return {
			overlaps: null,
			notes: [`text queries could not be embedded with ${embedder.model}: ${error instanceof Error ? error.message : String(error)}`],
			failed: true,
		};
	}
}

const percentile = (sorted: readonly number[], share: number): number =>
	sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;

const latencyLimit = 1_000;

/** Milliseconds of each search. */
async function timeSearches(context: CheckContext, step: CopyStep): Promise<readonly number[]> {
	const probes = await context.probes(step);
	const [first] = probes;
	if (first === undefined) return [];
	// The first search loads the index into the server's cache; what users feel is the ones after it.
	await context.target.search(step, context.plan.tenant.value, first, neighbourCount, sentMode(step), context.signal);
	const times: number[] = [];
	for (const probe of probes) {
		const startedAt = performance.now();
		await context.target.search(step, context.plan.tenant.value, probe, neighbourCount, sentMode(step), context.signal);
		times.push(performance.now() - startedAt);
	}
	return times;
}

/** Time of one search on the target, as an application that uses the index would send it, over the probes. */
export const latencyCheck: Check = async (context): Promise<CheckResult> => {
	if (context.collections.length === 0) return skipped('latency', 'no collection in this plan');
	const all: number[] = [];
	const slow: string[] = [];
	for (const step of context.collections) {
		const times = await timeSearches(context, step);
		all.push(...times);
		const average = mean(times);
		if (average >= latencyLimit)
			slow.push(
				`${aboutOf(context, step)}searches take ${Math.round(average)} ms on average: is there an index? (--index, or the preview's d key shows its DDL)`,
			);
	}
	if (all.length === 0) return skipped('latency', 'the collection holds no vectors');
	all.sort((a, b) => a - b);
	const show = (value: number): string => (value < 10 ? value.toFixed(1) : formatCount(Math.round(value)));
	const figures = { p50: percentile(all, 0.5), p95: percentile(all, 0.95), max: all.at(-1) ?? 0 };
	return {
		name: 'latency',
		result: slow.length === 0 ? 'pass' : 'fail',
		figures: `p50 ${show(figures.p50)} ms  p95 ${show(figures.p95)} ms  max ${show(figures.max)} ms`,
		data: { ...figures, mean: mean(all), limit: latencyLimit, searches: all.length },
		details: slow,
	};
};
