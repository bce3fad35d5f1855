import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { inspectSource } from '../../../services/feed/inspect-source.js';
import { directoryState, temporaryFolder } from '../chroma/support.js';
import { collectionOf, fakeServer, records } from '../chroma-server/fake-server.js';
import { demo } from './support.js';

const paths = { sqlitePath: join(demo, 'collections_demo.db'), chromaPath: join(demo, 'chroma_demo') };

it('both halves are described by a worker, whose copies are gone and whose sources are untouched afterwards', async () => {
	const workDir = join(temporaryFolder(), 'work');
	const before = directoryState(demo);
	const { sqlite, chroma } = await inspectSource({ ...paths, workDir });
	expect(sqlite?.tables.length).toBe(9);
	expect(chroma?.collections[0]?.records).toBe(240);
	expect(readdirSync(workDir)).toEqual([]);
	expect(directoryState(demo)).toEqual(before);
});

it('an error is a RepotError of the source, and leaves no copy', async () => {
	const workDir = join(temporaryFolder(), 'work');
	await expect(inspectSource({ sqlitePath: null, chromaPath: demo, workDir })).rejects.toMatchObject({
		kind: 'source',
		code: 'CHROMA_NOT_CHROMA',
	});
	expect(readdirSync(workDir)).toEqual([]);
});

it('stops with the reason of the signal, and leaves no copy', async () => {
	const workDir = join(temporaryFolder(), 'work');
	const controller = new AbortController();
	const reason = new Error('enough');
	const inspecting = inspectSource({ ...paths, workDir }, controller.signal);
	controller.abort(reason);
	await expect(inspecting).rejects.toBe(reason);
	expect(readdirSync(workDir)).toEqual([]);
});

it('a server is asked what it holds, and nothing is copied', async () => {
	const workDir = join(temporaryFolder(), 'work');
	const server = await fakeServer({ token: 'hush', collections: [collectionOf(records(700), { name: 'articles' })] });
	const chromaServer = { access: { token: 'hush', authorization: null }, collections: [], describeOnly: true };
	const { chroma } = await inspectSource({ sqlitePath: null, chromaPath: server.url, chromaServer, workDir });
	expect(chroma).toMatchObject({
		kind: 'chroma-server',
		path: server.url,
		bytes: 0,
		damage: [],
		collections: [{ name: 'articles', records: 700, vectorsIn: 'server' }],
	});
	expect(server.requests.filter(({ body }) => body.ids !== undefined)).toEqual([]);
	expect(readdirSync(workDir)).toEqual([]);
});
