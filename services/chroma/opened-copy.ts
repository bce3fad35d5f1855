import { rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type BetterSqlite from 'better-sqlite3';
import { Database } from '../sqlite/engine.js';
import { endsInsidePage, NotAPageFile } from '../sqlite/page-file.js';
import { SchemaLost } from '../sqlite/salvage.js';
import { listCollections, type StoredCollection } from './collections.js';
import { type Losses, noLosses } from './losses.js';
import { chromaProblem, isDamage } from './problems.js';
import { BeyondSalvage, salvageCopy } from './salvage.js';
import { readSchema, type Schema } from './schema.js';

/** What is read: the copied database, or the one that was salvaged from it. */
export interface OpenedCopy {
	readonly sqlite: BetterSqlite.Database;
	readonly schema: Schema;
	readonly collections: readonly StoredCollection[];
	readonly losses: Losses;
}

/** A copied chroma.sqlite3. The first page that turns out to be damaged puts a salvaged database in its place, once. */
export class CopiedDatabase {
	/** `path` is the directory as the user named it, for errors. */
	readonly #path: string;
	readonly #database: string;
	readonly #connections: BetterSqlite.Database[] = [];
	#opened: OpenedCopy | null = null;
	/** Whether salvaging was tried. */
	#isTried = false;
	/** What SQLite complained of first. */
	complaint: string | null = null;

	/** `database`: the copy; `:memory:` stands for a database without a byte. */
	constructor(database: string, path: string) {
		this.#database = database;
		this.#path = path;
	}

	get directory(): string {
		return dirname(this.#database);
	}

	/** True when nothing better can be read any more than what is read now. */
	get isFinal(): boolean {
		return this.#isTried || this.#database === ':memory:';
	}

	/** Looks at the copy itself, whatever became of it. Null: it cannot be looked at. */
	look<Result>(work: (sqlite: BetterSqlite.Database) => Result): Result | null {
		const [original] = this.#connections;
		try {
			return original === undefined ? null : work(original);
		} catch (thrown) {
			if (!isDamage(thrown)) throw thrown;
			return null;
		}
	}

	/** Runs `work` over the copy; where that meets a damaged page, once more over what could be salvaged. */
	read<Result>(work: (opened: OpenedCopy) => Result): Result {
		for (;;) {
			let used: OpenedCopy | null = null;
			try {
				this.#opened ??= this.#openFirst();
				used = this.#opened;
				return work(used);
			} catch (thrown) {
				if (!this.replace(thrown, used)) throw thrown;
			}
		}
	}

	/** True when what is read now is another database than `used`, which threw this: it is worth reading again. */
	replace(thrown: unknown, used: OpenedCopy | null): boolean {
		if (!isDamage(thrown) || this.#database === ':memory:') return false;
		if (this.#opened !== used) return true;
		return this.salvage(thrown instanceof Error ? thrown.message : String(thrown));
	}

	/** Puts a salvaged database in the place of the copy, of which SQLite complained so. False: there is none to be had. */
	salvage(complaint: string): boolean {
		if (this.isFinal) return false;
		this.#isTried = true;
		this.complaint = complaint;
		// Pages that could not be taken out of the log beside the file are newer than those in it.
		if ((statSync(`${this.#database}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) return false;
		rmSync(this.#salvaged, { force: true });
		try {
			const losses = salvageCopy(this.#database, this.#salvaged);
			// Statements of the damaged database may still be iterated; it is closed in the end.
			this.#opened = this.#open(this.#salvaged, losses);
			return true;
		} catch (failed) {
			if (failed instanceof NotAPageFile || failed instanceof SchemaLost || failed instanceof BeyondSalvage || isDamage(failed))
				return false;
			throw failed;
		}
	}

	close(): void {
		for (const connection of this.#connections) connection.close();
		rmSync(this.#salvaged, { force: true });
	}

	get #salvaged(): string {
		return join(this.directory, 'salvaged.sqlite3');
	}

	#openFirst(): OpenedCopy {
		const isWhole = this.#database === ':memory:' || !endsInsidePage(this.#database);
		if (!isWhole && this.salvage('the file ends inside a page') && this.#opened !== null) return this.#opened;
		const opened = this.#open(this.#database, noLosses);
		if (isWhole) return opened;
		throw chromaProblem({
			code: 'CHROMA_CORRUPT',
			message: 'chroma.sqlite3 is damaged',
			where: this.#path,
			why: 'the file ends inside a page, and too little of it is left',
			next: ['Restore the directory from a backup'],
		});
	}

	#open(file: string, losses: Losses): OpenedCopy {
		// Not readonly: a copy in WAL mode needs its -shm file. query_only keeps the copy's bytes as they were taken.
		const sqlite = new Database(file, { fileMustExist: file !== ':memory:' });
		this.#connections.push(sqlite);
		sqlite.pragma('query_only = ON');
		const schema = readSchema(sqlite, this.#path);
		return { sqlite, schema, losses, collections: listCollections(sqlite, schema, losses) };
	}
}
