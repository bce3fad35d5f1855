import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFeed } from '../../services/feed/feed.js';
import { Database as BetterSqlite } from '../../services/sqlite/engine.js';
import { createRunHistory } from '../../services/state/run-history.js';
import type { CheckResult, MigrationEvent } from '../../source/core/events.js';
import { migrate } from '../../source/core/migrate.js';
import { makePlan } from '../../source/core/plan/make-plan.js';
import { isBlocked, type Plan } from '../../source/core/plan/types.js';
import type { Ports, Source } from '../../source/core/ports.js';
import { undo } from '../../source/core/undo.js';
import { verifyAgain } from '../../source/core/verify-again.js';
import { migrateOptions, request } from '../fakes/engine.js';
import { dump, type TargetHarness } from './target-scene.js';

const root = new URL('../..', import.meta.url).pathname;

export interface Dataset {
	readonly name: string;
	readonly sqlitePath: string;
	readonly chromaPath: string;
	readonly items: number;
	readonly dimension: number;
}

export const demo: Dataset = {
	name: 'demo data',
	sqlitePath: join(root, 'source/demo/data/collections_demo.db'),
	chromaPath: join(root, 'source/demo/data/chroma_demo'),
	items: 240,
	dimension: 256,
};

const golden = join(root, '../shared/real/golden');
/** Null when the shared data is not beside the checkout. */
export const goldenSet: Dataset | null = existsSync(golden)
	? {
			name: 'golden set',
			sqlitePath: join(golden, 'collections_golden.db'),
			chromaPath: join(golden, 'chroma_golden'),
			items: 55,
			dimension: 1024,
		}
	: null;

/** A harness that ends with its test. */
export interface OwnedHarness extends TargetHarness {
	close(): Promise<void>;
}

/** The whole job on one data set and one database, in order; the harness hands in an empty database each time. */
export function migrationContract(name: string, data: Dataset, open: () => Promise<OwnedHarness>): void {
	describe(`${data.name} into ${name}`, () => {
		let harness: OwnedHarness;
		let folder: string;
		let source: Source;
		let ports: Ports;
		let empty: unknown;
		let plan: Plan;
		const wanted = request({ sqlitePath: data.sqlitePath, chromaPath: data.chromaPath, validationSample: 1_000 });
		const rows = async (sql: string) => (await harness.driver.query(sql)).rows;

		beforeAll(async () => {
			harness = await open();
			folder = await mkdtemp(join(tmpdir(), 'repot-contract-'));
			source = createFeed({ sqlitePath: data.sqlitePath, chromaPath: data.chromaPath, workDir: join(folder, 'snapshots') });
			const clock = { now: () => Date.now() };
			ports = {
				source,
				target: harness.target,
				history: createRunHistory({ stateDir: folder }),
				embedder: null,
				clock,
				operator: 'tester',
				version: '0.0.0',
			};
			empty = await dump(harness.driver);
		});

		afterAll(async () => {
			await source?.close();
			await harness?.close();
			if (folder !== undefined) await rm(folder, { recursive: true, force: true });
		});

		const run = async (planned: Plan): Promise<MigrationEvent[]> => {
			const events: MigrationEvent[] = [];
			const never = new AbortController().signal;
			for await (const event of migrate(planned, migrateOptions({ reportOutput: join(folder, 'out.md') }), ports, {
				stop: never,
				abort: never,
			}))
				events.push(event);
			return events;
		};
		const checks = (events: readonly MigrationEvent[]): CheckResult[] =>
			events.flatMap((event) => (event.type === 'check-finished' ? [event.check] : []));

		it('plans without writing anything', async () => {
			plan = await makePlan(wanted, ports);
			expect(isBlocked(plan)).toBe(false);
			expect(plan.totals).toMatchObject({ records: data.items * 4, rejected: 0 });
			expect(await dump(harness.driver)).toEqual(empty);
		});

		it('lands every record, passes every check, writes the report', async () => {
			const events = await run(plan);
			expect(events.at(-1)).toMatchObject({ type: 'run-finished', outcome: 'done', written: data.items * 4, quarantined: 0 });
			expect(checks(events).map((check) => [check.name, check.result])).toEqual(
				['rows', 'vectors', 'search', 'tenant', 'jsonb', 'latency', 'fields'].map((check) => [check, 'pass']),
			);
			expect(await readFile(join(folder, 'out.md'), 'utf8')).toContain('ALL CHECKS PASS');
		});

		it('gives the columns their types', async () => {
			const found = await rows(
				"SELECT table_name || '.' || column_name AS place, data_type AS type FROM information_schema.columns WHERE table_schema = 'public' AND table_name IN ('items', 'analyses', 'embeddings') ORDER BY 1",
			);
			const types = Object.fromEntries(found.map((row) => [row.place, row.type]));
			expect(types).toMatchObject({
				'items.id': 'text',
				'items.file_size': 'bigint',
				'items.created_at': 'timestamp without time zone',
				'items.updated_at': 'timestamp without time zone',
				'items.user_id': 'text',
				'analyses.raw_response': 'jsonb',
				'analyses.version': 'bigint',
				'analyses.created_at': 'timestamp without time zone',
				'embeddings.embedding_source': 'jsonb',
				'embeddings.embedding_dimensions': 'bigint',
			});
			const [vector] = await rows(
				"SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = 'langchain_pg_embedding'::regclass AND attname = 'embedding'",
			);
			expect(vector?.type).toBe(`vector(${data.dimension})`);
		});

		it('creates keys, cascading foreign keys and the indexes of the source', async () => {
			const constraints = (
				await rows(
					"SELECT trim(conname || ' ' || contype::text || ' ' || confdeltype::text) AS text FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'f')",
				)
			).map((row) => row.text);
			expect(constraints).toEqual(
				expect.arrayContaining([
					...['items', 'analyses', 'embeddings', 'langchain_pg_embedding'].map((table) => `${table}_pkey p`),
					...['analyses_item_id', 'embeddings_item_id', 'embeddings_analysis_id', 'langchain_pg_embedding_collection_id'].map(
						(key) => `${key}_fkey f c`,
					),
				]),
			);
			const indexes = (await rows("SELECT indexname AS name FROM pg_indexes WHERE schemaname = 'public'")).map((row) => row.name);
			expect(indexes).toEqual(
				expect.arrayContaining([
					'idx_analyses_item_id',
					'idx_analyses_category',
					'idx_embeddings_item_id',
					'idx_items_user_id',
					'idx_analyses_user_id',
					'idx_embeddings_user_id',
					'ix_cmetadata_gin',
				]),
			);
		});

		// Read here without the reader under test.
		it('holds the same JSON by value and the same timestamps as SQLite', async () => {
			const sqlite = new BetterSqlite(data.sqlitePath, { readonly: true });
			try {
				const expected = sqlite.prepare('SELECT id, raw_response, created_at FROM analyses ORDER BY id').all() as {
					id: string;
					raw_response: string;
					created_at: string;
				}[];
				const found = await rows(
					'SELECT id, raw_response::text AS json, created_at::text AS at, user_id FROM analyses ORDER BY id COLLATE "C"',
				);
				expect(found).toHaveLength(data.items);
				for (const [at, row] of found.entries()) {
					expect(row.id).toBe(expected[at]?.id);
					expect(JSON.parse(row.json ?? '')).toEqual(JSON.parse(expected[at]?.raw_response ?? ''));
					expect(Date.parse(`${row.at?.replace(' ', 'T')}Z`)).toBe(Date.parse(`${expected[at]?.created_at.replace(/Z$/, '')}Z`));
					expect(row.user_id).toBe('ana');
				}
			} finally {
				sqlite.close();
			}
		});

		it('holds every vector of the write-ahead log bit for bit', async () => {
			const sqlite = new BetterSqlite(join(data.chromaPath, 'chroma.sqlite3'), { readonly: true });
			try {
				const log = sqlite.prepare('SELECT id, vector FROM embeddings_queue WHERE vector IS NOT NULL ORDER BY seq_id').all() as {
					id: string;
					vector: Buffer;
				}[];
				const wanted = new Map(log.map((row) => [row.id, row.vector.toString('hex')]));
				const found = await rows("SELECT id, encode(vector_send(embedding), 'hex') AS sent FROM langchain_pg_embedding");
				let compared = 0;
				for (const row of found) {
					const original = wanted.get(row.id ?? '');
					if (original === undefined) continue;
					// vector_send: int16 dimension, int16 zero, float32 big-endian.
					expect(
						Buffer.from((row.sent ?? '').slice(8), 'hex')
							.swap32()
							.toString('hex'),
					).toBe(original);
					compared++;
				}
				expect(compared).toBe(wanted.size);
				expect(compared).toBeGreaterThan(0);
			} finally {
				sqlite.close();
			}
		});

		it('finds nothing to do the second time, and writes nothing', async () => {
			const before = await dump(harness.driver);
			const again = await makePlan(wanted, ports);
			expect(again.doneBy).toBeDefined();
			for (const planned of [plan, again]) expect((await run(planned)).at(-1)).toMatchObject({ outcome: 'nothing-to-do', written: 0 });
			expect(await dump(harness.driver)).toEqual(before);
		});

		it('verifies again, stand-alone, and fails when a value was changed', async () => {
			const verdict = async () => {
				const events: MigrationEvent[] = [];
				for await (const event of verifyAgain(wanted, null, ports, new AbortController().signal)) events.push(event);
				return {
					outcome: events.at(-1),
					failed: checks(events)
						.filter((check) => check.result === 'fail')
						.map((check) => check.name),
				};
			};
			expect((await verdict()).failed).toEqual([]);
			const [victim] = await rows('SELECT id, summary FROM analyses ORDER BY id LIMIT 1');
			await harness.driver.query("UPDATE analyses SET summary = 'changed' WHERE id = $1", [victim?.id ?? null]);
			expect(await verdict()).toMatchObject({ outcome: { outcome: 'verification-failed' }, failed: ['fields'] });
		});

		it('keeps the changed row in a rollback, and lists it', async () => {
			const [run0] = await harness.target.ledger.runs();
			const id = run0?.id ?? '';
			const preview = await harness.target.rollbackPreview(id);
			expect(preview.tables.find((table) => table.step === 'analyses')).toMatchObject({ changed: 1, removable: data.items - 1 });
			const events = [];
			for await (const event of undo(id, 'a test', harness.target, ports.history, ports.clock)) events.push(event);
			expect(events.at(-1)).toMatchObject({ type: 'rollback-finished', outcome: 'kept-some' });
			expect(await rows('SELECT count(*)::text AS n FROM analyses')).toEqual([{ n: '1' }]);
			expect(await rows('SELECT count(*)::text AS n FROM langchain_pg_embedding').catch(() => [{ n: 'gone' }])).toEqual([{ n: 'gone' }]);
		});
	});

	describe(`${data.name} into ${name} that holds rows of others`, () => {
		it('leaves the target exactly as before after a rollback', async () => {
			const harness = await open();
			const folder = await mkdtemp(join(tmpdir(), 'repot-contract-'));
			const source = createFeed({ sqlitePath: data.sqlitePath, chromaPath: data.chromaPath, workDir: join(folder, 'snapshots') });
			try {
				const clock = { now: () => Date.now() };
				const ports: Ports = {
					source,
					target: harness.target,
					history: createRunHistory({ stateDir: folder }),
					embedder: null,
					clock,
					operator: 'tester',
					version: '0.0.0',
				};
				const query = (sql: string) => harness.driver.query(sql);
				await query('CREATE EXTENSION IF NOT EXISTS vector');
				await query(
					'CREATE TABLE items (id text PRIMARY KEY, filename text NOT NULL, original_filename text, file_path text NOT NULL, file_size bigint, mime_type text, created_at timestamp NOT NULL, updated_at timestamp NOT NULL, user_id text NOT NULL, note text)',
				);
				await query(
					"INSERT INTO items VALUES ('of-bo', 'f', NULL, 'p', 1, NULL, now(), now(), 'bo', 'mine'), ('of-ana', 'f', NULL, 'p', 1, NULL, now(), now(), 'ana', NULL)",
				);
				await query(
					'CREATE TABLE langchain_pg_collection (uuid UUID NOT NULL, name VARCHAR NOT NULL, cmetadata JSON, PRIMARY KEY (uuid), UNIQUE (name))',
				);
				await query(
					`CREATE TABLE langchain_pg_embedding (id VARCHAR NOT NULL, collection_id UUID, embedding VECTOR(${data.dimension}), document VARCHAR, cmetadata JSONB, PRIMARY KEY (id), FOREIGN KEY(collection_id) REFERENCES langchain_pg_collection (uuid) ON DELETE CASCADE)`,
				);
				await query("INSERT INTO langchain_pg_collection VALUES ('6f9619ff-8b86-4011-b42d-00cf4fc964ff', 'other', NULL)");
				await query(
					`INSERT INTO langchain_pg_embedding SELECT 'v-of-bo', '6f9619ff-8b86-4011-b42d-00cf4fc964ff', array_agg(random())::vector, 'd', '{"user_id": "bo"}' FROM generate_series(1, ${data.dimension})`,
				);
				const before = await dump(harness.driver);
				const plan = await makePlan(request({ sqlitePath: data.sqlitePath, chromaPath: data.chromaPath }), ports);
				expect(isBlocked(plan)).toBe(false);
				expect(plan.hazards.find((hazard) => hazard.code === 'TARGET_HOLDS_ROWS' && hazard.step === 'items')?.message).toContain(
					'1 of other users',
				);
				const never = new AbortController().signal;
				const events: MigrationEvent[] = [];
				for await (const event of migrate(plan, migrateOptions(), ports, { stop: never, abort: never })) events.push(event);
				expect(events.at(-1)).toMatchObject({ outcome: 'done', written: data.items * 4 });
				const [run] = await harness.target.ledger.runs();
				const undone = [];
				for await (const event of undo(run?.id ?? '', null, harness.target, ports.history, clock)) undone.push(event);
				expect(undone.at(-1)).toMatchObject({ type: 'rollback-finished', outcome: 'done' });
				expect(await dump(harness.driver)).toEqual(before);
			} finally {
				await source.close();
				await harness.close();
				await rm(folder, { recursive: true, force: true });
			}
		});
	});
}
