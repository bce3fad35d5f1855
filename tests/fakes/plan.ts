import type { PlanRequest } from '../../source/core/operations.js';
import type { ColumnMapping, CopyStep, Hazard, Plan, SchemaStep } from '../../source/core/plan/types.js';
import { Secret } from '../../source/core/secret.js';

export const fakeTenant = '1f0c9a52-6f0e-4a53-9a5d-7c1d2b3e4fe9';

export const fakeRequest: PlanRequest = {
	environment: 'dev',
	guard: 'open',
	sqlitePath: 'data/collections_golden.db',
	chromaPath: 'data/chroma_golden',
	collections: ['collections_vectors_golden'],
	target: new Secret('postgresql://postgres:hunter2@db.example:5432/app'),
	tenant: fakeTenant,
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
	maxRetries: 5,
	retryDelayMilliseconds: 1000,
	restart: false,
	validate: true,
};

const column = (name: string, sourceType: string, targetType: string, cast: ColumnMapping['cast'], note?: string): ColumnMapping => ({
	name,
	source: name,
	sourceType,
	targetType,
	nullable: true,
	cast,
	...(note === undefined ? {} : { note }),
});

const userId: ColumnMapping = {
	name: 'user_id',
	source: null,
	sourceType: null,
	targetType: 'text',
	nullable: false,
	cast: 'constant',
	constant: fakeTenant,
};

const copyStep = (id: string, rows: number, bytes: number, columns: readonly ColumnMapping[]): CopyStep => ({
	id,
	kind: 'copy',
	source: { kind: 'sqlite', table: id, cursor: ['rowid'] },
	table: id,
	columns: [...columns, userId],
	key: ['id'],
	foreignKeys: [],
	format: 'text',
	write: 'copy',
	rows,
	rejected: 0,
	bytes,
	state: { exists: false, rowsBefore: 0, tenantRowsBefore: 0, equal: 0, differing: 0 },
	batchRecords: 100,
	batchBytes: 4 << 20,
	seconds: 0.2,
	policies: fakeRequest.policies,
});

const schemaStep = (
	what: SchemaStep['what'],
	object: string,
	table: string,
	sql: string,
	phase: 'before' | 'after' = 'after',
): SchemaStep => ({
	id: `${what}:${object}`,
	kind: 'schema',
	phase,
	what,
	object,
	table,
	sql,
	needed: true,
	seconds: 0.1,
});

const vectors: CopyStep = {
	...copyStep('vectors', 55, 225_280, [
		column('id', '', 'uuid', 'uuid'),
		column('embedding', 'float32', 'vector(1024)', 'vector', 'bit for bit'),
		column('document', 'text', 'text', 'document', '55 present'),
		column('cmetadata', 'metadata', 'jsonb', 'metadata', '7 keys'),
	]),
	source: { kind: 'chroma', collection: 'collections_vectors_golden', collectionId: 'c0ffee', dimension: 1024, space: 'cosine' },
	table: 'langchain_pg_embedding',
	format: 'binary',
	collection: { name: 'collections_vectors', uuid: '6b1f', exists: false, metadata: null },
};

const fakeHazards: readonly Hazard[] = [
	{
		code: 'EMPTY_COLUMN',
		severity: 'warn',
		step: 'analyses',
		column: 'trace_id',
		count: 55,
		sample: [],
		message: 'trace_id is empty in all 55 rows; it comes along as NULL',
		hint: 'Nothing to do unless an application expects values',
	},
];

export const blockingHazard: Hazard = {
	code: 'KEY_CONFLICT',
	severity: 'block',
	step: 'items',
	count: 3,
	sample: ['it-0001', 'it-0002', 'it-0003'],
	message: '3 keys are in the target with other values',
	hint: 'Choose --on-conflict skip or update, or another user id',
};

export const fakePlan: Plan = {
	format: 1,
	id: '7f3a91c2d4e5f607',
	intent: 'a1b2c3d4e5f60718',
	createdAt: '2025-03-07T13:57:00.000Z',
	environment: 'dev',
	profile: 'collections',
	tenant: { column: 'user_id', value: fakeTenant },
	sources: {
		sqlite: { path: 'data/collections_golden.db', bytes: 430_080, fingerprint: 'aa' },
		chroma: { path: 'data/chroma_golden', bytes: 1_677_722, fingerprint: 'bb' },
	},
	target: {
		label: 'postgresql://postgres:********@db.example:5432/app',
		identity: 'db.example:5432/app',
		embedded: false,
		serverVersion: '17.5',
		pgvectorVersion: '0.8.0',
		fingerprint: 'cc',
	},
	policies: fakeRequest.policies,
	steps: [
		schemaStep(
			'table',
			'items',
			'items',
			'CREATE TABLE items (\n  id text,\n  filename text,\n  created_at timestamp,\n  user_id text NOT NULL\n)',
			'before',
		),
		schemaStep(
			'table',
			'analyses',
			'analyses',
			'CREATE TABLE analyses (\n  id text,\n  item_id text,\n  raw_response jsonb,\n  user_id text NOT NULL\n)',
			'before',
		),
		copyStep('items', 55, 9216, [
			column('id', 'TEXT', 'text', 'text'),
			column('filename', 'TEXT', 'text', 'text'),
			column('created_at', 'TEXT', 'timestamp', 'iso-timestamp', '55 ISO 8601'),
		]),
		copyStep('analyses', 55, 106_496, [
			column('id', 'TEXT', 'text', 'text'),
			column('raw_response', 'TEXT', 'jsonb', 'json-text', '55 valid'),
			column('created_at', 'TEXT', 'timestamp', 'iso-timestamp', '55 ISO 8601'),
			column('trace_id', 'TEXT', 'text', 'text', 'empty in all 55 rows'),
		]),
		copyStep('embeddings', 55, 31_744, [
			column('id', 'TEXT', 'text', 'text'),
			column('embedding_source', 'TEXT', 'jsonb', 'json-text', '55 valid'),
		]),
		vectors,
		schemaStep('primary-key', 'items_pkey', 'items', 'ALTER TABLE items ADD CONSTRAINT items_pkey PRIMARY KEY (id)'),
		schemaStep(
			'foreign-key',
			'analyses_item_id_fkey',
			'analyses',
			'ALTER TABLE analyses ADD CONSTRAINT analyses_item_id_fkey FOREIGN KEY (item_id) REFERENCES items (id) ON DELETE CASCADE',
		),
		schemaStep('index', 'idx_items_user_id', 'items', 'CREATE INDEX idx_items_user_id ON items (user_id)'),
		{
			...schemaStep(
				'vector-index',
				'ix_collections_vectors_hnsw',
				'langchain_pg_embedding',
				'CREATE INDEX ix_collections_vectors_hnsw ON langchain_pg_embedding USING hnsw ((embedding::vector(1024)) vector_cosine_ops)',
			),
			vectorIndex: { method: 'hnsw', operatorClass: 'vector_cosine_ops', memoryBytes: 64 << 20, workers: 2 },
		},
	],
	hazards: fakeHazards,
	totals: { records: 220, rejected: 0, bytes: 372_736, seconds: 2 },
};
