import { describe, expect, it } from 'vitest';
import { inspectedChroma, inspectedCollection } from '../../fakes/inspection.js';
import { keys } from '../../fakes/wizard-screen.js';
import { open } from './walking.js';

describe('choosing the sources', () => {
	it('takes typed paths, one of which may stay empty', async () => {
		const { opened, calls } = open();
		await opened.until('> local');
		opened.press(keys.enter);
		await opened.until('165 rows');
		opened.press('o');
		await opened.until('Which files?');
		opened.press('my files/app.db');
		await opened.until('my files/app.db');
		opened.press(keys.enter, keys.enter);
		await opened.until('> other...  my files/app.db');
		await opened.until('165 rows');
		opened.press(keys.enter);
		await opened.until('PG 17.5');
		opened.press(keys.enter);
		await opened.until('about 2 s');
		opened.press(keys.enter);
		await opened.until('Press Enter to start writing.');
		opened.press(keys.enter);
		await opened.until('ALL CHECKS PASS');
		expect(calls.migrated[0]?.request).toMatchObject({ sqlitePath: 'my files/app.db', chromaPath: null });
	});

	it('moves only one part when asked to', async () => {
		const { opened, calls } = open();
		await opened.until('> local');
		opened.press(keys.enter);
		await opened.until('165 rows');
		opened.press('p');
		await opened.until('only SQLite');
		for (const shown of ['only SQLite', 'PG 17.5', 'about 2 s', 'Press Enter to start writing.']) {
			await opened.until(shown);
			opened.press(keys.enter);
		}
		await opened.until('ALL CHECKS PASS');
		expect(calls.migrated[0]?.request).toMatchObject({ sqlitePath: 'data/collections_golden.db', chromaPath: null });
	});

	it('selects the dataset whose paths were given, instead of listing it twice', async () => {
		const { opened } = open(
			{},
			{ initial: { environment: 'dev', sqlitePath: 'data/collections_golden.db', chromaPath: 'data/chroma_golden' } },
		);
		await opened.until('> dev');
		opened.press(keys.enter);
		await opened.until('> golden');
		expect(opened.live()).not.toContain('given');
	});

	it('cannot choose a dataset whose file is missing', async () => {
		const { opened } = open();
		await opened.until('> local');
		opened.press(keys.enter);
		await opened.until('integrity ok');
		opened.press(keys.down);
		await opened.until('data/collections.db does not exist');
		opened.press(keys.enter);
		await opened.until('Not chosen: what is marked X must be solved first');
		opened.press(keys.enter, 'p', 'p');
		await opened.until('no Chroma part');
		expect(opened.live()).toContain('(2) Sources');
	});

	it('tells where the vectors are, who uses the directory and what is damaged, as repot inspect does', async () => {
		const articles = { id: 'c', name: 'articles', tenant: 't', database: 'd', records: 1082, dimension: 384, metadata: null } as const;
		const chroma = inspectedChroma(
			{ path: 'data/chroma', bytes: 1_677_722, version: '1.0-1.2' },
			[
				inspectedCollection(
					{ ...articles, space: 'cosine', vectorsIn: 'wal' },
					{ vectorsInLog: 68, missingVectors: { count: 1014, sample: ['a-1', 'a-2', 'a-3'], goneFromLog: 2 }, restatedVectors: 52 },
				),
			],
			{ staleFolders: [{ name: 'x', bytes: 100 }], use: { state: 'in-use', by: [{ pid: 12, name: 'python3', writes: true }] } },
		);
		const { opened } = open({
			describeDataset: async () => ({ sqlite: null, chroma, problems: [], errors: [], collections: chroma.collections }),
		});
		await opened.until('> local');
		opened.press(keys.enter);
		await opened.until('68 in the log, 1 014 missing');
		for (const part of [
			'cosine, from schema_str',
			'integrity ok, in use by python3 (process 12)',
			'LOOK  collection articles: 1 014 of 1 082 records have no vector',
			'1 more: repot inspect data/chroma',
		])
			expect(opened.live()).toContain(part);
	});
});
