import { describe, expect, it } from 'vitest';
import { batchRecords } from '../../../source/core/plan/batch-size.js';
import { nameCollections } from '../../../source/core/plan/collection-names.js';
import { columnType, defaultSql } from '../../../source/core/plan/column-types.js';
import { checkFit } from '../../../source/core/plan/fit.js';
import { graphBytes, indexMemory } from '../../../source/core/plan/index-memory.js';
import { makePlan } from '../../../source/core/plan/make-plan.js';
import { collectionUuid, identifier } from '../../../source/core/plan/names.js';
import { isCopyStep, isSchemaStep } from '../../../source/core/plan/types.js';
import { vectorIndexes } from '../../../source/core/plan/vector-index.js';
import { layoutOf } from '../../../source/core/plan/vector-layout.js';
import { langchainCollection } from '../../../source/core/plan/vectors.js';
import { bench, collectionsTables, fakeTables, request, sqliteOf, table } from '../../fakes/engine.js';
import { memoryTarget } from '../../fakes/memory-target.js';

const steps = async (more = {}) => {
	const ports = bench(fakeTables(3));
	return makePlan(request(more), ports);
};

describe('plan of the collections profile', () => {
	it('lets go of a target that does not answer when the source cannot be read', async () => {
		const ports = bench(fakeTables(3));
		let waited: AbortSignal | undefined;
		ports.target.describe = (_request, signal) => {
			waited = signal;
			return new Promise(() => {});
		};
		ports.source.describe = () => Promise.reject(new Error('not a database'));
		await expect(makePlan(request(), ports)).rejects.toThrow('not a database');
		expect(waited?.aborted).toBe(true);
	});

	it('copies parents before children and leaves derived tables out', async () => {
		const plan = await steps();
		expect(plan.steps.filter(isCopyStep).map((step) => step.id)).toEqual(['items', 'analyses', 'embeddings', 'vectors']);
	});

	it('maps the columns that change type, adds the tenant, keeps the rest, and invents none', async () => {
		const plan = await steps();
		const types = Object.fromEntries(
			plan.steps
				.filter(isCopyStep)
				.map((step) => [step.id, Object.fromEntries(step.columns.map((column) => [column.name, column.targetType]))]),
		);
		expect(types.analyses).toEqual({
			id: 'text',
			item_id: 'text',
			version: 'bigint',
			raw_response: 'jsonb',
			created_at: 'timestamp without time zone',
			user_id: 'text',
		});
		expect(types.items?.updated_at).toBe('timestamp without time zone');
		expect(types.embeddings?.embedding_source).toBe('jsonb');
		expect(types.embeddings).not.toHaveProperty('updated_at');
		expect(types.vectors).toEqual({
			id: 'character varying',
			collection_id: 'uuid',
			embedding: 'vector(2)',
			document: 'character varying',
			cmetadata: 'jsonb',
		});
	});

	it('creates tables before the copy, keys, indexes and foreign keys after it', async () => {
		const plan = await steps();
		const order = plan.steps.map((step) => (isCopyStep(step) ? 'copy' : step.phase));
		expect(order.lastIndexOf('before')).toBeLessThan(order.indexOf('copy'));
		expect(order.lastIndexOf('copy')).toBeLessThan(order.indexOf('after'));
		const sql = plan.steps.filter(isSchemaStep).map((step) => step.sql);
		expect(sql).toContain('CREATE INDEX "idx_analyses_item_id" ON "analyses" ("item_id")');
		expect(sql).toContain('CREATE INDEX "idx_items_user_id" ON "items" ("user_id")');
		expect(sql).toContain(
			'ALTER TABLE "analyses" ADD CONSTRAINT "analyses_item_id_fkey" FOREIGN KEY ("item_id") REFERENCES "items" ("id") ON DELETE CASCADE',
		);
		expect(sql.find((text) => text.startsWith('CREATE TABLE "analyses"'))).toContain('"version" bigint NOT NULL DEFAULT 1');
	});

	it('gives the same id for the same data at another time, and another id for other data', async () => {
		const again = await steps();
		const first = await steps();
		expect(again.id).toBe(first.id);
		const other = await makePlan(request(), bench(fakeTables(4)));
		expect(other.id).not.toBe(first.id);
		expect((await steps({ tenant: 'bo' })).id).not.toBe(first.id);
	});

	it('gives an index another name when the target uses its name elsewhere, and says so', async () => {
		const ports = bench(fakeTables(3));
		const names = async () => {
			const plan = await makePlan(request(), ports);
			return {
				sql: plan.steps.filter(isSchemaStep).map((step) => step.sql),
				ids: plan.steps.map((step) => step.id),
				told: plan.hazards.filter((hazard) => hazard.code === 'NAME_TAKEN').map(({ step, sample, message }) => [step, sample[0], message]),
			};
		};
		expect((await names()).told).toEqual([]);
		const taken = ['idx_analyses_item_id', 'items_pkey', 'ix_cmetadata_gin', 'items_items_pkey', 'unrelated'];
		ports.target.description = { ...ports.target.description, relationNames: taken };
		const renamed = await names();
		expect(renamed.sql).toEqual(
			expect.arrayContaining([
				'CREATE INDEX "analyses_idx_analyses_item_id" ON "analyses" ("item_id")',
				'ALTER TABLE "items" ADD CONSTRAINT "items_items_pkey_2" PRIMARY KEY ("id")',
				'CREATE INDEX "langchain_pg_embedding_ix_cmetadata_gin" ON "langchain_pg_embedding" USING gin (cmetadata jsonb_path_ops)',
			]),
		);
		expect(renamed.ids).toContain('index:analyses_idx_analyses_item_id');
		expect(renamed.ids).not.toContain('index:idx_analyses_item_id');
		expect(renamed.told.map((told) => told.slice(0, 2))).toEqual([
			['items', 'items_pkey'],
			['analyses', 'idx_analyses_item_id'],
			['vectors', 'ix_cmetadata_gin'],
		]);
		expect(renamed.told[1]?.[2]).toContain('is named analyses_idx_analyses_item_id');
	});

	it('keeps the name of an index that its own table has already', async () => {
		const target = memoryTarget();
		target.rows.set('items', new Map());
		target.description = {
			...target.description,
			relationNames: ['items', 'idx_items_user_id', 'items_pkey'],
			tables: [
				{
					...table('items', []),
					columns: bench(fakeTables(1), target).target.columnsOf('items'),
					primaryKey: ['id'],
					uniques: [],
					rows: 0,
					tenantRows: 0,
					indexes: ['items_pkey', 'idx_items_user_id'].map((name) => ({ name, definition: '' })),
					foreignKeys: [],
				},
			],
		};
		const plan = await makePlan(request(), bench(fakeTables(1), target));
		expect(plan.hazards.map((hazard) => hazard.code)).not.toContain('NAME_TAKEN');
		expect(plan.steps.filter(isSchemaStep).find((step) => step.object === 'idx_items_user_id')?.needed).toBe(false);
	});

	it('says which tables are missing', async () => {
		const tables = fakeTables(1);
		tables.sqlite = sqliteOf(collectionsTables().filter((table) => table.name !== 'analyses'));
		await expect(makePlan(request(), bench(tables))).rejects.toMatchObject({
			code: 'WRONG_TABLE_SET',
			why: expect.stringContaining('missing tables: analyses'),
		});
	});

	it('takes either source alone', async () => {
		const onlyVectors = fakeTables(3);
		onlyVectors.sqlite = null;
		const plan = await makePlan(request({ sqlitePath: null }), bench(onlyVectors));
		expect(plan.steps.filter(isCopyStep).map((step) => step.id)).toEqual(['vectors']);
		const onlyTables = fakeTables(3);
		onlyTables.chroma = null;
		const other = await makePlan(request({ chromaPath: null }), bench(onlyTables));
		expect(other.steps.filter(isCopyStep)).toHaveLength(3);
		await expect(makePlan(request({ sqlitePath: null, chromaPath: null }), bench(onlyTables))).rejects.toMatchObject({ code: 'NO_SOURCE' });
	});

	it('lists the collections when the named one does not exist', async () => {
		await expect(makePlan(request({ collections: ['nope'] }), bench(fakeTables(1)))).rejects.toMatchObject({
			code: 'CHROMA_UNKNOWN_COLLECTION',
			why: expect.stringContaining('vectors'),
		});
	});

	it('turns a finding into a block when its policy is fail', async () => {
		const tables = fakeTables(3);
		tables.rows.analyses = [{ id: 'a', item_id: 'k0000', version: '1', raw_response: '!bad', created_at: '2026-01-01' }];
		const policies = request().policies;
		const quarantined = await makePlan(request(), bench(tables));
		expect(quarantined.hazards.find((hazard) => hazard.code === 'INVALID_JSON')).toMatchObject({
			severity: 'warn',
			count: 1,
			sample: ['a'],
		});
		const failing = await makePlan(request({ policies: { ...policies, onInvalidJson: 'fail' } }), bench(tables));
		expect(failing.hazards[0]).toMatchObject({ code: 'INVALID_JSON', severity: 'block' });
		const bounded = await makePlan(request({ policies: { ...policies, maxQuarantined: 0 } }), bench(tables));
		expect(bounded.hazards[0]).toMatchObject({ code: 'TOO_MANY_QUARANTINED', severity: 'block' });
	});

	it('writes nothing to the target', async () => {
		const target = memoryTarget();
		await makePlan(request(), bench(fakeTables(3), target));
		expect(target.writes).toEqual([]);
	});
});

describe('what blocks because of the target', () => {
	const planWith = async (change: (target: ReturnType<typeof memoryTarget>) => void, more = {}) => {
		const target = memoryTarget();
		change(target);
		return makePlan(request(more), bench(fakeTables(1), target));
	};
	const codes = (plan: Awaited<ReturnType<typeof planWith>>) =>
		plan.hazards.filter((hazard) => hazard.severity === 'block').map((hazard) => hazard.code);

	it('no pgvector, no privilege, an old pgvector', async () => {
		const extension =
			(installed: string | null, available: string | null, mayCreate: boolean) => (target: ReturnType<typeof memoryTarget>) => {
				target.description = { ...target.description, vectorExtension: { installed, available, mayCreate } };
			};
		expect(codes(await planWith(extension(null, null, true)))).toEqual(['NO_PGVECTOR']);
		expect(codes(await planWith(extension(null, '0.8.0', false)))).toEqual(['EXTENSION_NEEDS_PRIVILEGE']);
		expect(codes(await planWith(extension('0.4.4', '0.4.4', true)))).toEqual(['PGVECTOR_TOO_OLD']);
		expect(codes(await planWith(extension(null, '0.8.0', true)))).toEqual([]);
	});

	it('a table that is forbidden to create and missing', async () => {
		expect(new Set(codes(await planWith(() => {}, { skipSchemaCreation: true })))).toEqual(new Set(['TABLE_MISSING']));
	});
});

describe('an existing table', () => {
	const step = {
		id: 'items',
		table: 'items',
		key: ['id'],
		columns: [{ name: 'id', source: 'id', sourceType: 'TEXT', targetType: 'text', nullable: false, cast: 'text' as const }],
	};
	const existing = {
		name: 'items',
		columns: [{ name: 'id', type: 'character varying', notNull: true, hasDefault: false }],
		primaryKey: ['id'],
		uniques: [],
		foreignKeys: [],
		indexes: [],
		rows: 5,
		tenantRows: 0,
	};

	it('fits when the types take the same values', () => {
		expect(checkFit(step, existing)).toEqual([]);
	});

	it('does not fit with a column missing, of another type, required and unknown, or without a key', () => {
		const column = (name: string, type: string, notNull = false) => ({ name, type, notNull, hasDefault: false });
		expect(checkFit(step, { ...existing, columns: [column('other', 'text')] })[0]).toMatchObject({
			column: 'id',
			severity: 'block',
			hint: expect.stringContaining('ADD COLUMN "id" text'),
		});
		expect(checkFit(step, { ...existing, columns: [column('id', 'integer')] })[0]).toMatchObject({ severity: 'block' });
		expect(checkFit(step, { ...existing, columns: [column('id', 'text'), column('owner', 'text', true)] })[0]).toMatchObject({
			column: 'owner',
		});
		expect(checkFit(step, { ...existing, primaryKey: [] })[0]).toMatchObject({
			code: 'TABLE_DOES_NOT_FIT',
			hint: expect.stringContaining('ADD PRIMARY KEY ("id")'),
		});
		expect(checkFit(step, { ...existing, columns: [column('id', 'character varying(10)')] })[0]).toMatchObject({
			code: 'LIMITED_COLUMN',
			severity: 'info',
			message: 'items.id is character varying(10) in the target; a value beyond that is set aside, never cut',
		});
	});
});

describe('sizes and names', () => {
	it('takes the batch size from the size of the table', () => {
		expect([999, 9_999, 99_999].map((rows) => batchRecords(rows, rows * 100, null))).toEqual([100, 500, 1_000]);
		expect(batchRecords(1_000_000, 1_000_000 * 400, null)).toBe(Math.floor((4 * 1024 * 1024) / 400));
		expect(batchRecords(10, 10, 7)).toBe(7);
	});

	it('maps declared types by affinity', () => {
		const type = (declared: string) => columnType(declared).type;
		expect(['INTEGER', 'VARCHAR(20)', 'BLOB', 'REAL', 'BOOLEAN', 'DECIMAL(10,2)', 'DATETIME', ''].map(type)).toEqual([
			'bigint',
			'text',
			'bytea',
			'double precision',
			'boolean',
			'numeric',
			'text',
			'text',
		]);
	});

	it('translates literal defaults only', () => {
		const of = (text: string | null, type: string) =>
			defaultSql({ name: 'a', type: '', notNull: false, primaryKey: 0, defaultSql: text, generated: false }, type);
		expect(of('1', 'bigint')).toBe('1');
		expect(of("'it''s'", 'text')).toBe("'it''s'");
		expect(of('CURRENT_TIMESTAMP', 'timestamp without time zone')).toContain('now()');
		expect(of("(strftime('%s','now'))", 'bigint')).toBeNull();
		expect(of('0', 'boolean')).toBe('false');
	});

	it('shortens names that PostgreSQL would cut without a word', () => {
		const long = 'idx_'.padEnd(80, 'x');
		expect(Buffer.byteLength(identifier(long))).toBeLessThanOrEqual(63);
		expect(identifier(long)).not.toBe(identifier(`${long}y`));
		expect(identifier('short')).toBe('short');
	});

	it('gives a collection a stable version-5 UUID', () => {
		expect(collectionUuid('a')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
		expect(collectionUuid('a')).toBe(collectionUuid('a'));
		expect(collectionUuid('a')).not.toBe(collectionUuid('b'));
	});
});

describe('vector index', () => {
	const collection = (dimension: number | null) => ({
		id: 'c',
		name: 'v',
		tenant: 't',
		database: 'd',
		records: 20_000,
		dimension,
		space: 'cosine' as const,
		metadata: null,
		vectorsIn: 'wal' as const,
	});
	const wishes = { index: null, memory: null, workers: null };
	const sql = (dimension: number | null, more = {}) => {
		const { description } = memoryTarget();
		const chosen = nameCollections([collection(dimension)], { pgvectorCollection: 'v', collectionNames: {} });
		const placed = chosen.map((one) => ({ ...one, langchain: langchainCollection(one, description) }));
		return vectorIndexes(placed, layoutOf(chosen, description), description, { ...wishes, ...more }, [])[0]?.step.sql;
	};

	it('is HNSW up to 2,000 dimensions, halfvec up to 4,000, none above', () => {
		expect(sql(1024)).toContain('USING hnsw (embedding vector_cosine_ops)');
		expect(sql(2000)).toContain('vector_cosine_ops');
		expect(sql(2001)).toContain('((embedding::halfvec(2001)) halfvec_cosine_ops)');
		expect(sql(4001)).toBeUndefined();
		expect(sql(1024, { index: 'none' })).toBeUndefined();
	});

	it('asks for the memory of the graph, within a quarter of effective_cache_size', () => {
		const resources = { effectiveCacheBytes: 4 * 2 ** 30, maintenanceBytes: 64 * 2 ** 20, maxParallelWorkers: 8 };
		const small = indexMemory(20_000, 1024, 'hnsw', resources, false);
		expect(small).toBeGreaterThan(graphBytes(20_000, 1024, 'hnsw'));
		expect(small).toBeLessThan(2 ** 30);
		expect(indexMemory(10_000_000, 1024, 'hnsw', resources, false)).toBe(2 ** 30);
		expect(indexMemory(10, 8, 'hnsw', resources, false)).toBe(64 * 2 ** 20);
	});
});
