import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { RepotError } from '../../source/core/errors.js';
import { isLfsPointer } from './hnsw.js';
import { chromaProblem } from './problems.js';

const databaseName = 'chroma.sqlite3';
const segmentFiles = ['header.bin', 'data_level0.bin', 'length.bin', 'link_lists.bin', 'index_metadata.pickle'];
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** What has to be copied together, before anything is opened: the database and every segment folder's files, as relative paths. */
export interface DirectoryFiles {
	readonly database: string;
	readonly companions: readonly string[];
	/** True when the database has no byte: nothing was ever stored. */
	readonly empty: boolean;
}

/** Looks at the directory without opening the database. Throws a RepotError of kind source when it cannot be a Chroma directory. */
export function findFiles(path: string): DirectoryFiles {
	checkDirectory(path);
	try {
		return filesIn(path);
	} catch (thrown) {
		throw thrown instanceof RepotError ? thrown : unreadable(path, thrown);
	}
}

function filesIn(path: string): DirectoryFiles {
	// Without the right to search the directory every file in it would seem to be missing.
	accessSync(path, constants.R_OK | constants.X_OK);
	const database = join(path, databaseName);
	if (!existsSync(database)) throw withoutDatabase(path);
	if (isLfsPointer(database)) {
		throw chromaProblem({
			code: 'CHROMA_LFS_POINTER',
			message: 'chroma.sqlite3 is a Git LFS pointer, not the database itself',
			where: database,
			next: ['Fetch the real files in that repository with: git lfs pull', 'Then run the command again'],
		});
	}
	return {
		database,
		companions: segmentFilesIn(path),
		empty: statSync(database).size === 0,
	};
}

/**
 * Files of every segment folder, as relative paths. Opens no file: this is called while a lock on the database is held, and POSIX drops a process's locks
 * on a file when the process closes any descriptor of it.
 */
export function segmentFilesIn(path: string): readonly string[] {
	return readdirSync(path, { withFileTypes: true })
		.filter((entry) => uuid.test(entry.name) && (entry.isDirectory() || entry.isSymbolicLink()))
		.flatMap((entry) => segmentFiles.map((file) => `${entry.name}/${file}`))
		.filter((relative) => isFile(join(path, relative)))
		.sort();
}

function unreadable(path: string, thrown: unknown): RepotError {
	const denied = thrown instanceof Error && 'code' in thrown && (thrown.code === 'EACCES' || thrown.code === 'EPERM');
	return chromaProblem({
		code: 'CHROMA_UNREADABLE',
		message: 'The Chroma directory cannot be read',
		where: path,
		why: thrown instanceof Error ? thrown.message : String(thrown),
		next: denied
			? ['Give your user read permission on the directory and the files in it', 'Or run as the user who owns it']
			: ['Check the directory and its disk'],
		cause: thrown,
	});
}

/** A pipe in the place of a file would let the copy wait for ever; a link that leads to itself is no file either. */
function isFile(path: string): boolean {
	try {
		return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
	} catch (thrown) {
		if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ELOOP') return false;
		throw thrown;
	}
}

function checkDirectory(path: string): void {
	let isDirectory: boolean;
	try {
		isDirectory = statSync(path).isDirectory();
	} catch (thrown) {
		const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
		throw chromaProblem({
			code: code === 'ENOENT' ? 'CHROMA_PATH_MISSING' : 'CHROMA_UNREADABLE',
			message: code === 'ENOENT' ? 'The Chroma directory does not exist' : 'The Chroma directory cannot be read',
			where: path,
			...(code === 'ENOENT' ? {} : { why: thrown instanceof Error ? thrown.message : String(thrown) }),
			next: ['Check --chroma-path: it names the directory that holds chroma.sqlite3'],
			cause: thrown,
		});
	}
	if (isDirectory) return;
	throw chromaProblem({
		code: 'CHROMA_NOT_A_DIRECTORY',
		message: 'The Chroma path is a file, not a directory',
		where: path,
		next: ['Point --chroma-path at the directory that holds chroma.sqlite3, not at a file in it'],
	});
}

function withoutDatabase(path: string): Error {
	const names = readdirSync(path);
	if (names.some((name) => /^chroma-(collections|embeddings)\.parquet$/.test(name))) {
		return chromaProblem({
			code: 'CHROMA_BEFORE_0_4',
			message: 'This directory was written by a Chroma before 0.4 (DuckDB and parquet files), which this program does not read',
			where: path,
			why: 'it has chroma-*.parquet files and no chroma.sqlite3; a newer Chroma opened on it would show no collection at all',
			next: [
				'Convert a copy of it with: pip install chroma-migrate && chroma-migrate',
				'Then point --chroma-path at the directory that it wrote',
			],
		});
	}
	const nested = names.find((name) => existsSync(join(path, name, databaseName)));
	return chromaProblem({
		code: 'CHROMA_NOT_CHROMA',
		message: 'This directory is not a Chroma directory',
		where: path,
		why: 'it has no chroma.sqlite3',
		next: [
			...(nested === undefined ? [] : [`A sub-folder has one: --chroma-path ${join(path, nested)}`]),
			'Point --chroma-path at the directory that your application passes to chromadb.PersistentClient(path=...)',
		],
	});
}
