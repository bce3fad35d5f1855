import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFeed } from '../../services/feed/feed.js';
import type { Driver } from '../../services/postgres/driver.js';
import { BatchWriter } from '../../services/postgres/write-batch.js';
import { Database } from '../../services/sqlite/engine.js';
import type { CheckResult, MigrationEvent } from '../../source/core/events.js';
import { migrate } from '../../source/core/migrate.js';
import { makePlan } from '../../source/core/plan/make-plan.js';
import type { ConflictPolicy, Plan } from '../../source/core/plan/types.js';
import type { Ports, Target, WriteResult } from '../../source/core/ports.js';
import { verifyAgain } from '../../source/core/verify-again.js';
import { migrateOptions, request } from '../fakes/engine.js';
import { memoryHistory } from '../fakes/memory-target.js';
import { itemsStep, makePlan as targetPlan, tenant, textBatch } from './target-data.js';
import type { TargetHarness } from './target-scene.js';

/** The tables that the profile asks for beside items. */
const others = `
CREATE TABLE analyses (id TEXT PRIMARY KEY, item_id TEXT REFERENCES items (id) ON DELETE CASCADE, raw_response TEXT);
CREATE TABLE embeddings (id TEXT PRIMARY KEY, item_id TEXT REFERENCES items (id) ON DELETE CASCADE);`;
const tree = `CREATE TABLE items (id TEXT PRIMARY KEY, filename TEXT, parent_id TEXT REFERENCES items (id)); ${others}`;
const flat = `CREATE TABLE items (id TEXT PRIMARY KEY, filename TEXT); ${others}`;
const numbered = (count: number): string =>
	`INSERT INTO items WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ${count}) SELECT printf('i%04d', x), 'f' || x FROM n;`;

const never = new AbortController().signal;

/** Rows that depend on others: of a table that refers to itself, and of one another by unique keys. The harness is reset before each test. */
export function refusedRowsContract(name: string, open: () => TargetHarness): void {
	describe(`rows that others refuse: ${name}`, () => {
		let target: Target;
		let driver: Driver;
		let folder: string;
		let ports: Ports;
		let history: ReturnType<typeof memoryHistory>;
		const rows = async (text: string): Promise<readonly (string | null)[][]> =>
			(await driver.query(text)).rows.map((row) => Object.values(row));

		beforeEach(async () => {
			({ target, driver } = open());
			await driver.query('DROP SCHEMA IF EXISTS repot CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public');
			folder = await mkdtemp(join(tmpdir(), 'repot-refused-'));
			history = memoryHistory();
		});

		afterEach(async () => {
			await ports?.source.close();
			await rm(folder, { recursive: true, force: true });
		});

		const openSource = async (sql: string): Promise<void> => {
			await ports?.source.close();
			const path = join(folder, 'app.db');
			const database = new Database(path);
			database.exec(sql);
			database.close();
			const source = createFeed({ sqlitePath: path, chromaPath: null, workDir: join(folder, 'snapshots') });
			ports = { source, target, history, embedder: null, clock: { now: () => Date.now() }, operator: 'tester', version: '0.0.0' };
		};
		const wanted = (onConflict: ConflictPolicy, more = {}) =>
			request({ sqlitePath: join(folder, 'app.db'), chromaPath: null, policies: { ...request().policies, onConflict }, ...more });
		const plan = (onConflict: ConflictPolicy, more = {}): Promise<Plan> => makePlan(wanted(onConflict, more), ports);
		const told = (planned: Plan, code: string) =>
			planned.hazards
				.filter((hazard) => hazard.code === code)
				.map(({ severity, step, count, sample }) => [severity, step, count, ...sample]);
		const ended = (events: readonly MigrationEvent[]) => {
			const finished = events.at(-1);
			if (finished?.type !== 'run-finished') throw new Error('no run-finished');
			const failed = events.flatMap((event): CheckResult[] =>
				event.type === 'check-finished' && event.check.result === 'fail' ? [event.check] : [],
			);
			return { outcome: finished.outcome, failed: failed.map((check) => check.name) };
		};
		const run = async (planned: Plan) => {
			const events: MigrationEvent[] = [];
			for await (const event of migrate(planned, migrateOptions(), ports, { stop: never, abort: never })) events.push(event);
			return ended(events);
		};
		const aside = () => history.quarantine.map(({ step, batch, key, code }) => [step, batch, key, code]);

		describe('in a batch', () => {
			const line = (id: string, parent: string | null, size: number | string, made = '\\N'): string =>
				`${id}\t${parent ?? '\\N'}\t${size}\t\\N\t${made}\t${tenant}`;
			const begin = async (more = ''): Promise<void> => {
				await target.ledger.begin({ id: 'r1', plan: targetPlan(), operator: 'tester', version: '0' });
				await driver.query(
					`CREATE TABLE items (id text PRIMARY KEY, parent_id text, size bigint, raw jsonb, made timestamp, user_id text NOT NULL); ${more}`,
				);
			};
			const refusedRows = (result: WriteResult) => result.refused.map(({ row, code, key }) => [row, code, key?.join()]);
			const toItself = 'ALTER TABLE items ADD CONSTRAINT up FOREIGN KEY (parent_id) REFERENCES items (id)';

			it.each([
				['copy', 'fail', ''],
				['copy', 'update', 'DEFERRABLE INITIALLY DEFERRED'],
				['merge', 'skip', ''],
				['merge', 'update', ''],
			] as const)('parts no child from its parent (%s, %s) %s', async (how, policy, deferrable) => {
				await begin(
					`${toItself} ${deferrable}; ALTER TABLE items ADD UNIQUE (size), ADD CHECK (size <> 34); INSERT INTO items VALUES ('there', NULL, -1, NULL, NULL, 'ana')`,
				);
				const lines = Array.from({ length: 40 }, (_, at) => line(`i${at}`, at === 0 ? null : 'i0', at));
				// Before its parent; in a ring; below a row that was there.
				Object.assign(lines, {
					5: line('i5', 'i39', 5),
					10: line('i10', 'i11', 10),
					11: line('i11', 'i10', 11),
					15: line('i15', 'there', 15),
				});
				// An orphan with two rows below it, a bad value, and one that repeats a unique value, with a child.
				Object.assign(lines, { 12: line('i12', 'i13', 12), 13: line('i13', 'i14', 13), 14: line('i14', 'nobody', 14) });
				Object.assign(lines, { 33: line('i33', 'i0', 33, 'some day'), 35: line('i35', 'i0', 7), 36: line('i36', 'i35', 36) });
				const result = await target.writeBatch('r1', itemsStep(how), 0, textBatch(lines), policy);
				expect(refusedRows(result)).toEqual([
					[12, 'ORPHAN', 'i12'],
					[13, 'ORPHAN', 'i13'],
					[14, 'ORPHAN', 'i14'],
					[33, 'BAD_TIMESTAMP', 'i33'],
					[34, 'CHECK_VIOLATED', 'i34'],
					[35, 'UNIQUE_HELD_BY_OTHER', 'i35'],
					[36, 'ORPHAN', 'i36'],
				]);
				expect(result.refused[0]?.reason).toContain('foreign key up');
				expect(result.written).toBe(33);
				expect(await rows('SELECT count(*) FROM items')).toEqual([['34']]);
				expect(await target.writeBatch('r1', itemsStep(how), 0, textBatch(lines), policy)).toEqual(result);
				expect((await target.ledger.find('r1'))?.steps[0]?.refused?.map(({ key }) => key?.[0])).toEqual(
					result.refused.map(({ key }) => key?.[0]),
				);
			});

			it('tries a row again after the later ones where only trying tells, as behind a key over several columns with MATCH FULL', async () => {
				await begin(
					'ALTER TABLE items ADD UNIQUE (id, size), ADD CONSTRAINT up FOREIGN KEY (parent_id, size) REFERENCES items (id, size) MATCH FULL',
				);
				const lines = [line('a', 'c', 1), line('b', null, '\\N'), line('c', 'c', 1), line('d', 'a', '\\N'), line('e', null, '\\N')];
				const result = await target.writeBatch('r1', itemsStep(), 0, textBatch(lines), 'fail');
				expect(refusedRows(result)).toEqual([[3, 'ORPHAN', 'd']]);
				expect(await rows('SELECT id FROM items ORDER BY id')).toEqual([['a'], ['b'], ['c'], ['e']]);
			});

			it('keeps of rows that clash by several keys each one that clashes with none that stays', async () => {
				await begin('CREATE UNIQUE INDEX by_parent ON items (parent_id); CREATE UNIQUE INDEX by_size ON items (size) WHERE size > 0');
				const lines = [line('a', 'p', 1), line('b', 'q', 1), line('c', 'q', 2), line('d', 'q', 3), line('e', null, 0), line('f', null, 0)];
				const result = await target.writeBatch('r1', itemsStep(), 0, textBatch(lines), 'fail');
				expect(refusedRows(result).map(([row]) => row)).toEqual([1, 3]);
				expect(result.refused.map(({ reason }) => /key (\w+)/.exec(reason)?.[1])).toEqual(['by_size', 'by_parent']);
			});

			it('finds a thousand repeated values without trying one by one', async () => {
				await begin('ALTER TABLE items ADD UNIQUE (size)');
				let transactions = 0;
				const counting = new Proxy(driver, {
					get(original, property) {
						const value: unknown = Reflect.get(original, property, original);
						if (property === 'transaction') transactions++;
						return typeof value === 'function' ? value.bind(original) : value;
					},
				});
				const lines = Array.from({ length: 2000 }, (_, at) => line(`i${at}`, null, at >> 1));
				const writer = new BatchWriter(counting, { now: () => 0 });
				const asked = {
					run: 'r1',
					step: itemsStep(),
					sequence: 0,
					batch: textBatch(lines),
					policy: 'fail',
					tenant,
					signal: undefined,
				} as const;
				const result = await writer.write(asked);
				expect(result.written).toBe(1000);
				expect(result.refused.every(({ row }) => row % 2 === 1)).toBe(true);
				expect(transactions).toBe(2);
			});
		});

		describe('a table that refers to itself', () => {
			const existing = 'CREATE TABLE items (id text PRIMARY KEY, filename text UNIQUE, parent_id text, user_id text);';

			it.each([
				['a child after its parent', "('i1', 'f1', NULL), ('i2', 'f2', 'i1'), ('i3', 'f3', NULL)", 'f1'],
				['a child before its parent', "('i1', 'f1', NULL), ('i2', 'f2', 'i5'), ('i5', 'f5', NULL)", 'f5'],
			])('blocks under skip when %s would lose it', async (_, values, held) => {
				await openSource(`${tree} INSERT INTO items VALUES ${values}`);
				await driver.query(`${existing} INSERT INTO items VALUES ('x', '${held}', NULL, 'ben')`);
				const planned = await plan('skip');
				expect(told(planned, 'SELF_REFERENCE_SET_ASIDE')).toEqual([['block', 'items', 1, 'i2']]);
				await expect(run(planned)).rejects.toMatchObject({ kind: 'blocked' });
			});

			it('does not block when nothing stands below what is set aside', async () => {
				await openSource(`${tree} INSERT INTO items VALUES ('i1', 'f1', NULL), ('i2', 'f2', 'i1')`);
				await driver.query(`${existing} INSERT INTO items VALUES ('x', 'f2', NULL, 'ben')`);
				expect(await run(await plan('skip'))).toEqual({ outcome: 'quarantined', failed: [] });
				expect(aside()).toEqual([['items', 0, 'i2', 'UNIQUE_HELD_BY_OTHER']]);
			});

			it.each(['', 'DEFERRABLE INITIALLY DEFERRED'])(
				'blocks when a foreign key that is there would see the parent too late: %s',
				async (how) => {
					await openSource(
						`${tree} INSERT INTO items VALUES ('i1', 'f1', 'i6'), ('i2', 'f2', NULL), ('i3', 'f3', 'i4'), ('i4', 'f4', 'i1'), ('i5', 'f5', 'i5'), ('i6', 'f6', NULL)`,
					);
					await driver.query(
						`CREATE TABLE items (id text PRIMARY KEY, filename text, parent_id text CONSTRAINT up REFERENCES items (id) ${how}, user_id text)`,
					);
					const planned = await plan('fail', { batchSize: 2 });
					expect(told(planned, 'PARENT_WRITTEN_LATER')).toEqual([['block', 'items', 1, 'i1']]);
					expect(planned.hazards.find(({ code }) => code === 'PARENT_WRITTEN_LATER')?.message).toContain('up');
					const whole = await plan('fail', { batchSize: 6 });
					expect(told(whole, 'PARENT_WRITTEN_LATER')).toEqual([]);
					expect(await run(whole)).toEqual({ outcome: 'done', failed: [] });
					// The parents are there now.
					expect(await run(await plan('fail', { batchSize: 2 }))).toMatchObject({ outcome: 'nothing-to-do' });
				},
			);

			it.each(['with keys in the ledger', 'without, as earlier versions left it'])(
				'names the right record when a kill came between commit and quarantine line, %s',
				async (ledger) => {
					await openSource(
						`${tree} INSERT INTO items VALUES ('i1', 'f1', NULL), ('i2', 'f2', NULL), ('i3', 'f3', 'i1'), ('i4', 'f4', NULL), ('i5', 'f5', NULL), ('i6', 'f6', 'i4')`,
					);
					await driver.query(`CREATE TABLE items (id text PRIMARY KEY, filename text CHECK (filename NOT IN ('f1', 'f4')), parent_id text, user_id text);
						CREATE TABLE analyses (id text PRIMARY KEY, item_id text, raw_response jsonb, user_id text); CREATE TABLE embeddings (id text PRIMARY KEY, item_id text, user_id text)`);
					const asked = { batchSize: 2, skipSchemaCreation: true };
					const opened = history.open.bind(history);
					let dies = true;
					const dying: typeof history.open = async (...which) => {
						const run = await opened(...which);
						const { append } = run.quarantine;
						run.quarantine.append = async (entries) => {
							if (dies && entries.some(({ batch }) => batch === 1)) throw new Error('killed');
							return append(entries);
						};
						return run;
					};
					ports = { ...ports, history: { ...history, open: dying } };
					expect(await run(await plan('fail', asked))).toMatchObject({ outcome: 'failed' });
					dies = false;
					if (ledger.startsWith('without'))
						await driver.query(
							"UPDATE repot.batch b SET refused = (SELECT jsonb_agg(r - 'key') FROM jsonb_array_elements(b.refused) r) WHERE refused <> '[]'",
						);
					const again = await plan('fail', asked);
					expect(again.resumes).toBeDefined();
					expect(await run(again)).toEqual({ outcome: 'quarantined', failed: [] });
					expect(aside()).toEqual([
						['items', 0, 'i1', 'CHECK_VIOLATED'],
						['items', 1, 'i4', 'CHECK_VIOLATED'],
					]);
					// What a run that nothing interrupted writes, also of the children of what was set aside.
					expect(await rows('SELECT id FROM items ORDER BY id')).toEqual([['i2'], ['i3'], ['i5'], ['i6']]);
				},
			);
		});

		describe('unique keys that need more than was sent', () => {
			const later =
				"CREATE TABLE items (id text PRIMARY KEY, filename text, user_id text, deleted_at timestamp, state text DEFAULT 'live', nr bigint GENERATED ALWAYS AS IDENTITY);";

			it.each([
				['(filename) WHERE deleted_at IS NULL', "'x', 'f1', 'ben', NULL, 'live'), ('y', 'f2', 'ben', now(), 'live'", 'i0001'],
				['(filename, state)', "'x', 'f1', 'ben', NULL, 'gone'), ('y', 'f2', 'ben', NULL, 'live'", 'i0002'],
				["(lower(filename)) WHERE state <> 'gone'", "'x', 'F1', 'ben', NULL, 'gone'), ('y', 'F2', 'ben', NULL, 'live'", 'i0002'],
			])('takes for a column that is not sent what the server takes: %s', async (key, values, clashing) => {
				await openSource(flat + numbered(3));
				await driver.query(
					`${later} CREATE UNIQUE INDEX one ON items ${key}; INSERT INTO items (id, filename, user_id, deleted_at, state) VALUES (${values})`,
				);
				expect(told(await plan('fail'), 'UNIQUE_CONFLICT')).toEqual([['block', 'items', 1, clashing]]);
				const planned = await plan('skip');
				expect(told(planned, 'UNIQUE_CONFLICT_SET_ASIDE')).toEqual([['warn', 'items', 1, clashing]]);
				expect(await run(planned)).toEqual({ outcome: 'quarantined', failed: [] });
				expect(aside()).toEqual([['items', 0, clashing, 'UNIQUE_HELD_BY_OTHER']]);
			});

			it('names a key that the server computes', async () => {
				await openSource(flat + numbered(3));
				await driver.query(`${later} CREATE UNIQUE INDEX by_number ON items (filename, nr); CREATE UNIQUE INDEX with_id ON items (id, nr)`);
				expect(told(await plan('fail'), 'TARGET_UNIQUE_UNSEEN')).toEqual([['warn', 'items', 1, 'by_number']]);
			});

			it('compares by the collation of the index', async () => {
				await openSource(flat + numbered(3));
				await driver.query("CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)");
				// Where ICU has no data, as in the embedded server, no case is ignored.
				const ignoresCase = (await rows(`SELECT 'f2' = 'F2' COLLATE ci`))[0]?.[0] === 't';
				await driver.query(
					`${later} CREATE UNIQUE INDEX one ON items (filename COLLATE ci); INSERT INTO items VALUES ('x', 'F2', 'ben'), ('y', 'f3', 'ben')`,
				);
				const expected = ignoresCase ? ['i0002', 'i0003'] : ['i0003'];
				expect(told(await plan('fail'), 'UNIQUE_CONFLICT')).toEqual([['block', 'items', expected.length, ...expected]]);
			});

			it('reads the table once for an index that is not there yet, however many records there are', async () => {
				await openSource(`${flat + numbered(1300)} CREATE UNIQUE INDEX one_file ON items (filename)`);
				await driver.query(
					"CREATE TABLE items (id text PRIMARY KEY, filename text, user_id text); INSERT INTO items VALUES ('x', 'f2', 'ben'), ('y', 'f1200', 'ben')",
				);
				let asked = 0;
				const plannedClashes: Target['plannedClashes'] = (...question) => {
					asked++;
					return target.plannedClashes(...question);
				};
				ports = { ...ports, target: { ...target, plannedClashes } };
				expect(told(await plan('fail'), 'UNIQUE_INDEX_IMPOSSIBLE')).toEqual([['block', 'items', 2, 'i0002', 'i1200']]);
				expect(asked).toBe(1);
			});
		});

		it('excuses later, without a run to judge, no row that a run wrote and somebody changed', async () => {
			await openSource(`${flat + numbered(4)}`);
			await driver.query(
				"CREATE TABLE items (id text PRIMARY KEY, filename text, user_id text); INSERT INTO items VALUES ('i0004', 'kept', 'ana')",
			);
			expect(await run(await plan('skip'))).toEqual({ outcome: 'done', failed: [] });
			await openSource('CREATE TABLE moved (on_ TEXT)');
			const again = async () => {
				const events: MigrationEvent[] = [];
				for await (const event of verifyAgain(wanted('skip'), null, ports, never)) events.push(event);
				return ended(events).failed;
			};
			expect(await again()).toEqual([]);
			await driver.query("UPDATE items SET filename = 'spoiled' WHERE id = 'i0002'");
			expect(await again()).toEqual(['fields']);
		});
	});
}
