import type { ColumnMapping, CopyStep, Plan, SchemaStep } from '../../source/core/plan/types.js';
import type { SourceBatch } from '../../source/core/ports.js';

export const tenant = 'ana';
export const collectionUuid = '6f9619ff-8b86-4011-b42d-00cf4fc964ff';

const column = (name: string, targetType: string, more: Partial<ColumnMapping> = {}): ColumnMapping => ({
	name,
	source: name,
	sourceType: null,
	targetType,
	nullable: true,
	cast: 'text',
	...more,
});

const policies = {
	onConflict: 'fail',
	onInvalidJson: 'quarantine',
	onBadTimestamp: 'quarantine',
	onNul: 'quarantine',
	maxQuarantined: null,
} as const;

const basics = {
	kind: 'copy',
	policies,
	rejected: 0,
	bytes: 0,
	state: { exists: false, rowsBefore: 0, tenantRowsBefore: 0, equal: 0, differing: 0 },
	batchRecords: 100,
	batchBytes: 1 << 20,
	seconds: 0,
	rows: 3,
} as const;

export const itemsStep = (write: 'copy' | 'merge' = 'copy'): CopyStep => ({
	...basics,
	id: 'items',
	source: { kind: 'sqlite', table: 'items', cursor: ['rowid'] },
	table: 'items',
	columns: [
		column('id', 'text'),
		column('parent_id', 'text'),
		column('size', 'bigint'),
		column('raw', 'jsonb'),
		column('made', 'timestamp'),
		column('user_id', 'text', { source: null, cast: 'constant', constant: tenant, nullable: false }),
	],
	key: ['id'],
	foreignKeys: [],
	format: 'text',
	write,
});

export const notesStep = (write: 'copy' | 'merge' = 'copy'): CopyStep => ({
	...basics,
	id: 'notes',
	source: { kind: 'sqlite', table: 'notes', cursor: ['rowid'] },
	table: 'notes',
	columns: [
		column('id', 'bigint'),
		column('item_id', 'text'),
		column('user_id', 'text', { source: null, cast: 'constant', constant: tenant }),
	],
	key: ['id'],
	foreignKeys: [{ columns: ['item_id'], parent: 'items', parentColumns: ['id'], onDelete: 'CASCADE' }],
	format: 'text',
	write,
});

export const vectorsStep = (write: 'copy' | 'merge' = 'copy'): CopyStep => ({
	...basics,
	id: 'vectors',
	source: { kind: 'chroma', collection: 'c', collectionId: 'x', dimension: 3, space: 'l2' },
	table: 'langchain_pg_embedding',
	columns: [
		column('id', 'character varying'),
		column('collection_id', 'uuid', { source: null, cast: 'constant', constant: collectionUuid }),
		column('embedding', 'vector(3)', { cast: 'vector' }),
		column('document', 'character varying', { cast: 'document' }),
		column('cmetadata', 'jsonb', { cast: 'metadata' }),
	],
	key: ['id'],
	foreignKeys: [],
	format: 'binary',
	write,
	collection: { name: 'vectors', uuid: collectionUuid, exists: false, metadata: '{"a": 1}' },
});

const schema = (what: SchemaStep['what'], phase: SchemaStep['phase'], table: string, object: string, sql: string): SchemaStep => ({
	id: `${what}:${object}`,
	kind: 'schema',
	phase,
	what,
	object,
	table,
	sql,
	needed: true,
	seconds: 0,
});

export const schemaBefore: readonly SchemaStep[] = [
	schema('extension', 'before', '', 'vector', 'CREATE EXTENSION IF NOT EXISTS vector'),
	schema(
		'table',
		'before',
		'items',
		'items',
		'CREATE TABLE "items" (id text NOT NULL, parent_id text, size bigint, raw jsonb, made timestamp, user_id text NOT NULL)',
	),
	schema('table', 'before', 'notes', 'notes', 'CREATE TABLE "notes" (id bigint NOT NULL, item_id text, user_id text NOT NULL)'),
	schema(
		'table',
		'before',
		'langchain_pg_collection',
		'langchain_pg_collection',
		'CREATE TABLE langchain_pg_collection (uuid UUID NOT NULL, name VARCHAR NOT NULL, cmetadata JSON, PRIMARY KEY (uuid), UNIQUE (name))',
	),
	schema(
		'table',
		'before',
		'langchain_pg_embedding',
		'langchain_pg_embedding',
		'CREATE TABLE langchain_pg_embedding (id VARCHAR NOT NULL, collection_id UUID, embedding VECTOR(3), document VARCHAR, cmetadata JSONB)',
	),
];

export const vectorIndexStep: SchemaStep = {
	...schema(
		'vector-index',
		'after',
		'langchain_pg_embedding',
		'embedding_hnsw',
		'CREATE INDEX embedding_hnsw ON langchain_pg_embedding USING hnsw (embedding vector_l2_ops)',
	),
	vectorIndex: { method: 'hnsw', operatorClass: 'vector_l2_ops', memoryBytes: 128 << 20, workers: 1 },
};

export const schemaAfter: readonly SchemaStep[] = [
	schema('primary-key', 'after', 'items', 'items_pkey', 'ALTER TABLE "items" ADD CONSTRAINT items_pkey PRIMARY KEY (id)'),
	schema('primary-key', 'after', 'notes', 'notes_pkey', 'ALTER TABLE "notes" ADD CONSTRAINT notes_pkey PRIMARY KEY (id)'),
	schema(
		'primary-key',
		'after',
		'langchain_pg_embedding',
		'langchain_pg_embedding_pkey',
		'ALTER TABLE langchain_pg_embedding ADD CONSTRAINT langchain_pg_embedding_pkey PRIMARY KEY (id)',
	),
	schema('index', 'after', 'items', 'items_user', 'CREATE INDEX items_user ON "items" (user_id)'),
	schema(
		'foreign-key',
		'after',
		'notes',
		'notes_item_fkey',
		'ALTER TABLE "notes" ADD CONSTRAINT notes_item_fkey FOREIGN KEY (item_id) REFERENCES "items" (id) ON DELETE CASCADE',
	),
	schema(
		'foreign-key',
		'after',
		'langchain_pg_embedding',
		'embedding_fkey',
		'ALTER TABLE langchain_pg_embedding ADD CONSTRAINT embedding_fkey FOREIGN KEY (collection_id) REFERENCES langchain_pg_collection (uuid) ON DELETE CASCADE',
	),
	vectorIndexStep,
	schema('analyze', 'after', 'items', 'items', 'ANALYZE "items"'),
];

export const makePlan = (write: 'copy' | 'merge' = 'copy'): Plan => ({
	format: 1,
	id: '0123456789abcdef',
	intent: 'fedcba9876543210',
	createdAt: '2026-01-01T00:00:00.000Z',
	environment: 'test',
	profile: 'collections',
	tenant: { column: 'user_id', value: tenant },
	sources: {},
	target: { label: 't', identity: 't', embedded: false, serverVersion: '', pgvectorVersion: null, fingerprint: '' },
	policies,
	steps: [...schemaBefore, itemsStep(write), notesStep(write), vectorsStep(write), ...schemaAfter],
	// Neither jsonb nor a text column takes what this sample holds unless it stays escaped.
	hazards: [{ code: 'NUL_CHARACTER', severity: 'warn', step: 'items', count: 1, sample: ['a\u0000b', '\ud800'], message: 'sample' }],
	totals: { records: 9, rejected: 0, bytes: 0, seconds: 0 },
});

export const textBatch = (lines: readonly string[]): SourceBatch => ({
	data: Buffer.from(lines.map((line) => `${line}\n`).join('')),
	rows: lines.length,
	first: '1',
	last: String(lines.length),
	rejects: [],
});

export interface VectorRow {
	readonly id: string;
	readonly vector: readonly number[];
	readonly document?: string;
	readonly user?: string;
	readonly collection?: string;
}

const field = (bytes: Buffer): Buffer => {
	const length = Buffer.alloc(4);
	length.writeInt32BE(bytes.length);
	return Buffer.concat([length, bytes]);
};

/** A batch in COPY's binary format, built by hand. */
export function vectorBatch(rows: readonly VectorRow[]): SourceBatch {
	const encoded = rows.map(({ id, vector, document = '', user = tenant, collection = collectionUuid }) => {
		const embedding = Buffer.alloc(4 + vector.length * 4);
		embedding.writeInt16BE(vector.length);
		for (const [index, value] of vector.entries()) embedding.writeFloatBE(value, 4 + index * 4);
		const metadata = Buffer.concat([Buffer.from([1]), Buffer.from(JSON.stringify({ user_id: user }))]);
		return Buffer.concat([
			Buffer.from([0, 5]),
			field(Buffer.from(id)),
			field(Buffer.from(collection.replaceAll('-', ''), 'hex')),
			field(embedding),
			field(Buffer.from(document)),
			field(metadata),
		]);
	});
	const data = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8), ...encoded, Buffer.from([0xff, 0xff])]);
	return { data, rows: rows.length, first: '1', last: String(rows.length), rejects: [] };
}

export const littleEndian = (values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

export const items = ['a\t\\N\t1\t{"k": 1}\t2024-01-02 03:04:05', 'b\ta\t2\t\\N\t\\N', 'c\tb\t3\t[1]\t2024-01-02 03:04:05.5'].map(
	(line) => `${line}\t${tenant}`,
);
export const notes = ['1\ta', '2\tb', '3\t\\N'].map((line) => `${line}\t${tenant}`);
export const vectors: readonly VectorRow[] = [
	{ id: 'v1', vector: [1, 0, 0], document: 'one' },
	{ id: 'v2', vector: [0, 1, 0.1] },
	{ id: 'v3', vector: [-0, 0.5, 3] },
];

/** Three levels: remarks refer to notes and items, notes to items, as the tables of the profile collections do. */
export const remarksStep: CopyStep = {
	...basics,
	id: 'remarks',
	source: { kind: 'sqlite', table: 'remarks', cursor: ['rowid'] },
	table: 'remarks',
	columns: [
		column('id', 'bigint'),
		column('item_id', 'text'),
		column('note_id', 'bigint'),
		column('user_id', 'text', { source: null, cast: 'constant', constant: tenant }),
	],
	key: ['id'],
	foreignKeys: [
		{ columns: ['item_id'], parent: 'items', parentColumns: ['id'], onDelete: 'CASCADE' },
		{ columns: ['note_id'], parent: 'notes', parentColumns: ['id'], onDelete: 'CASCADE' },
	],
	format: 'text',
	write: 'copy',
};

export const remarksTable = schema(
	'table',
	'before',
	'remarks',
	'remarks',
	'CREATE TABLE "remarks" (id bigint NOT NULL, item_id text, note_id bigint, user_id text NOT NULL)',
);

export const remarksKeys: readonly SchemaStep[] = [
	schema('primary-key', 'after', 'remarks', 'remarks_pkey', 'ALTER TABLE "remarks" ADD CONSTRAINT remarks_pkey PRIMARY KEY (id)'),
	...(['item', 'note'] as const).map((parent) =>
		schema(
			'foreign-key',
			'after',
			'remarks',
			`remarks_${parent}_fkey`,
			`ALTER TABLE "remarks" ADD CONSTRAINT remarks_${parent}_fkey FOREIGN KEY (${parent}_id) REFERENCES "${parent}s" (id) ON DELETE CASCADE`,
		),
	),
];

export const deepPlan = (): Plan => ({
	...makePlan(),
	steps: [...schemaBefore, remarksTable, itemsStep(), notesStep(), remarksStep, vectorsStep(), ...schemaAfter, ...remarksKeys],
});
