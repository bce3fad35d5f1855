import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFeed } from '../../services/feed/feed.js';
import type { Driver } from '../../services/postgres/driver.js';
import { Database } from '../../services/sqlite/engine.js';
import type { CheckResult, MigrationEvent } from '../../source/core/events.js';
import { migrate } from '../../source/core/migrate.js';
import { makePlan } from '../../source/core/plan/make-plan.js';
import { type ConflictPolicy, type CopyStep, isCopyStep, type Plan } from '../../source/core/plan/types.js';
import type { Ports, SourceBatch, Target, WriteResult } from '../../source/core/ports.js';
import { verifyAgain } from '../../source/core/verify-again.js';
import { migrateOptions, request } from '../fakes/engine.js';
import { memoryHistory } from '../fakes/memory-target.js';
import { itemsStep, makePlan as targetPlan, tenant, textBatch } from './target-data.js';
import { dump, type TargetHarness } from './target-scene.js';

/** Items i1 .. i4 with files f1 .. f4, and an analysis of each. */
const sourceSql = `
CREATE TABLE items (id TEXT PRIMARY KEY, filename TEXT, size INTEGER);
CREATE TABLE analyses (id TEXT PRIMARY KEY, item_id TEXT REFERENCES items (id) ON DELETE CASCADE, raw_response TEXT);
CREATE TABLE embeddings (id TEXT PRIMARY KEY, item_id TEXT REFERENCES items (id) ON DELETE CASCADE);
INSERT INTO items VALUES ('i1', 'f1', 1), ('i2', 'f2', 2), ('i3', 'f3', 3), ('i4', NULL, 4);
INSERT INTO analyses SELECT 'a' || id, id, '{}' FROM items;
`;

const targetItems = 'CREATE TABLE items (id text PRIMARY KEY, filename text, size bigint, user_id text);';

const never = new AbortController().signal;

type LastEvent = Extract<MigrationEvent, { type: 'run-finished' }>;

/** What one whole run showed. */
interface Outcome {
	readonly finished: LastEvent;
	readonly failed: readonly CheckResult[];
	readonly events: readonly MigrationEvent[];
	readonly quarantine: readonly (readonly [string, string, string])[];
}

/** Keys other than the primary key, and what a verification may excuse. The harness is reset before each test. */
export function uniqueKeysContract(name: string, open: () => TargetHarness): void {
	describe(`unique keys: ${name}`, () => {
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
			folder = await mkdtemp(join(tmpdir(), 'repot-unique-'));
		});

		afterEach(async () => {
			await ports?.source.close();
			await rm(folder, { recursive: true, force: true });
		});

		/** Makes the source and its plan ports. `more` changes the source before it is read. */
		const openSource = (more = ''): void => {
			const path = join(folder, 'app.db');
			const database = new Database(path);
			database.exec(sourceSql + more);
			database.close();
			history = memoryHistory();
			ports = {
				source: createFeed({ sqlitePath: path, chromaPath: null, workDir: join(folder, 'snapshots') }),
				target,
				history,
				embedder: null,
				clock: { now: () => Date.now() },
				operator: 'tester',
				version: '0.0.0',
			};
		};
		const wanted = (onConflict: ConflictPolicy, more = {}) =>
			request({ sqlitePath: join(folder, 'app.db'), chromaPath: null, policies: { ...request().policies, onConflict }, ...more });
		const plan = (onConflict: ConflictPolicy, more = {}): Promise<Plan> => makePlan(wanted(onConflict, more), ports);
		const told = (planned: Plan, code: string) =>
			planned.hazards
				.filter((hazard) => hazard.code === code)
				.map(({ severity, step, count, sample }) => [severity, step, count, ...sample]);
		const run = async (planned: Plan, during: (event: MigrationEvent) => Promise<unknown> = async () => {}): Promise<Outcome> => {
			const events: MigrationEvent[] = [];
			for await (const event of migrate(planned, migrateOptions(), ports, { stop: never, abort: never })) {
				events.push(event);
				await during(event);
			}
			return outcomeOf(events);
		};
		const verifyOnce = async (onConflict: ConflictPolicy): Promise<Outcome> => {
			const events: MigrationEvent[] = [];
			for await (const event of verifyAgain(wanted(onConflict), null, ports, never)) events.push(event);
			return outcomeOf(events);
		};
		const outcomeOf = (events: readonly MigrationEvent[]): Outcome => {
			const finished = events.at(-1);
			if (finished?.type !== 'run-finished') throw new Error('no run-finished');
			const checks = events.flatMap((event) => (event.type === 'check-finished' ? [event.check] : []));
			return {
				finished,
				events,
				failed: checks.filter((check) => check.result === 'fail'),
				quarantine: history.quarantine.map(({ step, key, code }) => [step, key, code] as const),
			};
		};
		const names = (outcome: Outcome): string[] => outcome.failed.map((check) => check.name);

		describe('in the plan', () => {
			it.each(['fail', 'update'] as const)('blocks under %s, names the key and the records, and writes nothing', async (policy) => {
				openSource();
				await driver.query(`${targetItems} CREATE UNIQUE INDEX one_file ON items (filename);
					INSERT INTO items VALUES ('x', 'f2', 9, 'ben'), ('y', 'f3', 9, 'ana'), ('z', NULL, 9, 'ben'), ('w', 'f9', 9, 'ben')`);
				const before = await dump(driver);
				const planned = await plan(policy);
				expect(told(planned, 'UNIQUE_CONFLICT')).toEqual([['block', 'items', 2, 'i2', 'i3']]);
				const hazard = planned.hazards.find(({ code }) => code === 'UNIQUE_CONFLICT');
				expect(hazard?.message).toContain('one_file (filename)');
				expect(hazard?.hint).toContain('--on-conflict skip');
				await expect(run(planned)).rejects.toMatchObject({ kind: 'blocked', exitCode: 3 });
				expect(await dump(driver)).toEqual(before);
			});

			it('finds a clash that only overwriting brings about', async () => {
				openSource();
				await driver.query(`${targetItems} ALTER TABLE items ADD CONSTRAINT one_file UNIQUE (filename);
					INSERT INTO items VALUES ('i1', 'old', 1, 'ana'), ('y', 'f1', 9, 'ana')`);
				expect(told(await plan('update'), 'UNIQUE_CONFLICT')).toEqual([['block', 'items', 1, 'i1']]);
				// Left as it is, the row claims nothing.
				expect(told(await plan('skip'), 'UNIQUE_CONFLICT_SET_ASIDE')).toEqual([]);
			});

			it('asks every kind of unique key, and none that a row cannot clash on', async () => {
				openSource("UPDATE items SET filename = upper(filename) WHERE id = 'i3'");
				await driver.query(`${targetItems}
					CREATE UNIQUE INDEX without_case ON items (lower(filename));
					CREATE UNIQUE INDEX large ON items (size) WHERE size > 1;
					CREATE UNIQUE INDEX with_key ON items (id, filename);
					CREATE UNIQUE INDEX own_file ON items (user_id, filename) INCLUDE (size);
					INSERT INTO items VALUES ('x', 'f3', 1, 'ben'), ('y', 'f1', 4, 'ana'), ('i2', 'f2', 2000000000000, 'ana')`);
				const planned = await plan('fail');
				const found = planned.hazards.filter(({ code }) => code === 'UNIQUE_CONFLICT');
				expect(found.map(({ message, sample }) => [/key (\w+)/.exec(message)?.[1], ...sample]).toSorted()).toEqual([
					['large', 'i4'],
					['own_file', 'i1'],
					['without_case', 'i1', 'i3'],
				]);
			});

			it('is not stopped by an index expression that fails on a value: such a record is set aside when it is written', async () => {
				openSource("UPDATE items SET filename = 'none' WHERE id = 'i3'");
				await driver.query(`${targetItems} CREATE UNIQUE INDEX by_number ON items ((substr(filename, 2)::integer));
					INSERT INTO items VALUES ('x', 'f2', 9, 'ben')`);
				const planned = await plan('fail');
				expect(planned.hazards.filter(({ severity }) => severity === 'block')).toEqual([]);
				expect((await run(planned)).quarantine.slice(0, 2)).toEqual([
					['items', 'i2', 'UNIQUE_HELD_BY_OTHER'],
					['items', 'i3', 'SERVER_22P02'],
				]);
			});

			it('takes two NULLs for equal only where the key does', async () => {
				openSource();
				await driver.query(
					`${targetItems} CREATE UNIQUE INDEX one_file ON items (filename); INSERT INTO items VALUES ('x', NULL, 9, 'ben')`,
				);
				expect(told(await plan('fail'), 'UNIQUE_CONFLICT')).toEqual([]);
				const { rows: versions } = await driver.query("SELECT current_setting('server_version_num')::int >= 150000 AS may");
				if (versions[0]?.may !== 't') return;
				await driver.query('DROP INDEX one_file; CREATE UNIQUE INDEX one_file ON items (filename) NULLS NOT DISTINCT');
				expect(told(await plan('fail'), 'UNIQUE_CONFLICT')).toEqual([['block', 'items', 1, 'i4']]);
			});

			it('blocks when rows of the target would keep a unique index of the source from being made', async () => {
				openSource('CREATE UNIQUE INDEX one_file ON items (filename)');
				await driver.query(`${targetItems} INSERT INTO items VALUES ('x', 'f2', 9, 'ben')`);
				for (const policy of ['fail', 'skip', 'update'] as const)
					expect(told(await plan(policy), 'UNIQUE_INDEX_IMPOSSIBLE')).toEqual([['block', 'items', 1, 'i2']]);
				expect(told(await plan('fail', { skipSchemaCreation: true }), 'UNIQUE_INDEX_IMPOSSIBLE')).toEqual([]);
			});

			it('tells of a unique key that the source does not promise', async () => {
				openSource('CREATE UNIQUE INDEX sizes ON items (size)');
				await driver.query(`${targetItems} CREATE UNIQUE INDEX a ON items (filename); CREATE UNIQUE INDEX b ON items (size, filename)`);
				const planned = await plan('fail');
				expect(planned.hazards.filter(({ code }) => code === 'TARGET_UNIQUE').map(({ severity, column }) => [severity, column])).toEqual([
					['warn', 'filename'],
				]);
			});
		});

		describe('under skip', () => {
			const clashing = `${targetItems} CREATE UNIQUE INDEX one_file ON items (filename);
				INSERT INTO items VALUES ('x', 'f2', 9, 'ben'), ('y', 'f3', 9, 'ana')`;

			it('sets the records aside with what refers to them, passes every check, and has nothing left to do', async () => {
				openSource();
				await driver.query(clashing);
				const planned = await plan('skip');
				expect(told(planned, 'UNIQUE_CONFLICT_SET_ASIDE')).toEqual([['warn', 'items', 2, 'i2', 'i3']]);
				expect(planned.steps.filter(isCopyStep)[0]).toMatchObject({ rejected: 2, write: 'merge', state: { clashing: 2 } });
				expect(told(planned, 'ORPHAN_OF_REJECTED')).toEqual([['warn', 'analyses', 2, 'ai2', 'ai3']]);
				expect(planned.totals).toMatchObject({ records: 8, rejected: 4 });
				const outcome = await run(planned);
				expect(outcome.failed).toEqual([]);
				expect(outcome.finished).toMatchObject({ outcome: 'quarantined', written: 4, quarantined: 4 });
				expect(outcome.quarantine).toEqual([
					['items', 'i2', 'UNIQUE_HELD_BY_OTHER'],
					['items', 'i3', 'UNIQUE_HELD_BY_OTHER'],
					['analyses', 'ai2', 'ORPHAN_OF_REJECTED'],
					['analyses', 'ai3', 'ORPHAN_OF_REJECTED'],
				]);
				expect(history.quarantine[0]?.reason).toContain('one_file (filename)');
				expect(await rows('SELECT id, filename FROM items ORDER BY id')).toEqual([
					['i1', 'f1'],
					['i4', null],
					['x', 'f2'],
					['y', 'f3'],
				]);
				const before = await dump(driver);
				for (const again of [planned, await plan('skip')]) expect((await run(again)).finished.outcome).toBe('nothing-to-do');
				expect(await dump(driver)).toEqual(before);
			});

			it('holds to --max-quarantined before anything is written', async () => {
				openSource();
				await driver.query(clashing);
				const planned = await plan('skip', { policies: { ...request().policies, onConflict: 'skip', maxQuarantined: 1 } });
				expect(told(planned, 'TOO_MANY_QUARANTINED')).toEqual([['block', null, 4]]);
			});
		});

		describe('in a batch', () => {
			const line = (id: string, size: number | string, user = tenant): string => `${id}\t\\N\t${size}\t\\N\t\\N\t${user}`;
			const begin = async (unique: string, held: readonly string[] = []): Promise<void> => {
				await target.ledger.begin({ id: 'r1', plan: targetPlan(), operator: 'tester', version: '0' });
				await driver.query(
					`CREATE TABLE items (id text PRIMARY KEY, parent_id text, size bigint, raw jsonb, made timestamp, user_id text NOT NULL); ${unique}`,
				);
				for (const row of held) await driver.query(`INSERT INTO items (id, size, user_id) VALUES (${row})`);
			};
			const write = (step: CopyStep, batch: SourceBatch, policy: ConflictPolicy = 'fail', sequence = 0): Promise<WriteResult> =>
				target.writeBatch('r1', step, sequence, batch, policy);
			const refusedRows = (result: WriteResult) => result.refused.map(({ row, code }) => [row, code]);
			const oneSize = 'ALTER TABLE items ADD CONSTRAINT one_size UNIQUE (size)';

			it.each([
				['copy', 'fail'],
				['copy', 'skip'],
				['copy', 'update'],
				['merge', 'fail'],
				['merge', 'skip'],
				['merge', 'update'],
			] as const)('refuses a record whose other unique key is held (%s, %s) and writes the rest', async (how, policy) => {
				await begin(oneSize, ["'x', 5, 'ben'"]);
				const result = await write(itemsStep(how), textBatch([line('a', 1), line('b', 5), line('c', 2)]), policy);
				expect(result).toMatchObject({ written: 2, updated: 0, skipped: 0 });
				expect(refusedRows(result)).toEqual([[1, 'UNIQUE_HELD_BY_OTHER']]);
				expect(result.refused[0]?.reason).toContain('one_size');
				expect(await rows('SELECT id FROM items ORDER BY id')).toEqual([['a'], ['c'], ['x']]);
				// Still one transaction, and its ledger row says the same.
				expect(await rows("SELECT count(DISTINCT xmin::text) FROM items WHERE user_id = 'ana'")).toEqual([['1']]);
				expect((await target.ledger.find('r1'))?.steps[0]).toMatchObject({ rows: 2, rejected: 1 });
			});

			it.each(['copy', 'merge'] as const)('refuses the later of two records that clash with each other (%s)', async (how) => {
				await begin(oneSize);
				const sizes = Array.from({ length: 60 }, (_, at) => at);
				// 41 repeats 3, 42 repeats 3, 59 repeats 0; 20 is refused alone, and 50 repeats what 20 never wrote.
				Object.assign(sizes, { 41: 3, 42: 3, 59: 0, 50: 20 });
				const lines = sizes.map((size, at) => (at === 20 ? `i${at}\t\\N\t20\t\\N\tsome day\t${tenant}` : line(`i${at}`, size)));
				const result = await write(itemsStep(how), textBatch(lines));
				expect(result.written).toBe(56);
				expect(refusedRows(result)).toEqual([
					[20, 'BAD_TIMESTAMP'],
					[41, 'UNIQUE_HELD_BY_OTHER'],
					[42, 'UNIQUE_HELD_BY_OTHER'],
					[59, 'UNIQUE_HELD_BY_OTHER'],
				]);
				expect(await rows('SELECT id FROM items WHERE size IN (0, 3, 20) ORDER BY id')).toEqual([['i0'], ['i3'], ['i50']]);
				expect(await write(itemsStep(how), textBatch(lines))).toEqual(result);
			});

			it('finds the clash of a constraint that is checked at the end of the transaction', async () => {
				await begin(`${oneSize} DEFERRABLE INITIALLY DEFERRED`, ["'x', 5, 'ben'"]);
				const result = await write(itemsStep(), textBatch([line('a', 1), line('b', 5), line('c', 1)]));
				expect(refusedRows(result)).toEqual([
					[1, 'UNIQUE_HELD_BY_OTHER'],
					[2, 'UNIQUE_HELD_BY_OTHER'],
				]);
			});

			it('still takes a key that appeared for a stale plan, whatever index the server asks first', async () => {
				await begin('ALTER TABLE items DROP CONSTRAINT items_pkey; CREATE UNIQUE INDEX whole ON items (id, user_id)', ["'a', 7, 'ana'"]);
				await driver.query('ALTER TABLE items ADD CONSTRAINT items_pkey PRIMARY KEY (id) INCLUDE (size)');
				const error = await write(itemsStep(), textBatch([line('b', 1), line('a', 2)])).catch((thrown: unknown) => thrown);
				expect(error).toMatchObject({ kind: 'stale-plan', code: 'KEY_APPEARED' });
				expect(await rows('SELECT count(*) FROM repot.batch')).toEqual([['0']]);
			});
		});

		describe('verification', () => {
			const kept = `${targetItems} INSERT INTO items VALUES ('i2', 'theirs', 2, 'ana')`;

			it('excuses under skip the row that the target kept, at once and later', async () => {
				openSource();
				await driver.query(kept);
				const outcome = await run(await plan('skip'));
				expect(outcome.failed).toEqual([]);
				expect(outcome.finished.outcome).toBe('done');
				expect(names(await verifyOnce('skip'))).toEqual([]);
			});

			it('excuses no row that this run wrote, even when the kept row has become equal', async () => {
				openSource();
				await driver.query(kept);
				await run(await plan('skip'));
				// What a faulty write would look like: other values under the run's own transaction.
				await driver.query(`BEGIN; UPDATE items SET filename = 'wrong' WHERE id = 'i3'; UPDATE items SET filename = 'f2' WHERE id = 'i2';
					INSERT INTO repot.batch (run_id, step_id, sequence, first_cursor, last_cursor, rows, bytes, rejected, xid, committed_at)
					SELECT run_id, step_id, 1, '', last_cursor, 0, 0, 0, pg_current_xact_id(), now() FROM repot.batch WHERE step_id = 'items'; COMMIT`);
				const again = await verifyOnce('skip');
				expect(names(again)).toEqual(['fields']);
				expect(again.failed[0]?.details.join()).toContain('items i3 filename: wrong instead of f3');
			});

			it('excuses no row that somebody changed since the run wrote it', async () => {
				openSource();
				await driver.query(kept);
				const planned = await plan('skip');
				const outcome = await run(planned, async (event) => {
					if (event.type === 'step-finished' && event.step === 'items')
						await driver.query("UPDATE items SET filename = 'wrong' WHERE id = 'i1'; UPDATE items SET filename = 'f2' WHERE id = 'i2'");
				});
				expect(names(outcome)).toEqual(['fields']);
				expect(outcome.failed[0]?.details.join()).toContain('items i1 filename: wrong instead of f1');
			});

			it('counts under update what it took over from nobody', async () => {
				openSource();
				await driver.query(`${targetItems} INSERT INTO items VALUES ('i1', 'f1', 1, NULL), ('i2', 'old', 2, 'ana'), ('i3', 'f3', 3, 'ana'),
					('n', 'of nobody', 1, NULL), ('b', 'of ben', 1, 'ben'), ('m', 'mine', 1, 'ana')`);
				const planned = await plan('update');
				expect(planned.steps.filter(isCopyStep)[0]?.state).toMatchObject({ tenantRowsBefore: 3, equal: 1, differing: 2, unowned: 1 });
				expect(planned.hazards.find(({ code }) => code === 'CONFLICT_UPDATED')?.message).toContain('1 of them belongs to nobody');
				const outcome = await run(planned);
				expect(outcome.failed).toEqual([]);
				expect(outcome.finished.outcome).toBe('done');
				const figures = outcome.events.find((event) => event.type === 'check-finished' && event.check.name === 'rows');
				expect(figures).toMatchObject({ check: { figures: '9 = 8 + 1 there before' } });
				expect(await rows("SELECT count(*) FROM items WHERE user_id = 'ana'")).toEqual([['5']]);
				expect(names(await verifyOnce('update'))).toEqual([]);
			});

			it('counts under skip what stays with nobody', async () => {
				openSource();
				await driver.query(`${targetItems} INSERT INTO items VALUES ('i1', 'f1', 1, NULL), ('m', 'mine', 1, 'ana')`);
				const outcome = await run(await plan('skip'));
				expect(outcome.failed).toEqual([]);
				const figures = outcome.events.find((event) => event.type === 'check-finished' && event.check.name === 'rows');
				expect(figures).toMatchObject({ check: { figures: '8 = 8 + 1 there before - 1 left to nobody' } });
			});

			it.each([
				["DELETE FROM items WHERE id = 'i1'", ['rows', 'jsonb', 'fields']],
				["INSERT INTO items VALUES ('new', 'new', 1, 'ana')", ['rows']],
				["UPDATE items SET user_id = NULL WHERE id = 'i2'", ['rows', 'tenant', 'fields']],
				["INSERT INTO items VALUES ('new', 'new', 1, NULL)", ['tenant']],
				["UPDATE items SET user_id = 'ana' WHERE id = 'n'", ['rows']],
			] as const)('fails when rows are missing, extra or nobody’s: %s', async (damage, expected) => {
				openSource();
				await driver.query(
					`${targetItems} INSERT INTO items VALUES ('i1', 'f1', 1, NULL), ('n', 'of nobody', 1, NULL), ('m', 'mine', 1, 'ana')`,
				);
				const outcome = await run(await plan('update'), async (event) => {
					if (event.type === 'step-finished' && event.step === 'analyze:items') await driver.query(damage);
				});
				expect(names(outcome)).toEqual(expected);
				expect(outcome.finished.outcome).toBe('verification-failed');
			});
		});
	});
}
