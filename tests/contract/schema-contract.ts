import { beforeEach, describe, expect, it } from 'vitest';
import type { Driver } from '../../services/postgres/driver.js';
import type { Target } from '../../source/core/ports.js';
import { collectionUuid, itemsStep, tenant, vectorBatch, vectorIndexStep, vectors, vectorsStep } from './target-data.js';
import { codeOf, dump, request, type TargetHarness, targetScene } from './target-scene.js';

export function schemaContract(name: string, open: () => TargetHarness): void {
	describe(`target contract, describing and making the schema: ${name}`, () => {
		const scene = targetScene(open);
		const { sql, begin, makeSchema, wholeRun } = scene;
		let target: Target;
		let driver: Driver;
		beforeEach(() => {
			({ target, driver } = scene);
		});

		it('tests and describes without writing anything', async () => {
			const before = await dump(driver);
			const tested = await target.test();
			expect(tested.problems).toEqual([]);
			expect(tested.canCreate).toBe(true);
			const described = await target.describe(request);
			expect(described).toMatchObject({
				schema: 'public',
				tables: [],
				collections: [],
				runs: [],
				vectorExtension: { installed: null, mayCreate: true },
				relationNames: [],
			});
			expect(described.resources.maintenanceBytes).toBeGreaterThan(0);
			expect(await target.compare(itemsStep(), tenant, [{ key: ['a'], values: ['a', null, '1', null, null, tenant] }])).toEqual([
				{ key: ['a'], state: 'absent', differences: [] },
			]);
			expect(await dump(driver)).toEqual(before);
		});

		it('makes the schema once and says what it found', async () => {
			await begin('r1');
			expect(await makeSchema('r1')).toEqual(['created', 'created', 'created', 'created', 'created']);
			// The same run after a kill: its own work. Another run: it is there.
			expect(await makeSchema('r1')).toEqual(['created', 'created', 'created', 'created', 'created']);
			await begin('r2');
			expect(await makeSchema('r2')).toEqual(['present', 'present', 'present', 'present', 'present']);
		});

		it('counts, tells JSON types and changes its fingerprint with own rows and DDL only', async () => {
			await wholeRun('r1');
			await driver.query(`INSERT INTO items (id, raw, user_id) VALUES ('n', 'null', '${tenant}'), ('o', '1', 'ben'), ('p', '1', '')`);
			expect(await target.count(itemsStep(), tenant)).toEqual({ rows: 6, tenantRows: 4, missingTenant: 1, foreignInRun: 0 });
			expect(await target.count(vectorsStep(), tenant)).toEqual({
				rows: 3,
				tenantRows: 3,
				missingTenant: 0,
				foreignInRun: 0,
				withoutVector: 0,
			});
			expect(await target.jsonTypes(itemsStep(), 'raw', tenant)).toEqual({ object: 1, array: 1, null: 1 });
			const one = await target.describe(request);
			expect(one.tables.find((table) => table.name === 'notes')).toMatchObject({
				primaryKey: ['id'],
				rows: 3,
				tenantRows: 3,
				foreignKeys: [{ name: 'notes_item_fkey', columns: ['item_id'], parent: 'items', parentColumns: ['id'], onDelete: 'CASCADE' }],
			});
			expect(one.collections).toEqual([{ uuid: collectionUuid, name: 'vectors', rows: 3, tenantRows: 3 }]);
			expect(one.relationNames).toEqual(expect.arrayContaining(['items', 'items_pkey', 'items_user', 'embedding_hnsw']));
			expect(one.runs.map((run) => run.id)).toEqual(['r1']);
			expect((await target.describe(request)).facts.fingerprint).toBe(one.facts.fingerprint);
			await driver.query("INSERT INTO notes VALUES (98, NULL, 'ben')");
			expect((await target.describe(request)).facts.fingerprint).toBe(one.facts.fingerprint);
			await driver.query(`INSERT INTO notes VALUES (99, NULL, '${tenant}')`);
			const two = await target.describe(request);
			expect(two.facts.fingerprint).not.toBe(one.facts.fingerprint);
			await driver.query('ALTER TABLE notes ADD COLUMN more text');
			expect((await target.describe(request)).facts.fingerprint).not.toBe(two.facts.fingerprint);
		});

		it('builds the vector index with the planned settings and puts them back', async () => {
			await begin('r1');
			await makeSchema('r1');
			await target.writeBatch('r1', vectorsStep(), 0, vectorBatch(vectors), 'fail');
			const before = await sql("SELECT current_setting('maintenance_work_mem'), current_setting('max_parallel_maintenance_workers')");
			expect(await target.applySchema('r1', vectorIndexStep)).toBe('created');
			expect(await sql("SELECT current_setting('maintenance_work_mem'), current_setting('max_parallel_maintenance_workers')")).toEqual(
				before,
			);
			expect(await sql("SELECT count(*) FROM pg_class WHERE relname = 'embedding_hnsw'")).toEqual([['1']]);
		});

		it('builds with workers only where there is memory for them, and says so', async () => {
			await begin('r1');
			await makeSchema('r1');
			await target.writeBatch('r1', vectorsStep(), 0, vectorBatch(vectors), 'fail');
			const notices: string[] = [];
			const settings = { method: 'hnsw', operatorClass: 'vector_l2_ops', memoryBytes: 3.5 * 1024 * 1024, workers: 2 } as const;
			await target.applySchema('r1', { ...vectorIndexStep, vectorIndex: settings }, undefined, undefined, (message) =>
				notices.push(message),
			);
			expect(notices.filter((notice) => notice.includes('without extra workers'))).toHaveLength(1);
			expect(await sql("SELECT count(*) FROM pg_class WHERE relname = 'embedding_hnsw'")).toEqual([['1']]);
		});

		it('refuses the layout of langchain_community', async () => {
			await driver.query(
				'CREATE TABLE langchain_pg_embedding (uuid uuid PRIMARY KEY, collection_id uuid, document text, cmetadata json, custom_id text)',
			);
			expect(await codeOf(target.describe(request))).toBe('blocked OLD_LANGCHAIN_LAYOUT');
		});

		it('takes back a collection that changed since the plan', async () => {
			await begin('r1');
			await makeSchema('r1');
			await driver.query("INSERT INTO langchain_pg_collection VALUES ('00000000-0000-4000-8000-000000000001', 'vectors', NULL)");
			expect(await codeOf(target.ensureCollection('r1', vectorsStep()))).toBe('stale-plan COLLECTION_CHANGED');
		});

		it('lets one run at a time hold the lock', async () => {
			const release = await target.lock();
			await release();
			const again = await target.lock();
			await again();
		});
	});
}
