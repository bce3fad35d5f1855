import { RepotError } from '../../source/core/errors.js';
import { codeOf } from '../sqlite/source-errors.js';

/** A fault of the Chroma directory that a person can act on. */
export function chromaProblem(details: {
	readonly code: string;
	readonly message: string;
	readonly where: string;
	readonly why?: string;
	readonly next: readonly string[];
	readonly cause?: unknown;
}): RepotError {
	return new RepotError({ kind: 'source', ...details });
}

/** What SQLite said about the private copy, as an error that names the directory it was copied from. */
export function sqliteProblem(thrown: unknown, where: string): unknown {
	if (thrown instanceof RepotError || !(thrown instanceof Error)) return thrown;
	const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
	if (!code.startsWith('SQLITE_')) return thrown;
	const damaged = code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB';
	return chromaProblem({
		code: damaged ? 'CHROMA_CORRUPT' : 'CHROMA_UNREADABLE',
		message: damaged ? 'chroma.sqlite3 is damaged' : 'chroma.sqlite3 cannot be read',
		where,
		why: `${thrown.message} (${code})`,
		next: [
			`Check it with: sqlite3 ${where}/chroma.sqlite3 'PRAGMA integrity_check'`,
			'Restore the directory from a backup, or recover a copy of the file with sqlite3 .recover and point --chroma-path at that copy',
		],
		cause: thrown,
	});
}

/** Whether SQLite found that the file is not what it should be. */
export const isDamage = (thrown: unknown): boolean => /^SQLITE_(CORRUPT|IOERR_SHORT_READ|NOTADB)/.test(codeOf(thrown));

/** Runs `work`; what SQLite throws becomes a fault of the directory `where`. */
export function withSqlite<Result>(where: string, work: () => Result): Result {
	try {
		return work();
	} catch (thrown) {
		throw sqliteProblem(thrown, where);
	}
}
