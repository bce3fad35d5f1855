import { describe, expect, it } from 'vitest';
import { hexOf } from '../chroma/canonical.js';
import { collectionOf, type FakeRequest, fakeServer, records } from './fake-server.js';
import { openServer, recordsOf, refusal } from './support.js';

const pagesOf = (requests: readonly { readonly body: { readonly ids?: readonly string[] } }[]): number[] =>
	requests.flatMap(({ body }) => (body.ids === undefined ? [] : [body.ids.length]));

describe('a Chroma server read over the network', () => {
	it('gives every value exactly as it is, in the order of the server', async () => {
		const metadata =
			'{"z":"s","i":9007199254740993,"least":-9223372036854775808,"one":1,"float":1.0,"zero":-0.0,"big":1e+300,"yes":true,"ints":[1,9007199254740993],"floats":[1.0,2.5],"texts":["a","b\\u0000"],"bools":[true,false],"nothing":null}';
		const content = [
			{ id: 'b\0"\\', vector: '[3.4028235e+38,-0.0,1e-45]', document: '', uri: 'file:///a', metadata },
			{ id: 'a', vector: '[0.1,0.2,-1.1754944e-38]', document: 'ümlaut \0 \u{1f600}', metadata: null },
			{ id: 'no document', vector: '[1.0,2.0,3.0]', document: null, metadata: '{}' },
		];
		const { url } = await fakeServer({ collections: [collectionOf(content, { metadata: '{"n":9007199254740993,"f":2.0}' })] });
		const { snapshot } = await openServer(url);
		expect(snapshot.describe()).toMatchObject({
			path: url,
			from: 'server',
			collections: [
				{
					name: 'things',
					tenant: 'default_tenant',
					database: 'default_database',
					records: 3,
					dimension: 3,
					space: 'ip',
					vectorsIn: 'server',
				},
			],
			notes: [],
		});
		expect(snapshot.describe().collections[0]?.metadata).toBe('{"f":2.0,"n":9007199254740993}');
		const read = recordsOf(snapshot);
		expect(read.map(({ id }) => id)).toEqual(['b\0"\\', 'a', 'no document']);
		expect(read.map(({ document }) => document)).toEqual(['', 'ümlaut \0 \u{1f600}', null]);
		expect(read.map(({ embedding }) => embedding && hexOf(embedding))).toEqual([
			'ffff7f7f0000008001000000',
			'cdcccc3dcdcc4c3e00008080',
			'0000803f0000004000004040',
		]);
		expect(read[0]?.metadata).toEqual(
			new Map<string, unknown>([
				['big', 1e300],
				['bools', [true, false]],
				['chroma:uri', 'file:///a'],
				['float', 1],
				['floats', [1, 2.5]],
				['i', 9007199254740993n],
				['ints', [1n, 9007199254740993n]],
				['least', -9223372036854775808n],
				['nothing', null],
				['one', 1n],
				['texts', ['a', 'b\0']],
				['yes', true],
				['z', 's'],
				['zero', -0],
			]),
		);
		expect(read[1]?.metadata).toBeNull();
		expect(read[2]?.metadata).toBeNull();
	});

	it('goes on after any record, and counts and skips without reading', async () => {
		const { url } = await fakeServer({ collections: [collectionOf(records(25))] });
		const { snapshot } = await openServer(url);
		const [collection] = snapshot.describe().collections;
		const reader = snapshot.reader(collection?.id ?? '');
		const step = {} as never;
		const all = [...reader.read(step, ['id', 'document'], null)];
		expect(all).toHaveLength(25);
		for (const [at, { cursor }] of all.entries()) expect([...reader.read(step, ['id', 'document'], cursor)]).toEqual(all.slice(at + 1));
		const positions = reader.positions?.(step);
		expect(positions?.count()).toBe(25);
		expect(positions?.ahead(null, 1)).toBe(all[0]?.cursor);
		expect(positions?.ahead(all[3]?.cursor ?? '', 5)).toBe(all[8]?.cursor);
		expect(positions?.ahead(all[20]?.cursor ?? '', 5)).toBeNull();
		expect(() => reader.read(step, ['nothing'], null).next()).toThrow(TypeError);
		expect(() => reader.read(step, ['id'], 'x').next()).toThrow(TypeError);
		reader.close();
		expect(() => reader.read(step, ['id'], null)).toThrow(TypeError);
	});

	it('copies the chosen collection only, and none when there is nothing but a look', async () => {
		const collections = [
			collectionOf(records(3)),
			collectionOf(records(4), { id: '00000000-0000-0000-0000-00000000000b', name: 'others' }),
		];
		const server = await fakeServer({ collections });
		const { snapshot } = await openServer(server.url, { collections: ['others'] });
		expect(recordsOf(snapshot, 'others')).toHaveLength(4);
		expect(() => recordsOf(snapshot, 'things')).toThrow('was not copied');
		const looked = await openServer(server.url, { describeOnly: true });
		expect(looked.snapshot.describe().collections.map(({ records }) => records)).toEqual([4, 3]);
		const unnamed = await openServer(server.url);
		expect(() => recordsOf(unnamed.snapshot, 'others')).toThrow('was not copied');
		const all = await openServer(server.url, { collections: ['all'] });
		expect(['others', 'things'].map((name) => recordsOf(all.snapshot, name).length)).toEqual([4, 3]);
		expect(server.requests.filter(({ body }) => body.ids !== undefined)).toHaveLength(3);
	});

	it('has one fingerprint for one content, whatever pages it comes in, and another for any other', async () => {
		const fingerprintOf = async (
			content: ReturnType<typeof records>,
			more: { quota?: number; metadata?: string } = {},
		): Promise<string> => {
			const { url } = await fakeServer({ ...more, collections: [collectionOf(content, more)] });
			return (await openServer(url)).snapshot.fingerprint();
		};
		const base = await fingerprintOf(records(40));
		expect(await fingerprintOf(records(40), { quota: 7 })).toBe(base);
		const changed = (more: object) => records(40).map((one, at) => (at === 17 ? { ...one, ...more } : one));
		const others = [
			await fingerprintOf(records(39)),
			await fingerprintOf(changed({ document: 'text of 19' })),
			await fingerprintOf(changed({ document: null })),
			await fingerprintOf(changed({ metadata: '{"n":18,"w":4.50,"m":1}' })),
			await fingerprintOf(changed({ metadata: '{"n":18.0,"w":4.5}' })),
			await fingerprintOf(changed({ vector: '[18.0,0.5,-0.25000003]' })),
			await fingerprintOf([...records(40)].reverse()),
			await fingerprintOf(records(40), { metadata: '{"a":1}' }),
		];
		expect(new Set([base, ...others]).size).toBe(9);
		expect(await fingerprintOf(changed({ metadata: '{"w":4.50,"n":18}' }))).toBe(base);
	});

	it('pages by what the server allows, and tells how far it is', async () => {
		const server = await fakeServer({ quota: 300, maxBatchSize: 5461, collections: [collectionOf(records(1000))] });
		const told: number[] = [];
		const { snapshot } = await openServer(server.url, { onProgress: (fraction) => told.push(fraction) });
		expect(recordsOf(snapshot).map(({ id }) => id)).toEqual(records(1000).map(({ id }) => id));
		const sizes = pagesOf(server.requests);
		expect(sizes.filter((size) => size > 300).length).toBeLessThanOrEqual(2);
		expect(told).toEqual([...told].sort((a, b) => a - b));
		expect(told.at(-1)).toBe(1);

		const small = await fakeServer({ maxBatchSize: 64, collections: [collectionOf(records(200))] });
		expect(recordsOf((await openServer(small.url)).snapshot)).toHaveLength(200);
		expect(pagesOf(small.requests)).toEqual([64, 64, 64, 8]);
	});

	it('reads documents of many megabytes in pages that fit in memory', async () => {
		const large = records(36).map((one) => ({ ...one, document: one.id.repeat(360_000) }));
		const server = await fakeServer({ collections: [collectionOf(large)] });
		const { snapshot } = await openServer(server.url);
		expect(recordsOf(snapshot).map(({ document }) => document?.length)).toEqual(large.map(({ document }) => document.length));
		expect(Math.max(...pagesOf(server.requests))).toBe(36);
		expect(pagesOf(server.requests).length).toBeGreaterThan(1);
	});

	it('reads an empty collection, and one without any vector yet', async () => {
		const { url } = await fakeServer({ collections: [collectionOf([], { dimension: null })] });
		const { snapshot } = await openServer(url);
		expect(snapshot.describe().collections).toMatchObject([{ records: 0, dimension: null, vectorsIn: 'none' }]);
		expect(recordsOf(snapshot)).toEqual([]);
	});

	it('lists more collections than one page of the server', async () => {
		const collections = Array.from({ length: 230 }, (_, at) =>
			collectionOf(records(1), { id: `00000000-0000-0000-0000-${String(at).padStart(12, '0')}`, name: `c${at}` }),
		);
		const { url } = await fakeServer({ collections });
		const { snapshot } = await openServer(url, { describeOnly: true });
		expect(snapshot.describe().collections).toHaveLength(230);
	});
});

describe('records that change or are damaged while they are read', () => {
	it('names the records whose vector the index lacks, and loses no other', async () => {
		const content = records(500).map((one) => (one.id === 'r7' || one.id === 'r321' ? { ...one, vector: null } : one));
		const server = await fakeServer({ collections: [collectionOf(content)] });
		const { snapshot } = await openServer(server.url);
		const read = recordsOf(snapshot);
		expect(read).toHaveLength(500);
		expect(read.filter(({ embedding }) => embedding === null).map(({ id, document }) => [id, document])).toEqual([
			['r7', 'text of 7'],
			['r321', 'text of 321'],
		]);
		expect(snapshot.describe().notes).toEqual([
			'Collection "things": the server cannot give the vector of 2 records (r7, r321): its index lacks them',
		]);
		expect(server.requests.length).toBeLessThan(80);
	});

	it('gives up on an index that has no vector at all', async () => {
		const content = records(500).map((one) => ({ ...one, vector: null }));
		const { url } = await fakeServer({ collections: [collectionOf(content)] });
		expect(await refusal(url)).toMatchObject({ code: 'CHROMA_SERVER_NO_VECTORS', why: expect.stringContaining('Error finding id') });
	});

	it('does not give up on one whose first records only lack their vectors', async () => {
		const content = records(900).map((one, at) => (at < 700 ? { ...one, vector: null } : one));
		const { url } = await fakeServer({ maxBatchSize: 20, collections: [collectionOf(content)] });
		const { snapshot } = await openServer(url);
		expect(recordsOf(snapshot).filter(({ embedding }) => embedding !== null)).toHaveLength(200);
	});

	it('reads a vector with NaN as missing and says so: JSON has no word for it', async () => {
		const content = [...records(2), { id: 'nan', vector: '[1.0,null,2.0]' }];
		const { url } = await fakeServer({ collections: [collectionOf(content)] });
		const { snapshot } = await openServer(url);
		expect(recordsOf(snapshot).map(({ embedding }) => embedding === null)).toEqual([false, false, true]);
		expect(snapshot.describe().notes).toEqual([expect.stringContaining('1 vectors hold NaN or an infinity')]);
	});

	it('leaves out what was deleted after the ids were listed, and numbers the rest as if it had never been', async () => {
		const collection = collectionOf(records(90));
		let listed = false;
		const { url } = await fakeServer({
			maxBatchSize: 20,
			collections: [collection],
			fault: ({ body }) => {
				if (body.ids !== undefined && !listed) {
					listed = true;
					collection.records = collection.records.filter(({ id }) => id !== 'r15' && id !== 'r55');
				}
				return null;
			},
		});
		const { snapshot } = await openServer(url);
		expect(recordsOf(snapshot)).toHaveLength(88);
		expect(snapshot.describe().collections[0]?.records).toBe(88);
		expect(snapshot.describe().notes).toEqual([expect.stringContaining('2 records were deleted while it was being read')]);
		const again = await openServer(url);
		expect(await again.snapshot.fingerprint()).toBe(await snapshot.fingerprint());
		const cursors = (of: typeof snapshot) => [...of.reader(collection.id).read({} as never, [], null)].map(({ cursor }) => cursor);
		expect(cursors(again.snapshot)).toEqual(cursors(snapshot));
	});

	it('asks again for what an answer left out, and takes a cap on answers for no deletion', async () => {
		for (const capped of [2, 7, 64]) {
			const server = await fakeServer({ capped, collections: [collectionOf(records(150))] });
			const { snapshot } = await openServer(server.url);
			expect(recordsOf(snapshot).map(({ id }) => id)).toEqual(records(150).map(({ id }) => id));
			expect(snapshot.describe().notes).toEqual([]);
		}
		const everything = collectionOf(records(90));
		const listing = { status: 200, body: JSON.stringify({ ids: records(90).map(({ id }) => id) }) };
		// The list of ids is whole, the answers with records are not.
		const fault = ({ body }: FakeRequest) => (body.include?.length === 0 ? listing : null);
		const server = await fakeServer({ capped: 40, collections: [everything], fault });
		expect(recordsOf((await openServer(server.url)).snapshot)).toHaveLength(90);
	});

	it('drops no record that the server lists and does not give', async () => {
		const withheld = collectionOf(records(60).filter(({ id }) => id !== 'r9' && id !== 'r33'));
		const listing = { status: 200, body: JSON.stringify({ ids: records(60).map(({ id }) => id) }) };
		const fault = ({ body }: FakeRequest) => (body.include?.length === 0 ? listing : null);
		const { url } = await fakeServer({ maxBatchSize: 20, collections: [withheld], fault });
		expect(await refusal(url)).toMatchObject({
			code: 'CHROMA_RECORDS_WITHHELD',
			exitCode: 8,
			why: '2 records that it lists were not in its answers (r9, r33), though they were asked for twice',
		});
	});

	it('takes a list that was short for a moment, while records were replaced, for no cap', async () => {
		const collection = collectionOf(records(60));
		let listings = 0;
		const { url, requests } = await fakeServer({
			collections: [collection],
			fault: ({ body }) => {
				if (body.include?.length !== 0) return null;
				listings += 1;
				// Deleted before each listing, added anew after it; the third finds everything.
				return listings > 2 ? null : { status: 200, body: JSON.stringify({ ids: records(60 - listings).map(({ id }) => id) }) };
			},
		});
		expect(recordsOf((await openServer(url)).snapshot)).toHaveLength(60);
		expect(requests.filter(({ body }) => body.include?.length === 0).map(({ body }) => body.limit)).toEqual([
			undefined,
			undefined,
			undefined,
		]);
	});

	it('believes no list of ids that stays shorter than the count', async () => {
		const fault = ({ path }: FakeRequest) => (path.endsWith('/count') ? { status: 200, body: '61' } : null);
		const { url } = await fakeServer({ collections: [collectionOf(records(60))], fault });
		expect(await refusal(url)).toMatchObject({ code: 'CHROMA_RECORDS_WITHHELD', why: 'it counts 61 records and lists 60' });
	});

	it('misses no record when others are deleted while the ids are listed in pages', async () => {
		const collection = collectionOf(records(100));
		let listings = 0;
		const { url } = await fakeServer({
			quota: 10,
			collections: [collection],
			fault: ({ body }) => {
				if (body.include?.length === 0 && body.offset !== undefined && body.offset > 30 && listings++ === 0) {
					collection.records = collection.records.filter(({ id }) => id !== 'r2' && id !== 'r3');
				}
				return null;
			},
		});
		const { snapshot } = await openServer(url);
		expect(recordsOf(snapshot).map(({ id }) => id)).toEqual(collection.records.map(({ id }) => id));
	});

	it('says so when records are deleted faster than they can be listed, or the collection itself goes', async () => {
		const restless = collectionOf(records(400));
		const first = await fakeServer({
			quota: 10,
			collections: [restless],
			fault: ({ body }) => {
				if (body.include?.length === 0) restless.records = restless.records.slice(1);
				return null;
			},
		});
		expect(await refusal(first.url)).toMatchObject({ code: 'CHROMA_COLLECTION_CHANGES' });
		const collections = [collectionOf(records(50))];
		const second = await fakeServer({
			maxBatchSize: 10,
			collections,
			fault: ({ body }) => {
				if (body.ids?.includes('r30')) collections.pop();
				return null;
			},
		});
		expect(await refusal(second.url)).toMatchObject({ code: 'CHROMA_COLLECTION_GONE' });
	});
});
