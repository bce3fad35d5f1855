import type { TargetDescription } from '../ports.js';
import type { ChosenCollection } from './collection-names.js';
import type { PlacedCollection, VectorLayout } from './draft-parts.js';
import { embeddingTable } from './langchain-tables.js';
import type { Hazard } from './types.js';
import { collectionOfIndex } from './vector-index.js';

/** Type of the column that is there; a column of another kind does not fit, whatever the layout, and is refused for that. */
function columnOf(target: TargetDescription): string | undefined {
	const columns = target.tables.find((table) => table.name === embeddingTable)?.columns;
	const type = columns?.find((column) => column.name === 'embedding')?.type;
	return type !== undefined && /^vector(\(\d+\))?$/.test(type) ? type : undefined;
}

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];

/** One dimension gives a column of that dimension, several give one without. A column that is there stays as it is. */
export function layoutOf(chosen: readonly ChosenCollection[], target: TargetDescription): VectorLayout {
	const withVectors = chosen.filter(({ source }) => source.dimension !== null);
	const dimensions = distinct(withVectors.map(({ source }) => source.dimension));
	const type = columnOf(target) ?? (dimensions.length === 1 ? `vector(${dimensions[0]})` : 'vector');
	const unsized = type === 'vector' && dimensions.length > 0;
	return { type, unsized, indexEach: unsized || withVectors.length > 1 || isShared(withVectors, target) };
}

/** The table holds rows of other collections, or the collection has an index of its own from a time when it did. */
function isShared(chosen: readonly ChosenCollection[], target: TargetDescription): boolean {
	const table = target.tables.find(({ name }) => name === embeddingTable);
	if (table === undefined) return false;
	const own = target.collections.filter(({ name }) => chosen.some((one) => one.target === name));
	return (
		table.rows > own.reduce((sum, { rows }) => sum + rows, 0) ||
		own.some(({ uuid }) => table.indexes.some(({ definition }) => collectionOfIndex(definition) === uuid))
	);
}

/** Type that one collection's vectors ask for: another than the column's where they do not fit into it. */
export function embeddingType({ source }: ChosenCollection, { type }: VectorLayout): string {
	const own = source.dimension === null ? type : `vector(${source.dimension})`;
	return type === 'vector' ? type : own;
}

/** What the layout means for those who search. */
export function layoutHazards(placed: readonly PlacedCollection[], layout: VectorLayout): Hazard[] {
	const withVectors = placed.filter(({ source }) => source.dimension !== null);
	const [first] = withVectors;
	if (!layout.unsized || first === undefined) return [];
	const dimensions = distinct(withVectors.map(({ source }) => source.dimension)).sort((a, b) => Number(a) - Number(b));
	const mixed = dimensions.length > 1;
	const { dimension, space } = first.source;
	const operator = { l2: '<->', ip: '<#>', cosine: '<=>' }[space];
	const shape = `SELECT id, document FROM ${embeddingTable} WHERE collection_id = '${first.langchain.uuid}' ORDER BY embedding::vector(${dimension}) ${operator} '[...]'::vector(${dimension}) LIMIT 5`;
	const why = mixed
		? `the collections have ${dimensions.join(', ').replace(/, (\d+)$/, ' and $1')} dimensions, so ${embeddingTable}.embedding has no fixed one`
		: `${embeddingTable}.embedding has no fixed dimension`;
	return [
		{
			code: mixed ? 'MIXED_DIMENSIONS' : 'UNSIZED_VECTOR_COLUMN',
			severity: 'info',
			step: placed.length === 1 ? first.step : null,
			column: 'embedding',
			count: withVectors.length,
			sample: [],
			message: `${why} and each collection gets an index cast to its own; langchain-postgres, which does not cast, searches the rows of a collection one by one: exact, and slower the more there are`,
			hint: `SQL that uses the index: ${shape}`,
		},
	];
}
