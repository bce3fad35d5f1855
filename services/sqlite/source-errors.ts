import { RepotError } from '../../source/core/errors.js';

interface Problem {
	readonly code: string;
	readonly message: string;
	readonly why?: string;
	readonly next: readonly string[];
	readonly cause?: unknown;
}

const problem = (where: string, { code, message, why, next, cause }: Problem): RepotError =>
	new RepotError({
		kind: 'source',
		code,
		message,
		where,
		next,
		...(why === undefined ? {} : { why }),
		...(cause === undefined ? {} : { cause }),
	});

const notFound = (path: string): RepotError =>
	problem(path, {
		code: 'SOURCE_NOT_FOUND',
		message: 'the source does not exist',
		next: ['Check the path for typing errors', 'A relative path is taken from the directory the command runs in'],
	});

export const isDirectory = (path: string): RepotError =>
	problem(path, {
		code: 'SOURCE_IS_DIRECTORY',
		message: 'this is a directory where a SQLite file is expected',
		next: ['Give the database file inside it', 'For a Chroma directory use --chroma-path'],
	});

export const notAFile = (path: string): RepotError =>
	problem(path, { code: 'SOURCE_NOT_A_FILE', message: 'this is neither a file nor a directory', next: ['Give a SQLite database file'] });

export const emptyFile = (path: string): RepotError =>
	problem(path, {
		code: 'SOURCE_EMPTY',
		message: 'the SQLite file is empty (0 bytes)',
		why: 'no table was ever created in it; SQLite makes such a file when a program opens a path that does not exist',
		next: ['Check whether the application keeps its data in another file'],
	});

export const lfsPointer = (path: string): RepotError =>
	problem(path, {
		code: 'SOURCE_IS_LFS_POINTER',
		message: 'this is a Git LFS pointer, not the database itself',
		why: 'the repository was cloned without its large files',
		next: ['Run: git lfs pull', 'Then run this command again'],
	});

export const notSqlite = (path: string): RepotError =>
	problem(path, {
		code: 'SOURCE_NOT_SQLITE',
		message: 'this is not a SQLite 3 database',
		why: 'its first 16 bytes are not "SQLite format 3"; an encrypted database looks like this too',
		next: ['Check the path', 'An encrypted database has to be decrypted by its application first'],
	});

export const locked = (path: string, why: string): RepotError =>
	problem(path, {
		code: 'SOURCE_LOCKED',
		message: 'the source is in use and no consistent copy could be taken',
		why,
		next: ['Wait until the application is idle, or stop it, then run this command again'],
	});

const corrupt = (path: string, cause: unknown): RepotError =>
	problem(path, {
		code: 'SOURCE_CORRUPT',
		message: 'the SQLite file is damaged',
		why: reasonOf(cause),
		next: [
			'See what can be read: sqlite3 FILE "PRAGMA integrity_check"',
			'Recover into a new file: sqlite3 FILE .recover | sqlite3 RECOVERED, then use that file',
			'Or restore a backup',
		],
		cause,
	});

export const diskFull = (folder: string, needed: number, free: number): RepotError =>
	problem(folder, {
		code: 'NO_DISK_SPACE',
		message: `a private copy of the source needs ${mebibytes(needed)} of disk, ${mebibytes(free)} are free`,
		next: ['Free some space there', 'Or keep the copy elsewhere: --state-dir DIR, or set TMPDIR'],
	});

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 1024 / 1024).toLocaleString('en-US')} MiB`;

export const reasonOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

/** The `code` of a system or SQLite error, e.g. `ENOENT`, `SQLITE_BUSY`; '' when there is none. */
export function codeOf(thrown: unknown): string {
	const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : '';
	return typeof code === 'string' ? code : '';
}

/** Whatever the file system or SQLite threw while `path` was read, as an error a person can act on. */
export function sourceError(thrown: unknown, path: string): RepotError {
	if (thrown instanceof RepotError) return thrown;
	const code = codeOf(thrown);
	if (code === 'ENOENT' || code === 'ENOTDIR') return notFound(path);
	if (code === 'EACCES' || code === 'EPERM' || code.startsWith('SQLITE_CANTOPEN')) return unreadable(path, thrown);
	if (code === 'ENOSPC' || code === 'EDQUOT' || code.startsWith('SQLITE_FULL')) return copyFailed(path, thrown);
	if (code.startsWith('SQLITE_BUSY')) return locked(path, 'another process holds a lock on it');
	if (code.startsWith('SQLITE_NOTADB')) return notSqlite(path);
	if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_IOERR_SHORT_READ') return corrupt(path, thrown);
	if (code.startsWith('SQLITE_ERROR_MISSING_COLLSEQ') || /no such collation sequence/.test(reasonOf(thrown)))
		return unknownCollation(path, thrown);
	if (code.startsWith('SQLITE_')) return refusedBySqlite(path, thrown);
	return problem(path, {
		code: 'SOURCE_UNREADABLE',
		message: 'the source cannot be read',
		why: reasonOf(thrown),
		next: ['Check the file and its disk'],
		cause: thrown,
	});
}

const unreadable = (path: string, cause: unknown): RepotError =>
	problem(path, {
		code: 'SOURCE_NOT_READABLE',
		message: 'the source may not be read',
		why: reasonOf(cause),
		next: ['Give your user read permission on the file and on the directories above it', 'Or run as the user who owns it'],
		cause,
	});

const copyFailed = (path: string, cause: unknown): RepotError =>
	problem(path, {
		code: 'NO_DISK_SPACE',
		message: 'the disk filled up while a private copy of the source was taken',
		why: reasonOf(cause),
		next: ['Free some space', 'Or keep the copy elsewhere: --state-dir DIR, or set TMPDIR'],
		cause,
	});

const unknownCollation = (path: string, cause: unknown): RepotError =>
	problem(path, {
		code: 'UNKNOWN_COLLATION',
		message: 'a table is sorted by a collation that only its application defines',
		why: reasonOf(cause),
		next: ['Export that table with the application, or leave it out'],
		cause,
	});

const refusedBySqlite = (path: string, cause: unknown): RepotError =>
	problem(path, {
		code: 'SOURCE_UNREADABLE',
		message: 'SQLite cannot read the source',
		why: reasonOf(cause),
		next: ['Check the file: sqlite3 FILE "PRAGMA integrity_check"'],
		cause,
	});
