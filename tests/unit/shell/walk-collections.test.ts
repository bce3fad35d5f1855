import { describe, expect, it } from 'vitest';
import { chooseCollections } from '../../../source/core/plan/collection.js';
import type { ChromaCollection } from '../../../source/core/ports.js';
import { inspectedChroma, inspectedCollection, inspectedServer } from '../../fakes/inspection.js';
import { keys } from '../../fakes/wizard-screen.js';
import { open } from './walking.js';

const collection = (name: string, records: number, dimension: number, more: Partial<ChromaCollection> = {}): ChromaCollection => ({
	id: `${more.database ?? ''}${name}`,
	name,
	tenant: 'default_tenant',
	database: 'default_database',
	records,
	dimension,
	space: 'cosine',
	metadata: null,
	vectorsIn: 'wal',
	...more,
});

const held = [
	collection('docs', 1200, 384),
	collection('notes', 40, 16, { space: 'l2' }),
	collection('images', 300, 512),
	collection('tickets', 800, 384),
	collection('docs', 5, 384, { database: 'archive' }),
];

const chroma = inspectedChroma(
	{ path: 'data/many', bytes: 1_000_000, version: '1.5' },
	held.map((one) => inspectedCollection(one)),
);

/** One of these is really called as the word for all of them. */
const withAll = inspectedChroma(
	{ path: 'data/many', bytes: 1_000_000, version: '1.5' },
	[collection('all', 7, 8), collection('docs', 1200, 384)].map((one) => inspectedCollection(one)),
);

/** A wizard over a directory of five collections, two of one name; nothing is chosen when it opens. */
function openMany(source: typeof chroma | ReturnType<typeof inspectedServer> = chroma, size: { columns?: number; rows?: number } = {}) {
	return open(
		{
			describeDataset: async ({ collections }) => ({
				sqlite: null,
				chroma: source,
				problems: [],
				errors: [],
				collections: collections.length === 0 ? [] : chooseCollections(source, collections),
			}),
		},
		{ initial: { environment: 'dev', chromaPath: source.path }, ...size },
	);
}

type Opened = ReturnType<typeof openMany>;

async function toPicker({ opened }: Opened, collections = 5): Promise<void> {
	await opened.until('> dev');
	opened.press(keys.enter);
	await opened.until(`${collections} collections`);
	await opened.until('c chooses');
	opened.press('c');
	await opened.until('none marked: enter takes the one under the cursor');
}

/** On to the run, and what it was asked for. */
async function migrated({ opened, calls }: Opened): Promise<readonly string[] | undefined> {
	for (const shown of ['PG 17.5', 'about 2 s', 'Press Enter to start writing.']) {
		opened.press(keys.enter);
		await opened.until(shown);
	}
	opened.press(keys.enter);
	await opened.until('ALL CHECKS PASS');
	return calls.migrated[0]?.request.collections;
}

describe('choosing collections', () => {
	it('nothing moves until one is chosen, and the way to choose is said', async () => {
		const { opened } = openMany();
		await opened.until('> dev');
		opened.press(keys.enter);
		await opened.until('c chooses');
		opened.press(keys.enter);
		await opened.until('! Not chosen: choose a collection (c lists them).');
	});

	it.each([18, 19, 20, 24])('what stands above stays where it is when that is said, in %i rows', async (rows) => {
		const { opened } = openMany(chroma, { columns: 80, rows });
		await opened.until('> dev');
		opened.press(keys.enter);
		await opened.until('c chooses');
		const rowOf = (text: string) =>
			opened
				.live()
				.split('\n')
				.findIndex((line) => line.includes(text));
		const before = rowOf('5 collections');
		opened.press(keys.enter);
		await opened.until('! Not chosen');
		expect(rowOf('5 collections')).toBe(before);
	});

	it('the keys of the list and of the collections keep their way back', async () => {
		const scene = openMany();
		await scene.opened.until('> dev');
		scene.opened.press(keys.enter);
		await scene.opened.until(/esc back +c collections/);
		scene.opened.press('c');
		await scene.opened.until('none marked');
		scene.opened.press('a');
		await scene.opened.until(/enter take +esc back/);
	});

	it('enter takes the one under the cursor', async () => {
		const scene = openMany();
		await toPicker(scene);
		scene.opened.press(keys.down);
		await scene.opened.until('> [ ]  notes');
		scene.opened.press(keys.enter);
		await scene.opened.until('c for the other 4');
		expect(await migrated(scene)).toEqual(['notes']);
	});

	it('one that is called all is taken alone', async () => {
		const scene = openMany(withAll);
		await toPicker(scene, 2);
		await scene.opened.until('> [ ]  all');
		scene.opened.press(keys.enter);
		await scene.opened.until('c for the other');
		expect(await migrated(scene)).toEqual(['default_tenant/default_database/all']);
	});

	it('space marks several; a name that two databases hold is told in full', async () => {
		const scene = openMany();
		const { opened } = scene;
		await toPicker(scene);
		opened.press(keys.down, ' ', keys.down, ' ', keys.down, keys.down);
		await opened.until('> [ ]  default_tenant/archive/docs');
		opened.press(' ');
		await opened.until('3 of 5 marked   345 records');
		opened.press(keys.up, keys.up, ' ');
		await opened.until('2 of 5 marked   45 records');
		opened.press(keys.enter);
		await opened.until('2 collections');
		await opened.until('notes   default_tenant/archive/docs');
		await opened.until('45 records x 16, 384   l2, cosine');
		await opened.until('vectors: 45 in the log');
		expect(await migrated(scene)).toEqual(['notes', 'default_tenant/archive/docs']);
	});

	it('a marks all and unmarks all; all of them are asked for as such, and stay marked when the list is opened again', async () => {
		const scene = openMany();
		const { opened } = scene;
		await toPicker(scene);
		opened.press('a');
		await opened.until('5 of 5 marked');
		opened.press('a');
		await opened.until('none marked');
		opened.press('a', keys.enter);
		await opened.until('c for fewer');
		opened.press('c');
		await opened.until('5 of 5 marked');
		opened.press(keys.esc);
		await opened.until('c for fewer');
		expect(await migrated(scene)).toEqual(['all']);
	});

	it('a server has them too, and says nothing of files', async () => {
		const scene = openMany(inspectedServer('http://chroma:8000', held));
		const { opened } = scene;
		await toPicker(scene);
		opened.press(' ', keys.down, ' ', keys.enter);
		await opened.until('server, API v2   c for the other 3');
		await opened.until('1 240 records x 16, 384   cosine, l2');
		for (const part of ['integrity', 'vectors:', 'format']) expect(opened.live()).not.toContain(part);
		opened.press('c', 'a', 'a', keys.enter);
		await opened.until('c for the other 4');
		expect(opened.live()).toMatch(/\S+ x \d+ {3}\w+ {3}server, API v2/);
	});
});
