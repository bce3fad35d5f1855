import { collectionsProfile } from '../../source/core/mapping/profile.js';
import type { MigrateOptions } from '../../source/core/migrate.js';
import type { PlanRequest } from '../../source/core/operations.js';
import { mapTables } from '../../source/core/plan/tables.js';
import type { Ports, SourceColumn, SourceTable, SqliteDescription } from '../../source/core/ports.js';
import { Secret } from '../../source/core/secret.js';
import { type FakeTables, memorySource } from './memory-source.js';
import { type MemoryTarget, memoryHistory, memoryTarget } from './memory-target.js';

const column = (name: string, type: string, more: Partial<SourceColumn> = {}): SourceColumn => ({
	name,
	type,
	notNull: false,
	primaryKey: 0,
	defaultSql: null,
	generated: false,
	...more,
});

export const table = (name: string, columns: SourceColumn[], more: Partial<SourceTable> = {}): SourceTable => ({
	name,
	columns,
	indexes: [],
	foreignKeys: [],
	rows: 0,
	withoutRowid: false,
	derived: false,
	...more,
});

const toItems = { columns: ['item_id'], parent: 'items', parentColumns: ['id'], onDelete: 'CASCADE' };
const key = column('id', 'TEXT', { primaryKey: 1 });

/** The schema of the application "collections", children before parents so that ordering is seen to work. */
export const collectionsTables = (): SourceTable[] => [
	table(
		'embeddings',
		[
			key,
			column('item_id', 'TEXT', { notNull: true }),
			column('analysis_id', 'TEXT', { notNull: true }),
			column('embedding_source', 'TEXT', { notNull: true }),
			column('created_at', 'TEXT', { notNull: true }),
		],
		{ foreignKeys: [toItems, { columns: ['analysis_id'], parent: 'analyses', parentColumns: ['id'], onDelete: 'CASCADE' }] },
	),
	table(
		'analyses',
		[
			key,
			column('item_id', 'TEXT', { notNull: true }),
			column('version', 'INTEGER', { notNull: true, defaultSql: '1' }),
			column('raw_response', 'TEXT'),
			column('created_at', 'TEXT', { notNull: true }),
		],
		{ foreignKeys: [toItems], indexes: [{ name: 'idx_analyses_item_id', unique: false, columns: ['item_id'], partial: false, sql: null }] },
	),
	table('items', [
		key,
		column('filename', 'TEXT', { notNull: true }),
		column('file_size', 'INTEGER'),
		column('created_at', 'TEXT', { notNull: true }),
		column('updated_at', 'TEXT', { notNull: true }),
	]),
	table('items_fts', [column('content', '')], { derived: true }),
];

export const sqliteOf = (tables: SourceTable[]): SqliteDescription => ({
	path: 'app.db',
	bytes: 1000,
	tables,
	integrity: 'ok',
	journalMode: 'delete',
});

export function fakeTables(count: number): FakeTables {
	const ids = Array.from({ length: count }, (_, at) => `k${String(at).padStart(4, '0')}`);
	const time = '2026-01-01T00:00:00';
	return {
		sqlite: sqliteOf(collectionsTables().map((one) => ({ ...one, rows: one.derived ? 0 : count }))),
		chroma: {
			path: 'chroma',
			bytes: 1000,
			version: '1.3',
			notes: [],
			collections: [
				{
					id: 'c-1',
					name: 'vectors',
					tenant: 'default_tenant',
					database: 'default_database',
					records: count,
					dimension: 2,
					space: 'l2',
					metadata: null,
					vectorsIn: 'wal',
				},
			],
		},
		rows: {
			items: ids.map((id) => ({ id, filename: `${id}.jpg`, created_at: time, updated_at: time })),
			analyses: ids.map((id) => ({ id: `a-${id}`, item_id: id, version: '1', raw_response: '{}', created_at: time })),
			embeddings: ids.map((id) => ({ id: `e-${id}`, item_id: id, analysis_id: `a-${id}`, embedding_source: '{}', created_at: time })),
		},
		vectors: ids.map((id, at) => ({ id, vector: [at, at * 2] })),
		fingerprint: 'one',
	};
}

export const request = (more: Partial<PlanRequest> = {}): PlanRequest => ({
	environment: 'test',
	guard: 'open',
	sqlitePath: 'app.db',
	chromaPath: 'chroma',
	collections: [],
	target: new Secret('postgresql://me@db/app'),
	tenant: 'ana',
	pgvectorCollection: 'collections_vectors',
	collectionNames: {},
	batchSize: null,
	skipSchemaCreation: false,
	index: null,
	indexMemory: null,
	indexWorkers: null,
	policies: { onConflict: 'fail', onInvalidJson: 'quarantine', onBadTimestamp: 'quarantine', onNul: 'quarantine', maxQuarantined: null },
	similarityThreshold: 0.8,
	validationSample: 1000,
	reportOutput: null,
	maxRetries: 3,
	retryDelayMilliseconds: 1,
	restart: false,
	validate: true,
	...more,
});

export const migrateOptions = (more: Partial<MigrateOptions> = {}): MigrateOptions => ({
	validate: true,
	similarityThreshold: 0.8,
	validationSample: 1000,
	reportOutput: null,
	retry: { maxRetries: 3, delayMilliseconds: 1 },
	target: 'memory',
	...more,
});

export interface Bench extends Ports {
	readonly target: MemoryTarget;
	readonly history: ReturnType<typeof memoryHistory>;
}

export function bench(tables: FakeTables, target: MemoryTarget = memoryTarget()): Bench {
	let now = Date.UTC(2026, 0, 1);
	const mapped = mapTables(collectionsProfile, sqliteOf(collectionsTables()), 'ana').tables;
	const vectors = [
		{ name: 'id', targetType: 'character varying', nullable: false },
		{ name: 'collection_id', targetType: 'uuid', nullable: true },
		{ name: 'embedding', targetType: 'vector(2)', nullable: true },
		{ name: 'document', targetType: 'character varying', nullable: true },
		{ name: 'cmetadata', targetType: 'jsonb', nullable: true },
	];
	target.columnsOf = (name) =>
		(mapped.find((one) => one.target === name)?.columns ?? vectors).map((one) => ({
			name: one.name,
			type: one.targetType,
			notNull: !one.nullable,
			hasDefault: false,
		}));
	return {
		source: memorySource(tables),
		target,
		history: memoryHistory(),
		embedder: null,
		clock: { now: () => now++ },
		operator: 'ana@laptop',
		version: '0.1.0',
	};
}
