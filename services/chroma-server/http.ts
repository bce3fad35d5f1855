import { setTimeout as sleep } from 'node:timers/promises';
import { busy, connectionLost, redirected, refused, unreachable } from './problems.js';

export interface HttpSettings {
	/** Origin and path prefix, without a slash at the end. */
	readonly base: string;
	/** The address as messages show it. */
	readonly where: string;
	readonly token: string | null;
	/** `Basic ...`: user and password that the URL held. */
	readonly authorization: string | null;
	/** Waits; tests hand in one that does not. */
	readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

export interface HttpAnswer {
	readonly status: number;
	readonly text: string;
}

/** An answer was cut off because it grew beyond what the caller wanted. */
export class AnswerTooLong extends Error {
	override readonly name = 'AnswerTooLong';
}

export interface HttpOptions {
	readonly signal: AbortSignal;
	/** Sent as JSON by POST; without it the request is a GET. */
	readonly body?: unknown;
	/** Bytes after which the answer is given up with AnswerTooLong. */
	readonly longest?: number;
	/** A connection that breaks is made again; otherwise the first failure is the last. */
	readonly persistent?: boolean;
}

/** Attempts after the first one; with the pauses below a server has half a minute to come back. At first contact a person is waiting. */
const retries = 6;
const contactRetries = 2;
const firstPause = 500;
const longestPause = 30_000;
/** A server that asks for more patience is believed, up to here. */
const longestAsked = 120_000;
/** The first reading after a start lets Chroma build what its log holds, which may take minutes. */
const answerWithin = 300_000;
const contactWithin = 30_000;

const isBusy = (status: number): boolean => status === 429 || status === 502 || status === 503 || status === 504;

/**
 * Requests to one Chroma server. Every request is a reading and may be repeated: it is, after a broken connection (where `persistent`), and after
 * 429, 502, 503 and 504, with growing pauses or the Retry-After that was asked for. Any other status is the caller's to judge, except 401, 403
 * and redirects, which throw a RepotError; redirects are not followed, since the token must not go to another host.
 */
export class ChromaHttp {
	readonly #settings: HttpSettings;
	readonly #headers: Readonly<Record<string, string>>;

	constructor(settings: HttpSettings) {
		this.#settings = settings;
		const { token, authorization } = settings;
		// Chroma's own servers and Chroma Cloud read x-chroma-token; proxies in front of one read the other.
		const bearer = authorization ?? (token === null ? null : `Bearer ${token}`);
		this.#headers = {
			accept: 'application/json',
			...(token === null ? {} : { 'x-chroma-token': token }),
			...(bearer === null ? {} : { authorization: bearer }),
		};
	}

	get where(): string {
		return this.#settings.where;
	}

	async ask(path: string, options: HttpOptions): Promise<HttpAnswer> {
		const { where } = this.#settings;
		const most = options.persistent === true ? retries : contactRetries;
		for (let attempt = 1; ; attempt++) {
			const answer = await this.#once(path, options).catch((thrown: unknown) => {
				options.signal.throwIfAborted();
				if (thrown instanceof AnswerTooLong) throw thrown;
				return new Broken(causeOf(thrown), thrown);
			});
			if (answer instanceof Broken) {
				if (options.persistent !== true) throw unreachable(where, this.mask(answer.why), answer.cause);
				if (attempt > most) throw connectionLost(where, this.mask(answer.why), attempt, answer.cause);
				await this.pause(pauseAfter(attempt), options.signal);
				continue;
			}
			if (!isBusy(answer.status)) return this.#judged(answer);
			if (attempt > most) throw busy(where, answer.status, this.wordsOf(answer), attempt);
			await this.pause(askedPause(answer.retryAfter) ?? pauseAfter(attempt), options.signal);
		}
	}

	/** What the server said about a failure, without the secrets that it may have repeated. */
	wordsOf({ text, status }: HttpAnswer): string {
		try {
			const said: unknown = JSON.parse(text);
			if (typeof said === 'object' && said !== null) {
				const word = 'message' in said ? said.message : 'error' in said ? said.error : null;
				if (typeof word === 'string' && word !== '') return this.mask(word.slice(0, 500));
			}
		} catch {
			// Not JSON: a proxy's page.
		}
		const plain = text
			.replace(/<[^>]*>/g, ' ')
			.replace(/\s+/g, ' ')
			.trim();
		return plain === '' ? `the answer is empty (${status})` : this.mask(plain.slice(0, 200));
	}

	mask(text: string): string {
		const { token, authorization } = this.#settings;
		return [token, authorization?.replace(/^Basic /, '') ?? null].reduce<string>(
			(masked, secret) => (secret === null || secret === '' ? masked : masked.replaceAll(secret, '********')),
			text,
		);
	}

	async #once(
		path: string,
		{ signal, body, longest, persistent }: HttpOptions,
	): Promise<HttpAnswer & { readonly retryAfter: string | null }> {
		const within = AbortSignal.timeout(persistent === true ? answerWithin : contactWithin);
		const response = await fetch(`${this.#settings.base}${path}`, {
			method: body === undefined ? 'GET' : 'POST',
			headers: body === undefined ? this.#headers : { ...this.#headers, 'content-type': 'application/json' },
			redirect: 'manual',
			signal: AbortSignal.any([signal, within]),
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		const location = response.headers.get('location');
		const text = location !== null && response.status < 400 ? location : await bodyOf(response, longest);
		return { status: response.status, text, retryAfter: response.headers.get('retry-after') };
	}

	#judged(answer: HttpAnswer): HttpAnswer {
		const { where, token, authorization } = this.#settings;
		const { status } = answer;
		if (status === 401 || status === 403) throw refused(where, status, this.wordsOf(answer), token !== null || authorization !== null);
		if (status >= 300 && status < 400) throw redirected(where, this.mask(answer.text).replace(/\/\/[^/@]*@/, '//'));
		return answer;
	}

	pause(milliseconds: number, signal: AbortSignal): Promise<void> {
		return (this.#settings.pause ?? wait)(milliseconds, signal);
	}
}

const wait = (milliseconds: number, signal: AbortSignal): Promise<void> => sleep(milliseconds, undefined, { signal });
const pauseAfter = (attempt: number): number => Math.min(longestPause, firstPause * 2 ** (attempt - 1));

/** Retry-After is seconds or a date (RFC 9110, 10.2.3). Null when it is absent or neither. */
function askedPause(text: string | null): number | null {
	if (text === null) return null;
	const milliseconds = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - Date.now();
	return Number.isNaN(milliseconds) ? null : Math.min(longestAsked, Math.max(0, milliseconds));
}

class Broken {
	readonly why: string;
	readonly cause: unknown;

	constructor(why: string, cause: unknown) {
		this.why = why;
		this.cause = cause;
	}
}

/** fetch says "fetch failed" and keeps the reason in a chain of causes. */
function causeOf(thrown: unknown): string {
	if (thrown instanceof DOMException && thrown.name === 'TimeoutError') return 'it did not answer in time';
	let innermost = thrown;
	while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
	if (innermost instanceof AggregateError && innermost.errors[0] instanceof Error) innermost = innermost.errors[0];
	if (!(innermost instanceof Error)) return String(innermost);
	const code = 'code' in innermost && typeof innermost.code === 'string' ? innermost.code : '';
	return code === '' || innermost.message.includes(code) ? innermost.message : `${innermost.message} (${code})`;
}

/** The body as text, every byte of it valid UTF-8: a replacement character would be an invented one. */
async function bodyOf(response: Response, longest: number | undefined): Promise<string> {
	if (response.body === null) return '';
	const chunks: Uint8Array[] = [];
	let bytes = 0;
	for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
		chunks.push(chunk);
		bytes += chunk.byteLength;
		// Leaving the loop cancels the transfer.
		if (longest !== undefined && bytes > longest) throw new AnswerTooLong(`more than ${longest} bytes`);
	}
	return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
}
