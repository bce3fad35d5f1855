import { beforeEach, describe, expect, it } from 'vitest';
import type { Driver } from '../../services/postgres/driver.js';
import { targetOn } from '../../services/postgres/target.js';
import type { RollbackEvent, Target } from '../../source/core/ports.js';
import {
	collectionUuid,
	items,
	itemsStep,
	makePlan,
	notes,
	notesStep,
	schemaAfter,
	schemaBefore,
	tenant,
	textBatch,
	vectorBatch,
	vectors,
	vectorsStep,
} from './target-data.js';
import { dump, type TargetHarness } from './target-scene.js';

type Finished = Extract<RollbackEvent, { type: 'rollback-finished' }>;

/** A row of items as COPY text. */
const item = (id: string, size: number, parent = '\\N'): string => `${id}\t${parent}\t${size}\t\\N\t\\N\t${tenant}`;

const role = 'repot_chain_writer';

/** The driver, with something that happens just before one statement of a transaction. */
const watching = (driver: Driver, statement: string, happen: () => Promise<void>): Driver =>
	new Proxy(driver, {
		get(of, property) {
			const value: unknown = Reflect.get(of, property);
			if (typeof value !== 'function') return value;
			if (property !== 'transaction') return value.bind(of);
			const transaction: Driver['transaction'] = (work, options) =>
				of.transaction(
					(session) =>
						work({
							query: async (sql, params) => {
								if (sql.startsWith(statement)) await happen();
								return session.query(sql, params);
							},
							copyIn: (sql, data) => session.copyIn(sql, data),
						}),
					options,
				);
			return transaction;
		},
	});

/** Several runs over the same rows, undone one after another, and what happens to rows while they are being undone. */
export function rollbackChainContract(name: string, open: () => TargetHarness): void {
	describe(`rollback of several runs: ${name}`, () => {
		let target: Target;
		let driver: Driver;
		const sql = async (text: string): Promise<readonly (string | null)[][]> =>
			(await driver.query(text)).rows.map((row) => Object.values(row));
		const begin = (run: string, write: 'copy' | 'merge'): Promise<void> =>
			target.ledger.begin({ id: run, plan: makePlan(write), operator: 'ana@laptop', version: '0.1.0' });
		/** The first run: it makes the tables that are missing and fills them. */
		const copyRun = async (run: string): Promise<void> => {
			await begin(run, 'merge');
			for (const step of schemaBefore) await target.applySchema(run, step);
			await target.writeBatch(run, itemsStep('merge'), 0, textBatch(items), 'fail');
			await target.writeBatch(run, notesStep('merge'), 0, textBatch(notes), 'fail');
			await target.ensureCollection(run, vectorsStep('merge'));
			await target.writeBatch(run, vectorsStep('merge'), 0, vectorBatch(vectors), 'fail');
			for (const step of schemaAfter) await target.applySchema(run, step);
			await target.ledger.finish(run, 'done', { written: 9, quarantined: 0 });
		};
		/** A later run that overwrites rows of items, batch by batch. */
		const updateItems = async (run: string, ...batches: readonly (readonly string[])[]): Promise<void> => {
			await begin(run, 'merge');
			for (const [sequence, lines] of batches.entries())
				await target.writeBatch(run, itemsStep('merge'), sequence, textBatch(lines), 'update');
			await target.ledger.finish(run, 'done', { written: batches.flat().length, quarantined: 0 });
		};
		const rollback = async (run: string, meanwhile?: () => Promise<unknown>): Promise<RollbackEvent[]> => {
			const events: RollbackEvent[] = [];
			for await (const event of target.rollback(run)) {
				events.push(event);
				// The next event is not worked for before this one was taken: counted, and nothing is undone yet.
				if (event.type === 'rollback-started') await meanwhile?.();
			}
			return events;
		};
		const finished = async (run: string): Promise<Partial<Finished>> => {
			const { outcome, removed, restored, kept, error } = (await rollback(run)).at(-1) as Finished;
			return { outcome, removed, restored, kept, ...(error === undefined ? {} : { error }) };
		};
		const messages = (events: readonly RollbackEvent[]): string =>
			events.flatMap((event) => (event.type === 'notice' ? [event.message] : [])).join('\n');
		const removedOf = (events: readonly RollbackEvent[], step: string) =>
			events.find((event) => event.type === 'rows-removed' && event.step === step);

		beforeEach(async () => {
			({ target, driver } = open());
			await driver.query(
				'DROP SCHEMA IF EXISTS repot CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP EXTENSION IF EXISTS vector; CREATE EXTENSION vector',
			);
		});

		/** Tables of the application with rows of two tenants, as they are before any run. */
		const application = async (): Promise<void> => {
			for (const step of [...schemaBefore, ...schemaAfter]) if (step.what !== 'analyze') await driver.query(step.sql);
			await driver.query(`INSERT INTO items (id, size, user_id) VALUES ('own', 7, '${tenant}'), ('z', 1, 'ben');
				INSERT INTO notes VALUES (90, 'own', '${tenant}'), (91, 'z', 'ben')`);
		};

		it('leaves the target as before the first of two runs when they are undone last first, also beside rows of others', async () => {
			await application();
			const before = await dump(driver);
			await copyRun('r1');
			const between = await dump(driver);
			// Rows of the first run, one of the application, and a new one.
			await updateItems('r2', [item('a', 100), item('own', 700), item('new', 5, 'a')]);
			await target.writeBatch('r2', notesStep('merge'), 0, textBatch([`1\tb\t${tenant}`, `90\ta\t${tenant}`]), 'update');
			await target.ensureCollection('r2', vectorsStep('merge'));
			await target.writeBatch('r2', vectorsStep('merge'), 0, vectorBatch([{ id: 'v1', vector: [5, 5, 5] }]), 'update');
			expect(await finished('r2')).toEqual({ outcome: 'done', removed: 1, restored: 5, kept: 0 });
			const after = (await dump(driver)) as { rows: Record<string, unknown> };
			for (const [table, rows] of Object.entries((between as typeof after).rows))
				if (!table.startsWith('repot.')) expect(after.rows[table]).toEqual(rows);
			// What the ledger added for the rows that came back does not move the place where the first run would go on.
			expect((await target.ledger.find('r1'))?.steps.find(({ id }) => id === 'items')).toMatchObject({
				lastBatch: 0,
				lastCursor: '3',
				rows: 3,
			});
			expect(await finished('r1')).toEqual({ outcome: 'done', removed: 9, restored: 0, kept: 0 });
			expect(await dump(driver)).toEqual(before);
		});

		it('undoes three runs over the same row, each to the state before it', async () => {
			await application();
			const before = await dump(driver);
			await updateItems('r1', [item('own', 70), item('k', 1)]);
			await updateItems('r2', [item('own', 71), item('k', 2)]);
			await updateItems('r3', [item('own', 72), item('k', 3)]);
			const sizes = () => sql("SELECT size FROM items WHERE id IN ('own', 'k') ORDER BY id");
			expect(await finished('r3')).toEqual({ outcome: 'done', removed: 0, restored: 2, kept: 0 });
			expect(await sizes()).toEqual([['2'], ['71']]);
			expect(await finished('r2')).toEqual({ outcome: 'done', removed: 0, restored: 2, kept: 0 });
			expect(await sizes()).toEqual([['1'], ['70']]);
			expect(await finished('r1')).toEqual({ outcome: 'done', removed: 1, restored: 1, kept: 0 });
			expect(await dump(driver)).toEqual(before);
		});

		it('gives a row back to the application when the application had it, not to the run that inserted it', async () => {
			await copyRun('r1');
			await driver.query("UPDATE items SET size = 11 WHERE id = 'a'");
			await updateItems('r2', [item('a', 100), item('b', 200)]);
			expect(await finished('r2')).toEqual({ outcome: 'done', removed: 0, restored: 2, kept: 0 });
			const preview = await target.rollbackPreview('r1');
			expect(preview.tables.find(({ step }) => step === 'items')).toMatchObject({ removable: 2, changed: 1, changedSample: ['a'] });
			expect((await rollback('r1')).at(-1)).toMatchObject({ outcome: 'kept-some', removed: 8, kept: 1 });
			expect(await sql('SELECT id, size FROM items')).toEqual([['a', '11']]);
		});

		it('keeps rows that a later run overwrote, says which run, and removes them after that run is undone', async () => {
			const before = await dump(driver);
			await copyRun('r1');
			await updateItems('r2', [item('a', 100)]);
			const preview = await target.rollbackPreview('r1');
			expect(preview.tables.find(({ step }) => step === 'items')).toMatchObject({ removable: 2, changed: 1, changedSample: ['a'] });
			expect(preview.stays.join('\n')).toContain('1 row of items: overwritten since by run r2');
			const events = await rollback('r1');
			expect(messages(events)).toContain('1 row of items: overwritten since by run r2');
			expect(events.at(-1)).toMatchObject({ outcome: 'kept-some', kept: 1 });
			expect(await sql('SELECT id, size FROM items')).toEqual([['a', '100']]);
			expect(await finished('r2')).toMatchObject({ outcome: 'done', restored: 1 });
			expect(await finished('r1')).toMatchObject({ outcome: 'done', removed: 1, kept: 0 });
			expect(await dump(driver)).toEqual(before);
		});

		it('does not move the place where the first run goes on, nor what it set aside', async () => {
			await application();
			await begin('r1', 'merge');
			await target.writeBatch('r1', itemsStep('merge'), 0, textBatch([item('a', 1), 'b\t\\N\tmany\t\\N\t\\N\tana']), 'fail');
			const stepOf = async () => (await target.ledger.find('r1'))?.steps.find(({ id }) => id === 'items');
			const before = await stepOf();
			expect(before).toMatchObject({ lastBatch: 0, rows: 1, rejected: 1, refused: [{ batch: 0, after: null, row: 1 }] });
			await updateItems('r2', [item('a', 100)]);
			expect(await finished('r2')).toMatchObject({ restored: 1 });
			expect(await sql("SELECT count(*) FROM repot.batch WHERE run_id = 'r1'")).toEqual([['2']]);
			expect(await stepOf()).toEqual(before);
		});

		it('gives no row to a run of another cluster or another table, whose numbers mean nothing here', async () => {
			await application();
			await copyRun('r1');
			await updateItems('r2', [item('a', 100)]);
			await updateItems('r3', [item('b', 200)]);
			await driver.query("UPDATE repot.run SET system_identifier = 'elsewhere' WHERE id = 'r1'");
			expect(await finished('r3')).toMatchObject({ outcome: 'done', restored: 1 });
			await driver.query(
				"UPDATE repot.run SET system_identifier = (SELECT system_identifier FROM repot.run WHERE id = 'r2') WHERE id = 'r1'; UPDATE repot.step SET table_oid = 1 WHERE run_id = 'r1' AND step_id = 'items'",
			);
			expect(await finished('r2')).toMatchObject({ outcome: 'done', restored: 1 });
			expect(await sql("SELECT count(*) FROM repot.batch WHERE run_id = 'r1' AND step_id = 'items'")).toEqual([['1']]);
		});

		it('holds the rows that it is about to restore', async () => {
			await application();
			await updateItems('r1', [item('own', 70)]);
			const side = await driver.monitor();
			// The embedded database has one connection: nobody else can come in between.
			if (side === null) {
				expect(driver.embedded).toBe(true);
				return;
			}
			let refused: unknown = null;
			const watched = targetOn(
				watching(driver, 'ANALYZE pg_temp.repot_restoring', async () => {
					refused = await side
						.query("SET lock_timeout = '50ms'; UPDATE items SET size = 71 WHERE id = 'own'")
						.catch((error: unknown) => error);
				}),
				{ now: () => 0 },
				{ label: 'watched' },
			);
			try {
				for await (const event of watched.rollback('r1'))
					if (event.type === 'rollback-finished') expect(event).toMatchObject({ outcome: 'done', restored: 1 });
				expect(refused).toMatchObject({ code: '55P03' });
			} finally {
				await side.close();
			}
		});

		it('names the keys of overwritten rows that were changed since', async () => {
			await application();
			await updateItems('r1', [item('own', 70)]);
			await driver.query("UPDATE items SET size = 71 WHERE id = 'own'");
			expect((await target.rollbackPreview('r1')).tables[0]).toMatchObject({ restorable: 0, changed: 1, changedSample: ['own'] });
		});

		it('works on a ledger of an earlier version', async () => {
			await application();
			await copyRun('r1');
			const older = 'ALTER TABLE repot.overwritten DROP COLUMN writer';
			await driver.query(older);
			await updateItems('r2', [item('a', 100)]);
			expect(await finished('r2')).toMatchObject({ outcome: 'done', restored: 1 });
			expect((await target.rollbackPreview('r1')).tables.find(({ step }) => step === 'items')).toMatchObject({ removable: 3 });
			// Saved by the earlier version: whose the row was is not known, so it stays when the first run is undone.
			await updateItems('r3', [item('b', 200)]);
			await driver.query(older);
			expect(await finished('r3')).toMatchObject({ outcome: 'done', restored: 1 });
			expect(await sql("SELECT size FROM items WHERE id = 'b'")).toEqual([['2']]);
			expect((await rollback('r1')).at(-1)).toMatchObject({ outcome: 'kept-some', kept: 1 });
		});

		it('saves rows in a ledger of an earlier version that its user may not change', async () => {
			await application();
			await copyRun('r1');
			await driver.query(`ALTER TABLE repot.overwritten DROP COLUMN writer; DROP ROLE IF EXISTS ${role}; CREATE ROLE ${role};
				GRANT USAGE ON SCHEMA repot, public TO ${role}; GRANT ALL ON ALL TABLES IN SCHEMA repot, public TO ${role}; GRANT pg_read_server_files TO ${role}; SET ROLE ${role}`);
			try {
				await updateItems('r2', [item('own', 70)]);
				expect(await sql('SELECT key FROM repot.overwritten')).toEqual([['{own}']]);
			} finally {
				await driver.query(`RESET ROLE; DROP OWNED BY ${role}; DROP ROLE ${role}`);
			}
			expect(await finished('r2')).toMatchObject({ outcome: 'done', restored: 1 });
		});

		it('counts what really stayed: a row changed, one gone and one referred to between count and removal', async () => {
			await copyRun('r1');
			const events = await rollback('r1', () =>
				driver.query(
					"UPDATE items SET size = 33 WHERE id = 'c'; DELETE FROM notes WHERE id = 1; INSERT INTO notes VALUES (50, 'b', 'ben')",
				),
			);
			expect(events[0]).toMatchObject({ tables: [{}, { removable: 3 }, { removable: 3, changed: 0, referenced: 0 }] });
			expect(removedOf(events, 'items')).toMatchObject({ removed: 1, kept: 2, changed: 1, referenced: 1, unrestored: 0 });
			expect(removedOf(events, 'notes')).toMatchObject({ removed: 2, kept: 0 });
			expect(messages(events)).toContain('1 row of items, changed while the run was being undone: c');
			expect(events.at(-1)).toMatchObject({ outcome: 'kept-some', removed: 6, kept: 2 });
			expect((await target.ledger.find('r1'))?.run.status).toBe('partly-rolled-back');
			expect(await sql('SELECT id FROM items ORDER BY id')).toEqual([['b'], ['c']]);
		});

		it('counts an overwritten row that was changed between count and restoring', async () => {
			await application();
			await updateItems('r1', [item('own', 70)]);
			const events = await rollback('r1', () => driver.query("UPDATE items SET size = 71 WHERE id = 'own'"));
			expect(events.at(-1)).toMatchObject({ outcome: 'kept-some', restored: 0, kept: 1 });
			expect(await sql("SELECT size FROM items WHERE id = 'own'")).toEqual([['71']]);
		});

		it('counts a row as removed, not as kept, when what held it went between count and removal', async () => {
			await copyRun('r1');
			await driver.query("INSERT INTO notes VALUES (50, 'b', 'ben')");
			const events = await rollback('r1', () => driver.query('DELETE FROM notes WHERE id = 50'));
			expect(events[0]).toMatchObject({ tables: [{}, {}, { removable: 2, referenced: 1 }] });
			expect(events.at(-1)).toMatchObject({ outcome: 'done', removed: 9, kept: 0 });
		});

		it('leaves a row whose former values clash with a unique key, undoes the rest, and restores it when the clash is gone', async () => {
			await application();
			await driver.query('ALTER TABLE items ADD CONSTRAINT one_size UNIQUE (user_id, size)');
			await driver.query(`INSERT INTO items (id, size, user_id) SELECT 'm' || n, 1000 + n, '${tenant}' FROM generate_series(1, 40) n`);
			const before = await dump(driver);
			await updateItems('r1', [
				item('own', 70),
				item('new', 71),
				...Array.from({ length: 40 }, (_, index) => item(`m${index + 1}`, 2001 + index)),
			]);
			await driver.query(
				`INSERT INTO items (id, size, user_id) SELECT 'taken' || n, 1000 + n, '${tenant}' FROM generate_series(3, 38, 5) n`,
			);
			const events = await rollback('r1');
			expect(removedOf(events, 'items')).toMatchObject({ removed: 1, restored: 33, kept: 8, unrestored: 8 });
			expect(messages(events)).toContain('8 rows of items');
			expect(messages(events)).toContain('m13; m18; m23; m28; m3');
			expect(messages(events)).toContain('one_size');
			expect(events.at(-1)).toMatchObject({ outcome: 'kept-some', removed: 1, restored: 33, kept: 8 });
			expect(await sql("SELECT size FROM items WHERE id IN ('own', 'm3', 'm4') ORDER BY id")).toEqual([['2003'], ['1004'], ['7']]);
			// Again while the clash lasts: the same rows, and nothing else.
			expect(await finished('r1')).toEqual({ outcome: 'kept-some', removed: 0, restored: 0, kept: 8 });
			await driver.query("DELETE FROM items WHERE id LIKE 'taken%'");
			expect(await finished('r1')).toEqual({ outcome: 'done', removed: 0, restored: 8, kept: 0 });
			expect(await dump(driver)).toEqual(before);
		});

		it('leaves a row whose former parent is gone, with the row that it refers to now', async () => {
			await application();
			await driver.query("INSERT INTO items (id, size, user_id) VALUES ('gone', 1, 'ben')");
			await driver.query(`INSERT INTO notes VALUES (80, 'gone', '${tenant}')`);
			await updateItems('r1', [item('new', 5)]);
			await target.writeBatch('r1', notesStep('merge'), 0, textBatch([`80\tnew\t${tenant}`, `90\tnew\t${tenant}`]), 'update');
			await driver.query("DELETE FROM items WHERE id = 'gone'");
			const events = await rollback('r1');
			expect(removedOf(events, 'notes')).toMatchObject({ restored: 1, kept: 1, unrestored: 1 });
			expect(removedOf(events, 'items')).toMatchObject({ removed: 0, kept: 1, referenced: 1 });
			expect(messages(events)).toContain('1 row of notes');
			expect(messages(events)).toContain('80');
			expect(await sql('SELECT id, item_id FROM notes ORDER BY id')).toEqual([
				['80', 'new'],
				['90', 'own'],
				['91', 'z'],
			]);
			await driver.query("INSERT INTO items (id, size, user_id) VALUES ('gone', 1, 'ben')");
			expect(await finished('r1')).toEqual({ outcome: 'done', removed: 1, restored: 1, kept: 0 });
		});

		it('restores rows that took each other\u2019s unique values one after another', async () => {
			await application();
			await driver.query('ALTER TABLE items ADD CONSTRAINT one_size UNIQUE (user_id, size)');
			await driver.query(
				`INSERT INTO items (id, size, user_id) VALUES ('p', 1, '${tenant}'), ('q', 2, '${tenant}'), ('r', 3, '${tenant}')`,
			);
			const before = await dump(driver);
			await updateItems('r1', [item('p', 9)], [item('q', 1)], [item('r', 2)]);
			expect(await finished('r1')).toEqual({ outcome: 'done', removed: 0, restored: 3, kept: 0 });
			expect(await dump(driver)).toEqual(before);
		});

		it('undoes the first run after a clash divided the rows that came back to it', async () => {
			await application();
			const before = await dump(driver);
			await copyRun('r1');
			await driver.query('ALTER TABLE items ADD CONSTRAINT one_size UNIQUE (user_id, size)');
			await updateItems('r2', [item('a', 100), item('b', 200), item('c', 300), item('own', 700)]);
			await driver.query(`INSERT INTO items (id, size, user_id) VALUES ('taken', 2, '${tenant}')`);
			expect(await finished('r2')).toEqual({ outcome: 'kept-some', removed: 0, restored: 3, kept: 1 });
			await driver.query("DELETE FROM items WHERE id = 'taken'");
			expect(await finished('r2')).toEqual({ outcome: 'done', removed: 0, restored: 1, kept: 0 });
			expect(await finished('r1')).toEqual({ outcome: 'done', removed: 9, restored: 0, kept: 0 });
			await driver.query('ALTER TABLE items DROP CONSTRAINT one_size');
			expect(await dump(driver)).toEqual(before);
		});

		it('keeps overwritten rows whose table has other columns now, and undoes the rest', async () => {
			await application();
			await updateItems('r1', [item('own', 70), item('new', 1)]);
			await driver.query('ALTER TABLE items ADD COLUMN more text');
			const events = await rollback('r1');
			expect(messages(events)).toContain('1 row of items');
			expect(messages(events)).toContain('columns changed since');
			expect(events.at(-1)).toMatchObject({ outcome: 'kept-some', removed: 1, restored: 0, kept: 1 });
			await driver.query('ALTER TABLE items DROP COLUMN more');
		});

		it('names the collection, and says why it stays while embeddings of others use it', async () => {
			await application();
			const before = await dump(driver);
			await copyRun('r1');
			const shown = `collection vectors (${collectionUuid})`;
			expect((await target.rollbackPreview('r1')).drops).toContain(shown);
			await driver.query(`INSERT INTO langchain_pg_embedding VALUES ('theirs', '${collectionUuid}', '[1,1,1]', '', '{"user_id": "ben"}')`);
			const why = `${shown}: 1 row that this run did not write or that stays is in it`;
			const preview = await target.rollbackPreview('r1');
			expect(preview.drops.join('\n')).not.toContain('collection');
			expect(preview.stays).toContain(why);
			const events = await rollback('r1');
			expect(messages(events)).toContain(`Stays: ${why}`);
			expect(events.at(-1)).toMatchObject({ outcome: 'kept-some', removed: 9, kept: 0 });
			await driver.query("DELETE FROM langchain_pg_embedding WHERE id = 'theirs'");
			const again = await rollback('r1');
			expect(again.map((event) => (event.type === 'object-dropped' ? event.object : ''))).toContain(shown);
			expect(again.at(-1)).toMatchObject({ outcome: 'done' });
			expect(await dump(driver)).toEqual(before);
		});
	});
}
