import { describe, expect, it } from 'vitest';
import { ChromaHttp, type HttpSettings } from '../../../services/chroma-server/http.js';
import { AnswerTooLong } from '../../../services/chroma-server/problems.js';
import { collectionOf, type FakeRequest, type Fault, fakeServer, records } from './fake-server.js';
import { openServer, recordsOf, refusal } from './support.js';

const { signal } = new AbortController();
const none = { token: null, authorization: null, where: 'there' };

/** Breaks the first request to each path with the fault. */
function firstOfEach(fault: Fault): (request: FakeRequest) => Fault | null {
	const seen = new Set<string>();
	return ({ path }) => (seen.size === seen.add(path).size ? null : fault);
}

const heartbeats = (fault: Fault, times: number): ((request: FakeRequest) => Fault | null) => {
	let left = times;
	return ({ path }) => (path === '/api/v2/heartbeat' && left-- > 0 ? fault : null);
};

describe('first contact', () => {
	it.each<[string, Fault]>([
		['broken connection', 'reset'],
		['answer that breaks off', 'reset mid-answer'],
		['failure of the server', { status: 500, body: '{"message":"a moment, please"}' }],
		['busy server', { status: 503 }],
	])('survives one %s at every request', async (_, fault) => {
		const { url } = await fakeServer({ collections: [collectionOf(records(9))], fault: firstOfEach(fault) });
		expect(recordsOf((await openServer(url)).snapshot)).toHaveLength(9);
	});

	it('ends after a few attempts that break off, and names what happened', async () => {
		const first = await fakeServer({ fault: () => 'reset' });
		expect(await refusal(first.url)).toMatchObject({ code: 'CHROMA_SERVER_UNREACHABLE' });
		expect(first.requests).toHaveLength(4);
		const later = await fakeServer({ fault: ({ path }) => (path.endsWith('/identity') ? 'reset' : null) });
		expect(await refusal(later.url)).toMatchObject({ code: 'CHROMA_SERVER_LOST', message: expect.stringContaining('4 attempts') });
	});

	it('does not wait where nothing listens', async () => {
		const pauses: number[] = [];
		const pause = async (milliseconds: number): Promise<void> => void pauses.push(milliseconds);
		expect(await refusal('http://127.0.0.1:9', { pause })).toMatchObject({ code: 'CHROMA_SERVER_UNREACHABLE' });
		expect(pauses).toEqual([]);
	});

	it('tells a server that fails from something that is no Chroma server', async () => {
		const failing = await fakeServer({ fault: heartbeats({ status: 500, body: '{"message":"disk I/O error"}' }, 9) });
		expect(await refusal(failing.url)).toMatchObject({ code: 'CHROMA_SERVER_FAILED', why: 'disk I/O error (HTTP 500, twice)' });
		expect(failing.requests).toHaveLength(2);
		const identity = await fakeServer({ fault: ({ path }) => (path.endsWith('/identity') ? { status: 500 } : null) });
		expect(await refusal(identity.url)).toMatchObject({ code: 'CHROMA_SERVER_FAILED' });
	});
});

describe('an answer without end', () => {
	it('is given up at first contact, where it is no heartbeat', async () => {
		const { url, requests } = await fakeServer({ fault: () => 'endless' });
		expect(await refusal(url)).toMatchObject({ code: 'CHROMA_SERVER_NOT_CHROMA', why: expect.stringContaining('longer than 1 MiB') });
		expect(requests).toHaveLength(1);
	});

	it.each(['/version', '/identity', '/default_tenant', '/default_database', '/count', '?limit=100&offset=0'])(
		'is given up at %s',
		async (ending) => {
			const fault = ({ path }: FakeRequest): Fault | null => (path.endsWith(ending) ? 'endless' : null);
			const { url } = await fakeServer({ collections: [collectionOf(records(9))], fault });
			expect(await refusal(url)).toMatchObject({ code: 'CHROMA_ANSWER_TOO_LONG', exitCode: 8 });
		},
	);

	it('is given up at the bound of the request, after its compression was undone, and asked for once', async () => {
		const { url, requests } = await fakeServer({ fault: () => 'endless' });
		const http = new ChromaHttp({ ...none, base: url });
		await expect(http.ask('/', { signal, persistent: true, longest: 200_000 })).rejects.toBeInstanceOf(AnswerTooLong);
		expect(requests).toHaveLength(1);
	});

	it('is cut where it is a failure, whose status counts', async () => {
		const { url } = await fakeServer({ fault: () => ({ status: 404, body: 'x'.repeat(3_000_000) }) });
		const answer = await new ChromaHttp({ ...none, base: url }).ask('/', { signal });
		expect(answer.status).toBe(404);
		expect(answer.text.length).toBeLessThan(2_000_000);
	});
});

it('an answer that is not UTF-8 is told, not asked for again as if the connection had broken', async () => {
	const { url, requests } = await fakeServer({
		collections: [collectionOf(records(9))],
		fault: ({ body }) => (body.ids === undefined ? null : { status: 200, body: Buffer.from([0x7b, 0xff, 0x7d]) }),
	});
	expect(await refusal(url)).toMatchObject({ code: 'CHROMA_ANSWER_UNEXPECTED', why: 'the answer is not valid UTF-8' });
	expect(requests.filter(({ body }) => body.ids !== undefined)).toHaveLength(1);
});

describe('a server that hangs', () => {
	const asking = async (persistent: boolean, fault: (request: FakeRequest) => Fault | null) => {
		const server = await fakeServer({ fault });
		const http = new ChromaHttp({ ...none, base: server.url, pause: async () => {}, within: { contact: 200, reading: 200 } });
		const ask = () => http.ask('/api/v2/heartbeat', { signal, persistent });
		return { ask, requests: server.requests };
	};

	it('is asked once more while records are read', async () => {
		const { ask, requests } = await asking(true, () => 'hang');
		await expect(ask()).rejects.toMatchObject({ why: 'it did not answer in time' });
		expect(requests).toHaveLength(2);
	});

	it('is given up at once when it never answered, and asked once more when it did', async () => {
		const never = await asking(false, () => 'hang');
		await expect(never.ask()).rejects.toMatchObject({ code: 'CHROMA_SERVER_UNREACHABLE', why: 'it did not answer in time' });
		expect(never.requests).toHaveLength(1);
		let first = true;
		const later = await asking(false, () => {
			const fault = first ? null : 'hang';
			first = false;
			return fault;
		});
		await later.ask();
		await expect(later.ask()).rejects.toMatchObject({ code: 'CHROMA_SERVER_LOST' });
		expect(later.requests).toHaveLength(3);
	});
});

describe('what a server repeats of the secrets', () => {
	const token = 'ck-9f8e7d6c5b4a39281706+/f5e4d3c2b1a0';
	const authorization = `Basic ${Buffer.from('annabel:hu"sh-hush').toString('base64')}`;
	const wordsOf = (text: string, access: Partial<HttpSettings>): string =>
		new ChromaHttp({ ...none, base: 'http://there', ...access }).wordsOf({ status: 400, text });

	it('is masked before it is cut, so that no part of a token is left', () => {
		for (let before = 440; before <= 510; before++) {
			const words = wordsOf(JSON.stringify({ message: `${'x'.repeat(before)}${token}` }), { token });
			expect(words.replaceAll('x', ''), `${before}`).toMatch(/^\**$/);
		}
		for (let before = 150; before <= 210; before++) {
			expect(wordsOf(`${'x'.repeat(before)}${token}`, { token }).replaceAll('x', ''), `${before}`).toMatch(/^\**$/);
		}
	});

	it('is masked in every spelling: as sent, decoded, in a URL, in JSON', () => {
		expect(wordsOf(`for ${authorization}`, { authorization })).toBe('for Basic ********');
		expect(wordsOf('annabel:hu"sh-hush may not', { authorization })).toBe('******** may not');
		expect(wordsOf('user annabel, password hu"sh-hush', { authorization })).toBe('user ********, password ********');
		expect(wordsOf(JSON.stringify({ detail: 'password hu"sh-hush' }), { authorization })).toBe('{"detail":"password ********"}');
		expect(wordsOf(`?key=${encodeURIComponent(token)}`, { token })).toBe('?key=********');
	});

	it('is masked as a word only where it is short', () => {
		const short = `Basic ${Buffer.from('a:b').toString('base64')}`;
		expect(wordsOf('user a is absent', { authorization: short })).toBe('user ******** is absent');
	});
});
