import { describe, expect, it } from 'vitest';
import { isBlocked } from '../../source/core/plan/types.js';
import { request } from '../fakes/engine.js';
import { checksOf, collectionsScene, docs, notes, record, withRule } from './collections-scene.js';
import type { TargetHarness } from './target-scene.js';

/** Collections that moved before: found again, whatever happened to the source and to the choices meanwhile. */
export function collectionsAgainContract(name: string, open: () => TargetHarness): void {
	describe(`collections that moved before: ${name}`, () => {
		const { over, sql } = collectionsScene(open);

		const rules = ['fail', 'prefix', 'uuid'] as const;
		for (const first of rules) {
			for (const then of rules.filter((rule) => rule !== first)) {
				it(`are not written again with ids of another rule: ${first}, then ${then}`, async () => {
					await over([docs, notes], withRule(first)).run();
					const grown = { ...docs, records: [...docs.records, record('new', 900)] };
					const plan = await over([grown, notes], withRule(then)).plan();
					const told = plan.hazards.filter(({ code }) => code === 'OTHER_IDS_THERE');
					expect(told.map(({ step, severity, count }) => [step, severity, count])).toEqual([
						['vectors:docs', 'block', 12],
						['vectors:notes', 'block', 8],
					]);
					expect(told[0]?.sample).toEqual(['d0', 'd1', 'd2', 'd3', 'd4']);
					expect(told[0]?.hint).toContain(first === 'fail' ? 'leave --on-id-collision out' : `--on-id-collision ${first} again`);
				});
			}
		}

		for (const choice of [
			{ onIdCollision: 'prefix' },
			{ onIdCollision: 'uuid' },
			{ onMissingVector: 'null' },
			{ onNul: 'strip' },
		] as const) {
			it(`are verified after the source has grown by the choices of their run: ${JSON.stringify(choice)}`, async () => {
				const [first, second, ...others] = docs.records;
				const odd = [
					{ ...record('d0', 1), embedding: null },
					{ ...record('d1', 2), document: 'a\0b' },
				];
				expect([first?.id, second?.id]).toEqual(odd.map(({ id }) => id));
				const before = { ...docs, records: [...odd, ...others] };
				const collectionNames = { notes: 'memos' };
				await over([before, notes], { collectionNames, policies: { ...request().policies, ...choice } }).run();
				const grown = { ...before, records: [...before.records, record('new', 900)] };
				const events = await over([grown, notes]).verify();
				expect(events.filter(({ type }) => type === 'notice')).toMatchObject([
					{ message: expect.stringMatching(/^the Chroma directory changed .*docs: 12 records then, 13 now.* policies of that run$/) },
				]);
				// The new record alone is missing.
				const check = (wanted: string) => checksOf(events).find((one) => one.name === wanted);
				const setAside = 'onIdCollision' in choice ? 2 : 1;
				expect(check('fields')?.data).toMatchObject({ rows: 13 + 8 - setAside, differ: 1 });
				expect(check('vectors')?.details.filter((detail) => detail.includes(' expected'))).toEqual([
					expect.stringMatching(/^vectors:docs: 1\d rows of this user, 1\d expected$/),
				]);
			});
		}

		for (const rule of ['prefix', 'uuid'] as const) {
			it(`keep their original ids where they kept them, whatever key a new record brings: ${rule}`, async () => {
				const few = { ...docs, records: [record('own', 800, { metadata: { chroma_id: 'mine', chroma_id_2: 'too' } }), ...docs.records] };
				const first = over([notes, few], withRule(rule));
				await first.run();
				const newcomer = record('new', 900, { metadata: { chroma_id: 'theirs', chroma_id_2: 'theirs', chroma_id_3: 'theirs' } });
				const grown = (one: typeof docs) => ({ ...one, records: [...one.records, newcomer, record('plain', 901)] });
				const next = over([grown(notes), grown(few)], withRule(rule));
				const plan = await next.plan();
				expect(
					plan.hazards.filter(({ code }) => code === 'KEPT_ID_KEY_TAKEN').map(({ step, count, sample }) => [step, count, sample]),
				).toEqual([
					['vectors:notes', 1, ['new']],
					['vectors:docs', 1, ['new']],
				]);
				expect(isBlocked(plan)).toBe(false);
				expect((await next.run()).at(-1)).toMatchObject({ outcome: 'quarantined', written: 2, quarantined: 2 });
				expect(next.history.quarantine.map(({ step, key, code }) => [step, key, code])).toEqual([
					['vectors:notes', 'new', 'KEPT_ID_KEY_TAKEN'],
					['vectors:docs', 'new', 'KEPT_ID_KEY_TAKEN'],
				]);
				expect(
					await sql(`SELECT c.name, count(e.cmetadata->>'chroma_id') AS first, count(e.cmetadata->>'chroma_id_3') AS third FROM langchain_pg_embedding e
						JOIN langchain_pg_collection c ON c.uuid = e.collection_id GROUP BY 1 ORDER BY 1`),
				).toEqual([
					['docs', '1', '14'],
					['notes', '9', '0'],
				]);
				expect((await next.plan()).doneBy).toBeDefined();
				expect(checksOf(await next.verify()).filter(({ result }) => result === 'fail')).toEqual([]);
			});
		}

		it('keep them under the first free key, however many the metadata has', async () => {
			const taken = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [at === 0 ? 'chroma_id' : `chroma_id_${at + 1}`, 'mine']));
			const crowded = { ...docs, records: [record('own', 800, { metadata: taken }), ...docs.records] };
			const { plan } = over([crowded, notes], withRule('prefix'));
			const { hazards } = await plan();
			expect(hazards.filter(({ code }) => code.includes('KEY_TAKEN'))).toMatchObject([
				{ message: expect.stringMatching(/under chroma_id_31$/) },
			]);
		});

		it('are told apart from those that only grew, and from rows of the application beside them', async () => {
			await over([docs, notes], withRule('prefix')).run();
			await sql(`INSERT INTO langchain_pg_embedding SELECT 'of-the-application', collection_id, embedding, document, '{"user_id": "ana"}'
				FROM langchain_pg_embedding WHERE id = 'docs/d1'`);
			const grown = { ...docs, records: [...docs.records, record('new', 900)] };
			const plan = await over([grown, notes], withRule('prefix')).plan();
			expect(plan.hazards.filter(({ code }) => code === 'OTHER_IDS_THERE')).toEqual([]);
			expect(isBlocked(plan)).toBe(false);
		});
	});
}
