import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type BetterSqlite from 'better-sqlite3';
import { bytesOfFloats, floatsOf } from '../chroma/values.js';
import type { ChromaMetadata, ChromaScalar } from '../reader.js';
import { Database } from '../sqlite/engine.js';
import { sourceError } from '../sqlite/source-errors.js';
import type { ServerRecord } from './records.js';

/** One record as it stands in the spool. */
export interface SpooledRecord {
	/** 1, 2, 3 ... in the server's order, without gaps: equal for equal content. */
	readonly position: number;
	readonly id: string;
	readonly vector: Float32Array | null;
	readonly document: string | null;
	readonly metadata: ChromaMetadata | null;
}

/** What a reading asks for; the rest is not read from the file. */
export interface WantedParts {
	readonly vector: boolean;
	readonly document: boolean;
	readonly metadata: boolean;
}

export interface SpooledCollection {
	readonly records: number;
	/** Bytes of ids, vectors, documents and metadata: of the content, not of the file. */
	readonly bytes: number;
	/** SHA-256 over the content, hex. */
	readonly digest: string;
}

/** A private SQLite file with what a server answered: one table a collection. It is thrown away, so that nothing in it has to survive a crash. */
export class Spool {
	readonly #database: BetterSqlite.Database;
	readonly #path: string;
	readonly #tables = new Map<string, string>();

	/** `folder` is private (mode 0700) and removed by its owner. */
	constructor(folder: string) {
		this.#path = join(folder, 'spool.sqlite3');
		this.#database = this.#guarded(() => {
			const database = new Database(this.#path);
			database.pragma('journal_mode = OFF');
			database.pragma('synchronous = OFF');
			return database;
		});
	}

	/** Takes records in order, page by page; each page is handed over once. */
	collect(collection: string): { add(page: readonly ServerRecord[]): void; finish(): SpooledCollection } {
		const table = `records_${this.#tables.size + 1}`;
		const hash = createHash('sha256');
		let position = 0;
		let bytes = 0;
		const insert = this.#guarded(() => {
			this.#database.exec(
				`CREATE TABLE ${table} (position INTEGER PRIMARY KEY, id TEXT NOT NULL, vector BLOB, document TEXT, metadata TEXT)`,
			);
			return this.#database.prepare(`INSERT INTO ${table} VALUES (?, ?, ?, ?, ?)`);
		});
		return {
			add: (page) =>
				this.#guarded(() => {
					this.#database.exec('BEGIN');
					for (const { id, vector, document, metadata } of page) {
						const parts = [
							id,
							vector === null ? null : bytesOfFloats(vector),
							document,
							metadata === null ? null : encodeMetadata(metadata),
						] as const;
						for (const part of parts) bytes += absorb(hash, part);
						position += 1;
						insert.run(position, ...parts);
					}
					this.#database.exec('COMMIT');
				}),
			finish: () => {
				this.#tables.set(collection, table);
				return { records: position, bytes, digest: hash.digest('hex') };
			},
		};
	}

	has(collection: string): boolean {
		return this.#tables.has(collection);
	}

	/** Records after a position, in order; memory is that of one record. */
	*records(collection: string, after: number, wanted: WantedParts): Generator<SpooledRecord> {
		const table = this.#tables.get(collection);
		if (table === undefined) throw new TypeError(`collection ${collection} was not copied`);
		const column = (name: keyof WantedParts): string => (wanted[name] ? name : 'NULL');
		const rows = this.#guarded(() =>
			this.#database
				.prepare(
					`SELECT position, id, ${column('vector')}, ${column('document')}, ${column('metadata')} FROM ${table} WHERE position > ? ORDER BY position`,
				)
				.raw()
				.iterate(after),
		) as IterableIterator<[number, string, Buffer | null, string | null, string | null]>;
		for (const [position, id, vector, document, metadata] of rows) {
			yield {
				position,
				id,
				vector: vector === null ? null : floatsOf(vector),
				document,
				metadata: metadata === null ? null : decodeMetadata(metadata),
			};
		}
	}

	close(): void {
		this.#database.close();
	}

	#guarded<Result>(work: () => Result): Result {
		try {
			return work();
		} catch (thrown) {
			throw sourceError(thrown, this.#path);
		}
	}
}

/** Each part with its length in front, so that no two different records hash alike. Gives its bytes. */
function absorb(hash: ReturnType<typeof createHash>, part: string | Uint8Array | null): number {
	const bytes = typeof part === 'string' ? Buffer.from(part) : part;
	hash.update(bytes === null ? '-;' : `${bytes.byteLength};`);
	if (bytes !== null) hash.update(bytes);
	return bytes?.byteLength ?? 0;
}

type Encoded = readonly [kind: 's' | 'i' | 'f' | 'b' | 'n', value: string | boolean | null] | readonly ['l', readonly Encoded[]];

/** `[[key, kind, value], ...]` as JSON: numbers as text, so that a 64-bit integer and 1.0 stay what they are. Equal for equal metadata whose keys are in one order. */
export const encodeMetadata = (metadata: ChromaMetadata): string =>
	JSON.stringify([...metadata].map(([key, value]) => [key, ...encoded(value)]));

function encoded(value: ChromaScalar | readonly ChromaScalar[]): Encoded {
	if (typeof value === 'string') return ['s', value];
	if (typeof value === 'bigint') return ['i', value.toString()];
	if (typeof value === 'number') return ['f', Object.is(value, -0) ? '-0' : String(value)];
	if (typeof value === 'boolean') return ['b', value];
	return value === null ? ['n', null] : ['l', value.map(encoded)];
}

export function decodeMetadata(text: string): ChromaMetadata {
	const entries = JSON.parse(text) as [string, ...Encoded][];
	return new Map(entries.map(([key, ...rest]) => [key, decoded(rest)]));
}

function decoded([kind, value]: Encoded): ChromaScalar | readonly ChromaScalar[] {
	switch (kind) {
		case 'i':
			return BigInt(value as string);
		case 'f':
			return Number(value);
		case 'l':
			return value.map((element) => decoded(element) as ChromaScalar);
		default:
			return value;
	}
}
