import type Database from 'better-sqlite3';
import { isChromaServer } from '../../source/core/chroma-address.js';
import { RepotError } from '../../source/core/errors.js';
import type { CopyStep } from '../../source/core/plan/types.js';
import type { SourceDescription, SqliteDescription } from '../../source/core/ports.js';
import type { ChromaSnapshot } from '../chroma/open.js';
import type { Reader } from '../reader.js';
import { inspectSqlite } from '../sqlite/inspect.js';
import { openSnapshot, sqliteReader } from '../sqlite/reader.js';
import { type Snapshot, takeSnapshot } from '../sqlite/snapshot.js';
import { sourceError } from '../sqlite/source-errors.js';
import type { ChromaServerSettings, FeedSettings, SqliteCopy } from './feed-protocol.js';

interface ChromaModule {
	readonly openChroma: (request: { path: string; into: string; signal?: AbortSignal }) => Promise<ChromaSnapshot>;
}

interface Opened {
	/** What this thread copied; null also where another thread's copy is read. */
	readonly snapshot: Snapshot | null;
	readonly connection: Database.Database | null;
	readonly chroma: ChromaSnapshot | null;
}

/** The snapshots of both sources and the readers over them. Taken at the first call that needs them, kept until close. */
export class FeedSources {
	readonly #settings: FeedSettings;
	readonly #readers = new Map<string, Reader>();
	#opened: Opened | null = null;
	#serverFailure: RepotError | null = null;
	#sqliteDescription: SqliteDescription | null = null;

	constructor(settings: FeedSettings) {
		this.#settings = settings;
	}

	get connection(): Database.Database | null {
		return this.#opened?.connection ?? null;
	}

	get chroma(): ChromaSnapshot | null {
		return this.#opened?.chroma ?? null;
	}

	/** `onCopy` gets 0..1 while records are copied from a server. */
	async open(signal: AbortSignal, onCopy?: (fraction: number) => void): Promise<Opened> {
		if (this.#opened !== null) return this.#opened;
		const snapshot = await this.#copySqlite(signal);
		try {
			const chroma = await this.#openChroma(signal, onCopy);
			const sqliteSnapshot = snapshot?.path ?? this.#settings.sqliteSnapshot;
			const connection = sqliteSnapshot === null ? null : this.guarded(() => openSnapshot(sqliteSnapshot));
			this.#opened = { snapshot, connection, chroma };
			return this.#opened;
		} catch (thrown) {
			await snapshot?.remove();
			throw thrown;
		}
	}

	async #copySqlite(signal: AbortSignal): Promise<Snapshot | null> {
		const { sqlitePath, sqliteSnapshot, folder } = this.#settings;
		return sqlitePath === null || sqliteSnapshot !== null
			? null
			: takeSnapshot({ database: sqlitePath, companions: () => [], into: folder, signal });
	}

	async #openChroma(signal: AbortSignal, onProgress: (fraction: number) => void = () => {}): Promise<ChromaSnapshot | null> {
		const { chromaPath, chromaServer, folder, chromaModule } = this.#settings;
		if (chromaPath === null) return null;
		if (isChromaServer(chromaPath)) {
			const { openChromaServer } = await import('../chroma-server/open.js');
			const { access, collections, describeOnly } = chromaServer ?? withoutAccess;
			if (this.#serverFailure !== null) throw this.#serverFailure;
			const request = { address: chromaPath, access, collections, describeOnly, into: folder, signal, onProgress };
			return openChromaServer(request).catch((thrown: unknown) => {
				// The next question must not wait for as many attempts again, and get another answer than the first.
				if (!signal.aborted && thrown instanceof RepotError) this.#serverFailure = thrown;
				throw thrown;
			});
		}
		const { openChroma }: ChromaModule = chromaModule === null ? await import('../chroma/open.js') : await import(chromaModule);
		return openChroma({ path: chromaPath, into: folder, signal });
	}

	async sqliteCopy(signal: AbortSignal, onCopy: (fraction: number) => void): Promise<SqliteCopy | null> {
		const { snapshot } = await this.open(signal, onCopy);
		return snapshot === null ? null : { path: snapshot.path, files: snapshot.files };
	}

	async describe(signal: AbortSignal): Promise<SourceDescription> {
		const { snapshot, chroma } = await this.open(signal);
		if (snapshot !== null) this.#sqliteDescription ??= inspectSqlite(snapshot, this.#settings.sqlitePath ?? snapshot.path);
		return { sqlite: this.#sqliteDescription, chroma: chroma?.describe() ?? null };
	}

	reader(step: CopyStep): Reader {
		const { source } = step;
		const name = source.kind === 'sqlite' ? 'sqlite' : `chroma/${source.collectionId}`;
		let reader = this.#readers.get(name);
		if (reader === undefined) {
			reader = source.kind === 'sqlite' ? this.#sqliteReader(step) : this.#chromaReader(step, source.collectionId);
			this.#readers.set(name, reader);
		}
		return reader;
	}

	#sqliteReader(step: CopyStep): Reader {
		const { connection } = this;
		if (connection === null) throw noSource(step, 'no SQLite database is given');
		return sqliteReader(connection, this.#settings.sqlitePath ?? '');
	}

	#chromaReader(step: CopyStep, collection: string): Reader {
		const { chroma } = this;
		if (chroma === null) throw noSource(step, 'no Chroma directory or server is given');
		return chroma.reader(collection);
	}

	/** Runs a query of the SQLite snapshot; what SQLite throws becomes an error a person can act on. */
	guarded<T>(work: () => T): T {
		try {
			return work();
		} catch (thrown) {
			throw sourceError(thrown, this.#settings.sqlitePath ?? '');
		}
	}

	async close(): Promise<void> {
		const opened = this.#opened;
		this.#opened = null;
		for (const reader of this.#readers.values()) reader.close();
		this.#readers.clear();
		if (opened?.connection?.open === true) opened.connection.close();
		await opened?.chroma?.close();
		await opened?.snapshot?.remove();
	}
}

export const withoutAccess: ChromaServerSettings = { access: { token: null, authorization: null }, collections: [], describeOnly: false };

const noSource = (step: CopyStep, why: string): RepotError =>
	new RepotError({ kind: 'usage', code: 'NO_SOURCE', message: `step ${step.id} has nothing to read from`, why });
