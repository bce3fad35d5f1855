import { formatCount, formatQuantity } from '../format.js';
import type { OtherDimensions, Target, TargetDescription } from '../ports.js';
import { embeddingTable } from './langchain-tables.js';
import { quoteIdent } from './names.js';
import type { ConflictPolicy, CopyStep, Hazard } from './types.js';
import { collectionOfIndex } from './vector-index.js';

/** Steps whose rows of other dimensions a column without one would hold: those with vectors, in a collection that is there. */
const concerned = (steps: readonly CopyStep[]) =>
	steps.flatMap((step) => {
		const dimension = step.source.kind === 'chroma' ? step.source.dimension : null;
		return dimension === null || step.collection === undefined ? [] : [{ step, dimension, collection: step.collection }];
	});

const columnOf = (target: TargetDescription) => target.tables.find(({ name }) => name === embeddingTable);

const isUnsized = (target: TargetDescription): boolean =>
	columnOf(target)?.columns.some(({ name, type }) => name === 'embedding' && type === 'vector') ?? false;

/** Type to which an index casts the vectors; null: it does not. */
function castOf(definition: string): { readonly type: string; readonly dimension: number } | null {
	const [, type, dimension] = /embedding\)?::((?:vector|halfvec)\((\d+)\))/.exec(definition) ?? [];
	return type === undefined ? null : { type, dimension: Number(dimension) };
}

/** An index of the target that casts the rows of a collection to another dimension: the server computes its entry, and refuses every row. */
export function castIndexHazards(steps: readonly CopyStep[], target: TargetDescription): Hazard[] {
	if (!isUnsized(target)) return [];
	return concerned(steps).flatMap(({ step, dimension, collection }) =>
		(columnOf(target)?.indexes ?? []).flatMap(({ name, definition }): Hazard[] => {
			const cast = castOf(definition);
			const covers = !definition.includes(' WHERE ') || collectionOfIndex(definition) === collection.uuid;
			if (cast === null || cast.dimension === dimension || !covers) return [];
			return [
				{
					code: 'INDEX_OF_OTHER_DIMENSION',
					severity: 'block',
					step: step.id,
					column: 'embedding',
					count: 1,
					sample: [name],
					message: `the index ${name} casts the vectors of the collection ${collection.name} to ${cast.type}, and these have ${dimension} dimensions: the target would refuse every one`,
					hint: `Move them into a collection of another name (--pgvector-collection), or drop the index, if nobody needs it any more: DROP INDEX ${quoteIdent(name)};`,
				},
			];
		}),
	);
}

/**
 * Rows of other dimensions in the collections that move, in a column without one: the cast index cannot be made over them, and langchain-postgres,
 * whose searches meet both, gets an error. Asked only where no cast index shows that there are none.
 */
export async function otherDimensionHazards(
	steps: readonly CopyStep[],
	onConflict: ConflictPolicy,
	target: TargetDescription,
	port: Pick<Target, 'otherDimensions'>,
	signal: AbortSignal | undefined,
): Promise<Hazard[]> {
	const table = columnOf(target);
	if (table === undefined || table.rights?.select === false || !isUnsized(target)) return [];
	const hazards: Hazard[] = [];
	for (const { step, dimension, collection } of concerned(steps)) {
		const proven = table.indexes.some(
			({ definition }) => castOf(definition)?.dimension === dimension && collectionOfIndex(definition) === collection.uuid,
		);
		if (step.state.rowsBefore === 0 || proven) continue;
		const found = await port.otherDimensions(collection.uuid, dimension, signal);
		// Rows that the run overwrites are not in the way; which those are is only known where there are too few.
		const mayChange = onConflict === 'update' && step.state.differing >= found.count;
		if (found.count > 0) hazards.push(hazardOf(step.id, collection, dimension, found, mayChange));
	}
	return hazards;
}

function hazardOf(
	step: string,
	collection: { readonly name: string; readonly uuid: string },
	dimension: number,
	{ count, dimensions }: OtherDimensions,
	mayChange: boolean,
): Hazard {
	const others = dimensions.map(formatCount).join(', ');
	const are = count === 1 ? 'has' : 'have';
	return {
		code: 'OTHER_DIMENSIONS_THERE',
		severity: mayChange ? 'warn' : 'block',
		step,
		column: 'embedding',
		count,
		sample: [],
		message: `${formatQuantity(count, 'row')} of the collection ${collection.name} in the target ${are} vectors of ${others} dimensions, and these have ${dimension}; ${mayChange ? 'unless the run overwrites them all, ' : ''}no index can be made over both, and searches of the collection fail`,
		hint: `Move them into a collection of another name (--pgvector-collection)${mayChange ? '' : ', or have those rows replaced (--on-conflict update, where they have the same ids) or removed first'}; to see them: SELECT id, vector_dims(embedding) FROM ${embeddingTable} WHERE collection_id = '${collection.uuid}' AND vector_dims(embedding) <> ${dimension};`,
	};
}
