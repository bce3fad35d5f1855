import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createFeed } from '../../../services/feed/feed.js';
import type { Source } from '../../../source/core/ports.js';
import { temporaryFolder } from '../chroma/support.js';
import { collectBatches } from '../feed/support.js';
import { vectorStep } from '../mapping/steps.js';
import { collectionOf, type FakeServer, fakeServer, records } from './fake-server.js';

const token = 'ck-of-the-test';

function feedOf(
	{ url }: FakeServer,
	workDir: string,
	more: { readonly collections?: readonly string[]; readonly describeOnly?: boolean } = {},
): Source {
	const chromaServer = { access: { token, authorization: null }, collections: [], describeOnly: false, ...more };
	const feed = createFeed({ sqlitePath: null, chromaPath: url, chromaServer, workDir });
	onTestFinished(() => feed.close());
	return feed;
}

const several = () => [
	collectionOf(
		records(700).map((one) => (one.id === 'r9' ? { ...one, vector: null } : one)),
		{ name: 'wanted' },
	),
	collectionOf(records(5), { id: '00000000-0000-0000-0000-00000000000b', name: 'other' }),
];

it('a feed copies the chosen collection once, tells how far it is, and reads everything from the copy', async () => {
	const server = await fakeServer({ token, maxBatchSize: 100, collections: several() });
	const workDir = join(temporaryFolder(), 'work');
	const feed = feedOf(server, workDir, { collections: ['wanted'] });
	const told: number[] = [];
	const { chroma: fingerprint, sqlite } = await feed.fingerprints(undefined, (fraction) => told.push(fraction));
	expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
	expect(sqlite).toBeNull();
	expect(told.at(-1)).toBe(1);
	expect(told.length).toBeGreaterThan(3);
	const asked = server.requests.length;
	const { chroma } = await feed.describe();
	const collection = chroma?.collections.find(({ name }) => name === 'wanted');
	expect(collection).toMatchObject({ records: 700, vectorsIn: 'server' });
	const step = vectorStep(3, { rows: 700 }, 'ip', collection?.id);
	const scan = await feed.scan(step);
	expect(scan).toMatchObject({ rows: 700, rejected: 1 });
	expect(scan.findings).toMatchObject([{ code: 'MISSING_VECTOR', count: 1, sample: ['r9'] }]);
	const batches = await collectBatches(feed.read(step, null, {}));
	expect(batches.reduce((sum, { rows }) => sum + rows, 0)).toBe(699);
	expect(batches.flatMap(({ rejects }) => rejects)).toMatchObject([
		{ key: 'r9', code: 'MISSING_VECTOR', record: expect.stringContaining('text of 9') },
	]);
	expect(await feed.probes(step, 20)).toHaveLength(20);
	expect(server.requests).toHaveLength(asked);
	await feed.close();
	expect(existsSync(workDir) ? readdirSync(workDir) : []).toEqual([]);
});

it('a feed that only looks copies nothing', async () => {
	const server = await fakeServer({ token, collections: several() });
	const feed = feedOf(server, join(temporaryFolder(), 'work'), { describeOnly: true });
	const { chroma } = await feed.describe();
	expect(chroma?.collections.map(({ name, records }) => [name, records])).toEqual([
		['other', 5],
		['wanted', 700],
	]);
	expect(server.requests.filter(({ body }) => body.ids !== undefined)).toEqual([]);
});

it('a feed gives the error of the server to whoever asks', async () => {
	const server = await fakeServer({ token: 'another', collections: several() });
	const feed = feedOf(server, join(temporaryFolder(), 'work'));
	await expect(feed.describe()).rejects.toMatchObject({ code: 'CHROMA_SERVER_REFUSED', kind: 'source' });
	const asked = server.requests.length;
	await expect(feed.fingerprints()).rejects.toMatchObject({ code: 'CHROMA_SERVER_REFUSED' });
	expect(server.requests).toHaveLength(asked);
});
