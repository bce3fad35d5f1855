import type { Worker } from 'node:worker_threads';
import { RepotError } from '../../source/core/errors.js';
import { startWorker } from '../worker-url.js';
import type { FeedCallName, FeedCalls, FeedReply, FeedRequest, FeedSettings } from './feed-protocol.js';

export interface CallOptions {
	readonly signal?: AbortSignal | undefined;
	readonly onProgress?: ((fraction: number) => void) | undefined;
	/** Buffers of the argument that are given away instead of copied. */
	readonly transfer?: readonly ArrayBuffer[];
}

interface Waiting {
	resolve(answer: unknown): void;
	reject(reason: unknown): void;
	readonly onProgress: ((fraction: number) => void) | undefined;
	readonly stop: Int32Array<SharedArrayBuffer>;
	/** Ends the watch over the caller's signal. */
	release(): void;
}

/**
 * Heap limits of the thread. The young generation is kept small, since nothing of a record outlives its row; the old one
 * leaves room for the id maps of large Chroma collections.
 */
const resourceLimits = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 2048 };
const closeMilliseconds = 3_000;

/** Calls into the feed's worker thread. Rejects with RepotError, or with the signal's reason when the caller aborted. */
export class FeedClient {
	readonly #worker: Worker;
	readonly #waiting = new Map<number, Waiting>();
	#next = 1;
	#dead: RepotError | null = null;

	constructor(settings: FeedSettings) {
		this.#worker = startWorker('feed', { workerData: settings, resourceLimits });
		this.#worker.on('message', (reply: FeedReply) => this.#receive(reply));
		this.#worker.on('error', (error) => this.#fail(crashed(error)));
		this.#worker.on('exit', () => this.#fail(crashed(new Error('the reading thread ended'))));
		// Only a call under way keeps the process alive.
		this.#worker.unref();
	}

	call<Name extends FeedCallName>(
		name: Name,
		argument: FeedCalls[Name]['argument'],
		options: CallOptions = {},
	): Promise<FeedCalls[Name]['answer']> {
		const { signal, onProgress, transfer } = options;
		if (this.#dead !== null) return Promise.reject(this.#dead);
		if (signal?.aborted === true) return Promise.reject(signal.reason);
		const id = this.#next++;
		const stop = new Int32Array(new SharedArrayBuffer(4));
		return new Promise<FeedCalls[Name]['answer']>((resolve, reject) => {
			const abort = (): void => {
				this.#stop(id, stop);
				reject(signal?.reason);
			};
			signal?.addEventListener('abort', abort, { once: true });
			if (this.#waiting.size === 0) this.#worker.ref();
			this.#waiting.set(id, {
				resolve: (answer) => resolve(answer as FeedCalls[Name]['answer']),
				reject,
				onProgress,
				stop,
				release: () => signal?.removeEventListener('abort', abort),
			});
			this.#worker.postMessage({ type: 'call', id, name, argument, stop } as FeedRequest, transfer ?? []);
		});
	}

	/** Stops whatever is under way, lets the thread close its files, and ends it. */
	async close(): Promise<void> {
		for (const [id, { stop }] of this.#waiting) this.#stop(id, stop);
		if (this.#dead === null) {
			const timeout = AbortSignal.timeout(closeMilliseconds);
			await this.call('close', null, { signal: timeout }).catch(() => undefined);
		}
		this.#fail(new RepotError({ kind: 'internal', code: 'FEED_CLOSED', message: 'the source was closed while it was being read' }));
		await this.#worker.terminate();
	}

	#stop(id: number, stop: Int32Array<SharedArrayBuffer>): void {
		Atomics.store(stop, 0, 1);
		this.#worker.postMessage({ type: 'abort', id } satisfies FeedRequest);
	}

	#receive(reply: FeedReply): void {
		const waiting = this.#waiting.get(reply.id);
		if (waiting === undefined) return;
		if (reply.type === 'progress') {
			if (Atomics.load(waiting.stop, 0) === 0) waiting.onProgress?.(reply.fraction);
			return;
		}
		this.#settle(reply.id, waiting);
		if (reply.type === 'answer') waiting.resolve(reply.answer);
		else if (reply.type === 'aborted')
			waiting.reject(new RepotError({ kind: 'interrupted', code: 'INTERRUPTED', message: 'reading was stopped' }));
		else waiting.reject(fromWorker(reply));
	}

	#settle(id: number, waiting: Waiting): void {
		waiting.release();
		this.#waiting.delete(id);
		if (this.#waiting.size === 0) this.#worker.unref();
	}

	#fail(error: RepotError): void {
		if (this.#dead !== null) return;
		this.#dead = error;
		for (const [id, waiting] of [...this.#waiting]) {
			this.#settle(id, waiting);
			waiting.reject(error);
		}
	}
}

function fromWorker(reply: Extract<FeedReply, { readonly type: 'error' }>): RepotError {
	const error = new RepotError(reply.error);
	// The place that matters is the one inside the worker.
	if (reply.stack !== null) error.stack = reply.stack;
	return error;
}

function crashed(cause: Error): RepotError {
	const outOfMemory = 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY';
	return new RepotError({
		kind: 'internal',
		code: outOfMemory ? 'READER_OUT_OF_MEMORY' : 'READER_CRASHED',
		message: outOfMemory
			? 'the source needs more memory to read than the reading thread may use'
			: 'the thread that reads the source crashed',
		why: cause.message,
		next: [
			'Run the command again: it goes on where it stopped',
			'If it happens again, run it with --log-level debug and report what it prints',
		],
		cause,
	});
}
