import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFeed } from '../../services/feed/feed.js';
import type { CheckResult, MigrationEvent } from '../../source/core/events.js';
import { collectionsProfile as profile } from '../../source/core/mapping/profile.js';
import { migrate } from '../../source/core/migrate.js';
import type { PlanRequest } from '../../source/core/operations.js';
import { makePlan } from '../../source/core/plan/make-plan.js';
import { isBlocked, isCopyStep, isSchemaStep, type Plan } from '../../source/core/plan/types.js';
import type { Ports, Source } from '../../source/core/ports.js';
import { undo } from '../../source/core/undo.js';
import { verifyAgain } from '../../source/core/verify-again.js';
import { type FakeCollection, fakeChromaModule, writeFakeChroma } from '../fakes/chroma-directory.js';
import { migrateOptions, request } from '../fakes/engine.js';
import { memoryHistory } from '../fakes/memory-target.js';
import { dump, type TargetHarness } from './target-scene.js';

/** Numbers that look like an embedding's, the same every time. */
const vector = (seed: number, dimension: number): number[] =>
	Array.from({ length: dimension }, (_, at) => Math.fround(Math.sin(seed * 12.9898 + at * 78.233) * 2));

type Record0 = FakeCollection['records'][number];

const record = (id: string, dimension: number, seed: number, more: Partial<Record0> = {}): Record0 => ({
	id,
	embedding: vector(seed, dimension),
	document: `about ${id}`,
	metadata: { kind: 'x' },
	...more,
});

/** Records `FROM0`, `FROM1` ... */
const records = (from: string, count: number, dimension: number): Record0[] =>
	Array.from({ length: count }, (_, at) => record(`${from}${at}`, dimension, at + from.length * 100));

const docs: FakeCollection = { name: 'docs', space: 'cosine', dimension: 3, records: records('d', 40, 3) };
const notes: FakeCollection = { name: 'notes', space: 'cosine', dimension: 3, records: records('n', 30, 3) };
const images: FakeCollection = { name: 'images', space: 'l2', dimension: 5, records: records('i', 25, 5) };
/** Five ids of `docs`, with other vectors. */
const twins: FakeCollection = {
	name: 'twins',
	space: 'cosine',
	dimension: 3,
	records: [...records('t', 10, 3), ...[3, 7, 11, 20, 39].map((at) => record(`d${at}`, 3, at + 900))],
};

const langchainTables = (type: string) => `
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE langchain_pg_collection (uuid UUID NOT NULL, name VARCHAR NOT NULL, cmetadata JSON, PRIMARY KEY (uuid), UNIQUE (name));
CREATE TABLE langchain_pg_embedding (id VARCHAR NOT NULL, collection_id UUID, embedding ${type}, document VARCHAR, cmetadata JSONB,
	PRIMARY KEY (id), FOREIGN KEY(collection_id) REFERENCES langchain_pg_collection (uuid) ON DELETE CASCADE);`;

const theirs = '6f9619ff-8b86-4011-b42d-00cf4fc964ff';

/** Several Chroma collections in one run, on a real database: names, ids, dimensions, resumption and the way back. */
export function severalCollectionsContract(name: string, open: () => TargetHarness): void {
	describe(`several collections: ${name}`, () => {
		let folder: string;
		let harness: TargetHarness;
		let opened: Source[];

		beforeEach(async () => {
			harness = open();
			folder = await mkdtemp(join(tmpdir(), 'repot-several-'));
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

		/** Ports over these collections, and a request for all of them. */
		const scene = (collections: readonly FakeCollection[], more: Partial<PlanRequest> = {}) => {
			const chromaPath = writeFakeChroma(join(folder, `${opened.length}.json`), collections);
			const source = createFeed({ sqlitePath: null, chromaPath, workDir: join(folder, 'work'), chromaModule: fakeChromaModule });
			opened.push(source);
			const ports: Ports & { readonly history: ReturnType<typeof memoryHistory> } = {
				source,
				target: harness.target,
				history: memoryHistory(),
				embedder: null,
				clock: { now: () => Date.now() },
				operator: 'tester',
				version: '0.0.0',
			};
			return { ports, wanted: request({ sqlitePath: null, chromaPath, collections: ['all'], batchSize: 10, ...more }) };
		};

		const never = new AbortController().signal;
		const run = async (plan: Plan, ports: Ports, stop: AbortSignal = never, onEvent: (event: MigrationEvent) => void = () => {}) => {
			const events: MigrationEvent[] = [];
			for await (const event of migrate(plan, migrateOptions(), ports, { stop, abort: never })) {
				events.push(event);
				onEvent(event);
			}
			return events;
		};
		const checksOf = (events: readonly MigrationEvent[]): CheckResult[] =>
			events.flatMap((event) => (event.type === 'check-finished' ? [event.check] : []));
		const failures = (events: readonly MigrationEvent[]) => checksOf(events).filter(({ result }) => result === 'fail');
		const hazard = (plan: Plan, code: string) => plan.hazards.find((one) => one.code === code);
		const rollbackNewest = async (ports: Ports) => {
			const [newest] = await harness.target.ledger.runs();
			const events = [];
			for await (const event of undo(newest?.id ?? '', null, harness.target, ports.history, ports.clock)) events.push(event);
			return events.at(-1);
		};
		const idsOf = async (collection: string): Promise<string[]> =>
			(
				await sql(
					`SELECT e.id FROM langchain_pg_embedding e JOIN langchain_pg_collection c ON c.uuid = e.collection_id WHERE c.name = '${collection}' ORDER BY e.id COLLATE "C"`,
				)
			).map(([id]) => id ?? '');

		it('each becomes its own step and its own langchain collection; the second run does nothing, a rollback leaves nothing', async () => {
			const before = await dump(harness.driver);
			const { ports, wanted } = scene([docs, notes]);
			const plan = await makePlan(wanted, ports);
			expect(plan.steps.filter(isCopyStep).map(({ id }) => id)).toEqual(['vectors:docs', 'vectors:notes']);
			expect(isBlocked(plan)).toBe(false);
			const events = await run(plan, ports);
			expect(events.at(-1)).toMatchObject({ outcome: 'done', written: 70 });
			expect(checksOf(events).map((check) => [check.name, check.result])).toEqual([
				['rows', 'skipped'],
				...['vectors', 'search', 'tenant', 'jsonb', 'latency', 'fields'].map((check) => [check, 'pass']),
			]);
			expect(await idsOf('docs')).toEqual(docs.records.map(({ id }) => id).sort());
			expect(await idsOf('notes')).toHaveLength(30);
			expect(await sql('SELECT name, cmetadata::text FROM langchain_pg_collection ORDER BY 1')).toEqual([
				['docs', '{"made_by":"docs"}'],
				['notes', '{"made_by":"notes"}'],
			]);
			// In one index over both, the rows of one would be in the way of the other's.
			const indexes = await sql("SELECT indexdef FROM pg_indexes WHERE indexname LIKE '%hnsw%'");
			const own = [expect.stringMatching(/USING hnsw \(embedding vector_cosine_ops\) WHERE \(collection_id = /)];
			expect(indexes).toEqual([own, own]);
			expect(ports.history.files.get('report.md')).toContain('| docs | docs |');

			const dumped = await dump(harness.driver);
			const again = await makePlan(wanted, ports);
			expect(again.doneBy).toBeDefined();
			for (const planned of [plan, again]) expect((await run(planned, ports)).at(-1)).toMatchObject({ outcome: 'nothing-to-do' });
			expect(await dump(harness.driver)).toEqual(dumped);

			const preview = await harness.target.rollbackPreview((await harness.target.ledger.runs())[0]?.id ?? '');
			expect(preview.tables.map(({ step, removable }) => [step, removable])).toEqual([
				['vectors:notes', 30],
				['vectors:docs', 40],
			]);
			expect(preview.drops.filter((one) => one.startsWith('collection '))).toHaveLength(2);
			expect(await rollbackNewest(ports)).toMatchObject({ outcome: 'done', removed: 70 });
			// The extension stays, as the preview says.
			const after = (await dump(harness.driver)) as { extensions: unknown };
			expect({ ...after, extensions: null }).toEqual({ ...(before as object), extensions: null });
		});

		it('ids that two collections have block the plan before anything is written', async () => {
			const { ports, wanted } = scene([docs, twins, notes]);
			const before = await dump(harness.driver);
			const plan = await makePlan(wanted, ports);
			expect(hazard(plan, 'ID_IN_SEVERAL_COLLECTIONS')).toMatchObject({
				severity: 'block',
				count: 5,
				sample: ['d11', 'd20', 'd3', 'd39', 'd7'],
				message: expect.stringContaining('(docs, twins)'),
				hint: expect.stringContaining('--on-id-collision prefix'),
			});
			await expect(run(plan, ports)).rejects.toMatchObject({ code: 'PLAN_BLOCKED' });
			expect(await dump(harness.driver)).toEqual(before);
		});

		for (const onIdCollision of ['prefix', 'uuid'] as const) {
			it(`${onIdCollision} gives every record an id of its own and keeps the original; the second run finds its rows`, async () => {
				await harness.driver.query(langchainTables('VECTOR(3)'));
				const before = await dump(harness.driver);
				const { ports, wanted } = scene([docs, twins], { policies: { ...request().policies, onIdCollision } });
				const plan = await makePlan(wanted, ports);
				expect(isBlocked(plan)).toBe(false);
				expect(hazard(plan, 'IDS_REWRITTEN')).toMatchObject({ severity: 'info', count: 55 });
				const events = await run(plan, ports);
				expect(events.at(-1)).toMatchObject({ outcome: 'done', written: 55 });
				expect(failures(events)).toEqual([]);
				expect(checksOf(events).find(({ name: check }) => check === 'search')?.data).toMatchObject({ exact: { mean: 1, min: 1 } });
				const rows = await sql(
					`SELECT e.id, e.cmetadata->>'chroma_id' AS own, c.name, c.uuid::text FROM langchain_pg_embedding e JOIN langchain_pg_collection c ON c.uuid = e.collection_id`,
				);
				expect(rows).toHaveLength(55);
				for (const [id, own, collection] of rows) {
					if (onIdCollision === 'prefix') expect(id).toBe(`${collection}/${own}`);
					else expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
				}
				expect(rows.filter(([, own]) => own === 'd7')).toHaveLength(2);
				const again = await makePlan(wanted, ports);
				expect(again.doneBy).toBeDefined();
				expect(await rollbackNewest(ports)).toMatchObject({ outcome: 'done', removed: 55 });
				expect(await dump(harness.driver)).toEqual(before);
			});
		}

		it('an id that a row of another collection in the target has is resolved in the same way', async () => {
			await harness.driver.query(`${langchainTables('VECTOR(3)')}
				INSERT INTO langchain_pg_collection VALUES ('${theirs}', 'elsewhere', NULL);
				INSERT INTO langchain_pg_embedding VALUES ('d5', '${theirs}', '[1,2,3]', 'theirs', '{"user_id": "ana"}')`);
			const { ports, wanted } = scene([docs, notes]);
			const blocked = await makePlan(wanted, ports);
			expect(hazard(blocked, 'ID_IN_OTHER_COLLECTION')).toMatchObject({
				severity: 'block',
				step: 'vectors:docs',
				count: 1,
				sample: ['d5'],
				hint: expect.stringContaining('--on-id-collision prefix'),
			});
			const plan = await makePlan({ ...wanted, policies: { ...wanted.policies, onIdCollision: 'prefix' } }, ports);
			expect(isBlocked(plan)).toBe(false);
			expect((await run(plan, ports)).at(-1)).toMatchObject({ outcome: 'done', written: 70 });
			expect(await idsOf('elsewhere')).toEqual(['d5']);
			// The other collection has such an id as well: the rule is chosen already, and is not offered again.
			await rollbackNewest(ports);
			await harness.driver.query("UPDATE langchain_pg_embedding SET id = 'docs/d5'");
			const twice = await makePlan({ ...wanted, policies: { ...wanted.policies, onIdCollision: 'prefix' } }, ports);
			expect(hazard(twice, 'ID_IN_OTHER_COLLECTION')).toMatchObject({ severity: 'block', count: 1 });
			expect(hazard(twice, 'ID_IN_OTHER_COLLECTION')?.hint).toMatch(/another name/);
			expect(hazard(twice, 'ID_IN_OTHER_COLLECTION')?.hint).not.toContain('--on-id-collision');
		});

		it('metadata that has the key of the kept id keeps it, and the id goes under another', async () => {
			const [first, ...others] = docs.records;
			const own = { ...docs, records: [{ ...(first as Record0), metadata: { chroma_id: 'mine', chroma_id_2: 'too' } }, ...others] };
			const { ports, wanted } = scene([own, notes], { policies: { ...request().policies, onIdCollision: 'prefix' } });
			const plan = await makePlan(wanted, ports);
			expect(hazard(plan, 'ID_KEY_TAKEN')).toMatchObject({ step: 'vectors:docs', count: 1, sample: ['d0'] });
			expect((await run(plan, ports)).at(-1)).toMatchObject({ outcome: 'done' });
			expect(await sql("SELECT cmetadata::text FROM langchain_pg_embedding WHERE id IN ('docs/d0', 'notes/n0') ORDER BY id")).toEqual([
				['{"user_id": "ana", "chroma_id": "mine", "chroma_id_2": "too", "chroma_id_3": "d0"}'],
				['{"kind": "x", "user_id": "ana", "chroma_id": "n0"}'],
			]);
			expect((await makePlan(wanted, ports)).doneBy).toBeDefined();
		});

		it('several dimensions share a column without one; each collection is searched through an index of its own', async () => {
			await harness.driver.query(`${langchainTables('VECTOR')}
				INSERT INTO langchain_pg_collection VALUES ('${theirs}', 'elsewhere', NULL);
				INSERT INTO langchain_pg_embedding VALUES ('theirs', '${theirs}', '[1,2]', 'theirs', '{"user_id": "bo"}')`);
			const before = await dump(harness.driver);
			const { ports, wanted } = scene([docs, images]);
			const plan = await makePlan(wanted, ports);
			expect(isBlocked(plan)).toBe(false);
			expect(hazard(plan, 'MIXED_DIMENSIONS')).toMatchObject({ severity: 'info', message: expect.stringContaining('3 and 5 dimensions') });
			const events = await run(plan, ports);
			expect(events.at(-1)).toMatchObject({ outcome: 'done', written: 65 });
			expect(failures(events)).toEqual([]);
			const indexes = (await sql("SELECT indexdef FROM pg_indexes WHERE indexname LIKE '%hnsw%' ORDER BY 1")).map(([one]) => one);
			expect(indexes).toEqual([
				expect.stringMatching(/\(\(\(embedding\)::vector\(3\)\) vector_cosine_ops\) WHERE \(collection_id = '[0-9a-f-]{36}'::uuid\)$/),
				expect.stringMatching(/\(\(\(embedding\)::vector\(5\)\) vector_l2_ops\) WHERE \(collection_id = '[0-9a-f-]{36}'::uuid\)$/),
			]);
			expect((await makePlan(wanted, ports)).doneBy).toBeDefined();
			expect(await rollbackNewest(ports)).toMatchObject({ outcome: 'done' });
			expect(await dump(harness.driver)).toEqual(before);
		});

		it('into an empty database they make the column without a dimension; of one dimension and two metrics each has its index', async () => {
			const mixed = scene([docs, images]);
			await run(await makePlan(mixed.wanted, mixed.ports), mixed.ports);
			const type =
				"SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'langchain_pg_embedding'::regclass AND attname = 'embedding'";
			expect(await sql(type)).toEqual([['vector']]);
			await rollbackNewest(mixed.ports);
			const metrics = scene([docs, { ...notes, space: 'ip' }]);
			const events = await run(await makePlan(metrics.wanted, metrics.ports), metrics.ports);
			expect(failures(events)).toEqual([]);
			expect(await sql(type)).toEqual([['vector(3)']]);
			const indexes = (await sql("SELECT indexdef FROM pg_indexes WHERE indexname LIKE '%hnsw%' ORDER BY 1")).map(([one]) => one);
			expect(indexes).toEqual([
				expect.stringMatching(/\(embedding vector_cosine_ops\) WHERE \(collection_id = /),
				expect.stringMatching(/\(embedding vector_ip_ops\) WHERE \(collection_id = /),
			]);
			expect((await makePlan(metrics.wanted, metrics.ports)).doneBy).toBeDefined();
		});

		it('a column of another dimension is left alone and blocks, with what would make room', async () => {
			await harness.driver.query(langchainTables('VECTOR(3)'));
			const { ports, wanted } = scene([docs, images]);
			const plan = await makePlan(wanted, ports);
			expect(plan.hazards.filter(({ code }) => code === 'TABLE_DOES_NOT_FIT').map(({ step, hint }) => [step, hint])).toEqual([
				['vectors:images', expect.stringContaining('ALTER COLUMN "embedding" TYPE vector;')],
			]);
		});

		it('what the table lacks for every collection is told once', async () => {
			await harness.driver.query(`${langchainTables('VECTOR(3)')} ALTER TABLE langchain_pg_embedding DROP COLUMN document`);
			const { ports, wanted } = scene([docs, notes, images]);
			const plan = await makePlan(wanted, ports);
			expect(
				plan.hazards.filter(({ code }) => code === 'TABLE_DOES_NOT_FIT').map(({ step, column, count }) => [step, column, count]),
			).toEqual([
				[null, 'document', 1],
				['vectors:images', 'embedding', 1],
			]);
			await harness.driver.query('DROP TABLE langchain_pg_embedding');
			const missing = await makePlan({ ...wanted, skipSchemaCreation: true }, ports);
			expect(hazard(missing, 'TABLE_MISSING')).toMatchObject({
				step: null,
				count: 1,
				sample: ['vectors:docs', 'vectors:notes', 'vectors:images'],
			});
			expect(missing.hazards.filter(({ code }) => code === 'TABLE_MISSING')).toHaveLength(1);
		});

		it('names that clash, in the source or with what others made, block until they are told apart', async () => {
			await harness.driver.query(`${langchainTables('VECTOR(3)')}
				INSERT INTO langchain_pg_collection VALUES ('${theirs}', 'notes', NULL);
				INSERT INTO langchain_pg_embedding VALUES ('theirs', '${theirs}', '[1,2,3]', 'theirs', '{"user_id": "bo"}')`);
			const { ports, wanted } = scene([docs, notes, { ...twins, name: 'docs', database: 'second', records: twins.records.slice(0, 10) }]);
			const plan = await makePlan(wanted, ports);
			expect(plan.steps.filter(isCopyStep).map(({ id }) => id)).toEqual([
				'vectors:default_tenant/default_database/docs',
				'vectors:notes',
				'vectors:default_tenant/second/docs',
			]);
			expect(hazard(plan, 'COLLECTION_NAME_CLASH')).toMatchObject({ severity: 'block', count: 2 });
			expect(hazard(plan, 'COLLECTION_OF_OTHERS')).toMatchObject({ severity: 'block', step: 'vectors:notes', count: 1 });
			const collectionNames = { 'default_tenant/second/docs': 'docs-second', notes: 'notes' };
			const named = await makePlan({ ...wanted, collectionNames }, ports);
			expect(isBlocked(named)).toBe(false);
			expect((await run(named, ports)).at(-1)).toMatchObject({ outcome: 'done', written: 80 });
			expect(await idsOf('docs-second')).toHaveLength(10);
			expect(await idsOf('notes')).toContain('theirs');
			await expect(makePlan({ ...wanted, collectionNames: { absent: 'x' } }, ports)).rejects.toMatchObject({
				code: 'UNKNOWN_COLLECTION_NAME',
			});
		});

		it('a record without a vector is set aside with what it has, or written with NULL where that is asked for', async () => {
			const lost = ['d2', 'd4'];
			const damaged = { ...docs, records: docs.records.map((one) => (lost.includes(one.id) ? { ...one, embedding: null } : one)) };
			const aside = scene([damaged, notes]);
			const quarantining = await makePlan(aside.wanted, aside.ports);
			expect(hazard(quarantining, 'MISSING_VECTOR')).toMatchObject({ severity: 'warn', step: 'vectors:docs', count: 2, sample: lost });
			expect((await run(quarantining, aside.ports)).at(-1)).toMatchObject({ outcome: 'quarantined', written: 68, quarantined: 2 });
			expect(aside.ports.history.quarantine.map(({ key, code, record: whole }) => [key, code, JSON.parse(whole)])).toEqual(
				lost.map((id) => [id, 'MISSING_VECTOR', { id, embedding: null, document: `about ${id}`, metadata: { kind: 'x' } }]),
			);
			await rollbackNewest(aside.ports);

			const before = await dump(harness.driver);
			const { ports, wanted } = scene([damaged, notes], { policies: { ...request().policies, onMissingVector: 'null' } });
			const plan = await makePlan(wanted, ports);
			expect(plan.totals.rejected).toBe(0);
			expect(hazard(plan, 'MISSING_VECTOR')).toMatchObject({
				severity: 'warn',
				count: 2,
				sample: lost,
				hint: expect.stringContaining('max_marginal_relevance_search'),
			});
			const events = await run(plan, ports);
			expect(events.at(-1)).toMatchObject({ outcome: 'done', written: 70 });
			expect(failures(events)).toEqual([]);
			expect(checksOf(events).find(({ name: check }) => check === 'vectors')?.figures).toMatch(/bit-exact 68\/68, 2 without a vector$/);
			expect(await sql('SELECT id FROM langchain_pg_embedding WHERE embedding IS NULL ORDER BY 1')).toEqual(lost.map((id) => [id]));
			expect((await makePlan(wanted, ports)).doneBy).toBeDefined();
			await harness.driver.query("UPDATE langchain_pg_embedding SET embedding = NULL WHERE id = 'n3'");
			const verified: MigrationEvent[] = [];
			for await (const event of verifyAgain(wanted, null, ports, never)) verified.push(event);
			expect(failures(verified).map(({ name: check }) => check)).toContain('vectors');
			await harness.driver.query("DELETE FROM langchain_pg_embedding WHERE id = 'n3'");
			expect(await rollbackNewest(ports)).toMatchObject({ outcome: 'done' });
			expect(await dump(harness.driver)).toEqual(before);
		});

		it('goes on in the collection where it was stopped, and ends as if it never had been', async () => {
			const policies = { ...request().policies, onIdCollision: 'prefix' } as const;
			const whole = scene([docs, images, twins], { policies });
			await run(await makePlan(whole.wanted, whole.ports), whole.ports);
			const rows =
				'SELECT id, collection_id::text, embedding::text, document, cmetadata::text FROM langchain_pg_embedding ORDER BY id COLLATE "C"';
			const undisturbed = await sql(rows);
			await rollbackNewest(whole.ports);

			const { ports, wanted } = scene([docs, images, twins], { policies });
			// Between two collections, and in the middle of one.
			for (const isThere of [
				(event: MigrationEvent) => event.type === 'step-finished' && event.step === 'vectors:docs',
				(event: MigrationEvent) => event.type === 'batch-committed' && event.step === 'vectors:twins' && event.batch === 0,
			]) {
				const stop = new AbortController();
				const plan = await makePlan(wanted, ports);
				const events = await run(plan, ports, stop.signal, (event) => isThere(event) && stop.abort());
				expect(events.at(-1)).toMatchObject({ outcome: 'interrupted' });
			}
			const resumed = await makePlan(wanted, ports);
			expect(resumed.resumes).toBeDefined();
			const events = await run(resumed, ports);
			expect(events.at(-1)).toMatchObject({ outcome: 'done', written: 80 });
			expect(failures(events)).toEqual([]);
			expect(await sql(rows)).toEqual(undisturbed);
			expect(resumed.steps.filter(isSchemaStep).filter(({ what }) => what === 'vector-index')).toHaveLength(3);
		});

		it('conflicts of one collection are told for that collection alone', async () => {
			const { ports, wanted } = scene([docs, notes]);
			await run(await makePlan(wanted, ports), ports);
			await harness.driver.query("UPDATE langchain_pg_embedding SET document = 'changed' WHERE id = 'n1'");
			const plan = await makePlan(wanted, ports);
			expect(plan.hazards.filter(({ code }) => code === 'CONFLICT').map(({ step, count, sample }) => [step, count, sample])).toEqual([
				['vectors:notes', 1, ['n1']],
			]);
			const states = plan.steps.filter(isCopyStep).map(({ id, state }) => [id, state.equal, state.differing]);
			expect(states).toEqual([
				['vectors:docs', 40, 0],
				['vectors:notes', 29, 1],
			]);
			expect(plan.profile).toBe(profile.name);
		});
	});
}
