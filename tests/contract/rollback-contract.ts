import { beforeEach, describe, expect, it } from 'vitest';
import type { Driver } from '../../services/postgres/driver.js';
import { requireRun } from '../../services/postgres/ledger.js';
import { findNodes } from '../../services/postgres/rollback-count.js';
import { countFates, deleteRows, type Node } from '../../services/postgres/rollback-sql.js';
import type { Target } from '../../source/core/ports.js';
import {
	deepPlan,
	items,
	itemsStep,
	notesStep,
	remarksKeys,
	remarksStep,
	remarksTable,
	schemaAfter,
	schemaBefore,
	tenant,
	textBatch,
	vectorBatch,
	vectorsStep,
} from './target-data.js';
import { codeOf, dump, type TargetHarness, targetScene } from './target-scene.js';

type PlanPart = Readonly<Record<string, unknown>>;

/** All nodes of an EXPLAIN (FORMAT JSON) answer. */
const planParts = (value: unknown): PlanPart[] => {
	if (Array.isArray(value)) return value.flatMap(planParts);
	if (value === null || typeof value !== 'object') return [];
	const part = value as PlanPart;
	return [...('Node Type' in part ? [part] : []), ...Object.values(part).flatMap(planParts)];
};

export function rollbackContract(name: string, open: () => TargetHarness): void {
	describe(`target contract, undoing a run: ${name}`, () => {
		const scene = targetScene(open);
		const { sql, begin, makeSchema, finishSchema, wholeRun, rollback } = scene;
		let target: Target;
		let driver: Driver;
		beforeEach(() => {
			({ target, driver } = scene);
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
	});
}
