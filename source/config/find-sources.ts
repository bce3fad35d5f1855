import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RepotError } from '../core/errors.js';
import { isSqlite, searchFolder } from './discover.js';

export interface FoundSource {
	readonly kind: 'sqlite' | 'chroma';
	readonly path: string;
}

const chromaDatabase = 'chroma.sqlite3';
/** Files of a Chroma before 0.4; its reader says what to do with them. */
const oldChroma = /^chroma-(collections|embeddings)\.parquet$/;
const mostSources = 50;

/**
 * What lies at an absolute path: a file is a SQLite database (`chroma.sqlite3` its Chroma directory), a directory with `chroma.sqlite3` a Chroma directory, with the
 * databases beside it; any other folder is searched three folders deep. Only names and first bytes are looked at; whether a source
 * can be read, its reader tells. Throws RepotError (source) when a folder holds nothing of the kind.
 */
export async function findSources(path: string): Promise<readonly FoundSource[]> {
	const facts = await stat(path).catch(() => null);
	// What is not there is told by the reader.
	if (facts?.isDirectory() !== true)
		return basename(path) === chromaDatabase ? [{ kind: 'chroma', path: dirname(path) }] : [{ kind: 'sqlite', path }];
	const names: readonly string[] = await readdir(path).catch(() => []);
	if (names.includes(chromaDatabase) || names.some((name) => oldChroma.test(name))) {
		return [...(await databasesIn(path, names)), { kind: 'chroma', path }];
	}
	const { sqlite, chroma, complete } = await searchFolder(path);
	const found: FoundSource[] = [
		...sqlite.map((file) => ({ kind: 'sqlite', path: file }) as const),
		...chroma.map((folder) => ({ kind: 'chroma', path: folder }) as const),
	];
	if (found.length === 0) throw nothing(path, complete);
	if (found.length > mostSources) throw tooMuch(path, found.length);
	return found;
}

async function databasesIn(folder: string, names: readonly string[]): Promise<readonly FoundSource[]> {
	const found: FoundSource[] = [];
	for (const name of [...names].sort()) {
		const path = join(folder, name);
		if (name !== chromaDatabase && /\.(db3?|sqlite3?)$/.test(name) && (await isSqlite(path))) found.push({ kind: 'sqlite', path });
	}
	return found;
}

const nothing = (path: string, complete: boolean): RepotError =>
	new RepotError({
		kind: 'source',
		code: 'NOTHING_TO_INSPECT',
		message: 'This folder holds neither a SQLite database nor a Chroma directory',
		where: path,
		why: complete
			? 'no SQLite file and no chroma.sqlite3 was found in it, three folders deep'
			: 'it holds too many files to look at all of them',
		next: ['Name the database file, or the directory that holds chroma.sqlite3'],
	});

const tooMuch = (path: string, count: number): RepotError =>
	new RepotError({
		kind: 'usage',
		code: 'TOO_MANY_SOURCES',
		message: `This folder holds ${count} databases and Chroma directories; at most ${mostSources} are described at once`,
		where: path,
		next: ['Name one of them, or a folder further down'],
	});
