import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { onTestFinished } from 'vitest';

export interface FakeRecord {
	readonly id: string;
	/** JSON of the vector, as a server prints it; null: the index lacks it, and every page that asks for it fails. */
	readonly vector: string | null;
	readonly document?: string | null;
	readonly uri?: string | null;
	/** JSON text, so that every number stays as it is written. */
	readonly metadata?: string | null;
}

export interface FakeCollection {
	readonly id: string;
	readonly name: string;
	readonly space?: string;
	readonly dimension?: number | null;
	readonly metadata?: string;
	/** The space of its index, where that is another than `space` says. */
	readonly searched?: 'l2' | 'ip' | 'cosine' | 'none that is known';
	/** In the server's order; a test may change it while the server is asked. */
	records: FakeRecord[];
}

export interface FakeRequest {
	readonly method: string;
	readonly path: string;
	readonly headers: IncomingMessage['headers'];
	readonly body: {
		readonly ids?: readonly string[];
		readonly include?: readonly string[];
		readonly limit?: number;
		readonly offset?: number;
		readonly query_embeddings?: readonly (readonly number[])[];
		readonly n_results?: number;
	};
}

/** What a test answers instead: a status with headers, a connection that breaks before or within the answer, nothing at all, or spaces without end, compressed. */
export type Fault =
	| { readonly status: number; readonly body?: string | Buffer; readonly headers?: Record<string, string> }
	| 'reset'
	| 'reset mid-answer'
	| 'hang'
	| 'endless';

export interface FakeOptions {
	readonly collections?: FakeCollection[];
	readonly tenant?: string;
	readonly databases?: readonly string[];
	/** Most records in one answer; more is refused as Chroma Cloud does. */
	readonly quota?: number;
	readonly maxBatchSize?: number;
	readonly token?: string;
	readonly version?: string;
	/** Most ids and records in one answer; the others are left out without a word. */
	readonly capped?: number;
	/** Looked at before every answer. */
	fault?: (request: FakeRequest) => Fault | null;
}

export interface FakeServer {
	readonly url: string;
	readonly requests: FakeRequest[];
}

/** A Chroma server's version 2 API, as far as it is read, over memory; ends with the test. Answers as 1.5.9 was seen to. */
export async function fakeServer(options: FakeOptions = {}): Promise<FakeServer> {
	const requests: FakeRequest[] = [];
	const server = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on('data', (chunk: Buffer) => chunks.push(chunk));
		request.on('end', () => {
			const text = Buffer.concat(chunks).toString('utf8');
			const body = (text === '' ? {} : JSON.parse(text)) as FakeRequest['body'];
			const seen = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
			requests.push(seen);
			const fault = options.fault?.(seen) ?? null;
			if (fault !== null) return breakOff(fault, response);
			const [status, said] = answer(options, seen);
			return response.writeHead(status, { 'content-type': 'application/json' }).end(said);
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	onTestFinished(() => {
		server.closeAllConnections();
		server.close();
	});
	return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

function breakOff(fault: Fault, response: ServerResponse): void {
	if (fault === 'reset') response.destroy();
	else if (fault === 'endless') {
		const spaces = Buffer.alloc(64 * 1024, ' ');
		const without = (function* end() {
			for (;;) yield spaces;
		})();
		response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
		const body = Readable.from(without).pipe(createGzip());
		body.pipe(response);
		response.on('close', () => body.destroy());
	} else if (fault === 'hang') return;
	else if (fault === 'reset mid-answer') {
		response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100000' });
		response.write('{"ids":["a",', () => response.destroy());
	} else response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers }).end(fault.body ?? '');
}

type Answer = readonly [status: number, text: string];

const refused = (status: number, error: string, message: string): Answer => [status, JSON.stringify({ error, message })];

function answer(options: FakeOptions, request: FakeRequest): Answer {
	const { tenant = 'default_tenant', databases = ['default_database'], token } = options;
	const { pathname } = new URL(request.path, 'http://fake');
	if (token !== undefined && request.headers['x-chroma-token'] !== token) return refused(401, 'Unauthorized', 'no such key');
	if (pathname === '/api/v2/heartbeat') return [200, '{"nanosecond heartbeat":1795346601858771600}'];
	if (pathname === '/api/v2/version') return [200, JSON.stringify(options.version ?? '1.0.0')];
	if (pathname === '/api/v2/pre-flight-checks') return [200, `{"max_batch_size":${options.maxBatchSize ?? 5461}}`];
	if (pathname === '/api/v2/auth/identity') return [200, JSON.stringify({ user_id: '', tenant, databases })];
	const [ofTenant, ofDatabase, ...rest] = namesIn(pathname);
	if (ofTenant === undefined) return [404, ''];
	if (ofTenant !== tenant) return refused(404, 'NotFoundError', `Tenant [${ofTenant}] not found`);
	if (pathname.endsWith('/databases')) return [200, JSON.stringify(databases.map((name) => ({ name })))];
	if (ofDatabase === undefined) return [200, '{}'];
	if (!databases.includes(ofDatabase)) {
		return refused(404, 'NotFoundError', `Database [${ofDatabase}] not found. Are you sure it exists?`);
	}
	return inDatabase(options, request, rest);
}

/** Tenant, database, `collections`, collection and what is done with it, as far as the path names them. */
const namesIn = (path: string): readonly string[] =>
	(/^\/api\/v2\/tenants\/(.*)$/.exec(path)?.[1] ?? '')
		.replace('/databases', '')
		.split('/')
		.filter((part) => part !== '')
		.map(decodeURIComponent);

function inDatabase(options: FakeOptions, request: FakeRequest, [word, id, what]: readonly string[]): Answer {
	if (word === undefined) return [200, '{}'];
	const { collections = [], tenant = 'default_tenant', databases = ['default_database'] } = options;
	if (id === undefined) {
		const { searchParams } = new URL(request.path, 'http://fake');
		const offset = Number(searchParams.get('offset'));
		const page = collections.slice(offset, offset + Number(searchParams.get('limit')));
		return [200, `[${page.map((one) => listed(one, tenant, databases[0] ?? '')).join(',')}]`];
	}
	const found = collections.find((one) => one.id === id);
	if (found === undefined) return refused(404, 'NotFoundError', `Collection [${id}] does not exist.`);
	if (what === 'count') return [200, String(found.records.length)];
	if (what === 'query') return query(found, request);
	return what === 'get' ? get(options, found, request) : [404, ''];
}

function query({ records, space = defaultSpace, searched }: FakeCollection, { body }: FakeRequest): Answer {
	const probe = body.query_embeddings?.[0] ?? [];
	if (records.some(({ vector }) => vector === null)) return refused(500, 'InternalError', 'Error executing plan: Error finding id');
	const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, one, at) => sum + one * (b[at] ?? 0), 0);
	const distance = (vector: readonly number[]): number => {
		const of = searched ?? space;
		if (of === 'l2') return dot(vector, vector) - 2 * dot(vector, probe) + dot(probe, probe);
		if (of === 'ip') return 1 - dot(vector, probe);
		return of === 'cosine' ? 1 - dot(vector, probe) / Math.sqrt(dot(vector, vector) * dot(probe, probe)) : 7.5;
	};
	const found = records
		.map(({ id, vector }) => ({ id, distance: distance(JSON.parse(vector ?? '[]') as number[]) }))
		.sort((a, b) => a.distance - b.distance)
		.slice(0, body.n_results);
	return [200, JSON.stringify({ ids: [found.map(({ id }) => id)], distances: [found.map((one) => one.distance)] })];
}

/** Of the default, l2, a reader asks the index: see space.test.ts. */
const defaultSpace = 'ip';

const listed = ({ id, name, space = defaultSpace, dimension = 3, metadata }: FakeCollection, tenant: string, database: string): string =>
	`{"id":"${id}","name":${JSON.stringify(name)},"configuration_json":{"hnsw":{"space":"${space}"},"spann":null,"embedding_function":null},"metadata":${metadata ?? 'null'},"dimension":${dimension},"tenant":"${tenant}","database":"${database}"}`;

function get({ quota, capped }: FakeOptions, { records }: FakeCollection, { body }: FakeRequest): Answer {
	const { ids, include = [], limit, offset = 0 } = body;
	const wanted = ids === undefined ? null : new Set(ids);
	const found = records
		.filter(({ id }) => wanted === null || wanted.has(id))
		.slice(offset, limit === undefined ? undefined : offset + limit)
		.slice(0, capped);
	const asked = ids?.length ?? limit ?? records.length;
	if (quota !== undefined && asked > quota) {
		const what = "Quota exceeded: 'Number of records' exceeded quota limit for action 'Get'";
		return refused(422, 'ChromaError', `${what}: current usage of ${asked} exceeds limit of ${quota}`);
	}
	if (include.includes('embeddings') && found.some(({ vector }) => vector === null)) {
		return refused(500, 'InternalError', 'Error executing plan: Error finding id');
	}
	const list = (name: string, text: (record: FakeRecord) => string): string =>
		`"${name}":${include.includes(name) ? `[${found.map(text).join(',')}]` : 'null'}`;
	const members = [
		`"ids":${JSON.stringify(found.map(({ id }) => id))}`,
		list('embeddings', ({ vector }) => vector ?? 'null'),
		list('documents', ({ document = null }) => JSON.stringify(document)),
		list('uris', ({ uri = null }) => JSON.stringify(uri)),
		list('metadatas', ({ metadata }) => metadata ?? 'null'),
		`"include":${JSON.stringify(include)}`,
	];
	return [200, `{${members.join(',')}}`];
}

/** `count` records r1, r2, ... with small vectors. */
export const records = (count: number, first = 1): FakeRecord[] =>
	Array.from({ length: count }, (_, at) => ({
		id: `r${first + at}`,
		vector: `[${first + at}.0,0.5,-0.25]`,
		document: `text of ${first + at}`,
		metadata: `{"n":${first + at},"w":${(first + at) / 4 === Math.floor((first + at) / 4) ? `${(first + at) / 4}.0` : (first + at) / 4}}`,
	}));

export const collectionOf = (content: FakeRecord[], more: Partial<FakeCollection> = {}): FakeCollection => ({
	id: '00000000-0000-0000-0000-00000000000a',
	name: 'things',
	records: content,
	...more,
});
