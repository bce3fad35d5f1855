import type { ChromaCollection, TargetDescription, TargetResources } from '../ports.js';
import { collectionUuid, identifier, quoteIdent } from './names.js';
import { after } from './tables.js';
import type { ColumnMapping, DistanceSpace, Hazard, IndexChoice, SchemaStep } from './types.js';

/** Names of the layout that langchain-postgres' PGVector reads (docs/formats.md). */
export const collectionTable = 'langchain_pg_collection';
export const embeddingTable = 'langchain_pg_embedding';
export const vectorStepId = 'vectors';

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

export interface VectorMapping {
	readonly columns: readonly ColumnMapping[];
	readonly collection: { readonly name: string; readonly uuid: string; readonly exists: boolean; readonly metadata: string | null };
}

/** Columns of langchain_pg_embedding for one Chroma collection. */
export function mapVectors(
	source: ChromaCollection,
	name: string,
	tenant: { readonly column: string; readonly value: string },
	target: TargetDescription,
): VectorMapping {
	const existing = target.collections.find((collection) => collection.name === name);
	const uuid = existing?.uuid ?? collectionUuid(name);
	const column = (
		columnName: string,
		sourceField: string | null,
		targetType: string,
		nullable: boolean,
		cast: ColumnMapping['cast'],
		constant?: string,
	): ColumnMapping => ({
		name: columnName,
		source: sourceField,
		sourceType: null,
		targetType,
		nullable,
		cast,
		...(constant === undefined ? {} : { constant }),
	});
	return {
		columns: [
			column('id', 'id', 'character varying', false, 'text'),
			column('collection_id', null, 'uuid', false, 'constant', uuid),
			column('embedding', 'embedding', source.dimension === null ? 'vector' : `vector(${source.dimension})`, false, 'vector'),
			column('document', 'document', 'character varying', false, 'document'),
			// The metadata cast adds the tenant under this key to every record.
			column('cmetadata', 'metadata', 'jsonb', false, 'metadata', JSON.stringify({ [tenant.column]: tenant.value })),
		],
		collection: { name, uuid, exists: existing !== undefined, metadata: source.metadata },
	};
}

type NewSchemaStep = Omit<SchemaStep, 'needed' | 'seconds'>;

/** DDL of the layout. Column definitions are those that langchain-postgres itself issues, so that it finds nothing to create. */
export function schemaOfVectors(
	source: ChromaCollection,
	target: TargetDescription,
	wishes: IndexWishes,
	hazards: Hazard[],
): NewSchemaStep[] {
	const vectorType = source.dimension === null ? 'vector' : `vector(${source.dimension})`;
	const embedding = quoteIdent(embeddingTable);
	const primaryKey = identifier(`${embeddingTable}_pkey`);
	const foreignKey = identifier(`${embeddingTable}_collection_id_fkey`);
	const steps: NewSchemaStep[] = [
		{
			id: 'extension:vector',
			kind: 'schema',
			phase: 'before',
			what: 'extension',
			object: 'vector',
			table: '',
			sql: 'CREATE EXTENSION IF NOT EXISTS vector',
		},
		{
			id: `table:${collectionTable}`,
			kind: 'schema',
			phase: 'before',
			what: 'table',
			object: collectionTable,
			table: collectionTable,
			sql: `CREATE TABLE ${quoteIdent(collectionTable)} (\n  uuid UUID NOT NULL,\n  name VARCHAR NOT NULL,\n  cmetadata JSON,\n  PRIMARY KEY (uuid),\n  UNIQUE (name)\n)`,
		},
		{
			id: `table:${embeddingTable}`,
			kind: 'schema',
			phase: 'before',
			what: 'table',
			object: embeddingTable,
			table: embeddingTable,
			sql: `CREATE TABLE ${embedding} (\n  id VARCHAR NOT NULL,\n  collection_id UUID,\n  embedding ${vectorType},\n  document VARCHAR,\n  cmetadata JSONB\n)`,
		},
		after('primary-key', primaryKey, embeddingTable, `ALTER TABLE ${embedding} ADD CONSTRAINT ${quoteIdent(primaryKey)} PRIMARY KEY (id)`),
		after(
			'foreign-key',
			foreignKey,
			embeddingTable,
			`ALTER TABLE ${embedding} ADD CONSTRAINT ${quoteIdent(foreignKey)} FOREIGN KEY (collection_id) REFERENCES ${quoteIdent(collectionTable)} (uuid) ON DELETE CASCADE`,
		),
		after(
			'index',
			'ix_cmetadata_gin',
			embeddingTable,
			`CREATE INDEX ix_cmetadata_gin ON ${embedding} USING gin (cmetadata jsonb_path_ops)`,
		),
	];
	const index = vectorIndex(source, target, wishes, hazards);
	return index === null ? steps : [...steps, index];
}

function vectorIndex(source: ChromaCollection, target: TargetDescription, wishes: IndexWishes, hazards: Hazard[]): NewSchemaStep | null {
	const none = (code: string, message: string, hint?: string): null => {
		hazards.push({
			code,
			severity: 'info',
			step: vectorStepId,
			column: 'embedding',
			count: 1,
			sample: [],
			message,
			...(hint === undefined ? {} : { hint }),
		});
		return null;
	};
	const dimension = source.dimension;
	if (dimension === null) return none('NO_VECTOR_INDEX', 'the collection holds no vectors, so no index is built');
	if (dimension > maxColumnDimensions) {
		hazards.push({
			code: 'TOO_MANY_DIMENSIONS',
			severity: 'block',
			step: vectorStepId,
			column: 'embedding',
			count: source.records,
			sample: [],
			message: `pgvector stores at most ${maxColumnDimensions} dimensions; these vectors have ${dimension}`,
		});
		return null;
	}
	const existing = target.tables.find((table) => table.name === embeddingTable)?.columns.find((column) => column.name === 'embedding');
	if (existing !== undefined && existing.type === 'vector') {
		return none(
			'UNSIZED_VECTOR_COLUMN',
			`${embeddingTable}.embedding has no fixed dimension, so an HNSW index over it cannot serve the searches of langchain-postgres; none is built`,
			`If every row has ${dimension} dimensions: ALTER TABLE ${embeddingTable} ALTER COLUMN embedding TYPE vector(${dimension});`,
		);
	}
	const fitting: IndexChoice = dimension <= maxHnswDimensions ? 'hnsw' : dimension <= maxHalfvecDimensions ? 'halfvec' : 'none';
	const method = wishes.index ?? fitting;
	if (method === 'none') {
		return wishes.index === 'none'
			? none('NO_VECTOR_INDEX', 'no vector index is built, as asked; searches read every row')
			: none(
					'NO_VECTOR_INDEX',
					`HNSW indexes reach ${maxHalfvecDimensions} dimensions (as halfvec); these vectors have ${dimension}, so none is built and searches read every row`,
				);
	}
	if ((method === 'hnsw' && dimension > maxHnswDimensions) || dimension > maxHalfvecDimensions) {
		hazards.push({
			code: 'INDEX_DIMENSIONS',
			severity: 'block',
			step: vectorStepId,
			column: 'embedding',
			count: 1,
			sample: [],
			message: `--index ${method} reaches ${method === 'hnsw' ? maxHnswDimensions : maxHalfvecDimensions} dimensions; these vectors have ${dimension}`,
			hint: `Use --index ${fitting}`,
		});
		return null;
	}
	if (method === 'halfvec') {
		none('HALFVEC_INDEX', 'the index is on the vectors at half precision; a search uses it when it casts the same way: embedding::halfvec');
	}
	const suffix = operatorSuffix[source.space];
	const operatorClass = method === 'halfvec' ? `halfvec_${suffix}` : `vector_${suffix}`;
	const expression = method === 'halfvec' ? `((embedding::halfvec(${dimension})) ${operatorClass})` : `(embedding ${operatorClass})`;
	const name = identifier(`ix_${embeddingTable}_${method}_${source.space}`);
	const table = target.tables.find((candidate) => candidate.name === embeddingTable);
	const rows = (table?.rows ?? 0) + source.records;
	return {
		...after(
			'vector-index',
			name,
			embeddingTable,
			`CREATE INDEX ${quoteIdent(name)} ON ${quoteIdent(embeddingTable)} USING hnsw ${expression}`,
		),
		vectorIndex: {
			method,
			operatorClass,
			memoryBytes: wishes.memory ?? indexMemory(rows, dimension, method, target.resources, target.facts.embedded),
			workers: wishes.workers ?? (target.facts.embedded ? 0 : Math.max(1, Math.floor(target.resources.maxParallelWorkers / 2))),
		},
	};
}

const mebibyte = 1024 * 1024;

/**
 * Memory that an HNSW build needs to keep its graph: per element the value, its neighbour lists and bookkeeping
 * (pgvector src/hnswutils.c: m = 16 gives 2 m neighbours on level 0 and m above, 16 bytes each), and a tenth on top.
 */
export function graphBytes(rows: number, dimension: number, method: IndexChoice): number {
	const value = 8 + dimension * (method === 'halfvec' ? 2 : 4);
	return Math.ceil(rows * (value + 1_000) * 1.1);
}

/**
 * What the session asks for: the graph, at least the server's own setting, and no more than a quarter of
 * effective_cache_size, which is what the server's administrator says the machine can spare for caching.
 */
export function indexMemory(rows: number, dimension: number, method: IndexChoice, resources: TargetResources, embedded: boolean): number {
	const need = graphBytes(rows, dimension, method) + 16 * mebibyte;
	const cap = embedded ? 256 * mebibyte : Math.max(resources.maintenanceBytes, Math.floor(resources.effectiveCacheBytes / 4));
	return Math.round(Math.min(Math.max(need, resources.maintenanceBytes), cap));
}

/**
 * Seconds of an HNSW build with m 16 and ef_construction 64: 20,000 x 1,024 took 12 s with the graph in memory and two workers,
 * 59 s without either. Grows with the logarithm of the rows.
 */
export function indexSeconds(rows: number, dimension: number, method: IndexChoice, memoryBytes: number, workers: number): number {
	if (rows === 0) return 0;
	const perComponent = 1.75e-6;
	const fits = memoryBytes >= graphBytes(rows, dimension, method) ? 1 : 3;
	const growth = Math.log2(Math.max(2, rows)) / Math.log2(20_000);
	return (rows * dimension * perComponent * growth * fits) / (1 + Math.min(workers, 3));
}
