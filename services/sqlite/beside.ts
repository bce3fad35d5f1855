import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import type { BesideDatabase } from '../../source/core/inspection.js';

/** SQLite keeps its companions beside the file that a symbolic link leads to. */
function realDatabase(path: string): string {
	try {
		return realpathSync(path);
	} catch {
		return path;
	}
}

/** Names that belong to a database: itself and what SQLite keeps beside it. */
export const databaseFiles = (path: string): readonly string[] =>
	['', '-journal', '-wal', '-shm'].map((suffix) => realDatabase(path) + suffix);

/**
 * Looks at what lies beside a database without opening the database. A journal is hot when it and the database have bytes and its first byte is not
 * zero (https://sqlite.org/fileformat2.html#hot_journals; whether its writer is alive, the locks tell).
 */
export function lookBeside(path: string): BesideDatabase {
	const database = realDatabase(path);
	const journal = `${database}-journal`;
	return { journal: journalState(journal, sizeOf(database) > 0), walBytes: sizeOf(`${database}-wal`) };
}

function journalState(journal: string, hasPages: boolean): BesideDatabase['journal'] {
	if (statSync(journal, { throwIfNoEntry: false })?.isFile() !== true) return 'none';
	return hasPages && firstByte(journal) > 0 ? 'hot' : 'idle';
}

function firstByte(path: string): number {
	try {
		const file = openSync(path, 'r');
		try {
			const start = Buffer.alloc(1);
			return readSync(file, start, 0, 1, 0) === 1 ? start.readUInt8() : 0;
		} finally {
			closeSync(file);
		}
	} catch {
		// It comes and goes with a writer's transactions.
		return 0;
	}
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
