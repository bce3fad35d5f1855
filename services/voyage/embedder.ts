import { setTimeout as sleep } from 'node:timers/promises';
import { RepotError } from '../../source/core/errors.js';
import type { Embedder } from '../../source/core/ports.js';
import type { Secret } from '../../source/core/secret.js';

const model = 'voyage-3.5-lite';
/** Dimensions that the model can give (Voyage AI API reference, text embeddings, `output_dimension`). */
const dimensions = [256, 512, 1024, 2048] as const;

export interface VoyageOptions {
	readonly apiKey: Secret;
	/** Without a trailing path; by default the public service. */
	readonly baseUrl?: string | null;
	readonly timeoutMilliseconds?: number;
	readonly retries?: number;
	/** First wait; it doubles with every retry. `Retry-After` of the server wins. */
	readonly retryDelayMilliseconds?: number;
}

/** Query texts to vectors through Voyage's `POST /v1/embeddings`; null when no key is set. */
export function createVoyageEmbedder(options: VoyageOptions | null): Embedder | null {
	if (options === null) return null;
	const url = `${(options.baseUrl ?? 'https://api.voyageai.com').replace(/\/+$/, '').replace(/\/v1$/, '')}/v1/embeddings`;
	return {
		model,
		async embed(texts, dimension, signal) {
			if (texts.length === 0) return [];
			if (!dimensions.some((one) => one === dimension)) throw wrongDimension(dimension);
			const body = JSON.stringify({ input: texts, model, input_type: 'query', output_dimension: dimension, output_dtype: 'float' });
			return vectorsOf(await post(url, body, options, signal), texts.length, dimension, url);
		},
	};
}

interface Refusal {
	readonly status: number | null;
	readonly why: string;
	/** Milliseconds the server asks to wait, or null. */
	readonly after: number | null;
}

async function post(url: string, body: string, options: VoyageOptions, signal?: AbortSignal): Promise<unknown> {
	const retries = options.retries ?? 3;
	for (let attempt = 0; ; attempt += 1) {
		const answer = await attemptPost(url, body, options, signal);
		if (!('why' in answer)) return answer.content;
		const passing = answer.status === null || answer.status === 429 || answer.status >= 500;
		if (!passing || attempt >= retries) throw refused(url, answer, attempt);
		const wait = answer.after ?? (options.retryDelayMilliseconds ?? 500) * 2 ** attempt;
		await sleep(Math.min(wait, 30_000), undefined, signal === undefined ? {} : { signal }).catch(() => {
			throw interrupted();
		});
	}
}

async function attemptPost(
	url: string,
	body: string,
	options: VoyageOptions,
	signal?: AbortSignal,
): Promise<{ content: unknown } | Refusal> {
	const timeout = AbortSignal.timeout(options.timeoutMilliseconds ?? 20_000);
	try {
		const response = await fetch(url, {
			method: 'POST',
			headers: { authorization: `Bearer ${options.apiKey.reveal()}`, 'content-type': 'application/json' },
			body,
			signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
		});
		const text = await response.text();
		if (!response.ok)
			return { status: response.status, why: refusalText(response.status, text, options.apiKey), after: waitAsked(response) };
		return { content: JSON.parse(text) as unknown };
	} catch (thrown) {
		if (signal?.aborted) throw interrupted();
		const cause = (thrown as { cause?: { message?: string } }).cause?.message;
		const why = timeout.aborted ? 'no answer in time' : (cause ?? (thrown as Error).message);
		return { status: null, why: masked(why, options.apiKey), after: null };
	}
}

/** Seconds, or an HTTP date, of `Retry-After` (RFC 9110, 10.2.3). */
function waitAsked(response: Response): number | null {
	const header = response.headers.get('retry-after');
	if (header === null) return null;
	const seconds = Number(header);
	const milliseconds = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
	return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : null;
}

function refusalText(status: number, text: string, apiKey: Secret): string {
	const detail = /"(?:detail|message)"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text;
	return masked(`HTTP ${status} ${detail.slice(0, 200)}`.trim(), apiKey);
}

const masked = (text: string, apiKey: Secret): string => text.replaceAll(apiKey.reveal(), '********');

function vectorsOf(content: unknown, count: number, dimension: number, url: string): readonly Float32Array[] {
	const data = (content as { data?: unknown } | null)?.data;
	const rows = Array.isArray(data) ? (data as { index?: unknown; embedding?: unknown }[]) : [];
	const vectors = Array.from({ length: count }, (_, index) => {
		const embedding = (rows.find((row) => row?.index === index) ?? rows[index])?.embedding;
		const fits = Array.isArray(embedding) && embedding.length === dimension && embedding.every((value) => typeof value === 'number');
		return fits ? Float32Array.from(embedding as number[]) : null;
	});
	const whole = vectors.filter((vector) => vector !== null);
	if (rows.length === count && whole.length === count) return whole;
	throw new RepotError({
		kind: 'target',
		code: 'EMBEDDING_MALFORMED',
		message: 'The embedding service answered something else than vectors',
		where: url,
		why: `${count} vectors of ${dimension} numbers were asked for, ${whole.length} came back`,
		next: ['Check VOYAGE_BASE_URL', 'Unset VOYAGE_API_KEY: stored vectors then serve as the only probes'],
	});
}

function refused(url: string, refusal: Refusal, attempt: number): RepotError {
	const key = refusal.status === 401 || refusal.status === 403;
	return new RepotError({
		kind: 'target',
		code: key ? 'EMBEDDING_KEY_REFUSED' : 'EMBEDDING_FAILED',
		message: key ? 'The embedding service refuses the key in VOYAGE_API_KEY' : 'The embedding service did not answer the query texts',
		where: url,
		why: attempt === 0 ? refusal.why : `${refusal.why} (after ${attempt + 1} attempts)`,
		next: [
			key ? 'Set VOYAGE_API_KEY to a valid key' : 'Try again later',
			'Unset VOYAGE_API_KEY: stored vectors then serve as the only probes',
		],
	});
}

function wrongDimension(dimension: number): RepotError {
	return new RepotError({
		kind: 'usage',
		code: 'EMBEDDING_DIMENSION',
		message: `${model} gives no vectors of ${dimension} dimensions`,
		why: `it gives ${dimensions.join(', ')}`,
		next: ['Unset VOYAGE_API_KEY: stored vectors then serve as the only probes'],
	});
}

const interrupted = (): RepotError =>
	new RepotError({ kind: 'interrupted', code: 'INTERRUPTED', message: 'Stopped while waiting for the embedding service' });
