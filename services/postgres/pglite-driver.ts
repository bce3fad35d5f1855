import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { RepotError } from '../../source/core/errors.js';
import { startWorker } from '../worker-url.js';
import { ConnectionError, type QueryResult, ServerError, type Session, sessionSettings } from './driver.js';
import { DirectoryLock, requireWritable } from './pglite-lock.js';
import type { WorkerReply, WorkerRequest } from './pglite-worker.js';
import { QueuedDriver } from './queued-driver.js';

/** Major version of the embedded server's data directory. */
const dataVersion = '18';

type Ask = WorkerRequest extends infer Request ? (Request extends WorkerRequest ? Omit<Request, 'id'> : never) : never;

/** One worker thread with one open database; requests are answered in order. */
class WorkerConnection {
	readonly #worker: Worker;
	readonly #waiting = new Map<number, { resolve(result: QueryResult): void; reject(error: unknown): void }>();
	readonly #onNotice: (message: string) => void;
	#next = 0;
	#dead = false;

	constructor(onNotice: (message: string) => void) {
		this.#onNotice = onNotice;
		this.#worker = startWorker('pglite');
		this.#worker.on('message', (reply: WorkerReply) => this.#receive(reply));
		this.#worker.on('error', (error) => this.#fail(error));
		this.#worker.on('exit', () => this.#fail(new Error('the worker thread ended')));
		// Held only while a request is under way: an open database must not keep the process alive.
		this.#worker.unref();
	}

	get dead(): boolean {
		return this.#dead;
	}

	/** `transfer`: buffers that are given away instead of copied. */
	ask(request: Ask, transfer: readonly ArrayBuffer[] = []): Promise<QueryResult> {
		if (this.#dead) return Promise.reject(new ConnectionError('LOST', 'the embedded PostgreSQL was stopped'));
		const id = this.#next++;
		if (this.#waiting.size === 0) this.#worker.ref();
		return new Promise((resolve, reject) => {
			this.#waiting.set(id, { resolve, reject });
			this.#worker.postMessage({ ...request, id }, transfer);
		});
	}

	async terminate(): Promise<void> {
		await this.#worker.terminate();
	}

	#receive(reply: WorkerReply): void {
		if (reply.type === 'notice') {
			this.#onNotice(reply.message);
			return;
		}
		const waiting = this.#waiting.get(reply.id);
		this.#waiting.delete(reply.id);
		if (this.#waiting.size === 0) this.#worker.unref();
		if (reply.type === 'result') waiting?.resolve(reply.result);
		else if (reply.type === 'refused') waiting?.reject(new ServerError(reply.error));
		else waiting?.reject(new ConnectionError('EMBEDDED', reply.message));
	}

	#fail(error: unknown): void {
		this.#dead = true;
		const lost = new ConnectionError('LOST', error instanceof Error ? error.message : String(error), error);
		for (const { reject } of this.#waiting.values()) reject(lost);
		this.#waiting.clear();
	}
}

const sessionOn = (connection: WorkerConnection): Session => ({
	query: (sql, params) => connection.ask({ type: 'query', sql, params: params ?? null }),
	copyIn: async (sql, data) => {
		// One copy of the bytes that count: cloning a view would clone the whole buffer behind it.
		const copy = new Uint8Array(data);
		await connection.ask({ type: 'copy', sql, data: copy }, [copy.buffer]);
	},
});

async function stop(connection: WorkerConnection | null): Promise<void> {
	if (connection === null) return;
	if (!connection.dead) await connection.ask({ type: 'close' }).catch(() => undefined);
	await connection.terminate();
}

/** Absent or empty: nothing is there yet. @throws RepotError usage when something else than a database is there. */
function isFresh(directory: string): boolean {
	if (!existsSync(directory)) return true;
	const refuse = (why: string): RepotError =>
		new RepotError({
			kind: 'usage',
			code: 'NOT_AN_EMBEDDED_DATABASE',
			message: 'The directory is not an embedded PostgreSQL database that this version opens',
			where: directory,
			why,
			next: ['Give pglite: a directory that does not exist yet, or one that repot made'],
		});
	if (!statSync(directory).isDirectory()) throw refuse('It is a file');
	if (readdirSync(directory).length === 0) return true;
	const versionFile = join(directory, 'PG_VERSION');
	if (!existsSync(versionFile)) throw refuse('It holds other files');
	const version = readFileSync(versionFile, 'utf8').trim();
	if (version !== dataVersion) throw refuse(`It was made by PostgreSQL ${version}; the embedded one is ${dataVersion}`);
	return false;
}

/**
 * Embedded PostgreSQL in a worker thread, because WebAssembly blocks its thread. There is one connection and no second one.
 * A directory that does not exist yet is stood in for by memory until `persist()`, so that a dry run creates nothing; the stand-in is
 * then written there.
 * Committed transactions survive the death of the process (write-ahead log); the file layer has no fsync, so the last ones
 * may be lost when the whole machine loses power.
 */
export class PgliteDriver extends QueuedDriver {
	readonly embedded = true;
	readonly #directory: string;
	#connection: WorkerConnection | null = null;
	/** The database in memory until it is written to the directory. */
	#standIn: WorkerConnection | null = null;
	#lock: DirectoryLock | null = null;
	#persistent = false;
	#closed = false;

	constructor(connection: { readonly directory: string; readonly label: string; readonly identity: string }) {
		super(connection);
		this.#directory = connection.directory;
	}

	/** A running statement cannot be interrupted from outside: the thread is ended, and the next use recovers the directory from its log. */
	async cancel(): Promise<void> {
		await this.#connection?.terminate();
	}

	async monitor(): Promise<null> {
		return null;
	}

	beside(): null {
		return null;
	}

	persist(): Promise<void> {
		return this.queue.run(async () => {
			if (this.#persistent) return;
			this.#persistent = true;
			if (this.#lock !== null) return;
			this.#standIn = this.#connection;
			this.#connection = null;
		});
	}

	close(): Promise<void> {
		this.#closed = true;
		return this.queue.run(async () => {
			await stop(this.#connection);
			await stop(this.#standIn);
			this.#connection = null;
			this.#standIn = null;
			this.#lock?.release();
			this.#lock = null;
		});
	}

	protected async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
		if (this.#connection?.dead) this.#connection = null;
		this.#connection ??= await this.#open();
		return work(sessionOn(this.#connection));
	}

	async #open(): Promise<WorkerConnection> {
		if (this.#closed) throw new ConnectionError('LOST', 'the connection was closed by this program');
		const fresh = this.#lock === null && !existsSync(`${this.#directory}.lock`) && isFresh(this.#directory);
		if (fresh && !this.#persistent) requireWritable(this.#directory);
		const connection = new WorkerConnection((message) => this.tell(message));
		try {
			await (fresh && !this.#persistent ? connection.ask({ type: 'open', directory: null }) : this.#openDirectory(connection));
			const session = sessionOn(connection);
			await session.query(sessionSettings);
			await this.setUp(session, null);
			return connection;
		} catch (error) {
			await connection.terminate();
			throw error;
		}
	}

	async #openDirectory(connection: WorkerConnection): Promise<void> {
		this.#lock ??= new DirectoryLock(this.#directory);
		if (this.#lock.unfinished) rmSync(this.#directory, { recursive: true, force: true });
		const fresh = isFresh(this.#directory);
		if (fresh) this.#lock.setMaking(true);
		const standIn = this.#standIn;
		this.#standIn = null;
		if (fresh && standIn !== null && !standIn.dead) {
			// When it fails, the server makes the directory itself and says what is wrong.
			await standIn
				.ask({ type: 'save', directory: this.#directory })
				.catch(() => rmSync(this.#directory, { recursive: true, force: true }));
		}
		await stop(standIn);
		await connection.ask({ type: 'open', directory: this.#directory });
		if (fresh) this.#lock.setMaking(false);
	}
}
