import { createReadStream } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Quarantine, QuarantineEntry } from '../../source/core/ports.js';
import { privateFile, repairLastLine, stateError, syncFolder, writeAtomically } from './files.js';

/**
 * `quarantine.jsonl`: one refused record a line, made by the first one. An append returns after fsync, so that no batch commits before the
 * records that it left out are safe.
 */
export class FileQuarantine implements Quarantine {
	readonly path: string;
	#file: FileHandle | null = null;
	/** Appends and rewrites, one after the other. */
	#tail: Promise<unknown> = Promise.resolve();

	constructor(path: string) {
		this.path = path;
	}

	append(entries: readonly QuarantineEntry[]): Promise<void> {
		if (entries.length === 0) return Promise.resolve();
		const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
		return this.#inTurn(async () => {
			const file = await this.#open();
			await file.appendFile(lines);
			await file.sync();
		});
	}

	keepCommitted(lastBatch: Readonly<Record<string, number>>): Promise<void> {
		return this.#inTurn(async () => {
			await this.#close();
			await repairLastLine(this.path);
			const isKept = (entry: QuarantineEntry): boolean => entry.batch <= (lastBatch[entry.step] ?? -1);
			if (await this.#all(isKept)) return;
			await writeAtomically(this.path, this.#lines(isKept));
		});
	}

	async *entries(): AsyncGenerator<QuarantineEntry, void, void> {
		await this.#tail.catch(() => {});
		yield* this.#read();
	}

	async close(): Promise<void> {
		await this.#inTurn(() => this.#close());
	}

	async #all(isKept: (entry: QuarantineEntry) => boolean): Promise<boolean> {
		for await (const entry of this.#read()) if (!isKept(entry)) return false;
		return true;
	}

	async *#lines(isKept: (entry: QuarantineEntry) => boolean): AsyncGenerator<string, void, void> {
		for await (const entry of this.#read()) if (isKept(entry)) yield `${JSON.stringify(entry)}\n`;
	}

	async *#read(): AsyncGenerator<QuarantineEntry, void, void> {
		const found = await stat(this.path).catch((thrown: unknown) => {
			if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
			throw stateError(this.path, thrown);
		});
		if (found === null || found.size === 0) return;
		// Only what was there at the start, so that reading while a run appends sees whole lines.
		const lines = createInterface({ input: createReadStream(this.path, { end: found.size - 1 }), crlfDelay: Number.POSITIVE_INFINITY });
		for await (const line of lines) {
			const entry = entryOf(line);
			if (entry !== null) yield entry;
		}
	}

	async #open(): Promise<FileHandle> {
		if (this.#file !== null) return this.#file;
		await repairLastLine(this.path);
		const file = await open(this.path, 'a', privateFile);
		this.#file = file;
		await syncFolder(dirname(this.path));
		return file;
	}

	async #close(): Promise<void> {
		await this.#file?.close();
		this.#file = null;
	}

	#inTurn<T>(work: () => Promise<T>): Promise<T> {
		const done = this.#tail
			.catch(() => {})
			.then(work)
			.catch((thrown: unknown) => {
				throw stateError(this.path, thrown);
			});
		this.#tail = done;
		// The caller sees the failure; the chain must not report it a second time as unhandled.
		done.catch(() => {});
		return done;
	}
}

/** Null for a torn last line. */
function entryOf(line: string): QuarantineEntry | null {
	try {
		return JSON.parse(line) as QuarantineEntry;
	} catch {
		return null;
	}
}
