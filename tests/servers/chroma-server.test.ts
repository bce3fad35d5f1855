import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalLine, type ReadRecord } from '../unit/chroma/canonical.js';
import { farthest, openServer, recordsOf, refusal } from '../unit/chroma-server/support.js';
import { post } from './chroma-process.js';

const server = process.env.REPOT_TEST_CHROMA_URL;
const required = process.env.REPOT_REQUIRE_SERVERS === '1';

const database = `repot_${process.pid}`;
const dimension = 24;
/** More than a page, and more than Chroma's threshold for writing its index to disk. */
const count = 2500;

/** Bits of every kind of finite float32: mulberry32 as the source, so that every run writes the same. */
function* floats(): Generator<number, never, undefined> {
	const one = new Float32Array(1);
	const bits = new Uint32Array(one.buffer);
	let state = 0x5eed;
	for (;;) {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		bits[0] = (mixed ^ (mixed >>> 14)) >>> 0;
		// Squares of larger ones have no place in a float32, and no index holds them.
		if (Number.isFinite(one[0]) && Math.abs(one[0] as number) < 1e15) yield one[0] as number;
	}
}

function writtenRecords(): ReadRecord[] {
	const source = floats();
	return Array.from({ length: count }, (_, at) => ({
		id: at === 3 ? 'nul \0 quote " and \u{1f600}' : `id-${at}`,
		embedding: Float32Array.from({ length: dimension }, () => source.next().value),
		document: at % 5 === 0 ? null : at % 7 === 0 ? '' : `document ${at} \0 ü`,
		metadata:
			at % 3 === 0
				? null
				: new Map<string, string | bigint | number | boolean | readonly bigint[]>([
						['big', 9007199254740993n + BigInt(at)],
						// Of up to 15 digits: the server reads longer ones of a request with an error in the last place.
						['double', Number((at / 3).toFixed(6))],
						['flag', at % 2 === 0],
						['integer', BigInt(at)],
						['list', [1n, 9007199254740993n]],
						['text', `t${at}`],
						['whole', at * 1.0],
					]),
	}));
}

const numberText = (value: number): string =>
	Number.isInteger(value) && Math.abs(value) < 1e15 ? `${Object.is(value, -0) ? '-0' : value}.0` : String(value);

function valueText(value: unknown): string {
	if (Array.isArray(value)) return `[${value.map(valueText).join(',')}]`;
	if (typeof value === 'bigint') return value.toString();
	return typeof value === 'number' ? numberText(value) : JSON.stringify(value);
}

function writing(records: readonly ReadRecord[]): string {
	const metadata = (one: ReadRecord): string =>
		one.metadata === null ? 'null' : `{${[...one.metadata].map(([key, value]) => `${JSON.stringify(key)}:${valueText(value)}`).join(',')}}`;
	return `{"ids":${JSON.stringify(records.map(({ id }) => id))},"embeddings":[${records
		.map(({ embedding }) => `[${[...(embedding ?? [])].map(numberText).join(',')}]`)
		.join(',')}],"documents":${JSON.stringify(records.map(({ document }) => document))},"metadatas":[${records.map(metadata).join(',')}]}`;
}

describe.skipIf(server === undefined && !required)('a running Chroma server (skipped without REPOT_TEST_CHROMA_URL)', () => {
	const written = writtenRecords();
	const address = `${server}/?database=${database}`;
	const root = `${server}/api/v2/tenants/default_tenant/databases`;

	const fill = async (space: string): Promise<void> => {
		const made = (await post(
			`${root}/${database}/collections`,
			JSON.stringify({ name: `in_${space}`, configuration: { hnsw: { space } }, metadata: { of: space } }),
		)) as { readonly id: string };
		for (let at = 0; at < count; at += 500) {
			await post(`${root}/${database}/collections/${made.id}/add`, writing(written.slice(at, at + 500)));
		}
		await post(`${root}/${database}/collections/${made.id}/delete`, JSON.stringify({ ids: ['id-10', 'id-2400'] }));
	};

	beforeAll(async () => {
		expect(server, 'REPOT_TEST_CHROMA_URL').toBeDefined();
		await post(root, JSON.stringify({ name: database }));
		for (const space of ['l2', 'ip', 'cosine']) await fill(space);
	});

	afterAll(async () => {
		if (server !== undefined) await fetch(`${root}/${database}`, { method: 'DELETE' });
	});

	const expected = written.filter(({ id }) => id !== 'id-10' && id !== 'id-2400');

	/** The first few pairs that are not equal. */
	const differing = (read: readonly ReadRecord[], withVectors: boolean): readonly (readonly [string, string])[] => {
		expect(read.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
		const line = (one: ReadRecord | undefined): string => (one === undefined ? 'none' : canonicalLine(one, 'typed', withVectors));
		return read
			.map((one, at) => [line(one), line(expected[at])] as const)
			.filter(([a, b]) => a !== b)
			.slice(0, 3);
	};

	it.each(['l2', 'ip'])('gives every record of a collection in %s exactly, vectors bit for bit', async (space) => {
		const { snapshot } = await openServer(address, { collections: [`in_${space}`] });
		const collection = snapshot.describe().collections.find(({ name }) => name === `in_${space}`);
		expect(collection).toMatchObject({ records: count - 2, dimension, space, metadata: `{"of":"${space}"}`, database });
		const read = recordsOf(snapshot, `in_${space}`);
		expect(differing(read, true)).toEqual([]);
	});

	it('gives a cosine collection as its index answers: equal but for the last bit', async () => {
		const { snapshot } = await openServer(address, { collections: ['in_cosine'] });
		const read = recordsOf(snapshot, 'in_cosine');
		expect(differing(read, false)).toEqual([]);
		expect(farthest(read, expected)).toBeLessThan(2e-7);
	});

	it('has the same fingerprint when it is read again, and another one after a write', async () => {
		const fingerprint = async (): Promise<string> => (await openServer(address, { collections: ['in_l2'] })).snapshot.fingerprint();
		const before = await fingerprint();
		expect(await fingerprint()).toBe(before);
		const listed = (await openServer(address, { describeOnly: true })).snapshot.describe().collections;
		const id = listed.find(({ name }) => name === 'in_l2')?.id;
		const one = expected[20] as ReadRecord;
		await post(`${root}/${database}/collections/${id}/update`, JSON.stringify({ ids: [one.id], documents: ['changed'] }));
		expect(await fingerprint()).not.toBe(before);
		await post(`${root}/${database}/collections/${id}/update`, JSON.stringify({ ids: [one.id], documents: [one.document ?? ''] }));
	});

	it('refuses by name what it does not have', async () => {
		expect(await refusal(`${server}/?tenant=no_such_tenant`)).toMatchObject({ code: 'CHROMA_UNKNOWN_TENANT' });
		const error = await refusal(`${server}/?database=no_such_database`);
		expect(error).toMatchObject({ code: 'CHROMA_UNKNOWN_DATABASE', why: expect.stringContaining(database) });
	});
});
