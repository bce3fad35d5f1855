import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFeed } from '../../services/feed/feed.js';
import { Database as BetterSqlite } from '../../services/sqlite/engine.js';
import type { MigrationEvent } from '../../source/core/events.js';
import { migrate } from '../../source/core/migrate.js';
import type { PlanRequest } from '../../source/core/operations.js';
import { makePlan } from '../../source/core/plan/make-plan.js';
import { isBlocked, isSchemaStep, type Plan } from '../../source/core/plan/types.js';
import type { Ports, Source } from '../../source/core/ports.js';
import { migrateOptions, request } from '../fakes/engine.js';
import { memoryHistory } from '../fakes/memory-target.js';
import { dump, type TargetHarness } from './target-scene.js';

const children = `
CREATE TABLE analyses (id TEXT PRIMARY KEY, item_id TEXT NOT NULL REFERENCES items (id) ON DELETE CASCADE);
CREATE TABLE embeddings (id TEXT PRIMARY KEY, item_id TEXT NOT NULL REFERENCES items (id) ON DELETE CASCADE);`;

/** `items` as the profile wants it, with columns of every kind that a target's column may be narrower than. */
const source = `
CREATE TABLE items (id TEXT PRIMARY KEY, name TEXT, price NUMERIC, size INTEGER, rank INTEGER, weight REAL);
${children}
INSERT INTO items VALUES ('a', 'short', 1.25, 1, 1, 0.1), ('b', 'five!', 10.5, 2, 2, NULL);
INSERT INTO analyses VALUES ('n', 'a');`;

const targetTables = (items: string) => `
CREATE TABLE items (${items}, user_id text NOT NULL);
CREATE TABLE analyses (id text PRIMARY KEY, item_id text NOT NULL, user_id text NOT NULL);
CREATE TABLE embeddings (id text PRIMARY KEY, item_id text NOT NULL, user_id text NOT NULL);`;

const sameTypes = 'id text PRIMARY KEY, name text, price numeric, size bigint, rank bigint, weight double precision';

/** What a plan must find before anything is written, seen on a real database: what does not fit, and what changed since. */
export function planFitContract(name: string, open: () => TargetHarness): void {
	describe(`plan and target: ${name}`, () => {
		let folder: string;
		let harness: TargetHarness;
		let opened: Source[];
		let count: number;

		beforeEach(async () => {
			harness = open();
			folder = await mkdtemp(join(tmpdir(), 'repot-fit-'));
			opened = [];
			count = 0;
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
		const portsOf = (statements: string): Ports => {
			const sqlitePath = join(folder, `${count++}.db`);
			const database = new BetterSqlite(sqlitePath);
			// The schemas here are such as SQLite itself lets pass, dangling references and all.
			database.pragma('foreign_keys = OFF');
			database.exec(statements);
			database.close();
			const feed = createFeed({ sqlitePath, chromaPath: null, workDir: join(folder, 'snapshots') });
			opened.push(feed);
			return {
				source: feed,
				target: harness.target,
				history: memoryHistory(),
				embedder: null,
				clock: { now: () => Date.now() },
				operator: 'tester',
				version: '0.0.0',
			};
		};
		const wanted = (more: Partial<PlanRequest> = {}) => request({ chromaPath: null, ...more });
		const run = async (plan: Plan, ports: Ports): Promise<MigrationEvent[]> => {
			const events: MigrationEvent[] = [];
			const never = new AbortController().signal;
			for await (const event of migrate(plan, migrateOptions(), ports, { stop: never, abort: never })) events.push(event);
			return events;
		};
		const outcome = async (plan: Plan, ports: Ports): Promise<string> => {
			const end = (await run(plan, ports)).at(-1);
			if (end?.type !== 'run-finished') throw new Error('the run did not finish');
			return end.error === undefined ? end.outcome : `${end.outcome} ${end.error.code} ${end.error.message} ${end.error.why ?? ''}`;
		};
		const told = (plan: Plan, code: string) => plan.hazards.filter((hazard) => hazard.code === code);
		const setAside = (events: readonly MigrationEvent[]) =>
			events.flatMap((event) => (event.type === 'record-quarantined' ? [[event.key, event.column, event.code]] : []));

		describe('a plan is stale', () => {
			const prepared = async (): Promise<{ plan: Plan; ports: Ports }> => {
				await sql(targetTables(sameTypes));
				await sql("INSERT INTO items (id, user_id) VALUES ('of-bo', 'bo'), ('of-ana', 'ana')");
				const ports = portsOf(source);
				return { plan: await makePlan(wanted(), ports), ports };
			};

			it('not when other users work in the same tables meanwhile', async () => {
				const { plan, ports } = await prepared();
				await sql("INSERT INTO items (id, user_id) VALUES ('more-of-bo', 'bo'), ('of-cy', 'cy'); DELETE FROM items WHERE id = 'of-bo'");
				expect(await outcome(plan, ports)).toBe('done');
				expect(await sql('SELECT user_id, count(*) FROM items GROUP BY 1 ORDER BY 1')).toEqual([
					['ana', '3'],
					['bo', '1'],
					['cy', '1'],
				]);
			});

			it.each([
				['rows of this user', "INSERT INTO items (id, user_id) VALUES ('new', 'ana')", 'items held 1 row of this user and holds 2'],
				['a column', 'ALTER TABLE items ADD COLUMN note text', 'tables or constraints were altered'],
				['a narrower column', 'ALTER TABLE items ALTER COLUMN name TYPE varchar(3)', 'tables or constraints were altered'],
				['a constraint', 'ALTER TABLE items ADD UNIQUE (name)', 'tables or constraints were altered'],
				[
					'another table of that name',
					`DROP TABLE embeddings; CREATE TABLE embeddings (id text PRIMARY KEY, item_id text NOT NULL, user_id text NOT NULL)`,
					'altered',
				],
				['a table that is gone', 'DROP TABLE embeddings', 'table embeddings is gone'],
			])('when there is %s', async (_what, change, why) => {
				const { plan, ports } = await prepared();
				await sql(change);
				await expect(run(plan, ports)).rejects.toMatchObject({ exitCode: 6, why: expect.stringContaining(why) });
			});

			it("by this user's vectors of its own collection, and by who the collection is", async () => {
				const uuid = (digit: number) => `00000000-0000-0000-0000-00000000000${digit}`;
				await sql(`CREATE EXTENSION vector;
					CREATE TABLE langchain_pg_collection (uuid uuid PRIMARY KEY, name varchar NOT NULL UNIQUE, cmetadata json);
					CREATE TABLE langchain_pg_embedding (id varchar PRIMARY KEY, collection_id uuid REFERENCES langchain_pg_collection, embedding vector(2), document varchar, cmetadata jsonb);
					INSERT INTO langchain_pg_collection VALUES ('${uuid(1)}', 'mine'), ('${uuid(2)}', 'other')`);
				const insert = (id: string, collection: number, tenant: string) =>
					sql(`INSERT INTO langchain_pg_embedding VALUES ('${id}', '${uuid(collection)}', '[1,2]', '', '{"user_id": "${tenant}"}')`);
				const fingerprint = async () =>
					(await harness.target.describe({ tables: [], collections: ['mine'], tenant: { column: 'user_id', value: 'ana' } })).facts
						.fingerprint;
				const before = await fingerprint();
				await insert('1', 1, 'bo');
				await insert('2', 2, 'bo');
				await insert('3', 2, 'ana');
				await sql(`INSERT INTO langchain_pg_collection VALUES ('${uuid(3)}', 'third')`);
				expect(await fingerprint()).toBe(before);
				await insert('4', 1, 'ana');
				const after = await fingerprint();
				expect(after).not.toBe(before);
				await sql(`DELETE FROM langchain_pg_embedding; UPDATE langchain_pg_collection SET name = 'was' WHERE name = 'mine'`);
				await sql(`INSERT INTO langchain_pg_collection VALUES ('${uuid(4)}', 'mine')`);
				expect(await fingerprint()).not.toBe(before);
			});

			it("by every row of a table without the tenant's column", async () => {
				await sql('CREATE TABLE plain (id text PRIMARY KEY)');
				const fingerprint = async () =>
					(await harness.target.describe({ tables: ['plain'], collections: [], tenant: { column: 'user_id', value: 'ana' } })).facts
						.fingerprint;
				const before = await fingerprint();
				await sql("INSERT INTO plain VALUES ('x')");
				expect(await fingerprint()).not.toBe(before);
			});
		});

		describe('a column of the target that is narrower', () => {
			const values = `
CREATE TABLE items (id TEXT PRIMARY KEY, name TEXT, price NUMERIC, size INTEGER, rank INTEGER);
${children}
INSERT INTO items VALUES
	('exact', 'äöü𝄞5', 1234.56, 2147483647, -32768),
	('rounds', 'x', 1.005, 1, 1),
	('large', 'x', 12345, 1, 1),
	('tail', 'x', 10.5, 1, 1),
	('long', 'sixsix', 1, 1, 1),
	('spaces', 'abcde   ', 1, 1, 1),
	('size', 'x', 1, 2147483648, 1),
	('rank', 'x', 1, 1, 32768),
	('null', NULL, 1, 1, 1);
INSERT INTO analyses VALUES ('of-large', 'large'), ('of-exact', 'exact');`;
			const refused = [
				['rounds', 'price'],
				['large', 'price'],
				['long', 'name'],
				['spaces', 'name'],
				['size', 'size'],
				['rank', 'rank'],
				['null', 'name'],
			];

			it('is judged value by value before the run: nothing is rounded, cut or padded, and the count is exact', async () => {
				await sql(targetTables('id varchar(10) PRIMARY KEY, name varchar(5) NOT NULL, price numeric(6,2), size integer, rank smallint'));
				const ports = portsOf(values);
				const plan = await makePlan(wanted(), ports);
				expect(isBlocked(plan)).toBe(false);
				expect(plan.totals).toMatchObject({ records: 11, rejected: 8 });
				expect(
					plan.hazards.flatMap((hazard) =>
						hazard.severity === 'warn' && hazard.column !== undefined ? [[hazard.column, hazard.count, [...hazard.sample].sort()]] : [],
					),
				).toEqual(
					expect.arrayContaining([
						['price', 2, ['large', 'rounds']],
						['name', 2, ['long', 'spaces']],
						['name', 1, ['null']],
						['size', 1, ['size']],
						['rank', 1, ['rank']],
					]),
				);
				expect(told(plan, 'LIMITED_COLUMN').map(({ column, severity }) => [column, severity])).toEqual([
					['id', 'info'],
					['name', 'info'],
					['price', 'info'],
					['size', 'info'],
					['rank', 'info'],
				]);
				const events = await run(plan, ports);
				expect(events.at(-1)).toMatchObject({ outcome: 'quarantined', quarantined: 8, written: 3 });
				expect(
					setAside(events)
						.map(([key, column]) => [key, column])
						.sort(),
				).toEqual([...refused, ['of-large', 'item_id']].sort());
				expect(await sql('SELECT id, name, price, size, rank FROM items ORDER BY id')).toEqual([
					['exact', 'äöü𝄞5', '1234.56', '2147483647', '-32768'],
					['tail', 'x', '10.50', '1', '1'],
				]);
			});

			it.each([
				['weight', 'real', 'rounds'],
				['price', 'real', 'rounds'],
				['price', 'double precision', ''],
				['name', 'character(10)', 'pads'],
				['size', 'real', ''],
				['name', 'integer', ''],
			])('blocks when %s is %s', async (column, type, why) => {
				await sql(targetTables(sameTypes.replace(new RegExp(`${column} [^,]+`), `${column} ${type}`)));
				const plan = await makePlan(wanted(), portsOf(source));
				expect(told(plan, 'TABLE_DOES_NOT_FIT')).toMatchObject([{ severity: 'block', column, message: expect.stringContaining(why) }]);
			});

			it('blocks when it cannot hold the user id, or the target computes it', async () => {
				await sql(
					targetTables(sameTypes)
						.replace('user_id text', 'user_id varchar(2)')
						.replace('size bigint', 'size bigint GENERATED ALWAYS AS (1) STORED'),
				);
				const plan = await makePlan(wanted(), portsOf(source));
				expect(told(plan, 'TABLE_DOES_NOT_FIT').map(({ column }) => column)).toEqual(['size', 'user_id']);
			});
		});

		describe('what would fail only after the load', () => {
			it('a foreign key between types that PostgreSQL cannot compare, or to columns that are not unique: left out, and named', async () => {
				const ports = portsOf(`
CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE analyses (id TEXT PRIMARY KEY, item_id TEXT NOT NULL REFERENCES items (id));
CREATE TABLE embeddings (id TEXT PRIMARY KEY, item_id INTEGER NOT NULL REFERENCES items (id), name TEXT REFERENCES items (name), price NUMERIC);
INSERT INTO items VALUES (1, 'a'), (2, 'a');
INSERT INTO analyses VALUES ('n', '1');
INSERT INTO embeddings VALUES ('e', 2, NULL, 1);`);
				const plan = await makePlan(wanted(), ports);
				expect(told(plan, 'FOREIGN_KEY_LEFT').map(({ step, severity, message }) => [step, severity, message])).toEqual([
					['analyses', 'warn', expect.stringContaining('item_id is text, items.id is bigint')],
					['embeddings', 'warn', expect.stringContaining('items (name) is not unique')],
				]);
				expect(await outcome(plan, ports)).toBe('done');
				expect(await sql("SELECT conname FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace")).toEqual([
					['embeddings_item_id_fkey'],
				]);
			});

			it('foreign keys in a ring, to unique columns, and between numbers are made', async () => {
				const ports = portsOf(`
CREATE TABLE items (id INTEGER PRIMARY KEY, code TEXT UNIQUE, best TEXT REFERENCES analyses (id));
CREATE TABLE analyses (id TEXT PRIMARY KEY, item_id TEXT REFERENCES items (code));
CREATE TABLE embeddings (id NUMERIC PRIMARY KEY, item_id INTEGER REFERENCES items (id), next INTEGER REFERENCES embeddings (id));
INSERT INTO items VALUES (1, 'c', 'n');
INSERT INTO analyses VALUES ('n', 'c');
INSERT INTO embeddings VALUES (1.5, 1, NULL), (2, 1, 2);`);
				const plan = await makePlan(wanted(), ports);
				expect(told(plan, 'FOREIGN_KEY_LEFT')).toEqual([]);
				expect(await outcome(plan, ports)).toBe('done');
				expect(await sql("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace")).toEqual([
					['4'],
				]);
			});

			const long = (bytes: number) =>
				`(SELECT group_concat(hex(randomblob(50)), '') FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${bytes / 100}) SELECT i FROM n))`;

			it('an index over text that is longer than an index takes: left out, and named; a key that long is set aside', async () => {
				const ports = portsOf(`
CREATE TABLE items (id TEXT PRIMARY KEY, note TEXT, code TEXT, kind TEXT);
CREATE INDEX idx_note ON items (note);
CREATE INDEX idx_kind_note ON items (kind, note);
CREATE UNIQUE INDEX idx_code ON items (code);
CREATE INDEX idx_kind ON items (kind);
${children}
INSERT INTO items VALUES ('a', ${long(9000)}, ${long(9000)}, 'k'), ('b', 'x', 'y', 'k'), (${long(9000)}, 'x', 'z', 'k');`);
				const plan = await makePlan(wanted(), ports);
				expect(told(plan, 'INDEX_LEFT').map(({ severity, sample, count: records }) => [severity, sample, records])).toEqual([
					['warn', ['idx_code'], 1],
					['warn', ['idx_kind_note'], 1],
					['warn', ['idx_note'], 1],
				]);
				expect(told(plan, 'INDEX_LEFT')[0]?.hint).toContain('CREATE UNIQUE INDEX "idx_code" ON "items" ("code")');
				expect(plan.totals.rejected).toBe(1);
				const events = await run(plan, ports);
				expect(events.at(-1)).toMatchObject({ outcome: 'quarantined', written: 2 });
				expect(setAside(events)).toEqual([[expect.stringMatching(/^[0-9A-F]{9000}$/), 'id', 'TYPE_MISMATCH']]);
				const made = await sql("SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND tablename = 'items' ORDER BY 1");
				expect(made.flat()).toEqual(['idx_items_user_id', 'idx_kind', 'items_pkey']);
			});

			it('an index that the target has already: the records are named as such that it refuses', async () => {
				await sql(`${targetTables('id text PRIMARY KEY, note text')}; CREATE INDEX idx_note ON items (note)`);
				const ports = portsOf(`
CREATE TABLE items (id TEXT PRIMARY KEY, note TEXT); CREATE INDEX idx_note ON items (note); ${children}
INSERT INTO items VALUES ('a', ${long(9000)}), ('b', 'x');`);
				const plan = await makePlan(wanted(), ports);
				expect(told(plan, 'INDEX_LEFT')).toEqual([]);
				expect(told(plan, 'INDEX_REFUSES')).toMatchObject([{ severity: 'warn', sample: ['idx_note'] }]);
				expect((await run(plan, ports)).at(-1)).toMatchObject({ outcome: 'quarantined', written: 1, quarantined: 1 });
			});

			it('values that become one when NUL is stripped: a key or a unique value is never stripped', async () => {
				const ports = portsOf(`
CREATE TABLE items (id TEXT PRIMARY KEY, name TEXT, code TEXT UNIQUE);
${children}
INSERT INTO items VALUES ('ab', 'x', 'p'), ('a' || char(0) || 'b', 'x', 'q'), ('c', 'y' || char(0) || 'z', 'p' || char(0)), ('d', 'y' || char(0) || 'z', 'r');
INSERT INTO analyses VALUES ('n', 'a' || char(0) || 'b'), ('m', 'ab');`);
				const policies = { ...request().policies, onNul: 'strip' as const };
				const plan = await makePlan(wanted({ policies }), ports);
				expect(plan.totals.rejected).toBe(3);
				const events = await run(plan, ports);
				expect(events.at(-1)).toMatchObject({ outcome: 'quarantined', quarantined: 3 });
				expect(setAside(events)).toEqual([
					['a\0b', 'id', 'NUL_CHARACTER'],
					['c', 'code', 'NUL_CHARACTER'],
					['n', 'item_id', expect.stringMatching(/NUL_CHARACTER|ORPHAN_OF_REJECTED/)],
				]);
				expect(await sql('SELECT id, name, code FROM items ORDER BY id')).toEqual([
					['ab', 'x', 'p'],
					['d', 'yz', 'r'],
				]);
			});
		});

		it('tells what this user may do, and needs no right that no step uses', async () => {
			await sql(targetTables(sameTypes));
			const described = await harness.target.describe({ tables: ['items'], collections: [], tenant: { column: 'user_id', value: 'ana' } });
			expect(described.rights).toMatchObject({ ledger: true, tables: true });
			expect(described.tables[0]?.rights).toEqual({ owner: true, insert: true, update: true, delete: true, references: true });
			const before = await dump(harness.driver);
			const plan = await makePlan(wanted({ skipSchemaCreation: true }), portsOf(source));
			expect(isBlocked(plan)).toBe(false);
			expect(plan.steps.filter(isSchemaStep).map((step) => step.what)).toEqual(['analyze', 'analyze', 'analyze']);
			expect(await dump(harness.driver)).toEqual(before);
		});
	});
}
