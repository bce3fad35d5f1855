import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RepotError } from '../../../source/core/errors.js';
import type { Operations } from '../../../source/core/operations.js';
import { inspectedChroma, inspectedServer, inspectedSqlite } from '../../fakes/inspection.js';
import { createWorld, usualConfig, type World } from './world.js';

const demo = join(import.meta.dirname, '../../../source/demo/data');

const looked = (path: string) =>
	path.startsWith('http') ? inspectedServer(path, []) : inspectedChroma({ path, bytes: 1, version: '1.5' }, []);

/** Answers for every path; a path with `bad` in it cannot be read. */
function recorder() {
	const asked: string[] = [];
	const inspect: Operations['inspect'] = async ({ sqlitePath, chromaPath }) => {
		const path = sqlitePath ?? chromaPath ?? '';
		asked.push(`${sqlitePath === null ? 'chroma' : 'sqlite'} ${path}`);
		if (path.includes('bad'))
			throw new RepotError({ kind: 'source', code: 'SOURCE_NOT_SQLITE', message: 'this is no database', where: path });
		return {
			sqlite: sqlitePath === null ? null : inspectedSqlite({ path, bytes: 1, tables: [], integrity: 'ok', journalMode: 'delete' }),
			chroma: chromaPath === null ? null : looked(path),
		};
	};
	return { asked, script: { over: { inspect } } };
}

const chromaIn = (world: World, name: string): void => {
	mkdirSync(join(world.cwd, name), { recursive: true });
	cpSync(join(demo, 'chroma_demo/chroma.sqlite3'), join(world.cwd, name, 'chroma.sqlite3'));
};
const databaseIn = (world: World, name: string): void => cpSync(join(demo, 'collections_demo.db'), join(world.cwd, name));

describe('repot inspect', () => {
	it('without a path tells what the config names', async () => {
		const { asked, script } = recorder();
		const result = await (await createWorld({ config: usualConfig, script })).run('inspect');
		expect(result).toMatchObject({ code: 0, stderr: '' });
		expect(asked).toEqual(['sqlite ./app.db', 'chroma ./chroma']);
		expect(result.stdout).toContain('SQLite database  ./app.db');
		expect(result.stdout).toContain('Chroma directory  ./chroma');
	});

	it('without anything to look at says how to name it, and is 2', async () => {
		const result = await (await createWorld({ script: recorder().script })).run('inspect');
		expect(result.code).toBe(2);
		expect(result.stderr).toContain('repot inspect ./near.db');
	});

	it('a file, a Chroma directory, and the database in it', async () => {
		const { asked, script } = recorder();
		const world = await createWorld({ script });
		databaseIn(world, 'app.db');
		chromaIn(world, 'vectors');
		for (const path of ['app.db', 'vectors', 'vectors/chroma.sqlite3']) expect((await world.run('inspect', path)).code).toBe(0);
		expect(asked).toEqual(['sqlite ./app.db', 'chroma ./vectors', 'chroma ./vectors']);
	});

	it('everything that a folder holds, in one document', async () => {
		const { asked, script } = recorder();
		const world = await createWorld({ script });
		mkdirSync(join(world.cwd, 'data'));
		databaseIn(world, 'data/app.db');
		chromaIn(world, 'data/below/vectors');
		writeFileSync(join(world.cwd, 'data/readme.txt'), 'text');
		const result = await world.run('inspect', 'data', '--json');
		expect(asked).toEqual(['sqlite ./data/app.db', 'chroma ./data/below/vectors']);
		expect(result.json).toMatchObject([
			{
				type: 'inspection',
				sources: [
					{ kind: 'sqlite', path: './data/app.db' },
					{ kind: 'chroma', damage: [] },
				],
			},
		]);
		expect(result.json[0]).not.toHaveProperty('sources.1.notes');
	});

	it('a database beside chroma.sqlite3 is told too', async () => {
		const { asked, script } = recorder();
		const world = await createWorld({ script });
		chromaIn(world, 'both');
		databaseIn(world, 'both/app.db');
		await world.run('inspect', 'both');
		expect(asked).toEqual(['sqlite ./both/app.db', 'chroma ./both']);
	});

	it('one of several that cannot be read does not hide the others, and is 8', async () => {
		const world = await createWorld({ script: recorder().script });
		mkdirSync(join(world.cwd, 'data'));
		databaseIn(world, 'data/bad.db');
		databaseIn(world, 'data/good.db');
		const text = await world.run('inspect', 'data');
		expect(text).toMatchObject({ code: 8, stderr: '' });
		expect(text.stdout).toContain('X This is no database');
		expect(text.stdout).toContain('SQLite database  ./data/good.db');
		expect((await world.run('inspect', 'data', '--json')).json).toMatchObject([
			{ sources: [{ kind: 'unreadable', path: './data/bad.db', error: { code: 'SOURCE_NOT_SQLITE' } }, { kind: 'sqlite' }] },
		]);
	});

	it('the only one that cannot be read is an error of the source: 8', async () => {
		const world = await createWorld({ script: recorder().script });
		const result = await world.run('inspect', 'bad.db', '--json');
		expect(result.code).toBe(8);
		expect(result.json).toMatchObject([{ type: 'error', code: 'SOURCE_NOT_SQLITE', exitCode: 8 }]);
	});

	it('a folder without either is an error of the source: 8', async () => {
		const world = await createWorld({ script: recorder().script });
		mkdirSync(join(world.cwd, 'empty'));
		const result = await world.run('inspect', 'empty');
		expect(result.code).toBe(8);
		expect(result.stderr).toContain('neither a SQLite database nor a Chroma directory');
	});

	it('a path and a flag contradict each other: 2', async () => {
		const result = await (await createWorld({ script: recorder().script })).run('inspect', 'app.db', '--chroma-path', 'x');
		expect(result.code).toBe(2);
		expect(result.stderr).toContain('Both a path and --chroma-path are given');
	});

	it('a server is named by its flag, and told without what it is asked with', async () => {
		const { asked, script } = recorder();
		const world = await createWorld({ script });
		const named = await world.run('inspect', '--chroma-url', 'http://ana:hush1234@chroma:8000/', '--json');
		expect(named.code).toBe(0);
		expect(asked).toEqual(['chroma http://chroma:8000']);
		expect(named.json).toMatchObject([{ sources: [{ kind: 'chroma-server', path: 'http://chroma:8000', collections: [] }] }]);
		expect(named.json[0]).not.toHaveProperty('sources.0.notes');
		const asPath = await world.run('inspect', 'http://ana:hush1234@chroma:8000');
		expect(asPath.code).toBe(2);
		expect(asPath.stderr).toContain('repot inspect --chroma-url URL');
		const both = await world.run('inspect', 'app.db', '--chroma-url', 'http://ana:hush1234@chroma:8000');
		expect(both.code).toBe(2);
		expect(both.stderr).toContain('Both a path and --chroma-url are given');
		for (const said of [named, asPath, both]) expect(said.stdout + said.stderr).not.toContain('hush1234');
	});

	it('can be interrupted: 130', async () => {
		let world: World | null = null;
		const inspect: Operations['inspect'] = (_paths, signal) =>
			new Promise((_resolve, reject) => {
				signal?.addEventListener('abort', () => reject(signal.reason));
				world?.interrupt();
			});
		world = await createWorld({ config: usualConfig, script: { over: { inspect } } });
		expect((await world.run('inspect')).code).toBe(130);
	});
});
