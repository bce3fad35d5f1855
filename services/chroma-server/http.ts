import { setTimeout as sleep } from 'node:timers/promises';
import { BadBody, bodyOf, bounds } from './body.js';
import { AnswerTooLong, busy, connectionLost, redirected, refused, unexpected, unreachable } from './problems.js';
import { maskFor, type ServerSecrets } from './secrets.js';

export interface HttpSettings extends ServerSecrets {
	/** Origin and path prefix, without a slash at the end. */
	readonly base: string;
	/** The address as messages show it. */
	readonly where: string;
	/** Waits; tests hand in one that does not. */
	readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
	/** Milliseconds in which an answer has to be there; tests ask for less. */
	readonly within?: { readonly contact: number; readonly reading: number };
}

export interface HttpAnswer {
	readonly status: number;
	readonly text: string;
}

export interface HttpOptions {
	readonly signal: AbortSignal;
	/** Sent as JSON by POST; without it the request is a GET. */
	readonly body?: unknown;
	/** Bytes after which the answer is given up with AnswerTooLong; without it what is enough at first contact. */
	readonly longest?: number;
	/** The reading of a collection, which has the patience for that; otherwise a person is waiting. */
	readonly persistent?: boolean;
}

/** Attempts after the first one; with the pauses below a server has half a minute to come back. At first contact a person is waiting. */
const retries = 6;
const contactRetries = 3;
/** A server that hung for minutes is asked once more, not six times. */
const timeoutRetries = 1;
const firstPause = 500;
const longestPause = 30_000;
/** A server that asks for more patience is believed, up to here. */
const longestAsked = 120_000;
/** The first reading after a start lets Chroma build what its log holds, which may take minutes. */
const usualTimes = { contact: 30_000, reading: 300_000 };

const isBusy = (status: number): boolean => status === 429 || status === 502 || status === 503 || status === 504;

/**
 * Requests to one Chroma server. Every request is a reading and may be repeated: it is, after a broken connection and after 429, 502, 503 and 504,
 * with growing pauses or the Retry-After that was asked for; after no answer in time, and after 500 at first contact, once. Only where nothing listens, or
 * nobody can be reached, the first request of all is the last one. Any other status is the caller's to judge, except 401, 403 and redirects, which throw a
 * RepotError; redirects are not followed, since the token must not go to another host.
 */
export class ChromaHttp {
	readonly #settings: HttpSettings;
	readonly #headers: Readonly<Record<string, string>>;
	/** What the server said, without the secrets that it may have repeated. */
	readonly mask: (text: string) => string;
	/** It has answered before. */
	#known = false;

	constructor(settings: HttpSettings) {
		this.#settings = settings;
		this.mask = maskFor(settings);
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
		const failures = { timeouts: 0, servers: 0 };
		for (let attempt = 1; ; attempt++) {
			const answer = await this.#once(path, options).catch((thrown: unknown) => this.#broken(thrown, path, options));
			if (answer instanceof Broken) {
				if (answer.kind === 'timeout') failures.timeouts += 1;
				if (attempt > most || !this.#mayReturn(answer, failures.timeouts, options)) throw this.#lost(answer, attempt);
			} else if (isBusy(answer.status)) {
				if (attempt > most) throw busy(where, answer.status, this.wordsOf(answer), attempt);
			} else {
				const stumbled = answer.status >= 500 && options.persistent !== true && failures.servers++ === 0;
				if (!stumbled) return this.#judged(answer);
			}
			const asked = answer instanceof Broken ? null : askedPause(answer.retryAfter);
			await this.pause(asked ?? pauseAfter(attempt), options.signal);
		}
	}

	#broken(thrown: unknown, path: string, { longest = bounds.contact, signal }: HttpOptions): Broken {
		signal.throwIfAborted();
		const { where } = this.#settings;
		if (!(thrown instanceof BadBody)) return new Broken(thrown);
		if (thrown.fault === 'too long') throw new AnswerTooLong(where, longest);
		throw unexpected(where, `give ${path.replace(/\?.*$/, '')}`, 'the answer is not valid UTF-8');
	}

	/** Whether it is worth another attempt. */
	#mayReturn({ kind }: Broken, timeouts: number, { persistent }: HttpOptions): boolean {
		const known = this.#known || persistent === true;
		if (kind === 'timeout') return known && timeouts <= timeoutRetries;
		return known || kind === 'broken off';
	}

	#lost(broken: Broken, attempts: number): Error {
		const { where } = this.#settings;
		const why = this.mask(broken.why);
		return this.#known ? connectionLost(where, why, attempts, broken.cause) : unreachable(where, why, broken.cause);
	}

	/** What the server said about a failure, without the secrets that it may have repeated. */
	wordsOf({ text, status }: HttpAnswer): string {
		try {
			const said: unknown = JSON.parse(text);
			if (typeof said === 'object' && said !== null) {
				const word = 'message' in said ? said.message : 'error' in said ? said.error : null;
				if (typeof word === 'string' && word !== '') return this.mask(word).slice(0, 500);
			}
		} catch {
			// Not JSON: a proxy's page.
		}
		// Before anything is cut or changed: half a secret is not recognised any more.
		const plain = this.mask(text)
			.replace(/<[^>]*>/g, ' ')
			.replace(/\s+/g, ' ')
			.trim();
		return plain === '' ? `the answer is empty (${status})` : plain.slice(0, 200);
	}

	async #once(
		path: string,
		{ signal, body, longest = bounds.contact, persistent }: HttpOptions,
	): Promise<HttpAnswer & { readonly retryAfter: string | null }> {
		const times = this.#settings.within ?? usualTimes;
		const within = AbortSignal.timeout(persistent === true ? times.reading : times.contact);
		const response = await fetch(`${this.#settings.base}${path}`, {
			method: body === undefined ? 'GET' : 'POST',
			headers: body === undefined ? this.#headers : { ...this.#headers, 'content-type': 'application/json' },
			redirect: 'manual',
			signal: AbortSignal.any([signal, within]),
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		this.#known = true;
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

/** `broken off`: by somebody who had taken it, so that there is somebody. */
type BrokenKind = 'timeout' | 'broken off' | 'no way';

class Broken {
	readonly kind: BrokenKind;
	readonly why: string;
	readonly cause: unknown;

	constructor(thrown: unknown) {
		const { code, message } = reasonOf(thrown);
		this.cause = thrown;
		this.kind = isTimeout(thrown, code) ? 'timeout' : brokenOff.has(code) ? 'broken off' : 'no way';
		this.why =
			this.kind === 'timeout' ? 'it did not answer in time' : code === '' || message.includes(code) ? message : `${message} (${code})`;
	}
}

/** UND_ERR_SOCKET: "other side closed". */
const brokenOff: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'UND_ERR_SOCKET']);

/** Our own limit, or one of those that fetch has for connection, head and body. */
const isTimeout = (thrown: unknown, code: string): boolean =>
	(thrown instanceof DOMException && thrown.name === 'TimeoutError') || /^UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT$/.test(code);

/** fetch says "fetch failed" and keeps the reason in a chain of causes. */
function reasonOf(thrown: unknown): { readonly code: string; readonly message: string } {
	let innermost = thrown;
	while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
	if (innermost instanceof AggregateError && innermost.errors[0] instanceof Error) innermost = innermost.errors[0];
	if (!(innermost instanceof Error)) return { code: '', message: String(innermost) };
	return { code: 'code' in innermost && typeof innermost.code === 'string' ? innermost.code : '', message: innermost.message };
}
