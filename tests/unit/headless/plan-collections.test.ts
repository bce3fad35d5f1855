import { describe, expect, it } from 'vitest';
import { planRows } from '../../../screens/plan-rows.js';
import { makePlan } from '../../../source/core/plan/make-plan.js';
import type { Plan } from '../../../source/core/plan/types.js';
import type { ChromaCollection } from '../../../source/core/ports.js';
import { planLines } from '../../../source/headless/plan-text.js';
import { plainStyle, type TextStyle } from '../../../source/headless/style.js';
import { bench, fakeTables, request } from '../../fakes/engine.js';

const collection = (name: string, more: Partial<ChromaCollection> = {}): ChromaCollection => ({
	id: `id-of-${name}-${more.database ?? ''}`,
	name,
	tenant: 'default_tenant',
	database: 'default_database',
	records: 3,
	dimension: 2,
	space: 'l2',
	metadata: null,
	vectorsIn: 'wal',
	...more,
});

const long = 'a-rather-long-name-of-a-collection-that-somebody-chose-once';

/** The plan of these collections; ids are made with `prefix`. */
async function planOf(collections: readonly ChromaCollection[]): Promise<Plan> {
	const tables = fakeTables(3);
	tables.chroma = { path: 'chroma', bytes: 1, version: '1.5', notes: [], collections };
	tables.vectorsOf = Object.fromEntries(
		collections.map(({ id, dimension }) => [
			id,
			[1, 2, 3].map((at) => ({ id: `${at}`, vector: Array.from({ length: dimension ?? 0 }, () => at) })),
		]),
	);
	const policies = { ...request().policies, onIdCollision: 'prefix' as const };
	const isSecond = collections.some(({ database }) => database === 'second');
	const collectionNames = isSecond ? { 'default_tenant/second/docs': 'docs2' } : {};
	return makePlan(request({ collections: ['all'], collectionNames, policies }), bench(tables));
}

const textOf = async (collections: readonly ChromaCollection[], style: TextStyle = plainStyle) =>
	planLines(await planOf(collections), style);

const four = [collection('docs'), collection('docs', { database: 'second' }), collection('images', { dimension: 3 }), collection(long)];

describe('a plan of several collections as text', () => {
	it('has its steps with their figures within 80 columns, however long the names are', async () => {
		const lines = await textOf(four);
		const heading = lines.find((line) => line.includes('STEP') && line.includes('NOTES')) ?? '';
		expect(heading.indexOf('NOTES')).toBeLessThan(80);
		const steps = lines.filter((line) => /^ {2}[+=] {2}(vectors:|index of )/.test(line));
		expect(steps).toHaveLength(8);
		for (const line of steps) expect(line.length).toBeLessThanOrEqual(heading.indexOf('NOTES') + 40);
		expect(steps.map((line) => line.slice(5, 29).trim())).toEqual([
			'vectors:de...tabase/docs',
			'vectors:de...second/docs',
			'vectors:images',
			'vectors:a-...-chose-once',
			'index of docs',
			'index of docs2',
			'index of images',
			'index of a...-chose-once',
		]);
	});

	it('notes the name in the target only where the step does not say it', async () => {
		const noted = (await textOf(four)).filter((line) => line.includes('  collection '));
		expect(noted.map((line) => line.replace(/.* collection /, ''))).toEqual(['docs', 'docs2']);
	});

	it('leaves names whole that would look the same', async () => {
		const twins = ['first', 'other'].map((middle) => `vectors-of-${middle}-collection-of-many`);
		const shown = (await textOf([...twins.map((name) => collection(name)), collection('docs')])).join('\n');
		for (const name of twins) expect(shown).toMatch(new RegExp(`vectors:${name} +langchain_pg_embedding`));
	});

	it('tells columns that are alike once, and of each collection what is its own', async () => {
		const lines = await textOf(four);
		expect(lines.filter((line) => line.startsWith('Columns of langchain'))).toEqual(['Columns of langchain_pg_embedding, 4 collections']);
		expect(lines).toContainEqual(expect.stringMatching(/cmetadata +metadata +jsonb not null +metadata +.*id kept as chroma_id/));
		expect(lines).toContainEqual(expect.stringMatching(/^ {2}vectors:images +.*= images\/ +.*= [0-9a-f-]{36}$/));
		const own = await textOf([collection('docs'), collection('images', { dimension: 3, space: 'ip' })]);
		expect(own.filter((line) => line.startsWith('Columns of langchain'))).toHaveLength(1);
	});

	it('says in the wizard, too, where the original id is kept', async () => {
		const rows = planRows(await planOf(four), 80).filter(({ id }) => id.startsWith('vectors:'));
		expect(rows).toHaveLength(4);
		for (const { details } of rows) expect(JSON.stringify(details)).toContain('id kept as chroma_id');
	});

	it('is read aloud with whole names', async () => {
		const spoken = await textOf(four, { ...plainStyle, tables: false });
		expect(spoken).toContainEqual(expect.stringContaining(`step vectors:${long}, `));
		expect(spoken).toContainEqual(expect.stringMatching(/^step vectors:images, id = images\/, /));
	});
});
