import type { TargetDescription } from '../ports.js';
import { after, type PlacedCollection, type VectorLayout } from './draft-parts.js';
import { indexMemory } from './index-memory.js';
import { embeddingTable } from './langchain-tables.js';
import { identifier, quoteIdent } from './names.js';
import { summed, toldOnce } from './told-once.js';
import type { DistanceSpace, Hazard, IndexChoice, SchemaStep } from './types.js';

/** pgvector's limits: https://github.com/pgvector/pgvector#hnsw and the README's "Reference". */
const maxColumnDimensions = 16_000;
const maxHnswDimensions = 2_000;
const maxHalfvecDimensions = 4_000;

const operatorSuffix: Record<DistanceSpace, string> = { l2: 'l2_ops', ip: 'ip_ops', cosine: 'cosine_ops' };

export interface IndexWishes {
	readonly index: IndexChoice | null;
	readonly memory: number | null;
	readonly workers: number | null;
}

/** The collection that one index serves. */
interface Served {
	readonly collection: PlacedCollection;
	readonly dimension: number;
	readonly space: DistanceSpace;
	/** The index is narrowed to the rows of this collection; else there are no others in the table. */
	readonly partial: boolean;
	/** The column has no dimension of its own. */
	readonly unsized: boolean;
}

export interface VectorIndex {
	readonly step: Omit<SchemaStep, 'needed' | 'seconds'>;
	/** Step id of the collection that it serves. */
	readonly serves: string;
	/** Type that the index casts the column to; null: none. */
	readonly indexedAs: string | null;
}

/**
 * The HNSW indexes of a layout: one over the column for a collection that is alone in the table, else a partial one for each collection, cast to
 * its dimension where the column has none.
 */
export function vectorIndexes(
	placed: readonly PlacedCollection[],
	layout: VectorLayout,
	target: TargetDescription,
	wishes: IndexWishes,
	hazards: Hazard[],
): VectorIndex[] {
	const told: Hazard[] = [];
	const tell = teller(told);
	// One without any record is told as such.
	for (const { source, step } of placed)
		if (source.dimension === null && source.records > 0)
			tell('NO_VECTOR_INDEX', step, 'the collection holds no vectors, so no index is built');
	const indexes = servedBy(placed, layout).flatMap((served) => indexOf(served, target, wishes, told) ?? []);
	hazards.push(...toldOnce(told, summed));
	return indexes;
}

function servedBy(placed: readonly PlacedCollection[], layout: VectorLayout): Served[] {
	return placed.flatMap((collection) => {
		const { dimension, space } = collection.source;
		return dimension === null ? [] : [{ collection, dimension, space, partial: layout.indexEach, unsized: layout.unsized }];
	});
}

type Teller = (code: string, step: string | null, message: string) => null;

const teller =
	(hazards: Hazard[]): Teller =>
	(code, step, message) => {
		hazards.push({ code, severity: 'info', step, column: 'embedding', count: 1, sample: [], message });
		return null;
	};

function indexOf(served: Served, target: TargetDescription, wishes: IndexWishes, hazards: Hazard[]): VectorIndex | null {
	const method = methodOf(served, wishes, hazards);
	if (method === null) return null;
	const { dimension, space, partial } = served;
	const { step, langchain } = served.collection;
	const operatorClass = `${method === 'halfvec' ? 'halfvec' : 'vector'}_${operatorSuffix[space]}`;
	const indexedAs = method === 'halfvec' ? `halfvec(${dimension})` : served.unsized ? `vector(${dimension})` : null;
	const value = indexedAs === null ? 'embedding' : `(embedding::${indexedAs})`;
	const where = partial ? ` WHERE collection_id = '${langchain.uuid}'` : '';
	// An index of another dimension is another index.
	const kind = served.unsized ? `${method}_${space}_${dimension}` : `${method}_${space}`;
	const name = identifier(`ix_${embeddingTable}_${kind}${partial ? `_${idPart(langchain.uuid)}` : ''}`);
	const sql = `CREATE INDEX ${quoteIdent(name)} ON ${quoteIdent(embeddingTable)} USING hnsw (${value} ${operatorClass})${where}`;
	return {
		serves: step,
		indexedAs,
		step: {
			...after('vector-index', name, embeddingTable, sql),
			vectorIndex: {
				method,
				operatorClass,
				...(partial ? { step } : {}),
				memoryBytes: wishes.memory ?? indexMemory(rowsAfter(served, target), dimension, method, target.resources, target.facts.embedded),
				workers: wishes.workers ?? (target.facts.embedded ? 0 : Math.max(1, Math.floor(target.resources.maxParallelWorkers / 2))),
			},
		},
	};
}

/** As much of a UUID as keeps names apart. */
const idPart = (uuid: string): string => uuid.replaceAll('-', '').slice(0, 12);

/** Rows that the index will hold, at most. */
function rowsAfter({ collection, partial }: Served, target: TargetDescription): number {
	const before = partial
		? target.collections.find(({ uuid }) => uuid === collection.langchain.uuid)?.rows
		: target.tables.find((table) => table.name === embeddingTable)?.rows;
	return collection.source.records + (before ?? 0);
}

/** The kind of index that this dimension allows and the operator wants; null when none is built, which is told. */
function methodOf({ collection, dimension }: Served, wishes: IndexWishes, hazards: Hazard[]): 'hnsw' | 'halfvec' | null {
	const { step, source } = collection;
	const tell = teller(hazards);
	const block = (code: string, count: number, message: string, hint?: string): null => {
		const place = { step, column: 'embedding', count, sample: [] };
		hazards.push({ code, severity: 'block', ...place, message, ...(hint === undefined ? {} : { hint }) });
		return null;
	};
	if (dimension > maxColumnDimensions) {
		return block(
			'TOO_MANY_DIMENSIONS',
			source.records,
			`pgvector stores at most ${maxColumnDimensions} dimensions; these vectors have ${dimension}`,
		);
	}
	const fitting: IndexChoice = dimension <= maxHnswDimensions ? 'hnsw' : dimension <= maxHalfvecDimensions ? 'halfvec' : 'none';
	const method = wishes.index ?? fitting;
	if (method === 'none') {
		return tell(
			'NO_VECTOR_INDEX',
			step,
			wishes.index === 'none'
				? 'no vector index is built, as asked; searches read every row'
				: `HNSW indexes reach ${maxHalfvecDimensions} dimensions (as halfvec); these vectors have ${dimension}, so none is built and searches read every row`,
		);
	}
	if ((method === 'hnsw' && dimension > maxHnswDimensions) || dimension > maxHalfvecDimensions) {
		const reach = method === 'hnsw' ? maxHnswDimensions : maxHalfvecDimensions;
		const message = `--index ${method} reaches ${reach} dimensions; these vectors have ${dimension}`;
		return block('INDEX_DIMENSIONS', 1, message, `Use --index ${fitting}`);
	}
	if (method === 'halfvec') {
		tell(
			'HALFVEC_INDEX',
			step,
			'the index is on the vectors at half precision; a search uses it when it casts the same way: embedding::halfvec',
		);
	}
	return method;
}

/** The collection to whose rows an index is narrowed, as pg_get_indexdef prints it or the plan writes it; null: to none, or in another way. */
export function collectionOfIndex(definition: string): string | null {
	const where = definition.split(/ WHERE /)[1]?.replace(/[()]/g, '') ?? '';
	return /^collection_id = '([0-9a-f-]{36})'(?:::uuid)?$/.exec(where)?.[1] ?? null;
}

/**
 * Whether an index that the target has, as pg_get_indexdef prints it, serves the searches that the planned one would. One over the rows of
 * all collections does not stand in for one over a collection's own.
 */
export function servesSame(definition: string, planned: string): boolean {
	const operatorClass = /(?:vector|halfvec)_\w+_ops/.exec(planned)?.[0];
	if (operatorClass === undefined || !new RegExp(`[ )]${operatorClass}\\b`).test(definition)) return false;
	const cast = /embedding::((?:vector|halfvec)\(\d+\))/.exec(planned)?.[1];
	if (cast === undefined ? definition.includes('::vector(') : !definition.includes(`::${cast}`)) return false;
	return definition.includes(' WHERE ')
		? collectionOfIndex(definition) !== null && collectionOfIndex(definition) === collectionOfIndex(planned)
		: !planned.includes(' WHERE ');
}
