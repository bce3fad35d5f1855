import { createHash } from 'node:crypto';
import { mkdtemp, open, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { makeFolders } from '../../source/core/make-folders.js';
import { type CopySource, companionPairs, copyConsistent } from './consistent-copy.js';
import { requireSpace } from './copy-files.js';
import { Database } from './engine.js';
import { firstBytes } from './first-bytes.js';
import { codeOf, emptyFile, isDirectory, lfsPointer, notAFile, notSqlite, sourceError } from './source-errors.js';

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
	/** Lists the files that belong to the same state, relative to the database's directory. Called again after each copy: the list may change. */
	readonly companions: () => readonly string[];
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
	const source: CopySource = { original, copy, directory: dirname(database), folder, list: companions, signal };
	await requireSpace(
		[original, `${original}-wal`, `${original}-journal`, ...companionPairs(source, companions()).map(({ from }) => from)],
		folder,
	);
	const { mode: journalMode, companions: copied } = await copyConsistent(source);
	settle(copy);
	const files = [name, ...copied];
	const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size));
	return {
		path: copy,
		bytes: sizes.reduce((sum, size) => sum + size, 0),
		journalMode,
		files,
		remove: () => rm(folder, { recursive: true, force: true }),
	};
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
