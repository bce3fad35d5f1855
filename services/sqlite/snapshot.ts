import { createHash } from 'node:crypto';
import { mkdtemp, open, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type BetterSqlite from 'better-sqlite3';
import { makeFolders } from '../../source/core/make-folders.js';
import { copyFiles, copyStable, type FilePair, requireSpace, sameStamp, stampOf } from './copy-files.js';
import { Database } from './engine.js';
import { codeOf, emptyFile, isDirectory, lfsPointer, locked, notAFile, notSqlite, sourceError } from './source-errors.js';

/** A private copy of a SQLite database and of the files that belong to it. */
export interface Snapshot {
	/** The copied database. Its folder holds the companions under their own relative paths. */
	readonly path: string;
	/** Bytes copied. */
	readonly bytes: number;
	/** Journal mode of the original. */
	readonly journalMode: 'delete' | 'wal';
	/** Paths of the copied files relative to the copy's folder: the database first, then the companions. */
	readonly files: readonly string[];
	remove(): Promise<void>;
}

export interface SnapshotRequest {
	readonly database: string;
	/** Files relative to the database's directory that belong to the same state. */
	readonly companions: readonly string[];
	/** Directory in which a private folder (mode 0700) is made. Made when missing. */
	readonly into: string;
	readonly signal?: AbortSignal;
}

/**
 * Copies a database, consistent at one instant, without changing its directory and without stalling its writers for longer than the
 * copy takes. Throws RepotError (source); nothing is left in `into` then.
 */
export async function takeSnapshot(request: SnapshotRequest): Promise<Snapshot> {
	const database = resolve(request.database);
	try {
		await checkFile(database);
		makeFolders(request.into);
		const folder = await mkdtemp(join(resolve(request.into), 'copy-'));
		try {
			return await fill(folder, database, request);
		} catch (thrown) {
			await rm(folder, { recursive: true, force: true });
			throw thrown;
		}
	} catch (thrown) {
		if (request.signal?.aborted === true) throw thrown;
		throw sourceError(thrown, request.database);
	}
}

async function fill(folder: string, database: string, { companions, signal }: SnapshotRequest): Promise<Snapshot> {
	const name = basename(database);
	const copy = join(folder, name);
	// SQLite keeps -journal and -wal beside the file that a symbolic link leads to.
	const original = await realpath(database);
	const companionPairs = [...new Set(companions)].map((file) => ({ from: join(dirname(database), file), to: join(folder, file) }));
	const source: Source = { original, copy, companions: companionPairs, signal };
	await requireSpace([original, `${original}-wal`, `${original}-journal`, ...companionPairs.map(({ from }) => from)], folder);
	const journalMode = await copyConsistent(source);
	settle(copy);
	const files = [name, ...new Set(companions)];
	const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size));
	return {
		path: copy,
		bytes: sizes.reduce((sum, size) => sum + size, 0),
		journalMode,
		files,
		remove: () => rm(folder, { recursive: true, force: true }),
	};
}

interface Source {
	readonly original: string;
	readonly copy: string;
	readonly companions: readonly FilePair[];
	readonly signal: AbortSignal | undefined;
}

const magic = 'SQLite format 3\0';
const lfsMagic = 'version https://git-lfs';

async function checkFile(path: string): Promise<void> {
	const facts = await stat(path);
	if (facts.isDirectory()) throw isDirectory(path);
	if (!facts.isFile()) throw notAFile(path);
	if (facts.size === 0) throw emptyFile(path);
	const start = await firstBytes(path);
	if (start.toString('latin1', 0, lfsMagic.length) === lfsMagic) throw lfsPointer(path);
	if (start.length < 100 || start.toString('latin1', 0, magic.length) !== magic) throw notSqlite(path);
}

async function firstBytes(path: string): Promise<Buffer> {
	const file = await open(path, 'r');
	try {
		const { buffer, bytesRead } = await file.read(Buffer.alloc(100), 0, 100, 0);
		return buffer.subarray(0, bytesRead);
	} finally {
		await file.close();
	}
}

/** Bytes 18 and 19 of the header: file format write and read version, 2 for WAL (https://www.sqlite.org/fileformat2.html#ffvn). */
const isWal = async (path: string): Promise<boolean> => {
	const start = await firstBytes(path);
	return start[18] === 2 && start[19] === 2;
};

/** A writer's transactions are short; one that holds its lock for longer than this is told to the operator instead of waited for. */
const attempts = 40;
const betweenAttempts = 125;
/** How often the files of a WAL database are copied in the hope that they stand still. */
const stillnessAttempts = 7;

/** Copies by whatever way the original's state allows, and tries again while a writer is in the way. */
async function copyConsistent(source: Source): Promise<'delete' | 'wal'> {
	let mode: 'delete' | 'wal' = 'delete';
	for (let attempt = 0; attempt < attempts; attempt++) {
		source.signal?.throwIfAborted();
		mode = (await isWal(source.original)) ? 'wal' : 'delete';
		const done = mode === 'wal' ? await copyWal(source) : await copyRollback(source, attempt);
		if (done) return mode;
		await clear(source);
		// A WAL database under a steady stream of writes is never still; a connection can read it all the same.
		if (mode === 'wal' && attempt >= stillnessAttempts && (await hasLiveWriter(source))) {
			await copyThroughConnection(source);
			return mode;
		}
		await pause(betweenAttempts, undefined, source.signal === undefined ? {} : { signal: source.signal });
	}
	throw locked(source.original, `a writer held it for ${(attempts * betweenAttempts) / 1000} seconds`);
}

async function clear(source: Source): Promise<void> {
	for (const suffix of ['', '-wal', '-journal', '-shm']) await rm(source.copy + suffix, { force: true });
}

/** The database itself with `suffix`, from beside the original to beside the copy. */
const pair = (source: Source, suffix = ''): FilePair => ({ from: source.original + suffix, to: source.copy + suffix });

/**
 * A database with a rollback journal. Where a journal lies beside it, the files are copied as they stand and the copy is rolled back:
 * even opening such a database read-only may touch the journal. A busy writer's journal comes and goes, so every other attempt takes the lock.
 */
async function copyRollback(source: Source, attempt: number): Promise<boolean> {
	const hasJournal = (await stampOf(pair(source, '-journal').from)) !== null;
	return hasJournal && attempt % 2 === 0 ? copyWithJournal(source) : copyLocked(source);
}

/**
 * A read transaction holds the SHARED lock, under which no writer can change the file. The companions are copied first and the
 * database last: POSIX drops all of a process's locks on a file as soon as the process closes any descriptor of it, so that the lock ends with the
 * database's own copy, and not before (https://www.sqlite.org/howtocorrupt.html, section 2.2). False: busy, try again.
 */
async function copyLocked(source: Source): Promise<boolean> {
	const lock = takeLock(source.original);
	if (lock === 'busy') return false;
	if (lock === 'unreadable') return copyWithJournal(source);
	try {
		const before = await stampOf(source.original);
		await copyFiles([...source.companions, pair(source)], source.signal);
		// Another part of this process may have opened and closed the file meanwhile, which would have cost us the lock.
		return sameStamp(before, await stampOf(source.original));
	} finally {
		lock.close();
	}
}

/** Takes the SHARED lock. `schema_version` reads the header alone, so that a damaged schema does not keep the lock from being taken. */
function takeLock(path: string): BetterSqlite.Database | 'busy' | 'unreadable' {
	let connection: BetterSqlite.Database | null = null;
	try {
		connection = new Database(path, { readonly: true, fileMustExist: true, timeout: 0 });
		connection.exec('BEGIN');
		connection.prepare('PRAGMA schema_version').get();
		return connection;
	} catch (thrown) {
		connection?.close();
		const code = codeOf(thrown);
		if (code.startsWith('SQLITE_BUSY')) return 'busy';
		// A hot journal (READONLY, CANTOPEN) cannot be rolled back without writing; a damaged file is for the inspection to tell.
		if (/^SQLITE_(READONLY|CANTOPEN|CORRUPT|IOERR|NOTADB)/.test(code)) return 'unreadable';
		throw thrown;
	}
}

/**
 * Database and journal without a lock. When neither changed while both were copied, the pair is what stood on the disk at one instant, and
 * SQLite recovers from whatever a process that died at that instant would have left.
 */
async function copyWithJournal(source: Source): Promise<boolean> {
	const journal = pair(source, '-journal');
	const hasJournal = (await stampOf(journal.from)) !== null;
	const files = [...(hasJournal ? [journal] : []), ...source.companions, pair(source)];
	return copyStable(files, hasJournal ? [] : [journal.from], source.signal);
}

/**
 * A WAL database, without opening it: opening would make -wal and -shm beside it. When neither the database nor its WAL changed while both
 * were copied, the pair is what stood on the disk at one instant, and SQLite's own recovery reads from it every committed
 * transaction and nothing else: frames of an unfinished one lack a commit mark or a matching checksum. The -shm is an index that
 * recovery builds anew, so it is never copied.
 */
async function copyWal(source: Source): Promise<boolean> {
	const wal = pair(source, '-wal');
	const live = ((await stampOf(wal.from))?.size ?? 0n) > 0n;
	const files = [...(live ? [wal] : []), ...source.companions, pair(source)];
	return copyStable(files, live ? [] : [wal.from], source.signal);
}

async function hasLiveWriter(source: Source): Promise<boolean> {
	return (await stampOf(`${source.original}-wal`)) !== null && (await stampOf(`${source.original}-shm`)) !== null;
}

/**
 * A WAL database that is written all the time: files cannot be copied, since a checkpoint may move pages from the WAL into the database
 * while they are read. A read transaction pins one state, and SQLite's backup reads every page through it, which neither blocks the writer nor is disturbed
 * by it. A writer is at work, so -wal and -shm exist and opening makes no new file; a read-only connection cannot checkpoint, so closing removes none.
 */
async function copyThroughConnection(source: Source): Promise<void> {
	const companions = source.companions.length === 0 || (await copyStable(source.companions, [], source.signal));
	if (!companions) throw locked(source.original, 'its companion files keep changing');
	const connection = new Database(source.original, { readonly: true, fileMustExist: true, timeout: attempts * betweenAttempts });
	try {
		connection.exec('BEGIN');
		connection.prepare('PRAGMA schema_version').get();
		// All pages in one go; the first call comes before any page was copied.
		await connection.backup(source.copy, { progress: () => 0x7fffffff });
	} finally {
		connection.close();
	}
}

/** Rolls back or checkpoints the copy, so that what is read later is one plain file. A damaged copy is left to the inspection. */
function settle(copy: string): void {
	const connection = new Database(copy, { fileMustExist: true });
	try {
		connection.prepare('PRAGMA schema_version').get();
		connection.pragma('wal_checkpoint(TRUNCATE)');
	} catch (thrown) {
		const code = codeOf(thrown);
		if (!code.startsWith('SQLITE_CORRUPT') && !code.startsWith('SQLITE_IOERR') && !code.startsWith('SQLITE_NOTADB')) throw thrown;
	} finally {
		connection.close();
	}
}

const chunkBytes = 512 * 1024;

/**
 * SHA-256 (hex) over the copied files: each one's name, size and bytes. The same for the same source, whether or not its WAL was
 * checkpointed or its journal rolled back in between.
 */
export async function fingerprint(snapshot: Pick<Snapshot, 'path' | 'files'>, signal?: AbortSignal): Promise<string> {
	const hash = createHash('sha256');
	const chunk = Buffer.allocUnsafe(chunkBytes);
	for (const name of snapshot.files) {
		const file = await open(join(dirname(snapshot.path), name), 'r');
		try {
			hash.update(`${name}\0${(await file.stat()).size}\0`);
			for (;;) {
				signal?.throwIfAborted();
				const { bytesRead } = await file.read(chunk, 0, chunkBytes, null);
				if (bytesRead === 0) break;
				hash.update(chunk.subarray(0, bytesRead));
			}
		} finally {
			await file.close();
		}
	}
	return hash.digest('hex');
}
