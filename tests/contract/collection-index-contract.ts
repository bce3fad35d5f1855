import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFeed } from '../../services/feed/feed.js';
import type { CheckResult, MigrationEvent } from '../../source/core/events.js';
import { migrate } from '../../source/core/migrate.js';
import type { PlanRequest } from '../../source/core/operations.js';
import { makePlan } from '../../source/core/plan/make-plan.js';
import { isCopyStep, isSchemaStep, type Plan } from '../../source/core/plan/types.js';
import type { Ports, Source } from '../../source/core/ports.js';
import { undo } from '../../source/core/undo.js';
import { type FakeCollection, fakeChromaModule, writeFakeChroma } from '../fakes/chroma-directory.js';
import { migrateOptions, request } from '../fakes/engine.js';
import { memoryHistory } from '../fakes/memory-target.js';
import type { TargetHarness } from './target-scene.js';

/** Numbers without any order in space, the same every time. */
const vector = (seed: number, dimension: number): number[] =>
	Array.from({ length: dimension }, (_, at) => Math.fround(((Math.sin(seed * 12.9898 + at * 78.233) * 43_758.5453) % 1) * 2));

const collection = (name: string, count: number, dimension: number): FakeCollection => ({
	name,
	space: 'cosine',
	dimension,
	records: Array.from({ length: count }, (_, at) => ({
		id: `${name}${at}`,
		embedding: vector(at + 1 + count * 1000, dimension),
		document: `about ${name} ${at}`,
		metadata: { kind: 'x' },
	})),
});

const dimension = 16;
const large = collection('large', 3_000, dimension);
const small = collection('small', 200, dimension);
const theirs = '6f9619ff-8b86-4011-b42d-00cf4fc964ff';

const langchainTables = (type: string) => `
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE langchain_pg_collection (uuid UUID NOT NULL, name VARCHAR NOT NULL, cmetadata JSON, PRIMARY KEY (uuid), UNIQUE (name));
CREATE TABLE langchain_pg_embedding (id VARCHAR NOT NULL, collection_id UUID, embedding ${type}, document VARCHAR, cmetadata JSONB,
	PRIMARY KEY (id), FOREIGN KEY(collection_id) REFERENCES langchain_pg_collection (uuid) ON DELETE CASCADE);`;

/** Rows of a collection of somebody else, and an index over all rows as people make it by hand. */
const elsewhere = (rows: readonly FakeCollection['records'][number][]): string =>
	`INSERT INTO langchain_pg_collection VALUES ('${theirs}', 'elsewhere', NULL);
	INSERT INTO langchain_pg_embedding VALUES ${rows
		.map(({ id, embedding }) => `('their-${id}', '${theirs}', '[${embedding?.join(',')}]', 'theirs', '{"user_id": "bo"}')`)
		.join(', ')};`;

/** Which HNSW indexes several collections of one table need, for the searches that applications really send. */
export function collectionIndexContract(name: string, open: () => TargetHarness): void {
	describe(`indexes of collections: ${name}`, () => {
		let folder: string;
		let harness: TargetHarness;
		let opened: Source[];

		beforeEach(async () => {
			harness = open();
			folder = await mkdtemp(join(tmpdir(), 'repot-indexes-'));
			opened = [];
			await harness.driver.query(
				'DROP SCHEMA IF EXISTS repot CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP EXTENSION IF EXISTS vector',
			);
		});

		afterEach(async () => {
			for (const one of opened) await one.close();
			await rm(folder, { recursive: true, force: true });
		});

		const sql = async (text: string): Promise<(string | null)[][]> =>
			(await harness.driver.query(text)).rows.map((row) => Object.values(row));

		const scene = (collections: readonly FakeCollection[], more: Partial<PlanRequest> = {}) => {
			const chromaPath = writeFakeChroma(join(folder, `${opened.length}.json`), collections);
			const source = createFeed({ sqlitePath: null, chromaPath, workDir: join(folder, 'work'), chromaModule: fakeChromaModule });
			opened.push(source);
			const ports: Ports = {
				source,
				target: harness.target,
				history: memoryHistory(),
				embedder: null,
				clock: { now: () => Date.now() },
				operator: 'tester',
				version: '0.0.0',
			};
			return { ports, wanted: request({ sqlitePath: null, chromaPath, collections: ['all'], batchSize: 1_000, ...more }) };
		};
		const alone = (more: FakeCollection) => scene([more], { pgvectorCollection: more.name });

		const never = new AbortController().signal;
		const run = async (plan: Plan, ports: Ports): Promise<readonly MigrationEvent[]> => {
			const events: MigrationEvent[] = [];
			for await (const event of migrate(plan, migrateOptions(), ports, { stop: never, abort: never })) events.push(event);
			return events;
		};
		const searchOf = (events: readonly MigrationEvent[]): CheckResult | undefined =>
			events.flatMap((event) => (event.type === 'check-finished' && event.check.name === 'search' ? [event.check] : []))[0];
		const hazard = (plan: Plan, code: string) => plan.hazards.find((one) => one.code === code);
		const indexSql = (plan: Plan) => plan.steps.filter(isSchemaStep).filter(({ what }) => what === 'vector-index');

		/** The statement of PGVector.similarity_search_with_score_by_vector, without a filter; the settings are the server's. */
		const langchainSql = (uuid: string, seed: number): string =>
			`SELECT e.id, e.collection_id, e.embedding, e.document, e.cmetadata, e.embedding <=> '[${vector(seed, dimension).join(',')}]' AS distance
			FROM langchain_pg_embedding e JOIN langchain_pg_collection c ON e.collection_id = c.uuid
			WHERE e.collection_id = '${uuid}'::UUID ORDER BY distance ASC LIMIT 5`;
		const uuidOf = async (collectionName: string): Promise<string> =>
			(await sql(`SELECT uuid FROM langchain_pg_collection WHERE name = '${collectionName}'`))[0]?.[0] ?? '';
		const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
		const hits = async (uuid: string): Promise<number[]> => {
			const found: number[] = [];
			for (const seed of seeds) found.push((await sql(langchainSql(uuid, seed))).length);
			return found;
		};
		const whole = seeds.map(() => 5);

		it('a small collection beside a large one is found whole by langchain-postgres, each through an index of its own', async () => {
			const { ports, wanted } = scene([large, small]);
			const plan = await makePlan(wanted, ports);
			const search = searchOf(await run(plan, ports));
			expect(search).toMatchObject({ result: 'pass', data: { results: 1 } });
			for (const step of plan.steps.filter(isCopyStep)) {
				const uuid = step.collection?.uuid ?? '';
				expect(await hits(uuid)).toEqual(whole);
				const explained = (await sql(`EXPLAIN ${langchainSql(uuid, 1)}`)).join('\n');
				expect(explained).toContain(indexSql(plan).find(({ vectorIndex }) => vectorIndex?.step === step.id)?.object);
			}
			expect((await makePlan(wanted, ports)).doneBy).toBeDefined();
		});

		it('of two dimensions, SQL that casts as the plan shows it uses the index, with every setting as it is', async () => {
			const other = collection('other', 200, 8);
			const { ports, wanted } = scene([large, other]);
			const plan = await makePlan(wanted, ports);
			const shape = /SQL that uses the index: (.*)$/.exec(hazard(plan, 'MIXED_DIMENSIONS')?.hint ?? '')?.[1] ?? '';
			expect(searchOf(await run(plan, ports))).toMatchObject({ result: 'pass', data: { results: 1 } });
			const query = shape.replaceAll('[...]', `[${vector(1, dimension).join(',')}]`);
			expect((await sql(`EXPLAIN ${query}`)).join('\n')).toMatch(/Index Scan using ix_langchain_pg_embedding_hnsw_cosine_16_\w+/);
			expect(await sql(query)).toHaveLength(5);
			// Without the cast every row of the collection is read, which gives all of them.
			expect(await hits(await uuidOf('large'))).toEqual(whole);
		});

		it('a collection alone has an index over all rows; with the next one that index is not enough', async () => {
			const first = alone(small);
			await run(await makePlan(first.wanted, first.ports), first.ports);
			expect((await makePlan(first.wanted, first.ports)).doneBy).toBeDefined();
			const next = alone(large);
			const plan = await makePlan(next.wanted, next.ports);
			expect(hazard(plan, 'SHARED_INDEX')).toMatchObject({ severity: 'warn', count: 1, sample: ['"small"'] });
			await run(plan, next.ports);
			expect(await hits(await uuidOf('large'))).toEqual(whole);
			// The first collection, planned once more, gets what it lacks.
			const again = await makePlan(first.wanted, first.ports);
			expect(indexSql(again).map(({ needed }) => needed)).toEqual([true]);
			expect(hazard(again, 'SHARED_INDEX')).toBeUndefined();
			await run(again, first.ports);
			expect(await hits(await uuidOf('small'))).toEqual(whole);
		});

		it('an index of theirs over all rows serves no planned one; the statement of the hint gives their collection its results back', async () => {
			await harness.driver.query(`${langchainTables(`VECTOR(${dimension})`)} ${elsewhere(small.records)}
				CREATE INDEX theirs ON langchain_pg_embedding USING hnsw (embedding vector_cosine_ops)`);
			const { ports, wanted } = alone(large);
			const plan = await makePlan(wanted, ports);
			expect(indexSql(plan).map(({ needed }) => needed)).toEqual([true]);
			const told = hazard(plan, 'SHARED_INDEX');
			expect(told).toMatchObject({ severity: 'warn', count: 1, message: expect.stringContaining('index theirs') });
			expect(searchOf(await run(plan, ports))).toMatchObject({ result: 'pass' });
			expect(await hits(theirs)).not.toEqual(whole);
			await harness.driver.query(/CREATE INDEX .*?;/.exec(told?.hint ?? '')?.[0] ?? '');
			expect(await hits(theirs)).toEqual(whole);
			expect(hazard(await makePlan(wanted, ports), 'SHARED_INDEX')).toBeUndefined();
		});

		it('the search check asks as langchain-postgres asks: results that are missing fail it, although a wider search finds them', async () => {
			await harness.driver.query(`${langchainTables(`VECTOR(${dimension})`)} ${elsewhere(large.records)}
				CREATE INDEX theirs ON langchain_pg_embedding USING hnsw (embedding vector_cosine_ops); ANALYZE`);
			const { ports, wanted } = scene([small], { pgvectorCollection: 'small', skipSchemaCreation: true });
			const plan = await makePlan(wanted, ports);
			expect(hazard(plan, 'SHARED_INDEX')).toMatchObject({ count: 2 });
			const search = searchOf(await run(plan, ports));
			expect(search).toMatchObject({
				result: 'fail',
				figures: expect.stringMatching(/^exact 1\.00 +index 1\.00 .* results 0\.\d\d of those asked for/),
			});
			expect(search?.details.join()).toMatch(
				/as langchain-postgres sends them, \d+ of 20 searches .*hnsw\.iterative_scan = 'strict_order'/,
			);
		});

		it('a collection that others fill as well is asked with the filter of its applications', async () => {
			const others = large.records.map(
				(one) => `('their-${one.id}', '${theirs}', '[${one.embedding?.join(',')}]', 'theirs', '{"user_id": "bo"}')`,
			);
			await harness.driver.query(`${langchainTables(`VECTOR(${dimension})`)}
				INSERT INTO langchain_pg_collection VALUES ('${theirs}', 'small', NULL); INSERT INTO langchain_pg_embedding VALUES ${others.join(', ')};
				CREATE INDEX theirs ON langchain_pg_embedding USING hnsw (embedding vector_cosine_ops); ANALYZE`);
			const { ports, wanted } = alone(small);
			const plan = await makePlan(wanted, ports);
			expect(hazard(plan, 'SHARED_INDEX')).toBeUndefined();
			// Told, and no failure: neither another run nor a rollback would mend it.
			const check = searchOf(await run(plan, ports));
			expect(check).toMatchObject({
				result: 'pass',
				figures: expect.stringMatching(/index 1.00 mean.* results 0\.\d+ of those asked for/),
			});
			expect(check?.details.join()).toContain('searches for the nearest 5 gave fewer');
		});

		const blocks = (plan: Plan) =>
			plan.hazards.filter(({ severity }) => severity === 'block').map(({ code, step, count }) => [code, step, count]);
		const update = { ...request().policies, onConflict: 'update' } as const;
		const more = { pgvectorCollection: 'docs', policies: update };

		it('rows of another dimension in the collection are counted before anything is written', async () => {
			await harness.driver.query(`${langchainTables('VECTOR')} INSERT INTO langchain_pg_collection VALUES ('${theirs}', 'docs', NULL), ('${theirs.replace('6', '7')}', 'other', NULL);
				INSERT INTO langchain_pg_embedding VALUES ('a', '${theirs}', '[1,2,3]', '', '{"user_id": "bo"}'), ('b', '${theirs}', '[1,2]', '', '{"user_id": "ana"}'),
				('c', '${theirs}', '[1,2,3,4]', '', '{"user_id": "bo"}'), ('d', '${theirs}', NULL, '', '{}'), ('e', '${theirs.replace('6', '7')}', '[1]', '', '{}')`);
			const { ports, wanted } = scene([collection('docs', 5, 4)], more);
			const plan = await makePlan(wanted, ports);
			expect(blocks(plan)).toEqual([['OTHER_DIMENSIONS_THERE', 'vectors', 2]]);
			expect(hazard(plan, 'OTHER_DIMENSIONS_THERE')?.message).toContain(
				'2 rows of the collection docs in the target have vectors of 2, 3 dimensions, and these have 4',
			);
			const listed = /to see them: (.*)$/.exec(hazard(plan, 'OTHER_DIMENSIONS_THERE')?.hint ?? '')?.[1] ?? '';
			expect((await sql(listed)).map(([id]) => id).sort()).toEqual(['a', 'b']);
			await harness.driver.query("DELETE FROM langchain_pg_embedding WHERE id IN ('a', 'b')");
			const mended = await makePlan(wanted, ports);
			expect(blocks(mended)).toEqual([]);
			expect((await run(mended, ports)).at(-1)).toMatchObject({ outcome: 'done', written: 5 });
		});

		it('a collection embedded anew is blocked by its old index, and replaced once that is dropped', async () => {
			await harness.driver.query(langchainTables('VECTOR'));
			const first = scene([collection('docs', 40, 3)], more);
			await run(await makePlan(first.wanted, first.ports), first.ports);
			const { ports, wanted } = scene([collection('docs', 40, 4)], more);
			const plan = await makePlan(wanted, ports);
			expect(blocks(plan)).toEqual([['INDEX_OF_OTHER_DIMENSION', 'vectors', 1]]);
			expect(hazard(plan, 'OTHER_DIMENSIONS_THERE')).toMatchObject({ severity: 'warn', count: 40 });
			expect(indexSql(plan).map(({ needed }) => needed)).toEqual([true]);
			await harness.driver.query(/DROP INDEX .*;/.exec(hazard(plan, 'INDEX_OF_OTHER_DIMENSION')?.hint ?? '')?.[0] ?? '');
			const again = await makePlan(wanted, ports);
			expect(blocks(again)).toEqual([]);
			expect((await run(again, ports)).at(-1)).toMatchObject({ outcome: 'done', quarantined: 0 });
			const definitions = await sql("SELECT indexdef FROM pg_indexes WHERE indexdef LIKE '%hnsw%'");
			expect(definitions).toEqual([[expect.stringMatching(/_hnsw_cosine_4_\w+ ON .*vector\(4\)/)]]);
			expect((await makePlan(wanted, ports)).doneBy).toBeDefined();
			const [newest] = await harness.target.ledger.runs();
			const events = [];
			for await (const event of undo(newest?.id ?? '', null, harness.target, ports.history, ports.clock)) events.push(event);
			expect(events.at(-1)).toMatchObject({ outcome: 'done' });
			expect(await sql('SELECT DISTINCT vector_dims(embedding)::text FROM langchain_pg_embedding')).toEqual([['3']]);
		});

		it('an index of the same name that does something else is not taken for the planned one', async () => {
			await harness.driver.query(`${langchainTables(`VECTOR(${dimension})`)}
				CREATE INDEX ix_langchain_pg_embedding_hnsw_cosine ON langchain_pg_embedding USING hnsw (embedding vector_l2_ops)`);
			const { ports, wanted } = alone(small);
			const plan = await makePlan(wanted, ports);
			expect(indexSql(plan).map(({ needed, object }) => [needed, object])).toEqual([
				[true, 'langchain_pg_embedding_ix_langchain_pg_embedding_hnsw_cosine'],
			]);
			await run(plan, ports);
			expect(await sql("SELECT count(*)::text FROM pg_indexes WHERE indexdef LIKE '%vector_cosine_ops%'")).toEqual([['1']]);
			const again = await makePlan(wanted, ports);
			expect(again.doneBy).toBeDefined();
			expect(hazard(again, 'NAME_TAKEN')).toBeUndefined();
		});
	});
}
