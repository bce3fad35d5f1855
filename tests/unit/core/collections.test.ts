import { describe, expect, it } from 'vitest';
import { nameCollections } from '../../../source/core/plan/collection-names.js';
import { conflictHazards } from '../../../source/core/plan/conflict-hazards.js';
import { noConflicts } from '../../../source/core/plan/conflicts.js';
import { collectionTable } from '../../../source/core/plan/langchain-tables.js';
import { makePlan } from '../../../source/core/plan/make-plan.js';
import { isCopyStep, isSchemaStep, type Plan } from '../../../source/core/plan/types.js';
import { servesSame } from '../../../source/core/plan/vector-index.js';
import type { ChromaCollection } from '../../../source/core/ports.js';
import { bench, fakeTables, request } from '../../fakes/engine.js';
import type { FakeVector } from '../../fakes/memory-source.js';

const collection = (name: string, more: Partial<ChromaCollection> = {}): ChromaCollection => ({
	id: `id-of-${name}`,
	name,
	tenant: 't',
	database: 'd',
	records: 2,
	dimension: 2,
	space: 'l2',
	metadata: null,
	vectorsIn: 'wal',
	...more,
});

const vectors = (...ids: string[]): FakeVector[] => ids.map((id, at) => ({ id, vector: [at, at + 1] }));

/** A plan over these collections; each holds the records of its name. */
async function planOf(
	collections: readonly ChromaCollection[],
	more: Parameters<typeof request>[0] = {},
	records: Record<string, FakeVector[]> = {},
): Promise<Plan> {
	const tables = fakeTables(0);
	tables.sqlite = null;
	tables.chroma = { path: 'chroma', bytes: 1, version: '1.3', notes: ['a note'], collections };
	tables.vectorsOf = Object.fromEntries(collections.map(({ id, name }) => [id, records[name] ?? vectors(`${name}1`, `${name}2`)]));
	return makePlan(request({ sqlitePath: null, collections: ['all'], ...more }), bench(tables));
}

const codes = (plan: Plan, severity: 'block' | 'warn' | 'info') =>
	plan.hazards.filter((hazard) => hazard.severity === severity).map(({ code }) => code);
const indexes = (plan: Plan) =>
	plan.steps
		.filter(isSchemaStep)
		.filter(({ what }) => what === 'vector-index')
		.map(({ sql }) => sql);
const naming = { pgvectorCollection: 'usual', collectionNames: {} };

describe('names of collections in the target', () => {
	it('one has the usual name and the usual step, several keep their own', () => {
		expect(nameCollections([collection('a')], naming)).toMatchObject([{ step: 'vectors', target: 'usual' }]);
		expect(nameCollections([collection('a'), collection('b')], naming)).toMatchObject([
			{ step: 'vectors:a', target: 'a' },
			{ step: 'vectors:b', target: 'b' },
		]);
	});

	it('a name that two databases hold is told in full, and may be given to one of them', () => {
		const two = [collection('a'), collection('a', { id: 'other', database: 'e' })];
		const named = nameCollections(two, { ...naming, collectionNames: { 't/e/a': 'second' } });
		expect(named).toMatchObject([
			{ step: 'vectors:t/d/a', target: 'a' },
			{ step: 'vectors:t/e/a', target: 'second' },
		]);
		expect(() => nameCollections(two, { ...naming, collectionNames: { a: 'x' } })).toThrow(/2 of the chosen/);
		expect(() => nameCollections(two, { ...naming, collectionNames: { b: 'x' } })).toThrow(/does not move/);
	});

	it('a single name for several is told to do nothing', async () => {
		const plan = await planOf([collection('a'), collection('b')], { pgvectorCollection: 'mine' });
		expect(codes(plan, 'info')).toContain('COLLECTION_NAME_UNUSED');
		expect(plan.steps.filter(isCopyStep).map((step) => step.collection?.name)).toEqual(['a', 'b']);
	});

	it('a single name for several is refused where a flag gives it', async () => {
		const planned = planOf([collection('a'), collection('b')], { pgvectorCollection: 'mine', nameByFlag: true });
		await expect(planned).rejects.toMatchObject({ kind: 'usage', next: [expect.stringContaining('a=mine'), expect.anything()] });
		expect(nameCollections([collection('a')], { ...naming, pgvectorCollection: 'mine', nameByFlag: true })).toMatchObject([
			{ target: 'mine' },
		]);
	});

	it('a list in one flag and the word for all in capitals are understood, not taken', async () => {
		const two = [collection('a'), collection('b')];
		await expect(planOf(two, { collections: ['a, b'] })).rejects.toMatchObject({
			next: ['Repeat the flag: --collection a --collection b', expect.anything()],
		});
		await expect(planOf(two, { collections: ['ALL'] })).rejects.toMatchObject({
			next: ['The word for every one is --collection all', expect.anything()],
		});
		await expect(planOf(two, { collections: ['a,c'] })).rejects.toMatchObject({ next: [expect.stringMatching(/^Name one/)] });
	});

	it('two that would get one name block', async () => {
		const plan = await planOf([collection('a'), collection('b')], { collectionNames: { b: 'a' } });
		expect(codes(plan, 'block')).toEqual(['COLLECTION_NAME_CLASH']);
	});
});

describe('a plan of several collections', () => {
	it('reads the table of collections once, writes one statement for statistics, and tells notes for the plan as a whole', async () => {
		const plan = await planOf([collection('a'), collection('b')]);
		const schema = plan.steps.filter(isSchemaStep);
		expect(schema.filter(({ what }) => what === 'analyze').map(({ id }) => id)).toEqual(['analyze:langchain_pg_embedding']);
		expect(schema.filter(({ object }) => object === collectionTable)).toHaveLength(1);
		expect(new Set(plan.steps.map(({ id }) => id)).size).toBe(plan.steps.length);
		expect(plan.hazards.find(({ code }) => code === 'CHROMA_NOTE')?.step).toBeNull();
		expect(plan.totals.records).toBe(4);
	});

	it('has another intent than a plan of one of them, and the same when it is made again', async () => {
		const both = await planOf([collection('a'), collection('b')]);
		const one = await planOf([collection('a')]);
		expect(both.intent).not.toBe(one.intent);
		expect((await planOf([collection('a'), collection('b')])).id).toBe(both.id);
	});

	it('counts ids that occur twice, whatever the rule makes of them', async () => {
		const records = { a: vectors('x', 'y'), b: vectors('y', 'z') };
		const plan = await planOf([collection('a'), collection('b')], {}, records);
		expect(plan.hazards.find(({ code }) => code === 'ID_IN_SEVERAL_COLLECTIONS')).toMatchObject({ count: 1, sample: ['y'] });
		const policies = { ...request().policies, onIdCollision: 'prefix' } as const;
		expect(codes(await planOf([collection('a'), collection('b')], { policies }, records), 'block')).toEqual([]);
		// `a/` + `b/c` and `a/b/` + `c` are one id.
		const slashes = { collectionNames: { b: 'a/b' }, policies };
		const clash = await planOf([collection('a'), collection('b')], slashes, { a: vectors('b/c'), b: vectors('c') });
		expect(clash.hazards.find(({ code }) => code === 'ID_IN_SEVERAL_COLLECTIONS')?.hint).toContain('another name');
	});

	it('tells of an empty collection, which is not made', async () => {
		const plan = await planOf([collection('a'), collection('e', { records: 0, dimension: null })], {}, { e: [] });
		expect(plan.hazards.filter(({ step }) => step === 'vectors:e').map(({ code }) => code)).toEqual(['EMPTY_COLLECTION']);
		expect(plan.steps.filter(isCopyStep).map(({ columns }) => columns[2]?.targetType)).toEqual(['vector(2)', 'vector(2)']);
	});

	it('an empty collection on its own makes nothing of vectors, and none sizes the column for others', async () => {
		const empty = { records: 0, dimension: 1536 };
		const alone = await planOf([collection('e', empty)], {}, { e: [] });
		expect(alone.steps.map(({ id }) => id)).toEqual(['vectors']);
		expect(alone.hazards.map(({ code, step }) => [code, step])).toContainEqual(['EMPTY_COLLECTION', 'vectors']);
		expect(codes(alone, 'info')).not.toContain('LEDGER_CREATED');
		expect(alone.doneBy).toBe('-');
		const beside = await planOf([collection('a'), collection('e', empty)], {}, { e: [] });
		expect(beside.steps.filter(isCopyStep).map(({ columns }) => columns[2]?.targetType)).toEqual(['vector(2)', 'vector(2)']);
	});

	it('a collection alone gives one index over all rows, several one each over their own, several dimensions cast ones', async () => {
		const all = expect.stringMatching(/USING hnsw \(embedding vector_l2_ops\)$/);
		const own = expect.stringMatching(/USING hnsw \(embedding vector_l2_ops\) WHERE collection_id = '[0-9a-f-]{36}'$/);
		expect(indexes(await planOf([collection('a')]))).toEqual([all]);
		expect(indexes(await planOf([collection('a'), collection('e', { records: 0, dimension: null })], {}, { e: [] }))).toEqual([all]);
		expect(indexes(await planOf([collection('a'), collection('b')]))).toEqual([own, own]);
		const metrics = indexes(await planOf([collection('a'), collection('b', { space: 'ip' })]));
		expect(metrics).toEqual([
			expect.stringMatching(/\(embedding vector_l2_ops\) WHERE collection_id = '[0-9a-f-]{36}'$/),
			expect.stringMatching(/\(embedding vector_ip_ops\) WHERE collection_id = '[0-9a-f-]{36}'$/),
		]);
		const mixed = await planOf([collection('a'), collection('b', { dimension: 3000 }), collection('c', { dimension: 5000 })]);
		expect(indexes(mixed)).toEqual([
			expect.stringMatching(/\(\(embedding::vector\(2\)\) vector_l2_ops\) WHERE/),
			expect.stringMatching(/\(\(embedding::halfvec\(3000\)\) halfvec_l2_ops\) WHERE/),
		]);
		expect(mixed.steps.filter(isCopyStep).map((step) => [step.columns[2]?.targetType, step.collection?.indexedAs])).toEqual([
			['vector', 'vector(2)'],
			['vector', 'halfvec(3000)'],
			['vector', undefined],
		]);
		expect(codes(mixed, 'info')).toContain('MIXED_DIMENSIONS');
	});

	it('what holds for the index of every collection is told once', async () => {
		const plan = await planOf([collection('a'), collection('b')], { index: 'none' });
		expect(plan.hazards.filter(({ code }) => code === 'NO_VECTOR_INDEX').map(({ step, count }) => [step, count])).toEqual([[null, 2]]);
	});
});

describe('keys that differ in the target', () => {
	it('of a cosine collection may do so in the last bit, which is told with what to do', async () => {
		const hintOf = async (space: ChromaCollection['space']) => {
			const [step] = (await planOf([collection('a', { space })])).steps.filter(isCopyStep);
			if (step === undefined) throw new Error('no step');
			const tally = { ...noConflicts(), differing: { count: 260, sample: ['x'] } };
			return conflictHazards(step, tally, request().policies)[0]?.hint;
		};
		expect(await hintOf('cosine')).toMatch(/--on-conflict skip .*--on-conflict update .*last bit.*skip loses nothing$/);
		expect(await hintOf('l2')).not.toContain('last bit');
	});
});

describe('an index that the target has', () => {
	const uuid = '6f9619ff-8b86-4011-b42d-00cf4fc964ff';
	const full = 'CREATE INDEX i ON langchain_pg_embedding USING hnsw (embedding vector_l2_ops)';
	const partial = `${full} WHERE collection_id = '${uuid}'`;
	const cast = `CREATE INDEX i ON langchain_pg_embedding USING hnsw ((embedding::vector(3)) vector_l2_ops) WHERE collection_id = '${uuid}'`;
	const printed = {
		full: 'CREATE INDEX x ON public.langchain_pg_embedding USING hnsw (embedding vector_l2_ops)',
		full16: "CREATE INDEX x ON public.langchain_pg_embedding USING hnsw (embedding vector_l2_ops) WITH (m='16', ef_construction='64')",
		own: `CREATE INDEX x ON public.langchain_pg_embedding USING hnsw (embedding vector_l2_ops) WHERE (collection_id = '${uuid}'::uuid)`,
		other: `CREATE INDEX x ON public.langchain_pg_embedding USING hnsw (embedding vector_l2_ops) WHERE (collection_id = '${uuid.replace('6', '7')}'::uuid)`,
		narrower: `CREATE INDEX x ON public.langchain_pg_embedding USING hnsw (embedding vector_l2_ops) WHERE ((collection_id = '${uuid}'::uuid) AND (id > 'a'::text))`,
		cosine: 'CREATE INDEX x ON public.langchain_pg_embedding USING hnsw (embedding vector_cosine_ops)',
		cast: `CREATE INDEX x ON public.langchain_pg_embedding USING hnsw (((embedding)::vector(3)) vector_l2_ops) WHERE (collection_id = '${uuid}'::uuid)`,
		cast4: `CREATE INDEX x ON public.langchain_pg_embedding USING hnsw (((embedding)::vector(4)) vector_l2_ops) WHERE (collection_id = '${uuid}'::uuid)`,
		half: 'CREATE INDEX x ON public.langchain_pg_embedding USING hnsw (((embedding)::halfvec(3)) halfvec_l2_ops)',
	};
	const serving = (planned: string) =>
		Object.entries(printed)
			.filter(([, definition]) => servesSame(definition, planned))
			.map(([kind]) => kind);

	it('serves when it holds these rows, cast the same way, by the same metric', () => {
		expect(serving(full)).toEqual(['full', 'full16']);
		expect(serving(partial)).toEqual(['own']);
		expect(serving(cast)).toEqual(['cast']);
	});
});
