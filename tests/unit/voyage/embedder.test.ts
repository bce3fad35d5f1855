import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createVoyageEmbedder } from '../../../services/voyage/embedder.js';
import { Secret } from '../../../source/core/secret.js';

const apiKey = new Secret('pa-hush-1234');
const servers: Server[] = [];

afterEach(async () => {
	await Promise.all(
		servers.splice(0).map(
			(server) =>
				new Promise<void>((resolve) => {
					server.closeAllConnections();
					server.close(() => resolve());
				}),
		),
	);
});

interface Seen {
	readonly url: string | undefined;
	readonly authorization: string | undefined;
	readonly body: Record<string, unknown>;
}

/** A server that answers each request with the next of `answers`; the last one repeats. */
async function serve(
	...answers: ((response: ServerResponse, request: Seen) => void)[]
): Promise<{ readonly baseUrl: string; readonly seen: Seen[] }> {
	const seen: Seen[] = [];
	const server = createServer(async (request: IncomingMessage, response) => {
		let text = '';
		for await (const part of request) text += String(part);
		const one = { url: request.url, authorization: request.headers.authorization, body: JSON.parse(text) as Record<string, unknown> };
		seen.push(one);
		answers[Math.min(seen.length, answers.length) - 1]?.(response, one);
	});
	servers.push(server);
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const vectors = (response: ServerResponse, request: Seen): void => {
	const input = request.body.input as readonly string[];
	const dimension = Number(request.body.output_dimension);
	const data = input.map((text, index) => ({
		object: 'embedding',
		index,
		embedding: Array.from({ length: dimension }, (_, at) => text.length + at / 1024),
	}));
	response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ object: 'list', data: data.reverse() }));
};

const refuse =
	(status: number, headers: Record<string, string> = {}) =>
	(response: ServerResponse): void => {
		response.writeHead(status, headers).end(JSON.stringify({ detail: `no: ${apiKey.reveal()}` }));
	};

const fast = { apiKey, retryDelayMilliseconds: 1 };

describe('the Voyage embedder', () => {
	it('is null without a key', () => {
		expect(createVoyageEmbedder(null)).toBeNull();
	});

	it('asks for query vectors of the dimension, and orders them by index', async () => {
		const { baseUrl, seen } = await serve(vectors);
		const result = await createVoyageEmbedder({ ...fast, baseUrl })?.embed(['ab', 'abcd'], 256);
		expect(result?.map((vector) => [vector.length, vector[0]])).toEqual([
			[256, 2],
			[256, 4],
		]);
		expect(result?.[0]).toBeInstanceOf(Float32Array);
		expect(seen).toEqual([
			{
				url: '/v1/embeddings',
				authorization: 'Bearer pa-hush-1234',
				body: { input: ['ab', 'abcd'], model: 'voyage-3.5-lite', input_type: 'query', output_dimension: 256, output_dtype: 'float' },
			},
		]);
	});

	it('tries again after 429 and 5xx', async () => {
		const { baseUrl, seen } = await serve(refuse(429, { 'retry-after': '0' }), refuse(503), vectors);
		await expect(createVoyageEmbedder({ ...fast, baseUrl })?.embed(['a'], 1024)).resolves.toHaveLength(1);
		expect(seen).toHaveLength(3);
	});

	it('does not try again after 401, and never tells the key', async () => {
		const { baseUrl, seen } = await serve(refuse(401));
		const failed = createVoyageEmbedder({ ...fast, baseUrl })?.embed(['a'], 1024);
		await expect(failed).rejects.toMatchObject({ kind: 'target', code: 'EMBEDDING_KEY_REFUSED', where: `${baseUrl}/v1/embeddings` });
		expect(JSON.stringify(await failed?.catch((error: unknown) => error))).not.toContain('hush');
		expect(seen).toHaveLength(1);
	});

	it('gives up after its retries', async () => {
		const { baseUrl, seen } = await serve(refuse(500));
		await expect(createVoyageEmbedder({ ...fast, baseUrl, retries: 2 })?.embed(['a'], 1024)).rejects.toMatchObject({
			code: 'EMBEDDING_FAILED',
			why: expect.stringContaining('after 3 attempts'),
		});
		expect(seen).toHaveLength(3);
	});

	it('an answer that never comes is a failure', async () => {
		const { baseUrl } = await serve(() => {});
		await expect(createVoyageEmbedder({ ...fast, baseUrl, retries: 0, timeoutMilliseconds: 50 })?.embed(['a'], 1024)).rejects.toMatchObject(
			{
				code: 'EMBEDDING_FAILED',
				why: 'no answer in time',
			},
		);
	});

	it('an answer of another shape is refused', async () => {
		const { baseUrl } = await serve((response) => response.writeHead(200).end('{"data":[{"index":0,"embedding":[1]}]}'));
		await expect(createVoyageEmbedder({ ...fast, baseUrl })?.embed(['a'], 1024)).rejects.toMatchObject({ code: 'EMBEDDING_MALFORMED' });
	});

	it('a signal ends it as interrupted', async () => {
		const controller = new AbortController();
		const { baseUrl } = await serve(() => controller.abort());
		await expect(createVoyageEmbedder({ ...fast, baseUrl })?.embed(['a'], 1024, controller.signal)).rejects.toMatchObject({
			kind: 'interrupted',
		});
	});

	it('a dimension that the model does not have is not asked for', async () => {
		const { baseUrl, seen } = await serve(vectors);
		await expect(createVoyageEmbedder({ ...fast, baseUrl })?.embed(['a'], 384)).rejects.toMatchObject({ code: 'EMBEDDING_DIMENSION' });
		expect(seen).toHaveLength(0);
	});
});
