import { availableParallelism } from 'node:os';
import type { CopyStep } from '../../source/core/plan/types.js';
import type { CastRecord, ScanResult, Source, SourceBatch, SourceFingerprints } from '../../source/core/ports.js';
import { fingerprint } from '../sqlite/snapshot.js';
import { leastPartRecords } from './cut-parts.js';
import { type CallOptions, FeedClient } from './feed-client.js';
import type { ChromaServerSettings, FeedCalls } from './feed-protocol.js';
import { scanStep } from './scan-step.js';
import { makeWorkFolder, type WorkFolder } from './work-folder.js';

export interface FeedOptions {
	readonly sqlitePath: string | null;
	/** A directory, or the address of a server. */
	readonly chromaPath: string | null;
	/** What a server is asked with, and what of it is copied. */
	readonly chromaServer?: ChromaServerSettings;
	/** Directory for the private copies. Made when missing; what killed processes left in it is removed. */
	readonly workDir: string;
	/** URL of a module that exports `openChroma`, in place of the program's own. */
	readonly chromaModule?: string;
	/** Threads that scan a long table; default: two where there are processors for them. */
	readonly scanThreads?: number;
}

/** Items asked for before the consumer wants them: one being encoded while one waits. */
const readAhead = 2;

/** A third thread would buy little for its memory. */
const defaultScanThreads = Math.min(2, availableParallelism());

/**
 * Both sources behind the port. A worker thread takes the snapshots, reads, casts and encodes; this side only moves what it sends.
 * The bytes of a batch are the consumer's until it asks for the next one; then the buffer is taken back and shows a length of 0.
 * Nothing happens before the first call. Errors are RepotError; an aborted call rejects with the signal's reason.
 */
export function createFeed(options: FeedOptions): Source {
	const connection = new FeedConnection(options);
	return {
		describe: (signal) => connection.call('describe', null, { signal }),
		fingerprints: (signal, onCopy) => connection.fingerprints(signal, onCopy),
		scan: (step, signal, onProgress) => connection.scan(step, signal, onProgress ?? (() => undefined)),
		async *read(step, from, excluded, signal) {
			await connection.dismissSecond();
			yield* connection.stream<SourceBatch>('openBatches', { step, from, excluded }, 'nextBatch', signal);
		},
		records: (step, limit, signal) => connection.stream<readonly CastRecord[]>('openRecords', { step, limit }, 'nextRecords', signal),
		refusedRecord: (step, first, row, code, reason, key) =>
			connection.call('refusedRecord', { step, first, row, code, reason, key: key ?? null }),
		sharedKeys: (steps, signal) => connection.call('sharedKeys', { steps }, { signal }),
		metadataKeys: (step, stem, signal) => connection.call('metadataKeys', { step, stem }, { signal }),
		probes: (step, count, signal) => connection.call('probes', { step, count }, { signal }),
		neighbours: (step, probes, k, signal) => connection.call('neighbours', { step, probes, k }, { signal }),
		close: () => connection.close(),
	};
}

/**
 * The buffer of a batch that the consumer has done with, to be filled again: left to the garbage collector, which sees little else to do on this
 * side, spent batches would pile up to tens of megabytes. Null when the consumer gave it away itself.
 */
function bufferOf(item: unknown): ArrayBuffer | null {
	if (typeof item !== 'object' || item === null || !('data' in item) || !(item.data instanceof Uint8Array)) return null;
	const { buffer } = item.data;
	return buffer instanceof ArrayBuffer && buffer.byteLength > 0 ? buffer : null;
}

type Opener = 'openBatches' | 'openRecords';
type Puller = 'nextBatch' | 'nextRecords';

/** The worker, started when first needed, the folder of its snapshots, and a second thread while there is much to scan. */
class FeedConnection {
	readonly #options: FeedOptions;
	#started: { readonly client: FeedClient; readonly folder: WorkFolder } | null = null;
	#second: Promise<FeedClient> | null = null;
	#fingerprints: SourceFingerprints | null = null;
	#closed = false;

	constructor(options: FeedOptions) {
		this.#options = options;
	}

	get #client(): FeedClient {
		if (this.#closed) throw new Error('this source is closed');
		if (this.#started === null) {
			const { sqlitePath, chromaPath, chromaServer = null, workDir, chromaModule = null } = this.#options;
			const folder = makeWorkFolder(workDir);
			const settings = { sqlitePath, chromaPath, chromaServer, sqliteSnapshot: null, folder: folder.path, chromaModule };
			this.#started = { client: new FeedClient(settings), folder };
		}
		return this.#started.client;
	}

	async call<Name extends keyof FeedCalls>(
		name: Name,
		argument: FeedCalls[Name]['argument'],
		options: CallOptions = {},
	): Promise<FeedCalls[Name]['answer']> {
		return this.#client.call(name, argument, options);
	}

	/** Of the copies, which nothing changes: hashed once. */
	async fingerprints(signal: AbortSignal | undefined, onCopy?: (fraction: number) => void): Promise<SourceFingerprints> {
		this.#fingerprints ??= await this.#hash(signal, onCopy);
		return this.#fingerprints;
	}

	async #hash(signal: AbortSignal | undefined, onCopy: ((fraction: number) => void) | undefined): Promise<SourceFingerprints> {
		const copy = await this.call('snapshot', null, { signal, onProgress: onCopy });
		// Hashed here, in small pieces, so that it overlaps what the worker does.
		const [sqlite, chroma] = await Promise.all([
			copy === null ? null : fingerprint(copy, signal),
			this.#options.chromaPath === null ? null : this.call('chromaFingerprint', null, { signal }),
		]);
		return { sqlite, chroma };
	}

	/** A long table is scanned by two threads, a half each: the dry run is bound by the processor, not by the disk. */
	async scan(step: CopyStep, signal: AbortSignal | undefined, onProgress: (fraction: number) => void): Promise<ScanResult> {
		const first = this.#client;
		const threads =
			step.source.kind === 'sqlite' && step.rows >= 2 * leastPartRecords ? (this.#options.scanThreads ?? defaultScanThreads) : 1;
		// Started while the first thread looks for the middle.
		const starting = threads > 1 ? this.#secondThread(first) : null;
		starting?.catch(() => undefined);
		const parts = await first.call('cut', { step, parts: threads }, { signal });
		const second = parts.length > 1 ? await starting : null;
		const clients = second === null ? [first] : [first, second];
		const shares = parts.map((part, place) => ({ client: clients[place % clients.length] as FeedClient, part }));
		const { result, judgement } = await scanStep(step, shares, signal, onProgress);
		await Promise.all([first, await starting].map((client) => client?.call('learn', [judgement])));
		return result;
	}

	/** Reads the snapshot that the first thread took, and knows what that one knows. */
	#secondThread(first: FeedClient): Promise<FeedClient> {
		this.#second ??= this.#startSecond(first);
		return this.#second;
	}

	async #startSecond(first: FeedClient): Promise<FeedClient> {
		const copy = await first.call('snapshot', null);
		const folder = this.#started?.folder.path ?? '';
		const second = new FeedClient({
			sqlitePath: this.#options.sqlitePath,
			chromaPath: null,
			sqliteSnapshot: copy?.path ?? null,
			folder,
			chromaModule: null,
		});
		await second.call('learn', await first.call('judgements', null));
		return second;
	}

	/** Only scans need two threads; the memory of one is better used by what follows. */
	async dismissSecond(): Promise<void> {
		const second = await this.#second?.catch(() => null);
		this.#second = null;
		await second?.close();
	}

	/** Opens a stream and pulls it, a bounded number of items ahead of the consumer. Leaving the loop closes it. */
	async *stream<Item>(
		opener: Opener,
		argument: FeedCalls[Opener]['argument'],
		puller: Puller,
		signal: AbortSignal | undefined,
	): AsyncGenerator<Item, void, undefined> {
		const client = this.#client;
		const stream = await client.call(opener, argument, { signal });
		const pull = (spent: ArrayBuffer | null): Promise<Item | null> => {
			const transfer = spent === null ? [] : [spent];
			const item = client.call(puller, { stream, spent } as FeedCalls[Puller]['argument'], { signal, transfer }) as Promise<Item | null>;
			// It may fail before anybody waits for it.
			item.catch(() => undefined);
			return item;
		};
		const ahead = Array.from({ length: readAhead }, () => pull(null));
		let spent: ArrayBuffer | null = null;
		try {
			for (;;) {
				const item = (await ahead.shift()) ?? null;
				if (item === null) return;
				signal?.throwIfAborted();
				ahead.push(pull(spent));
				yield item;
				spent = bufferOf(item);
			}
		} finally {
			await client.call('closeStream', { stream }).catch(() => undefined);
		}
	}

	async close(): Promise<void> {
		this.#closed = true;
		const started = this.#started;
		this.#started = null;
		await this.dismissSecond();
		await started?.client.close();
		started?.folder.remove();
	}
}
