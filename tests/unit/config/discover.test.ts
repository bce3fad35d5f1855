import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { discoverDatasets } from '../../../source/config/discover.js';
import { makeFolder } from './folder.js';

const sqlite = 'SQLite format 3\0 and the rest of a header';

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
	for (const [name, content] of Object.entries(files)) {
		await mkdir(dirname(join(cwd, name)), { recursive: true });
		await writeFile(join(cwd, name), content);
	}
	expect(await discoverDatasets(cwd)).toEqual([
		{ name: 'golden', sqlitePath: './data/collections_golden.db', chromaPath: './data/chroma_golden' },
		{ name: 'old', sqlitePath: './data/collections_old.db', chromaPath: null },
		{ name: 'reached', sqlitePath: './data/x/y/z/reached.db', chromaPath: null },
		{ name: 'app', sqlitePath: './single/app.sqlite', chromaPath: './single/vectors' },
	]);
});

it('finds nothing in an empty folder', async () => {
	expect(await discoverDatasets(await makeFolder())).toEqual([]);
});
