import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { discoverDatasets } from '../../../source/config/discover.js';
import { makeFolder } from './folder.js';

const sqlite = 'SQLite format 3\0 and the rest of a header';

const place = async (cwd: string, files: Readonly<Record<string, string>>): Promise<void> => {
	for (const [name, content] of Object.entries(files)) {
		await mkdir(dirname(join(cwd, name)), { recursive: true });
		await writeFile(join(cwd, name), content);
	}
};

it('finds SQLite files and Chroma directories, pairs them, and looks no deeper than it should', async () => {
	const cwd = await makeFolder();
	const files: Record<string, string> = {
		'data/collections_golden.db': sqlite,
		'data/chroma_golden/chroma.sqlite3': sqlite,
		'data/collections_old.db': sqlite,
		'single/app.sqlite': sqlite,
		'single/vectors/chroma.sqlite3': sqlite,
		'notes.db': 'not a database',
		'node_modules/pkg/cache.db': sqlite,
		'.hidden/x.db': sqlite,
		'pg/PG_VERSION': '17',
		'pg/base.db': sqlite,
		'a/b/c/d/deep.db': sqlite,
		'data/x/y/z/reached.db': sqlite,
	};
	await place(cwd, files);
	expect(await discoverDatasets(cwd)).toEqual([
		{ name: 'golden', sqlitePath: './data/collections_golden.db', chromaPath: './data/chroma_golden' },
		{ name: 'old', sqlitePath: './data/collections_old.db', chromaPath: null },
		{ name: 'reached', sqlitePath: './data/x/y/z/reached.db', chromaPath: null },
		{ name: 'app', sqlitePath: './single/app.sqlite', chromaPath: './single/vectors' },
	]);
});

it('leaves out the demo data that repot carries, from wherever it looks, and keeps the copy that repot demo made', async () => {
	const cwd = await makeFolder();
	await place(cwd, {
		'package.json': '{ "name": "repot", "dependencies": {} }',
		'source/demo/data/collections_demo.db': sqlite,
		'source/demo/data/chroma_demo/chroma.sqlite3': sqlite,
		'repot-demo/collections_demo.db': sqlite,
		'repot-demo/chroma_demo/chroma.sqlite3': sqlite,
	});
	const copy = { name: 'demo', sqlitePath: './repot-demo/collections_demo.db', chromaPath: './repot-demo/chroma_demo' };
	expect(await discoverDatasets(cwd)).toEqual([copy]);
	expect(await discoverDatasets(join(cwd, 'source'))).toEqual([]);
	expect(await discoverDatasets(join(cwd, 'source', 'demo', 'data'))).toEqual([]);
});

it('keeps the data of another package that lies in folders of the same names', async () => {
	const cwd = await makeFolder();
	await place(cwd, { 'package.json': '{ "name": "shop" }', 'source/demo/data/shop.db': sqlite });
	expect((await discoverDatasets(cwd)).map((one) => one.sqlitePath)).toEqual(['./source/demo/data/shop.db']);
});

it('keeps a file and the Chroma directory beside it together at the deepest level', async () => {
	const cwd = await makeFolder();
	await place(cwd, { 'a/b/c/collections_x.db': sqlite, 'a/b/c/chroma_x/chroma.sqlite3': sqlite });
	expect(await discoverDatasets(cwd)).toEqual([{ name: 'x', sqlitePath: './a/b/c/collections_x.db', chromaPath: './a/b/c/chroma_x' }]);
});

it('finds nothing in an empty folder', async () => {
	expect(await discoverDatasets(await makeFolder())).toEqual([]);
});
