import {
	accessSync,
	constants,
	existsSync,
	linkSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	unlinkSync,
	writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { RepotError } from '../../source/core/errors.js';
import { makeFolders } from '../../source/core/make-folders.js';

/** Content of the lock file beside an embedded database: `DIRECTORY.lock`. */
interface Holder {
	readonly pid: number;
	/** Start of that process in clock ticks since boot where the system tells it, else null: a reused pid is not the holder. */
	readonly start: string | null;
	readonly since: string;
	/** True while the directory is being made: if the maker dies, it holds nothing worth keeping. */
	readonly making: boolean;
}

/** Field 22 of /proc/PID/stat, see proc(5); the command in parentheses may hold spaces. */
function processStart(pid: number): string | null {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
		return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
	} catch {
		return null;
	}
}

function isAlive(holder: Holder): boolean {
	try {
		process.kill(holder.pid, 0);
	} catch (error) {
		// EPERM: the process exists and belongs to somebody else.
		if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
	}
	return holder.start === null || processStart(holder.pid) === holder.start;
}

function readHolder(path: string): { readonly holder: Holder | null; readonly content: string } | null {
	let content: string;
	try {
		content = readFileSync(path, 'utf8');
	} catch {
		return null;
	}
	try {
		return { holder: JSON.parse(content) as Holder, content };
	} catch {
		return { holder: null, content };
	}
}

/** Moves a dead holder's file away; puts it back when another process was faster and the file is already a new one. */
function removeStale(path: string, content: string): void {
	const aside = `${path}.${process.pid}`;
	try {
		renameSync(path, aside);
	} catch {
		return;
	}
	if (readFileSync(aside, 'utf8') === content) unlinkSync(aside);
	else if (!existsSync(path)) renameSync(aside, path);
}

const locked = (directory: string, holder: Holder | null, path: string): RepotError =>
	new RepotError({
		kind: 'locked',
		code: 'DIRECTORY_IN_USE',
		message: 'The embedded database is open in another process',
		where: directory,
		why: holder === null ? `${path} is held` : `Process ${holder.pid} opened it at ${holder.since}`,
		next: ['Wait until that process has ended, or end it, and run the command again'],
	});

const reasons: Readonly<Record<string, string>> = {
	EACCES: 'permission denied',
	EPERM: 'the folder takes no new files',
	EROFS: 'the file system is read-only',
	ENOSPC: 'the disk is full',
	ENOENT: 'nothing can be made there',
	ENOTDIR: 'a part of the path is a file',
};

function unwritable(directory: string, thrown: unknown): RepotError {
	const code = (thrown as NodeJS.ErrnoException).code ?? '';
	return new RepotError({
		kind: 'usage',
		code: 'TARGET_UNWRITABLE',
		message: 'The embedded database cannot be made there',
		where: directory,
		why: reasons[code] ?? (thrown instanceof Error ? thrown.message : String(thrown)),
		next: ['Give pglite: a directory in a folder that you may write to'],
		cause: thrown,
	});
}

/** What a dry run can know without making anything: whether the folder that the directory would be made in takes files. */
export function requireWritable(directory: string): void {
	let folder = dirname(directory);
	while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
	try {
		if (!statSync(folder).isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
		accessSync(folder, constants.W_OK | constants.X_OK);
	} catch (thrown) {
		throw unwritable(directory, thrown);
	}
}

/**
 * The lock that keeps two processes from opening one embedded database, which PostgreSQL in WebAssembly does not do itself.
 * A lock whose process is gone is taken over. @throws RepotError locked `DIRECTORY_IN_USE`
 */
export class DirectoryLock {
	readonly #directory: string;
	readonly #path: string;
	#unfinished: boolean;

	constructor(directory: string) {
		this.#directory = directory;
		this.#path = `${directory}.lock`;
		try {
			makeFolders(dirname(directory));
			this.#unfinished = this.#take();
		} catch (thrown) {
			throw thrown instanceof RepotError ? thrown : unwritable(directory, thrown);
		}
	}

	/** The directory was being made when its maker died: it holds nothing worth keeping. */
	get unfinished(): boolean {
		return this.#unfinished;
	}

	#take(): boolean {
		let unfinished = false;
		for (let attempt = 0; attempt < 5; attempt++) {
			if (this.#create(unfinished)) return unfinished;
			const found = readHolder(this.#path);
			if (found === null) continue;
			// An unreadable lock is never left by the atomic creation below: somebody else's file, or a torn disk.
			if (found.holder === null || isAlive(found.holder)) throw locked(this.#directory, found.holder, this.#path);
			unfinished = found.holder.making;
			removeStale(this.#path, found.content);
		}
		throw locked(this.#directory, null, this.#path);
	}

	/** Writes the content first and links it into place, so that no reader sees half a file. */
	#create(making: boolean): boolean {
		const draft = `${this.#path}.${process.pid}.new`;
		writeFileSync(draft, this.#content(making));
		try {
			linkSync(draft, this.#path);
			return true;
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
			throw error;
		} finally {
			unlinkSync(draft);
		}
	}

	#content(making: boolean): string {
		const holder: Holder = { pid: process.pid, start: processStart(process.pid), since: new Date().toISOString(), making };
		return `${JSON.stringify(holder)}\n`;
	}

	/** Marks the time in which the directory is incomplete. */
	setMaking(making: boolean): void {
		const draft = `${this.#path}.${process.pid}.new`;
		writeFileSync(draft, this.#content(making));
		renameSync(draft, this.#path);
		this.#unfinished = making;
	}

	release(): void {
		rmSync(this.#path, { force: true });
	}
}
