import { formatCount } from '../format.js';
import type { TargetDescription } from '../ports.js';
import type { PlacedCollection } from './draft-parts.js';
import { embeddingTable } from './langchain-tables.js';
import { quoteIdent } from './names.js';
import type { Hazard } from './types.js';
import { collectionOfIndex, type VectorIndex } from './vector-index.js';

/** Collections whose statement is shown. */
const shownCollections = 3;

interface Sharer {
	readonly name: string;
	readonly uuid: string;
}

/** Collections that hold rows with vectors once the run is over. */
function sharers(placed: readonly PlacedCollection[], target: TargetDescription): Sharer[] {
	const there = target.collections.filter(({ rows }) => rows > 0).map(({ name, uuid }): Sharer => ({ name, uuid }));
	const coming = placed.filter(({ source }) => source.dimension !== null).map(({ langchain }): Sharer => langchain);
	return [...there, ...coming.filter(({ uuid }) => !there.some((one) => one.uuid === uuid))];
}

/**
 * HNSW indexes of the target over the rows of all collections, for collections that have none of their own: a search takes the nearest rows of
 * the index (hnsw.ef_search, 40) before it looks at their collection, and rows that come into the table take the places of those that were found.
 */
export function sharedIndexHazards(
	placed: readonly PlacedCollection[],
	indexes: readonly VectorIndex[],
	target: TargetDescription,
): Hazard[] {
	const there = target.tables.find(({ name }) => name === embeddingTable)?.indexes ?? [];
	const shared = there.find(({ definition }) => /USING hnsw/.test(definition) && !/ WHERE /.test(definition));
	const all = sharers(placed, target);
	if (shared === undefined || all.length < 2) return [];
	const served = new Set([
		...there.map(({ definition }) => collectionOfIndex(definition)),
		...indexes.map(({ step }) => collectionOfIndex(step.sql)),
	]);
	const left = all.filter(({ uuid }) => !served.has(uuid));
	if (left.length === 0) return [];
	const names = left.slice(0, shownCollections).map(({ name }) => `"${name}"`);
	const more = left.length > names.length ? ` and ${formatCount(left.length - names.length)} more` : '';
	const using = /USING hnsw (.*)$/.exec(shared.definition)?.[1] ?? '';
	const statements = left
		.slice(0, shownCollections)
		.map(({ uuid }) => `CREATE INDEX ON ${quoteIdent(embeddingTable)} USING hnsw ${using} WHERE collection_id = '${uuid}';`);
	return [
		{
			code: 'SHARED_INDEX',
			severity: 'warn',
			step: null,
			column: 'embedding',
			count: left.length,
			sample: names,
			message: `the index ${shared.name} holds the rows of all collections, and a search takes the nearest 40 (hnsw.ef_search) before it looks at their collection: with the rows of this run beside them, searches of ${names.join(', ')}${more} may give fewer results than asked for`,
			hint: `Give ${left.length === 1 ? 'it an index of its own' : 'each an index of its own'}, after the run: ${statements.join(' ')} Or, with pgvector 0.8 or later, have searches go on: ALTER DATABASE ... SET hnsw.iterative_scan = 'strict_order';`,
		},
	];
}
