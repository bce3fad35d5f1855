import { describe, expect, it } from 'vitest';
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
});
