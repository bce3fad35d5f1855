import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseArguments } from '../../../source/commands/parse.js';
import { namingFrom, namingTexts } from '../../../source/config/collection-flags.js';
import { contradictions, saidOfPlan } from '../../../source/config/plan-choices.js';
import { collectionsOf, namingOf } from '../../../source/config/plan-collections.js';
import { planFileText, readPlanFile } from '../../../source/config/plan-file.js';
import type { Flags } from '../../../source/config/settings.js';
import { writeFileWhole } from '../../../source/config/write-file.js';
import { planId } from '../../../source/core/plan/hash.js';
import type { CopyStep, Plan } from '../../../source/core/plan/types.js';
import { fakePlan } from '../../fakes/plan.js';
import { usualConfig } from '../commands/world.js';
import { makeFolder, settingsOf } from './folder.js';
import { requestOf } from './requests.js';

const withChroma = { ...usualConfig, datasets: { data: { chroma: './chroma' } } };

function flagsOf(...argv: string[]): Flags {
	const parsed = parseArguments(argv, '1');
	if (parsed.kind !== 'command') throw new Error('A command was expected');
	return parsed.flags;
}

describe('several collections', () => {
	it('come from a flag that repeats, a variable with commas, or an array of the config, the first of them alone', async () => {
		const flags = flagsOf('plan', '--env', 'dev', '--collection', 'a', '--collection=b', '--chroma-collection', 'c');
		expect(flags.collection).toEqual(['a', 'b', 'c']);
		const config = { ...withChroma, collection: ['of', 'config'] };
		const collections = async (given: Parameters<typeof settingsOf>[0]) =>
			(await requestOf(await settingsOf({ config, ...given }))).collections;
		expect(await collections({ flags })).toEqual(['a', 'b', 'c']);
		expect(await collections({ flags: { env: 'dev' }, env: { REPOT_COLLECTION: 'x, y' } })).toEqual(['x', 'y']);
		expect(await collections({ flags: { env: 'dev' } })).toEqual(['of', 'config']);
		expect(await collections({ flags: { env: 'dev', collection: [''] } })).toEqual([]);
		const datasets = { data: { chroma: './chroma', collection: 'all' } };
		expect(await collections({ config: { ...usualConfig, datasets }, flags: { env: 'dev' } })).toEqual(['all']);
		const several = { data: { chroma: './chroma', collection: ['a', 'b'] } };
		expect(await collections({ config: { ...usualConfig, datasets: several }, flags: { env: 'dev' } })).toEqual(['a', 'b']);
	});

	it('an array in the config is refused where a setting takes one value, with its line', async () => {
		await expect(settingsOf({ config: { ...withChroma, userId: ['a', 'b'] } })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
		await expect(settingsOf({ config: { ...withChroma, collection: [1] } })).rejects.toMatchObject({
			code: 'CONFIG_INVALID',
			why: expect.stringContaining('collection'),
		});
		await expect(settingsOf({ config: { ...withChroma, collection: ['a', ''] } })).rejects.toMatchObject({ kind: 'usage' });
	});

	it('the policies for ids and vectors go into the request only when they are chosen', async () => {
		const usual = await requestOf(await settingsOf({ config: withChroma, flags: { env: 'dev' } }));
		expect(Object.keys(usual.policies)).not.toContain('onIdCollision');
		const flags = flagsOf('plan', '--env', 'dev', '--on-id-collision', 'uuid', '--on-missing-vector', 'null');
		const chosen = await requestOf(await settingsOf({ config: withChroma, flags }));
		expect(chosen.policies).toMatchObject({ onIdCollision: 'uuid', onMissingVector: 'null' });
	});
});

describe('names of collections in the target', () => {
	it('are one NAME, or SOURCE=TARGET for some', () => {
		expect(namingFrom([], 'x')).toEqual({ pgvectorCollection: 'collections_vectors', collectionNames: {} });
		expect(namingFrom(['mine', 'a=b', 't/d/c=e=f'], 'x')).toEqual({
			pgvectorCollection: 'mine',
			collectionNames: { a: 'b', 't/d/c': 'e=f' },
		});
		expect(() => namingFrom(['a', 'b'], 'x')).toThrow(/two names for one collection/);
		expect(() => namingFrom(['a=b', 'a=c'], 'x')).toThrow(/two names for the collection "a"/);
	});

	it('come from the flag, else the dataset, else the config', async () => {
		const datasets = { data: { chroma: './chroma', pgvectorCollection: ['a=x', 'b=y'] } };
		const config = { ...usualConfig, datasets, pgvectorCollection: 'of-config' };
		expect(await requestOf(await settingsOf({ config, flags: { env: 'dev' } }))).toMatchObject({ collectionNames: { a: 'x', b: 'y' } });
		const flags = { env: 'dev', pgvectorCollection: ['a=z'] };
		expect(await requestOf(await settingsOf({ config, flags }))).toMatchObject({ collectionNames: { a: 'z' } });
	});
});

describe('a saved plan of several collections', () => {
	const vectors = fakePlan.steps.find((step): step is CopyStep => step.kind === 'copy' && step.source.kind === 'chroma') as CopyStep;
	const step = (name: string, id: string, target: string): CopyStep => ({
		...vectors,
		id: `vectors:${name}`,
		source: { ...vectors.source, collection: name, collectionId: id } as CopyStep['source'],
		collection: { name: target, uuid: id, exists: false, metadata: null, indexedAs: 'vector(3)' },
		withoutVector: 2,
	});
	const planWith = (...steps: CopyStep[]): Plan => {
		const { id: _, ...content } = { ...fakePlan, steps, policies: { ...fakePlan.policies, onIdCollision: 'prefix' as const } };
		return { ...content, id: planId(content) };
	};
	const plan = planWith(step('docs', '1', 'docs'), step('notes', '2', 'memos'));

	it('names them, by id where a name means others too, and what they become', () => {
		expect(collectionsOf(plan)).toEqual(['docs', 'notes']);
		expect(collectionsOf(planWith(step('docs', '1', 'a'), step('docs', '2', 'b')))).toEqual(['1', '2']);
		expect(collectionsOf(planWith(step('all', '1', 'a'), step('docs', '2', 'b')))).toEqual(['1', 'docs']);
		expect(namingOf(plan).collectionNames).toEqual({ 1: 'docs', 2: 'memos' });
	});

	it('gives names that the flag reads as the same, also those with = in them', () => {
		const name = fc.string({ unit: fc.constantFrom('a', 'b', '=', ' ', 'é'), minLength: 1, maxLength: 6 });
		fc.assert(
			fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 3 }), (targets) => {
				const said = namingOf(planWith(...targets.map((target, at) => step(`c${at}`, `id-${at}`, target))));
				expect(namingFrom(namingTexts(said), 'x')).toEqual(said);
				const names = new Set([said.pgvectorCollection, ...Object.values(said.collectionNames)]);
				expect(targets.every((target) => names.has(target))).toBe(true);
			}),
		);
	});

	it('tells of a single collection with = in its name as the flag takes it', async () => {
		const single = planWith(step('docs', '1', 'x=y'));
		const against = async (...argv: string[]) => contradictions(await settingsOf({ flags: flagsOf('migrate', ...argv) }), single);
		expect(await against('--pgvector-collection', 'x=y')).toEqual(['pgvectorCollection']);
		expect(await against('--pgvector-collection', 'docs=x=y')).toEqual([]);
		expect(saidOfPlan(single, 'pgvectorCollection')).toMatch(/--pgvector-collection docs=x=y$/);
	});

	it('is read back as it was written', async () => {
		const cwd = await makeFolder();
		await writeFileWhole(`${cwd}/plan.json`, planFileText(plan), { flag: '--out' });
		expect(await readPlanFile('plan.json', cwd)).toEqual(plan);
	});

	it('takes flags that repeat what it says, and refuses those that leave a collection out or name it otherwise', async () => {
		const against = async (...argv: string[]) => contradictions(await settingsOf({ flags: flagsOf('migrate', ...argv) }), plan);
		expect(await against('--collection', 'notes', '--collection', 'docs', '--pgvector-collection', 'notes=memos')).toEqual([]);
		expect(await against('--on-id-collision', 'prefix', '--on-missing-vector', 'quarantine')).toEqual([]);
		expect(await against('--collection', 'docs')).toEqual(['collection']);
		expect(await against('--collection', 'all')).toEqual(['collection']);
		expect(await against('--pgvector-collection', 'notes=other')).toEqual(['pgvectorCollection']);
		expect(await against('--on-id-collision', 'uuid')).toEqual(['onIdCollision']);
		expect(saidOfPlan(plan, 'collection')).toContain('docs, notes');
		expect(saidOfPlan(plan, 'pgvectorCollection')).toContain('docs=docs, notes=memos');
	});
});
