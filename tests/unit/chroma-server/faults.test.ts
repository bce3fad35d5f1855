import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { collectionOf, type FakeRequest, type Fault, fakeServer, records } from './fake-server.js';
import { openServer, recordsOf, refusal } from './support.js';

/** Answers the first `times` requests for records with the fault. */
function failing(times: number, fault: Fault): (request: FakeRequest) => Fault | null {
	let left = times;
	return ({ body }) => (body.ids !== undefined && left-- > 0 ? fault : null);
}

const things = () => [collectionOf(records(60))];

describe('a server that stumbles', () => {
	it.each<[string, Fault]>([
		['the connection is reset', 'reset'],
		['the connection breaks within an answer', 'reset mid-answer'],
		['a proxy has no server behind it', { status: 502, body: '<html><b>Bad gateway</b></html>' }],
		['it is overloaded', { status: 503 }],
	])('is asked again with growing pauses when %s', async (_, fault) => {
		const { url } = await fakeServer({ collections: things(), fault: failing(3, fault) });
		const { snapshot, pauses } = await openServer(url);
		expect(recordsOf(snapshot).map(({ id }) => id)).toEqual(records(60).map(({ id }) => id));
		expect(pauses).toEqual([500, 1000, 2000]);
	});

	it('is given the time that it asks for', async () => {
		const fault = (after: string): Fault => ({ status: 429, headers: { 'retry-after': after } });
		const first = await fakeServer({ collections: things(), fault: failing(1, fault('7')) });
		expect((await openServer(first.url)).pauses).toEqual([7000]);
		const second = await fakeServer({ collections: things(), fault: failing(1, fault(new Date(Date.now() + 60_000).toUTCString())) });
		const [pause = 0] = (await openServer(second.url)).pauses;
		expect(pause).toBeGreaterThan(0);
		expect(pause).toBeLessThanOrEqual(60_000);
		const third = await fakeServer({ collections: things(), fault: failing(1, fault('86400')) });
		expect((await openServer(third.url)).pauses).toEqual([120_000]);
	});

	it('is given up in the end, with its own words', async () => {
		const lost = await fakeServer({ collections: things(), fault: failing(100, 'reset') });
		expect(await refusal(lost.url)).toMatchObject({ code: 'CHROMA_SERVER_LOST', exitCode: 8 });
		const body = JSON.stringify({ error: 'RateLimit', message: 'slow down, please' });
		const busy = await fakeServer({ collections: things(), fault: failing(100, { status: 429, body }) });
		expect(await refusal(busy.url)).toMatchObject({ code: 'CHROMA_SERVER_BUSY', why: 'slow down, please (HTTP 429)' });
		const broken = await fakeServer({ collections: things(), fault: failing(1000, { status: 500, body: '{"message":"disk I/O error"}' }) });
		expect(await refusal(broken.url)).toMatchObject({ code: 'CHROMA_SERVER_FAILED', why: 'disk I/O error (HTTP 500)' });
		const wrong = await fakeServer({ collections: things(), fault: failing(1, { status: 400, body: '{"message":"no such include"}' }) });
		expect(await refusal(wrong.url)).toMatchObject({ code: 'CHROMA_SERVER_FAILED', why: 'no such include (HTTP 400)' });
	});

	it('is believed when it fails once and then answers: no vector counts as lost', async () => {
		const { url } = await fakeServer({ collections: things(), fault: failing(9, { status: 500, body: '{"message":"out of memory"}' }) });
		const { snapshot, pauses } = await openServer(url);
		expect(pauses).toEqual([1000, 1000, 1000, 1000]);
		expect(recordsOf(snapshot).filter(({ embedding }) => embedding === null)).toEqual([]);
		expect(snapshot.describe().notes).toEqual([]);
	});

	it('stops at once when it is told to', async () => {
		const abort = new AbortController();
		const { url } = await fakeServer({
			collections: things(),
			fault: ({ body }) => {
				if (body.ids !== undefined) abort.abort(new Error('enough'));
				return null;
			},
		});
		await expect(openServer(url, { signal: abort.signal })).rejects.toThrow('enough');
	});
});

describe('what cannot be read', () => {
	const codeOf = async (url: string): Promise<string> => (await refusal(url)).code;

	it('is told apart: nothing there, something else, an old Chroma', async () => {
		const closed = createServer();
		await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
		const { port } = closed.address() as AddressInfo;
		await new Promise((resolve) => closed.close(resolve));
		expect(await refusal(`http://127.0.0.1:${port}`)).toMatchObject({
			code: 'CHROMA_SERVER_UNREACHABLE',
			where: `http://127.0.0.1:${port}`,
			why: expect.stringContaining('ECONNREFUSED'),
			exitCode: 8,
		});
		const page = await fakeServer({ fault: () => ({ status: 200, body: '<html>Welcome to nginx!</html>' }) });
		expect(await codeOf(page.url)).toBe('CHROMA_SERVER_NOT_CHROMA');
		const other = await fakeServer({ fault: () => ({ status: 404, body: '{"detail":"Not Found"}' }) });
		expect(await codeOf(other.url)).toBe('CHROMA_SERVER_NOT_CHROMA');
		const beat = '{"nanosecond heartbeat":1}';
		const old = await fakeServer({ fault: ({ path }) => (path === '/api/v1/heartbeat' ? { status: 200, body: beat } : { status: 404 }) });
		expect(await codeOf(old.url)).toBe('CHROMA_SERVER_TOO_OLD');
		const python = await fakeServer({ version: '0.6.3' });
		expect(await codeOf(python.url)).toBe('CHROMA_SERVER_TOO_OLD');
	});

	it('is refused by name: tenant, database, several databases', async () => {
		const { url } = await fakeServer({ databases: ['one', 'two'] });
		expect(await refusal(`${url}/?tenant=nobody`)).toMatchObject({ code: 'CHROMA_UNKNOWN_TENANT', why: 'Tenant [nobody] not found' });
		expect(await refusal(`${url}/?database=three`)).toMatchObject({ code: 'CHROMA_UNKNOWN_DATABASE', why: 'it has one, two' });
		expect(await refusal(url)).toMatchObject({ code: 'CHROMA_SEVERAL_DATABASES', why: 'they are one, two' });
		const { snapshot } = await openServer(`${url}/?database=two`, { describeOnly: true });
		expect(snapshot.describe()).toMatchObject({ path: `${url}/?database=two`, collections: [] });
	});

	it('takes tenant and database of the token when none is named', async () => {
		const { url } = await fakeServer({ tenant: 'a b/c', databases: ['d&e'], collections: things() });
		const { snapshot } = await openServer(url);
		expect(snapshot.describe().collections).toMatchObject([{ tenant: 'a b/c', database: 'd&e' }]);
		expect(recordsOf(snapshot)).toHaveLength(60);
	});

	it('asks for a token, sends the one that is given, and never shows it', async () => {
		const token = 'ck-very-secret-token';
		const server = await fakeServer({ token, collections: things() });
		expect(await refusal(server.url)).toMatchObject({
			code: 'CHROMA_SERVER_REFUSED',
			message: expect.stringContaining('none is given'),
			next: [expect.stringContaining('REPOT_CHROMA_TOKEN')],
		});
		expect(await refusal(server.url, { access: { token: 'wrong', authorization: null } })).toMatchObject({
			code: 'CHROMA_SERVER_REFUSED',
			message: expect.stringContaining('refuses this token'),
		});
		const { snapshot } = await openServer(server.url, { access: { token, authorization: null } });
		expect(recordsOf(snapshot)).toHaveLength(60);
		expect(server.requests.at(-1)?.headers).toMatchObject({ 'x-chroma-token': token, authorization: `Bearer ${token}` });

		const echo = await fakeServer({ fault: () => ({ status: 403, body: JSON.stringify({ message: `token ${token} may not read` }) }) });
		const error = await refusal(echo.url, { access: { token, authorization: null } });
		expect(JSON.stringify(error)).not.toContain(token);
		expect(error.why).toBe('token ******** may not read (HTTP 403)');
	});

	it('does not follow a redirect with the token, and refuses a password in an address that is shown', async () => {
		const elsewhere = await fakeServer({ collections: things() });
		const { url } = await fakeServer({ fault: () => ({ status: 307, headers: { location: `${elsewhere.url}/api/v2/heartbeat` } }) });
		const access = { token: 'secret-token', authorization: null };
		expect(await refusal(url, { access })).toMatchObject({ code: 'CHROMA_SERVER_REDIRECTS', why: expect.stringContaining(elsewhere.url) });
		expect(elsewhere.requests).toEqual([]);
		const error = await refusal(elsewhere.url.replace('//', '//ana:hush@'));
		expect(error).toMatchObject({ code: 'CHROMA_ADDRESS_HOLDS_PASSWORD', where: elsewhere.url });
		expect(JSON.stringify(error)).not.toContain('hush');
	});

	it('sends user and password of a URL that held them', async () => {
		const server = await fakeServer({ collections: things() });
		await openServer(server.url, { access: { token: null, authorization: 'Basic YW5hOmh1c2g=' } });
		expect(server.requests.at(-1)?.headers.authorization).toBe('Basic YW5hOmh1c2g=');
	});

	it('stops at answers that it does not know instead of guessing', async () => {
		const answering = async (body: string): Promise<string> => {
			const { url } = await fakeServer({ collections: things(), fault: failing(1, { status: 200, body }) });
			return (await refusal(url)).code;
		};
		const lists = (ids: string, rest: string): string => `{"ids":${ids},"uris":[null],"documents":[null],${rest}}`;
		const unknown = [
			'[]',
			'{"ids":["r1"]',
			'{"records":[]}',
			lists('["r1","r2"]', '"metadatas":[null],"embeddings":[[1.0]]'),
			lists('["r1"]', '"metadatas":[null],"embeddings":"AAAA"'),
			lists('["r1"]', '"metadatas":[null],"embeddings":[["x"]]'),
			lists('["r1"]', '"metadatas":[null],"embeddings":[[1e39]]'),
			lists('["r1"]', '"metadatas":[{"s":{"#type":"sparse_vector","indices":[1],"values":[0.5]}}],"embeddings":[[1.0]]'),
			lists('[1]', '"metadatas":[null],"embeddings":[[1.0]]'),
		];
		for (const body of unknown) expect(await answering(body), body).toBe('CHROMA_ANSWER_UNEXPECTED');
		const space = await fakeServer({ collections: [collectionOf(records(1), { space: 'manhattan' })] });
		expect(await codeOf(space.url)).toBe('CHROMA_ANSWER_UNEXPECTED');
		expect(await codeOf('http://')).toBe('CHROMA_BAD_ADDRESS');
	});

	it('is not looked for where the disk has no room', async () => {
		const server = await fakeServer({
			collections: things(),
			fault: ({ path }) => (path.endsWith('/count') ? { status: 200, body: '9007199254740991' } : null),
		});
		expect(await refusal(server.url)).toMatchObject({ code: 'NO_DISK_SPACE' });
		onTestFinished(() => expect(server.requests.every(({ body }) => body.ids === undefined)).toBe(true));
	});
});
