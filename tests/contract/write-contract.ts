import { beforeEach, describe, expect, it } from 'vitest';
import type { Driver } from '../../services/postgres/driver.js';
import type { Target } from '../../source/core/ports.js';
import {
	collectionUuid,
	items,
	itemsStep,
	littleEndian,
	makePlan,
	notesStep,
	tenant,
	textBatch,
	vectorBatch,
	vectors,
	vectorsStep,
} from './target-data.js';
import { codeOf, dump, type TargetHarness, targetScene } from './target-scene.js';

export function writeContract(name: string, open: () => TargetHarness): void {
	describe(`target contract, writing batches: ${name}`, () => {
		const scene = targetScene(open);
		const { sql, begin, makeSchema, wholeRun } = scene;
		let target: Target;
		let driver: Driver;
		beforeEach(() => {
			({ target, driver } = scene);
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
	});
}
