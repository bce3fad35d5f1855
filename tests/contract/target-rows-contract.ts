import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFeed } from '../../services/feed/feed.js';
import type { Driver } from '../../services/postgres/driver.js';
import { Database } from '../../services/sqlite/engine.js';
import type { MigrationEvent } from '../../source/core/events.js';
import { migrate } from '../../source/core/migrate.js';
import { makePlan } from '../../source/core/plan/make-plan.js';
import { type ConflictPolicy, isBlocked, isSchemaStep, type Plan } from '../../source/core/plan/types.js';
import type { ObjectToMake, Ports, Target } from '../../source/core/ports.js';
import { migrateOptions, request } from '../fakes/engine.js';
import { memoryHistory } from '../fakes/memory-target.js';
import { dump, type TargetHarness } from './target-scene.js';

const never = new AbortController().signal;

const sourceTables = (items: string) => `
CREATE TABLE items (${items});
CREATE TABLE analyses (id TEXT PRIMARY KEY, item_id TEXT REFERENCES items (id) ON DELETE CASCADE);
CREATE TABLE embeddings (id TEXT PRIMARY KEY, item_id TEXT REFERENCES items (id) ON DELETE CASCADE);`;

const items = 'id TEXT PRIMARY KEY, filename TEXT UNIQUE';
const two = "INSERT INTO items VALUES ('i1', 'f1'), ('i2', 'f2');";
const targetItems = 'CREATE TABLE items (id text PRIMARY KEY, filename text, user_id text);';
const targetAnalyses = 'CREATE TABLE analyses (id text PRIMARY KEY, item_id text, user_id text);';

/** What the rows that a target has already do to the keys, indexes and foreign keys that a run would make on them. */
export function targetRowsContract(name: string, open: () => TargetHarness): void {
	describe(`rows that are there already: ${name}`, () => {
		let target: Target;
		let driver: Driver;
		let folder: string;
		let ports: Ports;

		beforeEach(async () => {
			({ target, driver } = open());
			await driver.query('DROP SCHEMA IF EXISTS repot CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public');
			folder = await mkdtemp(join(tmpdir(), 'repot-rows-'));
		});

		afterEach(async () => {
			await ports?.source.close();
			await rm(folder, { recursive: true, force: true });
		});

		const openSource = (sql: string): void => {
			const sqlitePath = join(folder, 'app.db');
			const database = new Database(sqlitePath);
			database.exec(sql);
			database.close();
			ports = {
				source: createFeed({ sqlitePath, chromaPath: null, workDir: join(folder, 'snapshots') }),
				target,
				history: memoryHistory(),
				embedder: null,
				clock: { now: () => Date.now() },
				operator: 'tester',
				version: '0.0.0',
			};
		};
		const plan = (onConflict: ConflictPolicy = 'fail', more = {}): Promise<Plan> =>
			makePlan(request({ chromaPath: null, policies: { ...request().policies, onConflict }, ...more }), ports);
		const told = (planned: Plan, code: string) => planned.hazards.filter((hazard) => hazard.code === code);
		const run = async (planned: Plan) => {
			const events: MigrationEvent[] = [];
			for await (const event of migrate(planned, migrateOptions(), ports, { stop: never, abort: never })) events.push(event);
			const end = events.at(-1);
			if (end?.type !== 'run-finished') throw new Error('the run did not finish');
			return end;
		};
		const rows = async (sql: string): Promise<(string | null)[][]> => (await driver.query(sql)).rows.map((row) => Object.values(row));

		describe('asked by the target', () => {
			const unique: ObjectToMake = { step: 's', what: 'unique', table: 't', columns: ['a', 'b'] };

			it('counts duplicates, NULLs, orphans and the longest entry, with the statements that show them', async () => {
				await driver.query(`CREATE TABLE p (x text, y bigint); INSERT INTO p VALUES ('k', 1);
					CREATE TABLE t (a text, b bigint, count text);
					INSERT INTO t SELECT 'dup' || nth, 1, 'x' FROM generate_series(1, 7) nth, generate_series(1, 2);
					INSERT INTO t VALUES ('k', 1, 'c'), (NULL, 1, 'd'), (NULL, 1, 'd'), ('once', NULL, 'e')`);
				const before = await dump(driver);
				const found = await target.objections([
					unique,
					{ ...unique, step: 'one', columns: ['count'] },
					{ ...unique, step: 'pk', what: 'primary-key' },
					{ ...unique, step: 'fk', what: 'foreign-key', parent: { table: 'p', columns: ['x', 'y'] } },
					{ ...unique, step: 'none yet', what: 'foreign-key', parent: { table: 'missing', columns: ['x', 'y'] } },
					{ ...unique, step: 'no table', table: 'missing' },
					{ ...unique, step: 'no column', columns: ['c'] },
				]);
				expect(found.map(({ step, why, count, values }) => [step, why, count, values.length])).toEqual([
					['s', 'duplicates', 7, 5],
					['s', 'entry', expect.any(Number), 0],
					['one', 'duplicates', 2, 2],
					['one', 'entry', expect.any(Number), 0],
					['pk', 'nulls', 3, 0],
					['pk', 'duplicates', 7, 5],
					['fk', 'orphans', 7, 7],
					['none yet', 'orphans', 8, 8],
				]);
				expect(found[0]?.values[0]).toEqual(['dup1', '1']);
				for (const { sql, why, count } of found) expect(await rows(sql)).toHaveLength(why === 'entry' ? 5 : count);
				expect(await dump(driver)).toEqual(before);
			});

			it('has nothing to say of rows that allow everything', async () => {
				await driver.query('CREATE TABLE t (a bigint, b bigint); INSERT INTO t VALUES (1, 1), (1, 2), (NULL, 1), (NULL, 1)');
				expect(await target.objections([unique, { ...unique, what: 'index' }])).toEqual([]);
			});
		});

		describe('in the plan', () => {
			it('block a unique index whose value several of them share, whatever the policy, and name the value and the harmless ways', async () => {
				openSource(sourceTables(items) + two);
				await driver.query(
					`${targetItems} INSERT INTO items VALUES ('o1', 'notes.pdf', 'bo'), ('o2', 'notes.pdf', 'cy'), ('o3', NULL, 'bo'), ('o4', NULL, 'bo')`,
				);
				const before = await dump(driver);
				for (const policy of ['fail', 'skip', 'update'] as const) {
					const [hazard] = told(await plan(policy), 'TARGET_NOT_UNIQUE');
					expect(hazard).toMatchObject({ severity: 'block', step: 'items', column: 'filename', count: 1, sample: ['notes.pdf'] });
					expect(hazard?.message).toContain('items_filename_key');
					expect(hazard?.hint).toMatch(/^Leave the index out with --skip-schema-creation.*"user_id", "filename"\).*GROUP BY "filename"/);
				}
				expect(await dump(driver)).toEqual(before);
				const without = await plan('fail', { skipSchemaCreation: true });
				expect(told(without, 'TARGET_NOT_UNIQUE')).toEqual([]);
			});

			it('let the index be made for each user instead, by the statement in the hint', async () => {
				openSource(sourceTables(items) + two);
				await driver.query(
					`${targetItems} INSERT INTO items VALUES ('o1', 'notes.pdf', 'bo'), ('o2', 'notes.pdf', 'cy'), ('o3', 'f1', 'cy')`,
				);
				const hint = told(await plan(), 'TARGET_NOT_UNIQUE')[0]?.hint ?? '';
				await driver.query(/CREATE UNIQUE INDEX .*?;/.exec(hint)?.[0] ?? 'no statement');
				const planned = await plan();
				expect(isBlocked(planned)).toBe(false);
				expect(await run(planned)).toMatchObject({ outcome: 'done', written: 2 });
			});

			it('say whose row keeps a unique index from being made, and never ask for rows of others to be changed', async () => {
				openSource(sourceTables(items) + two);
				await driver.query(`${targetItems} INSERT INTO items VALUES ('o1', 'f1', 'bo')`);
				const [theirs] = told(await plan(), 'UNIQUE_INDEX_IMPOSSIBLE');
				expect(theirs?.message).toContain('of another user');
				expect(theirs?.hint).toMatch(
					/^Leave the index out with --skip-schema-creation.*CREATE UNIQUE INDEX "items_filename_key" ON "items" \("user_id", "filename"\);/,
				);
				expect(theirs?.hint).not.toMatch(/(change|remove) those rows/i);
				await driver.query("UPDATE items SET user_id = 'ana'");
				const [own] = told(await plan(), 'UNIQUE_INDEX_IMPOSSIBLE');
				expect(own?.message).toContain('of this user');
				expect(own?.hint).toContain('change those rows of items');
				await driver.query("UPDATE items SET user_id = NULL; INSERT INTO items VALUES ('o2', 'f2', 'bo')");
				expect(told(await plan(), 'UNIQUE_INDEX_IMPOSSIBLE')[0]?.message).toContain('(1 of other users, 1 of nobody)');
				// A value that several rows hold is counted once, as another user's when one of them is.
				await driver.query(
					"DELETE FROM items; INSERT INTO items VALUES ('o1', 'f1', 'ana'), ('o2', 'f1', 'bo'), ('o3', 'f1', 'ana'), ('o4', 'f1', NULL)",
				);
				const [several] = told(await plan(), 'UNIQUE_INDEX_IMPOSSIBLE');
				expect(several).toMatchObject({ count: 1, message: expect.stringContaining('of another user') });
			});

			it('say whose row holds a value of a unique key that is there', async () => {
				openSource(sourceTables(items) + two);
				await driver.query(
					`${targetItems} CREATE UNIQUE INDEX items_filename_key ON items (filename); INSERT INTO items VALUES ('o1', 'f1', 'bo')`,
				);
				const [hazard] = told(await plan(), 'UNIQUE_CONFLICT');
				expect(hazard?.message).toContain('of another user');
				expect(hazard?.hint).not.toContain('rows of the target');
			});

			it('block a foreign key that none of their parents comes for, and not one whose parents the run brings', async () => {
				openSource(sourceTables(items) + two);
				await driver.query(`${targetItems} ${targetAnalyses}
					INSERT INTO items VALUES ('there', 'x', 'bo');
					INSERT INTO analyses VALUES ('a1', 'i1', 'bo'), ('a2', 'there', 'bo'), ('a3', NULL, 'bo')`);
				const fine = await plan();
				expect(fine.hazards.filter(({ severity }) => severity !== 'info')).toEqual([]);
				await driver.query("INSERT INTO analyses VALUES ('a4', 'gone', 'bo'), ('a5', 'gone', 'cy')");
				const [hazard] = told(await plan(), 'TARGET_ORPHANS');
				expect(hazard).toMatchObject({ severity: 'block', step: 'analyses', column: 'item_id', count: 1, sample: ['gone'] });
				expect(hazard?.message).toContain('analyses_item_id_fkey');
				expect(hazard?.hint).toContain('NOT EXISTS (SELECT 1 FROM "items" p');
				await driver.query("DELETE FROM analyses WHERE item_id = 'gone'");
				expect(await run(await plan())).toMatchObject({ outcome: 'done' });
			});

			it('do so where the parent table is still to be made, and take numbers by their value', async () => {
				openSource(`CREATE TABLE items (id NUMERIC PRIMARY KEY);
					CREATE TABLE analyses (id TEXT PRIMARY KEY, item_id NUMERIC REFERENCES items (id));
					CREATE TABLE embeddings (id TEXT PRIMARY KEY, item_id NUMERIC REFERENCES items (id));
					INSERT INTO items VALUES (1.5), (20)`);
				await driver.query(`CREATE TABLE analyses (id text PRIMARY KEY, item_id numeric, user_id text);
					INSERT INTO analyses VALUES ('a1', 1.50, 'bo'), ('a2', 20.0, 'bo')`);
				const planned = await plan();
				expect(told(planned, 'TARGET_ORPHANS')).toEqual([]);
				expect(await run(planned)).toMatchObject({ outcome: 'done' });
				await driver.query('DROP SCHEMA repot CASCADE; DROP TABLE items, embeddings CASCADE; UPDATE analyses SET item_id = 2');
				expect(told(await plan(), 'TARGET_ORPHANS')).toMatchObject([{ severity: 'block', sample: ['2'] }]);
			});

			it('only warn where the run may overwrite the very rows', async () => {
				openSource(`${sourceTables(items)}${two} INSERT INTO analyses VALUES ('a1', 'i1')`);
				await driver.query(`${targetItems} ${targetAnalyses} INSERT INTO analyses VALUES ('a1', 'gone', 'ana')`);
				expect(told(await plan('fail'), 'TARGET_ORPHANS')).toMatchObject([{ severity: 'block' }]);
				const planned = await plan('update');
				expect(told(planned, 'TARGET_ORPHANS')).toMatchObject([{ severity: 'warn' }]);
				expect(await run(planned)).toMatchObject({ outcome: 'done' });
			});

			const long = "(SELECT string_agg(md5(nth::text), '') FROM generate_series(1, 300) nth)";

			it('leave out an index that has no room for one of them, and a foreign key that needs it', async () => {
				openSource(`CREATE TABLE items (id TEXT PRIMARY KEY, filename TEXT UNIQUE, kind TEXT);
					CREATE INDEX by_kind ON items (kind);
					CREATE TABLE analyses (id TEXT PRIMARY KEY, item_id TEXT, file TEXT REFERENCES items (filename));
					CREATE TABLE embeddings (id TEXT PRIMARY KEY, item_id TEXT REFERENCES items (id));
					INSERT INTO items VALUES ('i1', 'f1', 'k'); INSERT INTO analyses VALUES ('a1', 'i1', 'f1')`);
				await driver.query(`CREATE TABLE items (id text PRIMARY KEY, filename text, kind text, user_id text);
					INSERT INTO items VALUES ('o1', ${long}, ${long}, 'bo')`);
				const planned = await plan();
				expect(isBlocked(planned)).toBe(false);
				expect(told(planned, 'INDEX_LEFT').map(({ severity, sample }) => [severity, ...sample])).toEqual([
					['warn', 'by_kind'],
					['warn', 'items_filename_key'],
				]);
				expect(told(planned, 'FOREIGN_KEY_LEFT')).toMatchObject([{ severity: 'warn', step: 'analyses', column: 'file' }]);
				expect(await run(planned)).toMatchObject({ outcome: 'done', written: 2 });
			});

			it('leave an index in that has room for them once they are compressed', async () => {
				openSource(
					`${sourceTables('id TEXT PRIMARY KEY, filename TEXT')} CREATE INDEX by_file ON items (filename); INSERT INTO items VALUES ('i1', 'f1');`,
				);
				await driver.query(`${targetItems} INSERT INTO items VALUES ('o1', repeat('same', 2500), 'bo')`);
				const planned = await plan();
				expect(told(planned, 'INDEX_LEFT')).toEqual([]);
				expect(await run(planned)).toMatchObject({ outcome: 'done' });
			});

			it('are not read for a table that does not fit, nor where nothing is missing', async () => {
				openSource(sourceTables(items) + two);
				await driver.query(`CREATE TABLE items (id integer PRIMARY KEY, filename text, user_id text); ${targetAnalyses}
					INSERT INTO items VALUES (1, 'x', 'bo'), (2, 'x', 'bo'); INSERT INTO analyses VALUES ('a1', '9', 'bo')`);
				expect(told(await plan(), 'TABLE_DOES_NOT_FIT')).toHaveLength(1);
				await driver.query(`DROP TABLE items, analyses; ${targetItems} CREATE UNIQUE INDEX other_name ON items (filename);
					CREATE INDEX idx_items_user_id ON items (user_id); INSERT INTO items VALUES ('o1', 'x', 'bo')`);
				const asked: ObjectToMake[] = [];
				const objections = async (objects: readonly ObjectToMake[]) => {
					asked.push(...objects);
					return [];
				};
				ports = { ...ports, target: { ...target, objections } };
				await plan();
				expect(asked).toEqual([]);
			});
		});

		describe('when they come after the plan', () => {
			it.each([
				[
					'TARGET_NOT_UNIQUE',
					"INSERT INTO items VALUES ('o1', 'x', 'bo'), ('o2', 'x', 'cy')",
					"DELETE FROM items WHERE id = 'o2'",
					'HAVING count(*) > 1',
				],
				['TARGET_ORPHANS', "INSERT INTO analyses VALUES ('a9', 'gone', 'bo')", "DELETE FROM analyses WHERE id = 'a9'", 'NOT EXISTS'],
				[
					'INDEX_ENTRY_TOO_LONG',
					"INSERT INTO items SELECT 'o1', string_agg(md5(nth::text), ''), 'bo' FROM generate_series(1, 300) nth",
					// Not by deleting the row: an index is made over deleted rows too while any older transaction of the server runs.
					'CREATE INDEX items_filename_key ON items (md5(filename))',
					'pg_column_size',
				],
			])('%s: says what to look at, and the same command goes on once it is mended', async (code, change, mend, look) => {
				openSource(sourceTables(items) + two);
				await driver.query(`${targetItems} ${targetAnalyses} INSERT INTO items VALUES ('o', 'y', 'bo')`);
				const planned = await plan();
				await driver.query(change);
				const failed = await run(planned);
				expect(failed).toMatchObject({ outcome: 'failed', error: { code } });
				expect(failed.error?.next?.[0]).toContain(look);
				expect(failed.error?.next?.at(-1)).toContain('run the same command again');
				const statement = /: (SELECT .*;)$/.exec(failed.error?.next?.[0] ?? '')?.[1];
				expect((await rows(statement ?? '')).length).toBeGreaterThan(0);
				await driver.query(mend);
				const again = await plan();
				expect(again.resumes).toBeDefined();
				expect(await run(again)).toMatchObject({ outcome: 'done' });
				const missing = again.steps.filter(isSchemaStep).filter(({ needed, what }) => needed && what === 'index');
				expect(missing.length).toBeGreaterThan(0);
				expect(await rows("SELECT count(*) FROM items WHERE user_id = 'ana'")).toEqual([['2']]);
			});
		});
	});
}
