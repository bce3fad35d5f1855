import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type BetterSqlite from 'better-sqlite3';
import { whoUses } from '../in-use.js';
import { copyFiles, copyStable, type FilePair, isOlderThanBirth, type Stamp, sameStamp, stampOf } from './copy-files.js';
import { Database } from './engine.js';
import { firstBytes } from './first-bytes.js';
import { codeOf, locked } from './source-errors.js';

/** A database that is copied together with the files that belong to it. */
export interface CopySource {
	readonly original: string;
	readonly copy: string;
	/** Where the companions lie. */
	readonly directory: string;
	/** Where the copies go. */
	readonly folder: string;
	readonly list: () => readonly string[];
	readonly signal: AbortSignal | undefined;
}

/** The companions that were copied; null: something was in the way, and whatever was copied is to be thrown away. */
type Copied = readonly string[] | null;

/** Bytes 18 and 19 of the header: file format write and read version, 2 for WAL (https://www.sqlite.org/fileformat2.html#ffvn). */
const isWal = async (path: string): Promise<boolean> => {
	const start = await firstBytes(path);
	return start[18] === 2 && start[19] === 2;
};

/**
 * A writer's transactions are short; one that holds its lock for longer than this is told to the operator instead of waited for. With companions the
 * moment that is waited for is rarer: Chroma adds some thousands of records in one transaction of several seconds.
 */
const patience = { alone: 5_000, withCompanions: 60_000 };
const betweenAttempts = 125;
/** How often the files of a WAL database are copied in the hope that they stand still. */
const stillnessAttempts = 7;

/** Copies by whatever way the original's state allows, and tries again while a writer is in the way. */
export async function copyConsistent(
	source: CopySource,
): Promise<{ readonly mode: 'delete' | 'wal'; readonly companions: readonly string[] }> {
	const wait = source.list().length === 0 ? patience.alone : patience.withCompanions;
	const until = performance.now() + wait;
	for (let attempt = 0; ; attempt++) {
		source.signal?.throwIfAborted();
		const mode = (await isWal(source.original)) ? 'wal' : 'delete';
		// A WAL database under a steady stream of writes is never still; a connection can read it all the same.
		const restless = mode === 'wal' && attempt > stillnessAttempts && (await hasLiveWriter(source));
		const way = restless ? copyThroughConnection(source) : mode === 'wal' ? copyWal(source) : copyRollback(source, attempt);
		const companions = await way;
		if (companions !== null) return { mode, companions };
		await clear(source);
		if (performance.now() > until) throw locked(source.original, `a writer held it for ${wait / 1000} seconds`);
		await sleep(betweenAttempts, source);
	}
}

const sleep = (milliseconds: number, { signal }: CopySource): Promise<void> =>
	pause(milliseconds, undefined, signal === undefined ? {} : { signal });

async function clear({ folder }: CopySource): Promise<void> {
	for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
}

export const companionPairs = ({ directory, folder }: CopySource, companions: readonly string[]): FilePair[] =>
	companions.map((file) => ({ from: join(directory, file), to: join(folder, file) }));

/** Copies `first`, the companions and `last`, in this order, as one state: none of them and none of `absent` (paths) changed meanwhile. */
async function copyStill(
	source: CopySource,
	{
		first = [],
		last = [],
		absent = [],
		isWhole,
	}: {
		readonly first?: readonly FilePair[];
		readonly last?: readonly FilePair[];
		readonly absent?: readonly string[];
		readonly isWhole?: (stamps: readonly (Stamp | null)[]) => Promise<boolean>;
	},
): Promise<Copied> {
	const companions = source.list();
	const files = [...first, ...companionPairs(source, companions), ...last];
	const still = await copyStable(files, { absent, signal: source.signal, ...(isWhole === undefined ? {} : { isWhole }) });
	return still && isSameList(companions, source.list()) ? companions : null;
}

const isSameList = (a: readonly string[], b: readonly string[]): boolean => a.join('\0') === b.join('\0');

/** The database itself with `suffix`, from beside the original to beside the copy. */
const pair = (source: CopySource, suffix = ''): FilePair => ({ from: source.original + suffix, to: source.copy + suffix });

/**
 * A database with a rollback journal. Where a journal lies beside it and nothing else belongs to it, the files are copied as they stand and the copy is rolled
 * back. A busy writer's journal comes and goes, so every other attempt takes the lock. With companions only the lock tells whether the journal is that of a
 * writer at work or of one that died.
 */
async function copyRollback(source: CopySource, attempt: number): Promise<Copied> {
	if (source.list().length > 0) {
		await betweenTransactions(source);
		return copyLocked(source);
	}
	const hasJournal = (await stampOf(pair(source, '-journal').from)) !== null;
	return hasJournal && attempt % 2 === 0 ? copyWithJournal(source) : copyLocked(source);
}

/** Waits a little for the moment in which a busy writer has just committed. */
async function betweenTransactions(source: CopySource): Promise<void> {
	const until = performance.now() + betweenAttempts;
	while ((await openTransaction(source)) !== null && performance.now() < until) await sleep(1, source);
}

/**
 * A read transaction holds the SHARED lock, under which no writer can change the database; it can begin a transaction, and waits with its commit.
 * The companions are copied first and the database last: POSIX drops all of a process's locks on a file as soon as the process closes any descriptor of it,
 * so that the lock ends with the database's own copy, and not before (https://www.sqlite.org/howtocorrupt.html, section 2.2). Null: busy, try again.
 */
async function copyLocked(source: CopySource): Promise<Copied> {
	const lock = takeLock(source.original);
	if (lock === 'busy') return null;
	if (lock === 'unreadable') return copyWithJournal(source);
	try {
		const before = await stampOf(source.original);
		const companions = await copyStill(source, { isWhole: (stamps) => isCommitted(source, stamps) });
		if (companions === null) return null;
		await copyFiles([pair(source)], source.signal);
		// Another part of this process may have opened and closed the file meanwhile, which would have cost us the lock.
		return sameStamp(before, await stampOf(source.original)) ? companions : null;
	} finally {
		lock.close();
	}
}

/**
 * True when the companions hold nothing that the database does not have yet: no transaction is open, or it began after their last change. Chroma up to
 * 0.6 writes its index files in the middle of the transaction that adds, updates or deletes: together with the database as it was before, they would lack
 * the vectors of records that are still there. What a writer left that died in such a transaction is all that there is, and is copied.
 */
async function isCommitted(source: CopySource, companions: readonly (Stamp | null)[]): Promise<boolean> {
	const journal = await openTransaction(source);
	if (journal === null || companions.every((stamp) => isOlderThanBirth(stamp, journal))) return true;
	return isLeftOver(pair(source, '-journal').from, [journal, ...companions]);
}

/** The journal of a transaction, which may be under way. An empty one is none (`PRAGMA journal_mode = TRUNCATE`). */
async function openTransaction(source: CopySource): Promise<Stamp | null> {
	const stamp = await stampOf(pair(source, '-journal').from);
	return stamp === null || stamp.size === 0n ? null : stamp;
}

/** A writer has the journal open as long as its transaction lasts. Where other processes cannot be seen, one that wrote nothing for this long is taken for dead. */
const silence = 10_000n * 1_000_000n;

function isLeftOver(journal: string, stamps: readonly (Stamp | null)[]): boolean {
	const { state } = whoUses([journal]);
	if (state === 'in-use' || state === 'not-in-use') return state === 'not-in-use';
	const now = BigInt(Date.now()) * 1_000_000n;
	return stamps.every((stamp) => stamp === null || now - stamp.changed > silence);
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
async function copyWithJournal(source: CopySource): Promise<Copied> {
	const journal = pair(source, '-journal');
	const hasJournal = (await stampOf(journal.from)) !== null;
	return copyStill(source, hasJournal ? { first: [journal], last: [pair(source)] } : { last: [pair(source)], absent: [journal.from] });
}

/**
 * A WAL database, without opening it: opening would make -wal and -shm beside it. When neither the database nor its WAL changed while both
 * were copied, the pair is what stood on the disk at one instant, and SQLite's own recovery reads from it every committed
 * transaction and nothing else: frames of an unfinished one lack a commit mark or a matching checksum. The -shm is an index that
 * recovery builds anew, so it is never copied.
 */
async function copyWal(source: CopySource): Promise<Copied> {
	const wal = pair(source, '-wal');
	const live = ((await stampOf(wal.from))?.size ?? 0n) > 0n;
	return copyStill(source, live ? { first: [wal], last: [pair(source)] } : { last: [pair(source)], absent: [wal.from] });
}

async function hasLiveWriter(source: CopySource): Promise<boolean> {
	return (await stampOf(`${source.original}-wal`)) !== null && (await stampOf(`${source.original}-shm`)) !== null;
}

/**
 * A WAL database that is written all the time: files cannot be copied, since a checkpoint may move pages from the WAL into the database
 * while they are read. A read transaction pins one state, and SQLite's backup reads every page through it, which neither blocks the writer nor is disturbed
 * by it. A writer is at work, so -wal and -shm exist and opening makes no new file; a read-only connection cannot checkpoint, so closing removes none.
 * The companions must not have changed from before the state was pinned until they were copied.
 */
async function copyThroughConnection(source: CopySource): Promise<Copied> {
	const connection = new Database(source.original, { readonly: true, fileMustExist: true, timeout: patience.alone });
	try {
		const before = await companionStamps(source);
		connection.exec('BEGIN');
		connection.prepare('PRAGMA schema_version').get();
		const companions = await copyStill(source, {});
		const after = await companionStamps(source);
		if (companions === null || !isSameList(companions, [...before.keys()])) return null;
		if (companions.some((file) => !sameStamp(before.get(file) ?? null, after.get(file) ?? null))) return null;
		// All pages in one go; the first call comes before any page was copied.
		await connection.backup(source.copy, { progress: () => 0x7fffffff });
		return companions;
	} finally {
		connection.close();
	}
}

async function companionStamps(source: CopySource): Promise<ReadonlyMap<string, Awaited<ReturnType<typeof stampOf>>>> {
	const companions = source.list();
	return new Map(await Promise.all(companions.map(async (file) => [file, await stampOf(join(source.directory, file))] as const)));
}
