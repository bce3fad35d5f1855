import { beforeEach, describe, expect, it } from 'vitest';
import type { Driver } from '../../services/postgres/driver.js';
import type { CopyStep } from '../../source/core/plan/types.js';
import type { Target } from '../../source/core/ports.js';
import { collectionUuid, itemsStep, littleEndian, tenant, vectorsStep } from './target-data.js';
import { type TargetHarness, targetScene } from './target-scene.js';

export function compareContract(name: string, open: () => TargetHarness): void {
	describe(`target contract, comparing and searching: ${name}`, () => {
		const scene = targetScene(open);
		const { wholeRun } = scene;
		let target: Target;
		let driver: Driver;
		beforeEach(() => {
			({ target, driver } = scene);
		});

		it('compares every type by its own equality', async () => {
			await driver.query(`CREATE EXTENSION vector; CREATE TABLE kinds (id bigint PRIMARY KEY, t text, v varchar(5), c char(4), b boolean, d double precision, n numeric, s timestamp, z timestamptz, u uuid, y bytea, j json, k jsonb, e vector(3));
				INSERT INTO kinds VALUES (1, 'tab	"\\ quote', 'abc', 'ab', true, 0.1, 1.50, '2024-01-02 03:04:05.123', '2024-01-02 03:04:05+02', '6f9619ff-8b86-4011-b42d-00cf4fc964ff', '\\x0102', '{"a": [1, 2.0]}', '{"b":2,"a":1}', '[0.1,-0,3]'),
				(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`);
			const names = ['id', 't', 'v', 'c', 'b', 'd', 'n', 's', 'z', 'u', 'y', 'j', 'k', 'e'];
			const step: CopyStep = {
				...itemsStep(),
				id: 'kinds',
				table: 'kinds',
				key: ['id'],
				columns: names.map((column) => ({
					name: column,
					source: column,
					sourceType: null,
					targetType: '',
					nullable: true,
					cast: 'text' as const,
				})),
			};
			const equal = [
				'1',
				'tab\t"\\ quote',
				'abc',
				'ab',
				'true',
				'1e-1',
				'1.5',
				'2024-01-02T03:04:05.123',
				'2024-01-02 01:04:05Z',
				'6F9619FF-8B86-4011-B42D-00CF4FC964FF',
				'\\x0102',
				'{"a":[1,2]}',
				'{"a": 1, "b": 2}',
				littleEndian([0.1, -0, 3]),
			];
			const empty = ['2', ...names.slice(1).map(() => null)];
			const unequal = [
				'1',
				'tab',
				'abcdefgh',
				'abx',
				'false',
				'0.10000001',
				'1.51',
				'2024-01-02 03:04:05',
				'2024-01-02 03:04:05Z',
				'6f9619ff-8b86-4011-b42d-00cf4fc964fe',
				'\\x01',
				'{"a":[1]}',
				'{"a": 1}',
				littleEndian([0.1, 0, 3]),
			];
			const [first, second, third, fourth] = await target.compare(step, tenant, [
				{ key: ['1'], values: equal },
				{ key: ['2'], values: empty },
				{ key: ['1'], values: unequal },
				{ key: ['2'], values: equal },
			]);
			expect(first).toEqual({ key: ['1'], state: 'equal', differences: [] });
			expect(second).toEqual({ key: ['2'], state: 'equal', differences: [] });
			expect(third?.state).toBe('differs');
			expect(third?.differences.map(({ column }) => column)).toEqual(names.slice(1));
			expect(third?.differences.at(-1)).toEqual({ column: 'e', expected: expect.stringMatching(/^\[0\.1\d*,0,3]$/), found: '[0.1,-0,3]' });
			expect(fourth?.differences.map(({ found }) => found)).toEqual(names.slice(1).map(() => null));
		});

		it('searches exactly and by index, with distances as Chroma defines them', async () => {
			await wholeRun('r1');
			await driver.query(`INSERT INTO langchain_pg_embedding VALUES ('theirs', '${collectionUuid}', '[1,0,0]', '', '{"user_id": "ben"}')`);
			const probe = { label: 'v1', vector: Float32Array.from([1, 0, 0]) };
			for (const mode of ['exact', 'widened', 'as-sent-filtered'] as const) {
				const hits = await target.search(vectorsStep(), tenant, probe, 2, mode);
				expect(hits.map(({ key }) => key)).toEqual(['v1', 'v2']);
				expect(hits[1]?.distance).toBeCloseTo(2.01, 5);
			}
			const all = await target.search(vectorsStep(), tenant, probe, 2, 'as-sent');
			expect(all.map(({ key }) => key).sort()).toEqual(['theirs', 'v1']);
			const inSpace = (space: 'ip' | 'cosine'): CopyStep => ({
				...vectorsStep(),
				source: { kind: 'chroma', collection: 'c', collectionId: 'x', dimension: 3, space },
			});
			expect((await target.search(inSpace('ip'), tenant, { label: '', vector: Float32Array.from([0, 0, 2]) }, 1, 'exact'))[0]).toEqual({
				key: 'v3',
				distance: -5,
			});
			expect((await target.search(inSpace('cosine'), tenant, probe, 3, 'exact'))[0]).toEqual({ key: 'v1', distance: 0 });
		});
	});
}
