import { expect, it } from 'vitest';
import { collectionOf, type FakeCollection, fakeServer, records } from './fake-server.js';
import { openServer } from './support.js';

async function spaceOf(content: Partial<FakeCollection>): Promise<string | undefined> {
	const { url } = await fakeServer({ collections: [collectionOf(records(50), { space: 'l2', ...content })] });
	return (await openServer(url)).snapshot.describe().collections[0]?.space;
}

it.each(['l2', 'ip', 'cosine'] as const)('an index in %s is found out where the configuration says the default', async (searched) => {
	expect(await spaceOf({ searched })).toBe(searched);
	for (const named of ['l2', 'ip', 'cosine']) expect(await spaceOf({ searched, metadata: `{"hnsw:space":"${named}"}` })).toBe(searched);
});

it('a configuration other than the default is believed when nothing contradicts it, and checked when something does', async () => {
	expect(await spaceOf({ space: 'cosine' })).toBe('cosine');
	expect(await spaceOf({ space: 'ip', metadata: '{"hnsw:space":"cosine"}' })).toBe('ip');
	expect(await spaceOf({ space: 'ip', searched: 'cosine', metadata: '{"hnsw:space":"cosine"}' })).toBe('cosine');
});

it('a name is preferred to the default where the distances fit both: one record, or only duplicates', async () => {
	const [one] = records(1);
	const alone = one === undefined ? [] : [one];
	const equal = ['a', 'b', 'c'].map((id) => ({ id, vector: '[1.0,0.0,0.0]' }));
	for (const content of [equal.slice(0, 1), equal]) {
		expect(await spaceOf({ records: content, searched: 'cosine', metadata: '{"hnsw:space":"cosine"}' })).toBe('cosine');
		expect(await spaceOf({ records: content, searched: 'cosine', metadata: '{"hnsw:space":"ip"}' })).toBe('ip');
		expect(await spaceOf({ records: content, searched: 'l2' })).toBe('l2');
		expect(await spaceOf({ records: content, space: 'cosine', metadata: '{"hnsw:space":"l2"}' })).toBe('cosine');
	}
	// Of length other than 1: ip does not fit, and the name says ip.
	expect(await spaceOf({ records: alone, searched: 'cosine', metadata: '{"hnsw:space":"ip"}' })).toBe('l2');
});

it('an index that fits no space, or cannot be searched, leaves the word of the collection or of its configuration', async () => {
	const searched = 'none that is known';
	expect(await spaceOf({ searched, metadata: '{"hnsw:space":"ip"}' })).toBe('ip');
	expect(await spaceOf({ searched, metadata: '{"hnsw:space":"hamming"}' })).toBe('l2');
	expect(await spaceOf({ searched })).toBe('l2');
	expect(await spaceOf({ records: records(50).map((one) => ({ ...one, vector: null })) })).toBe('l2');
	expect(await spaceOf({ records: [] })).toBe('l2');
});
