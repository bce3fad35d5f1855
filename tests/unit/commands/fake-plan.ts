import { planId } from '../../../source/core/plan/hash.js';
import type { CopyStep, Hazard, Plan, Policies, SchemaStep } from '../../../source/core/plan/types.js';

const policies: Policies = {
	onConflict: 'fail',
	onInvalidJson: 'quarantine',
	onBadTimestamp: 'quarantine',
	onNul: 'quarantine',
	maxQuarantined: null,
};

export const itemsStep: CopyStep = {
	id: 'items',
	kind: 'copy',
	source: { kind: 'sqlite', table: 'items', cursor: ['rowid'] },
	table: 'items',
	columns: [
		{ name: 'user_id', source: null, sourceType: null, targetType: 'text', nullable: false, cast: 'constant', constant: 'ana' },
		{ name: 'id', source: 'id', sourceType: 'TEXT', targetType: 'text', nullable: false, cast: 'text' },
		{
			name: 'created_at',
			source: 'created_at',
			sourceType: 'TEXT',
			targetType: 'timestamp without time zone',
			nullable: true,
			cast: 'iso-timestamp',
			note: '55 ISO 8601',
		},
	],
	key: ['id'],
	foreignKeys: [],
	format: 'text',
	policies,
	write: 'copy',
	rows: 55,
	rejected: 0,
	bytes: 9216,
	state: { exists: false, rowsBefore: 0, tenantRowsBefore: 0, equal: 0, differing: 0 },
	batchRecords: 100,
	batchBytes: 4194304,
	seconds: 0.1,
};

const vectorsStep: CopyStep = {
	...itemsStep,
	id: 'vectors',
	source: { kind: 'chroma', collection: 'golden', collectionId: 'c-1', dimension: 1024, space: 'cosine' },
	table: 'langchain_pg_embedding',
	columns: [],
	format: 'binary',
	collection: { name: 'collections_vectors', uuid: '0b8f0f0e-0000-4000-8000-000000000000', exists: false, metadata: null },
};

export const indexStep: SchemaStep = {
	id: 'index',
	kind: 'schema',
	phase: 'after',
	what: 'vector-index',
	object: 'langchain_pg_embedding_hnsw',
	table: 'langchain_pg_embedding',
	sql: 'CREATE INDEX langchain_pg_embedding_hnsw\n\tON langchain_pg_embedding USING hnsw (embedding vector_cosine_ops)',
	needed: true,
	seconds: 12,
	vectorIndex: { method: 'hnsw', operatorClass: 'vector_cosine_ops', memoryBytes: 1024 ** 3, workers: 2 },
};

export const blockingHazard: Hazard = {
	code: 'CONFLICT',
	severity: 'block',
	step: 'items',
	column: 'id',
	count: 7,
	sample: ['i-1', 'i-2'],
	message: '7 keys are in the target with other values',
	hint: 'repot migrate --on-conflict update overwrites them',
};

/** A plan whose id is right for its content. */
export function samplePlan(changes: Partial<Plan> = {}): Plan {
	const plan: Omit<Plan, 'id'> = {
		format: 1,
		intent: 'intent-1',
		createdAt: '2025-03-01T12:00:00.000Z',
		environment: 'dev',
		profile: 'collections',
		tenant: { column: 'user_id', value: 'ana' },
		sources: {
			sqlite: { path: './app.db', bytes: 430_000, fingerprint: 'aa' },
			chroma: { path: './chroma', bytes: 1_600_000, fingerprint: 'bb' },
		},
		target: {
			label: 'postgresql://app@db.example:5432/app',
			identity: 'db.example:5432/app',
			embedded: false,
			serverVersion: '17.2',
			pgvectorVersion: '0.8.0',
			fingerprint: 'cc',
		},
		policies,
		steps: [itemsStep, vectorsStep, indexStep],
		hazards: [],
		totals: { records: 110, rejected: 0, bytes: 18432, seconds: 13 },
		...changes,
	};
	return { ...plan, id: planId(plan) };
}
