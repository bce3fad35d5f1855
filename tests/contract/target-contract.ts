import { beforeEach, describe, expect, it } from 'vitest';
import type { Driver } from '../../services/postgres/driver.js';
import { requireRun } from '../../services/postgres/ledger.js';
import { findNodes } from '../../services/postgres/rollback-count.js';
import { countFates, deleteRows, type Node } from '../../services/postgres/rollback-sql.js';
import { RepotError } from '../../source/core/errors.js';
import type { CopyStep } from '../../source/core/plan/types.js';
import type { RollbackEvent, Target } from '../../source/core/ports.js';
import {
	collectionUuid,
	deepPlan,
	items,
	itemsStep,
	littleEndian,
	makePlan,
	notes,
	notesStep,
	remarksKeys,
	remarksStep,
	remarksTable,
	schemaAfter,
	schemaBefore,
	tenant,
	textBatch,
	vectorBatch,
	vectorIndexStep,
	vectors,
	vectorsStep,
} from './target-data.js';

/** A target and the driver below it, over an empty database; `reset` empties it again. */
export interface TargetHarness {
	readonly target: Target;
	readonly driver: Driver;
}

const userObjects = "n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'";

/** Everything a person could see in the database: schemas, relations, columns, constraints, indexes, extensions and rows. */
export async function dump(driver: Driver): Promise<unknown> {
	const ask = async (sql: string): Promise<unknown> => (await driver.query(sql)).rows;
	const tables = (
		await driver.query(
			`SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${userObjects} AND c.relkind IN ('r', 'p') ORDER BY 1`,
		)
	).rows.map((row) => row.name ?? '');
	const rows: Record<string, unknown> = {};
	for (const table of tables) rows[table] = await ask(`SELECT t::text AS row FROM ${table} t ORDER BY 1`);
	return {
		rows,
		schemas: await ask(`SELECT nspname FROM pg_namespace n WHERE ${userObjects} ORDER BY 1`),
		relations: await ask(
			`SELECT n.nspname, c.relname, c.relkind, pg_get_userbyid(c.relowner) AS owner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${userObjects} ORDER BY 1, 2`,
		),
		columns: await ask(
			`SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${userObjects} AND a.attnum > 0 ORDER BY 1, a.attnum`,
		),
		constraints: await ask(
			`SELECT k.conname, pg_get_constraintdef(k.oid) AS definition FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace WHERE ${userObjects} ORDER BY 1, 2`,
		),
		indexes: await ask(
			`SELECT pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${userObjects} ORDER BY 1`,
		),
		functions: await ask(
			`SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${userObjects} AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') ORDER BY 1`,
		),
		extensions: await ask('SELECT extname FROM pg_extension ORDER BY 1'),
	};
}

type PlanPart = Readonly<Record<string, unknown>>;

/** All nodes of an EXPLAIN (FORMAT JSON) answer. */
const planParts = (value: unknown): PlanPart[] => {
	if (Array.isArray(value)) return value.flatMap(planParts);
	if (value === null || typeof value !== 'object') return [];
	const part = value as PlanPart;
	return [...('Node Type' in part ? [part] : []), ...Object.values(part).flatMap(planParts)];
};

const codeOf = async (promise: Promise<unknown>): Promise<string> => {
	try {
		await promise;
	} catch (error) {
		if (error instanceof RepotError) return `${error.kind} ${error.code}`;
		throw error;
	}
	return 'no error';
};

const request = { tables: ['items', 'notes'], collection: 'vectors', tenant: { column: 'user_id', value: tenant } };

export function targetContract(name: string, open: () => TargetHarness): void {
	describe(`target contract: ${name}`, () => {
		let target: Target;
		let driver: Driver;
		const sql = async (text: string): Promise<readonly (string | null)[][]> =>
			(await driver.query(text)).rows.map((row) => Object.values(row));
		const begin = (run: string, write: 'copy' | 'merge' = 'copy'): Promise<void> =>
			target.ledger.begin({ id: run, plan: makePlan(write), operator: 'ana@laptop', version: '0.1.0' });
		const makeSchema = async (run: string): Promise<string[]> => {
			const outcomes: string[] = [];
			for (const step of [...schemaBefore]) outcomes.push(await target.applySchema(run, step));
			return outcomes;
		};
		const finishSchema = async (run: string): Promise<void> => {
			for (const step of schemaAfter) await target.applySchema(run, step);
		};
		const copyAll = async (run: string, write: 'copy' | 'merge' = 'copy'): Promise<void> => {
			await target.writeBatch(run, itemsStep(write), 0, textBatch(items), 'fail');
			await target.writeBatch(run, notesStep(write), 0, textBatch(notes), 'fail');
			await target.ensureCollection(run, vectorsStep(write));
			await target.writeBatch(run, vectorsStep(write), 0, vectorBatch(vectors), 'fail');
		};
		const wholeRun = async (run: string): Promise<void> => {
			await begin(run);
			await makeSchema(run);
			await copyAll(run);
			await finishSchema(run);
			await target.ledger.finish(run, 'done', { written: 9, quarantined: 0 });
		};
		const rollback = async (run: string): Promise<RollbackEvent[]> => {
			const events: RollbackEvent[] = [];
			for await (const event of target.rollback(run)) events.push(event);
			return events;
		};

		beforeEach(async () => {
			({ target, driver } = open());
			await driver.query(
				'DROP SCHEMA IF EXISTS repot CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP EXTENSION IF EXISTS vector',
			);
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
				mayCreateTables: true,
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

		it('copies text and binary, each batch with its ledger row in one transaction', async () => {
			await wholeRun('r1');
			expect(await sql('SELECT id, size, raw, made FROM items ORDER BY id')).toEqual([
				['a', '1', '{"k": 1}', '2024-01-02 03:04:05'],
				['b', '2', null, null],
				['c', '3', '[1]', '2024-01-02 03:04:05.5'],
			]);
			expect(await sql('SELECT embedding FROM langchain_pg_embedding ORDER BY id')).toEqual([['[1,0,0]'], ['[0,1,0.1]'], ['[-0,0.5,3]']]);
			expect(
				await sql(
					"SELECT count(DISTINCT e.xmin::text), bool_and(e.xmin::text = (b.xid::text::bigint % 4294967296)::text) FROM items e, repot.batch b WHERE b.step_id = 'items'",
				),
			).toEqual([['1', 't']]);
			const found = await target.ledger.find('r1');
			expect(found?.plan).toEqual(makePlan());
			expect(found?.run).toMatchObject({ id: 'r1', status: 'done', written: 9, tenant });
			expect(found?.steps.find((step) => step.id === 'items')).toMatchObject({
				lastBatch: 0,
				lastCursor: '3',
				rows: 3,
				rejected: 0,
				skipped: 0,
			});
			expect(found?.steps.map((step) => step.id)).not.toContain('vectors/collection');
			expect(await target.ledger.find('none')).toBeNull();
		});

		it('writes a batch that is sent again only once', async () => {
			await begin('r1');
			await makeSchema('r1');
			const first = await target.writeBatch('r1', itemsStep(), 0, textBatch(items), 'fail');
			expect(first).toEqual({ written: 3, updated: 0, skipped: 0, refused: [] });
			expect(await target.writeBatch('r1', itemsStep(), 0, textBatch(items), 'fail')).toEqual(first);
			expect(await sql('SELECT count(*) FROM items')).toEqual([['3']]);
		});

		it('leaves neither rows nor ledger row when a batch fails or is aborted', async () => {
			await wholeRun('r1');
			await begin('r2');
			const before = await dump(driver);
			expect(
				await codeOf(target.writeBatch('r2', itemsStep(), 0, textBatch([`z\t\\N\t1\t\\N\t\\N\t${tenant}`, items[0] ?? '']), 'fail')),
			).toBe('stale-plan KEY_APPEARED');
			expect(await codeOf(target.writeBatch('r2', itemsStep(), 0, textBatch(items), 'fail', AbortSignal.abort()))).toBe(
				'interrupted INTERRUPTED',
			);
			expect(await dump(driver)).toEqual(before);
		});

		it('sets aside the records that the server refuses and writes the rest', async () => {
			await begin('r1');
			await makeSchema('r1');
			const lines = Array.from(
				{ length: 40 },
				(_, index) =>
					`i${index}\t\\N\t${index === 7 ? 'many' : index === 31 ? '99999999999999999999' : index}\t\\N\t\\N\t${index === 12 ? '\\N' : tenant}`,
			);
			const result = await target.writeBatch('r1', itemsStep(), 0, textBatch(lines), 'fail');
			expect(result.written).toBe(37);
			expect(result.refused.map(({ row, code }) => [row, code])).toEqual([
				[7, 'SERVER_22P02'],
				[12, 'NULL_NOT_ALLOWED'],
				[31, 'OUT_OF_RANGE'],
			]);
			const binary = await target.writeBatch(
				'r1',
				vectorsStep(),
				0,
				vectorBatch([
					...vectors,
					{ id: 'bad', vector: [1, 2] },
					{ id: 'nan', vector: [Number.NaN, 0, 0] },
					{ id: 'v9', vector: [9, 9, 9] },
				]),
				'fail',
			);
			expect(binary.written).toBe(4);
			expect(binary.refused.map(({ row }) => row)).toEqual([3, 4]);
			expect((await target.ledger.find('r1'))?.steps.find((step) => step.id === 'items')).toMatchObject({ rows: 37, rejected: 3 });
			// What a run that was killed here needs to write the lines of its quarantine.
			expect((await target.ledger.find('r1'))?.steps.find((step) => step.id === 'items')?.refused).toEqual(
				result.refused.map((refused) => ({ batch: 0, first: '1', after: null, ...refused })),
			);
			// Sent again, the answer is the same.
			expect(await target.writeBatch('r1', itemsStep(), 0, textBatch(lines), 'fail')).toEqual(result);
			const all = await target.writeBatch('r1', itemsStep(), 1, textBatch([`j\t\\N\tx\t\\N\t\\N\t${tenant}`]), 'fail');
			expect(all).toMatchObject({ written: 0, refused: [{ row: 0 }] });
			expect((await target.ledger.find('r1'))?.steps.find((step) => step.id === 'items')?.refused?.at(-1)).toMatchObject({
				batch: 1,
				first: '1',
				after: '40',
				row: 0,
			});
		});

		it('merges by policy: fail, skip, update', async () => {
			await wholeRun('r1');
			await begin('r2', 'merge');
			const step = itemsStep('merge');
			const same = [...items, `d\t\\N\t4\t\\N\t\\N\t${tenant}`];
			expect(await target.writeBatch('r2', step, 0, textBatch(same), 'fail')).toEqual({ written: 1, updated: 0, skipped: 3, refused: [] });
			const changed = [
				`a\t\\N\t100\t{"k": 1}\t2024-01-02 03:04:05\t${tenant}`,
				`b\ta\t2\t\\N\t\\N\t${tenant}`,
				`e\t\\N\t5\t\\N\t\\N\t${tenant}`,
			];
			const error = await target.writeBatch('r2', step, 1, textBatch(changed), 'fail').catch((thrown: unknown) => thrown);
			expect(error).toMatchObject({ kind: 'stale-plan', code: 'KEY_DIFFERS', why: 'Keys: a' });
			expect(await target.writeBatch('r2', step, 1, textBatch(changed), 'skip')).toEqual({
				written: 1,
				updated: 0,
				skipped: 2,
				refused: [],
			});
			expect(await sql("SELECT size FROM items WHERE id = 'a'")).toEqual([['1']]);
			expect(await target.writeBatch('r2', step, 2, textBatch(changed), 'update')).toEqual({
				written: 0,
				updated: 1,
				skipped: 2,
				refused: [],
			});
			expect(await sql("SELECT size FROM items WHERE id = 'a'")).toEqual([['100']]);
			expect(await sql('SELECT key, row FROM repot.overwritten')).toEqual([['{a}', '(a,,1,"{""k"": 1}","2024-01-02 03:04:05",ana)']]);
			// A refused value is found behind the staging table too.
			expect(
				await target.writeBatch('r2', step, 3, textBatch([`f\t\\N\t6\t\\N\t\\N\t${tenant}`, 'g\t\\N\t7\t\\N\t\\N\t\\N']), 'update'),
			).toMatchObject({ written: 1, refused: [{ row: 1, code: 'NULL_NOT_ALLOWED' }] });
		});

		it('never touches rows of another tenant or collection', async () => {
			await wholeRun('r1');
			const other = '00000000-0000-4000-8000-000000000001';
			await driver.query(`
				INSERT INTO items (id, size, user_id) VALUES ('z', 1, 'ben');
				INSERT INTO langchain_pg_collection VALUES ('${other}', 'other', NULL);
				INSERT INTO langchain_pg_embedding VALUES ('x', '${other}', '[1,1,1]', 'theirs', '{"user_id": "ana"}'), ('y', '${collectionUuid}', '[1,1,1]', 'theirs', '{"user_id": "ben"}')`);
			await begin('r2', 'merge');
			const before = await sql(
				"SELECT i::text FROM items i WHERE id = 'z' UNION ALL SELECT e::text FROM langchain_pg_embedding e WHERE id IN ('x', 'y')",
			);
			for (const [sequence, policy] of (['fail', 'skip', 'update'] as const).entries()) {
				const result = await target.writeBatch(
					'r2',
					itemsStep('merge'),
					sequence,
					textBatch([`n${sequence}\t\\N\t1\t\\N\t\\N\t${tenant}`, `z\t\\N\t9\t\\N\t\\N\t${tenant}`]),
					policy,
				);
				expect(result).toMatchObject({ written: 1, updated: 0, skipped: 0, refused: [{ row: 1, code: 'KEY_HELD_BY_OTHER' }] });
				const found = await target.writeBatch(
					'r2',
					vectorsStep('merge'),
					sequence,
					vectorBatch([
						{ id: 'x', vector: [2, 2, 2] },
						{ id: `w${sequence}`, vector: [1, 2, 3] },
						{ id: 'y', vector: [2, 2, 2] },
					]),
					policy,
				);
				expect(found).toMatchObject({
					written: 1,
					updated: 0,
					skipped: 0,
					refused: [
						{ row: 0, code: 'KEY_HELD_BY_OTHER' },
						{ row: 2, code: 'KEY_HELD_BY_OTHER' },
					],
				});
			}
			expect(
				await sql(
					"SELECT i::text FROM items i WHERE id = 'z' UNION ALL SELECT e::text FROM langchain_pg_embedding e WHERE id IN ('x', 'y')",
				),
			).toEqual(before);
			const record = (id: string) => ({
				key: [id],
				values: [id, collectionUuid, littleEndian([1, 1, 1]), 'theirs', `{"user_id": "${tenant}"}`],
			});
			expect((await target.compare(vectorsStep(), tenant, [record('x'), record('y'), record('none')])).map(({ state }) => state)).toEqual([
				'other-collection',
				'other-tenant',
				'absent',
			]);
			expect(
				(await target.compare(itemsStep(), tenant, [{ key: ['z'], values: ['z', null, '1', null, null, tenant] }])).map(
					({ state }) => state,
				),
			).toEqual(['other-tenant']);
		});

		it('compares every type by its own equality', async () => {
			await driver.query(`CREATE EXTENSION vector; CREATE TABLE kinds (id bigint PRIMARY KEY, t text, v varchar(5), c char(4), b boolean, d double precision, n numeric, s timestamp, z timestamptz, u uuid, y bytea, j json, k jsonb, e vector(3));
				INSERT INTO kinds VALUES (1, 'tab	"\\ quote', 'abc', 'ab', true, 0.1, 1.50, '2024-01-02 03:04:05.123', '2024-01-02 03:04:05+02', '6f9619ff-8b86-4011-b42d-00cf4fc964ff', '\\x0102', '{"a": [1, 2.0]}', '{"b":2,"a":1}', '[0.1,-0,3]'),
				(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`);
			const names = ['id', 't', 'v', 'c', 'b', 'd', 'n', 's', 'z', 'u', 'y', 'j', 'k', 'e'];
			const step: CopyStep = {
				...itemsStep(),
				id: 'kinds',
				table: 'kinds',
				key: ['id'],
				columns: names.map((column) => ({
					name: column,
					source: column,
					sourceType: null,
					targetType: '',
					nullable: true,
					cast: 'text' as const,
				})),
			};
			const equal = [
				'1',
				'tab\t"\\ quote',
				'abc',
				'ab',
				'true',
				'1e-1',
				'1.5',
				'2024-01-02T03:04:05.123',
				'2024-01-02 01:04:05Z',
				'6F9619FF-8B86-4011-B42D-00CF4FC964FF',
				'\\x0102',
				'{"a":[1,2]}',
				'{"a": 1, "b": 2}',
				littleEndian([0.1, -0, 3]),
			];
			const empty = ['2', ...names.slice(1).map(() => null)];
			const unequal = [
				'1',
				'tab',
				'abcdefgh',
				'abx',
				'false',
				'0.10000001',
				'1.51',
				'2024-01-02 03:04:05',
				'2024-01-02 03:04:05Z',
				'6f9619ff-8b86-4011-b42d-00cf4fc964fe',
				'\\x01',
				'{"a":[1]}',
				'{"a": 1}',
				littleEndian([0.1, 0, 3]),
			];
			const [first, second, third, fourth] = await target.compare(step, tenant, [
				{ key: ['1'], values: equal },
				{ key: ['2'], values: empty },
				{ key: ['1'], values: unequal },
				{ key: ['2'], values: equal },
			]);
			expect(first).toEqual({ key: ['1'], state: 'equal', differences: [] });
			expect(second).toEqual({ key: ['2'], state: 'equal', differences: [] });
			expect(third?.state).toBe('differs');
			expect(third?.differences.map(({ column }) => column)).toEqual(names.slice(1));
			expect(third?.differences.at(-1)).toEqual({ column: 'e', expected: expect.stringMatching(/^\[0\.1\d*,0,3]$/), found: '[0.1,-0,3]' });
			expect(fourth?.differences.map(({ found }) => found)).toEqual(names.slice(1).map(() => null));
		});

		it('counts, tells JSON types and changes its fingerprint with rows and DDL only', async () => {
			await wholeRun('r1');
			await driver.query(`INSERT INTO items (id, raw, user_id) VALUES ('n', 'null', '${tenant}'), ('o', '1', 'ben'), ('p', '1', '')`);
			expect(await target.count(itemsStep(), tenant)).toEqual({ rows: 6, tenantRows: 4, missingTenant: 1, foreignInRun: 0 });
			expect(await target.count(vectorsStep(), tenant)).toEqual({ rows: 3, tenantRows: 3, missingTenant: 0, foreignInRun: 0 });
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
			await driver.query("INSERT INTO notes VALUES (99, NULL, 'ben')");
			const two = await target.describe(request);
			expect(two.facts.fingerprint).not.toBe(one.facts.fingerprint);
			await driver.query('ALTER TABLE notes ADD COLUMN more text');
			expect((await target.describe(request)).facts.fingerprint).not.toBe(two.facts.fingerprint);
		});

		it('searches exactly and by index, with distances as Chroma defines them', async () => {
			await wholeRun('r1');
			await driver.query(`INSERT INTO langchain_pg_embedding VALUES ('theirs', '${collectionUuid}', '[1,0,0]', '', '{"user_id": "ben"}')`);
			const probe = { label: 'v1', vector: Float32Array.from([1, 0, 0]) };
			for (const exact of [true, false]) {
				const hits = await target.search(vectorsStep(), tenant, probe, 2, exact);
				expect(hits.map(({ key }) => key)).toEqual(['v1', 'v2']);
				expect(hits[1]?.distance).toBeCloseTo(2.01, 5);
			}
			const inSpace = (space: 'ip' | 'cosine'): CopyStep => ({
				...vectorsStep(),
				source: { kind: 'chroma', collection: 'c', collectionId: 'x', dimension: 3, space },
			});
			expect((await target.search(inSpace('ip'), tenant, { label: '', vector: Float32Array.from([0, 0, 2]) }, 1, true))[0]).toEqual({
				key: 'v3',
				distance: -5,
			});
			expect((await target.search(inSpace('cosine'), tenant, probe, 3, true))[0]).toEqual({ key: 'v1', distance: 0 });
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

		it('rolls back to exactly the state before, into an empty database', async () => {
			await driver.query('CREATE EXTENSION vector');
			const before = await dump(driver);
			await driver.query('DROP EXTENSION vector');
			await wholeRun('r1');
			const preview = await target.rollbackPreview('r1');
			expect(preview.tables.map(({ step, removable, changed, gone, referenced }) => [step, removable, changed, gone, referenced])).toEqual([
				['vectors', 3, 0, 0, 0],
				['notes', 3, 0, 0, 0],
				['items', 3, 0, 0, 0],
			]);
			expect(preview.stays).toEqual(['extension vector: an extension may be in use by others and is never dropped']);
			expect(preview.drops).toContain('table items');
			const events = await rollback('r1');
			expect(events.at(-1)).toMatchObject({ type: 'rollback-finished', outcome: 'done', removed: 9, restored: 0, kept: 0 });
			expect(await dump(driver)).toEqual(before);
			expect(await codeOf(target.rollbackPreview('r1'))).toBe('usage NO_SUCH_RUN');
		});

		it('rolls back to exactly the state before, in tables that hold rows of others and earlier ones', async () => {
			await wholeRun('old');
			await driver.query(
				"INSERT INTO items (id, size, user_id) VALUES ('z', 1, 'ben'); DELETE FROM notes WHERE id = 3; DROP INDEX items_user; DROP SCHEMA repot CASCADE",
			);
			const before = await dump(driver);
			await begin('new', 'merge');
			for (const step of [...schemaBefore, ...schemaAfter]) await target.applySchema('new', step);
			await target.writeBatch(
				'new',
				itemsStep('merge'),
				0,
				textBatch([`a\t\\N\t100\t[]\t\\N\t${tenant}`, `new\ta\t1\t\\N\t\\N\t${tenant}`]),
				'update',
			);
			await target.writeBatch('new', notesStep('merge'), 0, textBatch([`1\ta\t${tenant}`, `7\tnew\t${tenant}`]), 'update');
			await target.ensureCollection('new', vectorsStep('merge'));
			await target.writeBatch(
				'new',
				vectorsStep('merge'),
				0,
				vectorBatch([
					{ id: 'v1', vector: [5, 5, 5] },
					{ id: 'v5', vector: [1, 2, 3] },
				]),
				'update',
			);
			await target.ledger.finish('new', 'done', { written: 5, quarantined: 0 });
			expect((await target.rollbackPreview('new')).tables.map(({ removable, restorable }) => [removable, restorable])).toEqual([
				[1, 1],
				[1, 0],
				[1, 1],
			]);
			const events = await rollback('new');
			expect(events.at(-1)).toMatchObject({ outcome: 'done', removed: 3, restored: 2, kept: 0 });
			expect(await dump(driver)).toEqual(before);
		});

		it('keeps what others changed or refer to, and can be repeated', async () => {
			await wholeRun('r1');
			// c is changed; a note of another tenant refers to b, and b refers to a: all of them stay.
			await driver.query(
				"UPDATE items SET size = 33 WHERE id = 'c'; INSERT INTO notes VALUES (50, 'b', 'ben'); DELETE FROM notes WHERE id = 1",
			);
			await driver.query('ALTER TABLE items ADD CONSTRAINT parent FOREIGN KEY (parent_id) REFERENCES items (id) ON DELETE CASCADE');
			const preview = await target.rollbackPreview('r1');
			expect(preview.tables.find(({ step }) => step === 'items')).toMatchObject({
				written: 3,
				removable: 0,
				changed: 1,
				changedSample: ['c'],
				referenced: 2,
				gone: 0,
			});
			expect(preview.tables.find(({ step }) => step === 'notes')).toMatchObject({ removable: 2, changed: 0, gone: 1 });
			const events = await rollback('r1');
			expect(events.at(-1)).toMatchObject({ outcome: 'kept-some', removed: 5, kept: 3 });
			expect(await sql('SELECT id FROM items ORDER BY id')).toEqual([['a'], ['b'], ['c']]);
			expect(await sql('SELECT id FROM notes')).toEqual([['50']]);
			expect((await target.ledger.find('r1'))?.run.status).toBe('partly-rolled-back');
			await driver.query("DELETE FROM notes WHERE id = 50; DELETE FROM items WHERE id = 'c'");
			expect((await rollback('r1')).at(-1)).toMatchObject({ outcome: 'done', removed: 2, kept: 0 });
			expect(await sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'repot'")).toEqual([['0']]);
		});

		/** items <- notes <- remarks, and items <- remarks: c is named by a note and a remark, b by a note alone. */
		const deepRun = async (run: string): Promise<void> => {
			await target.ledger.begin({ id: run, plan: deepPlan(), operator: 'ana@laptop', version: '0.1.0' });
			await makeSchema(run);
			await target.applySchema(run, remarksTable);
			await target.writeBatch(run, itemsStep(), 0, textBatch(items), 'fail');
			await target.writeBatch(run, notesStep(), 0, textBatch([`1\ta\t${tenant}`, `2\tb\t${tenant}`, `3\tc\t${tenant}`]), 'fail');
			await target.writeBatch(run, remarksStep, 0, textBatch([`1\ta\t1\t${tenant}`, `2\tc\t3\t${tenant}`]), 'fail');
			await finishSchema(run);
			for (const step of remarksKeys) await target.applySchema(run, step);
		};
		const counts = async (run: string) =>
			(await target.rollbackPreview(run)).tables.map(({ step, removable, changed, referenced, gone }) => [
				step,
				removable,
				changed,
				referenced,
				gone,
			]);

		it('keeps the chain above a row that the application added, three tables deep', async () => {
			await deepRun('r1');
			expect(await counts('r1')).toEqual([
				['remarks', 2, 0, 0, 0],
				['notes', 3, 0, 0, 0],
				['items', 3, 0, 0, 0],
			]);
			await driver.query("INSERT INTO remarks VALUES (50, NULL, 2, 'ben')");
			// Note 2 and through it item b stay; a and c go with all that is theirs.
			expect(await counts('r1')).toEqual([
				['remarks', 2, 0, 0, 0],
				['notes', 2, 0, 1, 0],
				['items', 2, 0, 1, 0],
			]);
			// A remark of the run that was changed holds note 3 and item c; the application's own row holds item a directly.
			await driver.query("UPDATE remarks SET user_id = 'ana' WHERE id = 2; INSERT INTO remarks VALUES (51, 'a', NULL, 'ana')");
			expect(await counts('r1')).toEqual([
				['remarks', 1, 1, 0, 0],
				['notes', 1, 0, 2, 0],
				['items', 0, 0, 3, 0],
			]);
			expect((await rollback('r1')).at(-1)).toMatchObject({ outcome: 'kept-some', removed: 2, kept: 6 });
			expect(
				await sql('SELECT id FROM items UNION ALL SELECT id::text FROM notes UNION ALL SELECT id::text FROM remarks ORDER BY 1'),
			).toEqual([['2'], ['2'], ['3'], ['50'], ['51'], ['a'], ['b'], ['c']]);
		});

		it('keeps both sides of a ring of foreign keys, and removes them when nothing holds them any more', async () => {
			await deepRun('r1');
			await driver.query('ALTER TABLE items ADD CONSTRAINT ring FOREIGN KEY (size) REFERENCES remarks (id) ON DELETE CASCADE NOT VALID');
			// Item a names remark 1, b remark 2; remarks are undone first, so what the items name stays.
			expect(await counts('r1')).toEqual([
				['remarks', 0, 0, 2, 0],
				['notes', 1, 0, 2, 0],
				['items', 1, 0, 2, 0],
			]);
			expect((await rollback('r1')).at(-1)).toMatchObject({ removed: 2, kept: 6 });
			await driver.query('ALTER TABLE items DROP CONSTRAINT ring');
			expect((await rollback('r1')).at(-1)).toMatchObject({ outcome: 'done', kept: 0 });
		});

		it('reads every table once to say what goes, and joins by equality alone', async () => {
			await deepRun('r1');
			await driver.query('ALTER TABLE items ADD CONSTRAINT parent FOREIGN KEY (parent_id) REFERENCES items (id) ON DELETE CASCADE');
			const nodes = await driver.transaction(async (session) =>
				(await findNodes(session, await requireRun(session, 'r1'))).flatMap(({ node }): Node[] => (node?.trusted === true ? [node] : [])),
			);
			expect(nodes.map(({ step }) => step.id)).toEqual(['remarks', 'notes', 'items']);
			const [item] = nodes.slice(-1);
			const statements = [countFates(nodes), ...(item === undefined ? [] : [deleteRows(item)])];
			for (const [at, statement] of statements.entries()) {
				const { rows } = await driver.transaction(async (session) => {
					await session.query('SET LOCAL enable_nestloop = off');
					return session.query(`EXPLAIN (FORMAT JSON) ${statement.replaceAll('$1', "'r1'")}`);
				});
				const parts = planParts(JSON.parse(rows[0]?.['QUERY PLAN'] ?? '[]'));
				expect(parts.filter((part) => part['Node Type'] === 'Nested Loop')).toEqual([]);
				const reads = (table: string) =>
					parts.filter((part) => part['Relation Name'] === table && String(part['Node Type']).endsWith('Scan')).length;
				expect(['remarks', 'notes'].map(reads)).toEqual([1, 1]);
				expect(reads('items')).toBe(at === 0 ? 1 : 2);
			}
		});

		it('removes nothing when the ledger proves nothing', async () => {
			await wholeRun('r1');
			await driver.query("UPDATE repot.run SET system_identifier = 'elsewhere'");
			const preview = await target.rollbackPreview('r1');
			expect(preview.tables.map(({ removable, changed }) => [removable, changed])).toEqual([
				[0, 3],
				[0, 3],
				[0, 3],
			]);
			expect(preview.stays.join('\n')).toContain('restored or copied');
			expect((await rollback('r1')).at(-1)).toMatchObject({ outcome: 'kept-some', removed: 0, kept: 9 });
			expect(await sql('SELECT count(*) FROM items')).toEqual([['3']]);
		});

		it('keeps the ledger while another run is in it', async () => {
			await wholeRun('r1');
			await begin('r2', 'merge');
			await target.writeBatch('r2', itemsStep('merge'), 0, textBatch([`q\t\\N\t1\t\\N\t\\N\t${tenant}`]), 'fail');
			await target.ledger.finish('r2', 'done', { written: 1, quarantined: 0 });
			await rollback('r2');
			expect((await target.ledger.runs()).map(({ id, status }) => [id, status])).toEqual([
				['r2', 'rolled-back'],
				['r1', 'done'],
			]);
			expect(await sql('SELECT count(*) FROM items')).toEqual([['3']]);
		});

		it('undoes a run through a connection that looks at another schema', async () => {
			await driver.query('CREATE EXTENSION vector');
			const before = await dump(driver);
			await driver.query('DROP EXTENSION vector');
			await wholeRun('r1');
			await driver.query('CREATE SCHEMA elsewhere; SET search_path = elsewhere, public');
			try {
				expect((await target.rollbackPreview('r1')).tables.map(({ removable, gone }) => [removable, gone])).toEqual([
					[3, 0],
					[3, 0],
					[3, 0],
				]);
				expect((await rollback('r1')).at(-1)).toMatchObject({ outcome: 'done', removed: 9, kept: 0 });
			} finally {
				await driver.query('RESET search_path; DROP SCHEMA elsewhere');
			}
			expect(await dump(driver)).toEqual(before);
		});

		it('keeps rows and ledger while a table of the run has another name, and undoes them under the old one', async () => {
			await wholeRun('r1');
			await driver.query('ALTER TABLE notes RENAME TO remembered');
			expect((await rollback('r1')).at(-1)).toMatchObject({ outcome: 'kept-some' });
			expect(await sql('SELECT count(*) FROM remembered')).toEqual([['3']]);
			await driver.query('ALTER TABLE remembered RENAME TO notes');
			expect((await rollback('r1')).at(-1)).toMatchObject({ outcome: 'done', kept: 0 });
		});

		it('leaves rows of another tenant alone even under a transaction of the run', async () => {
			await begin('r1');
			await makeSchema('r1');
			await target.writeBatch('r1', itemsStep(), 0, textBatch(items), 'fail');
			await driver.query(`BEGIN; INSERT INTO items (id, user_id) VALUES ('x', 'ben'), ('y', '${tenant}');
				UPDATE repot.batch SET xid = pg_current_xact_id() WHERE step_id = 'items'; COMMIT`);
			await rollback('r1');
			expect(await sql('SELECT id FROM items ORDER BY id')).toEqual([['a'], ['b'], ['c'], ['x']]);
			expect(await sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'repot'")).toEqual([['1']]);
		});

		it('refuses a second run of one number, and keeps a schema that was there before the ledger', async () => {
			await driver.query('CREATE SCHEMA repot');
			const before = await dump(driver);
			await begin('r1');
			expect(await codeOf(begin('r1'))).toBe('internal RUN_ID_TAKEN');
			expect((await rollback('r1')).at(-1)).toMatchObject({ outcome: 'done' });
			expect(await dump(driver)).toEqual(before);
		});

		it('merges into an identity column, and compares numbers that a column cannot hold', async () => {
			await begin('r1', 'merge');
			await driver.query('CREATE TABLE notes (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item_id text, user_id text)');
			await driver.query('CREATE TABLE items (id text, parent_id text, size smallint, raw jsonb, made timestamp, user_id text)');
			await driver.query(`INSERT INTO items (id, size, user_id) VALUES ('a', 1, '${tenant}')`);
			expect(await target.writeBatch('r1', notesStep('merge'), 0, textBatch([`7\ta\t${tenant}`]), 'fail')).toMatchObject({ written: 1 });
			expect(await sql('SELECT id FROM notes')).toEqual([['7']]);
			const states = async (...compared: Parameters<Target['compare']>) => (await target.compare(...compared)).map(({ state }) => state);
			expect(await states(itemsStep(), tenant, [{ key: ['a'], values: ['a', null, '70000', null, null, tenant] }])).toEqual(['differs']);
			expect(await states(notesStep(), tenant, [{ key: ['3000000000'], values: ['3000000000', 'a', tenant] }])).toEqual(['absent']);
		});

		it('stops when the server refuses every record for a reason that is not in the values', async () => {
			await begin('r1', 'merge');
			await makeSchema('r1');
			await driver.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '54000'; END $$;
				CREATE TRIGGER refuse BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION refuse()`);
			expect(await codeOf(target.writeBatch('r1', itemsStep(), 0, textBatch(items), 'fail'))).toBe('target SERVER_54000');
			expect(await sql('SELECT count(*) FROM repot.batch')).toEqual([['0']]);
		});

		it('lets one run at a time hold the lock', async () => {
			const release = await target.lock();
			await release();
			const again = await target.lock();
			await again();
		});
	});
}
