import { access, open, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, extname, join, relative } from 'node:path';
import { showPath } from './paths.js';

export interface FoundDataset {
	readonly name: string;
	readonly sqlitePath: string | null;
	readonly chromaPath: string | null;
}

const magic = Buffer.from('SQLite format 3\0', 'latin1');
const sqliteNames = new Set(['.db', '.sqlite', '.sqlite3', '.db3', '']);
const skipped = new Set(['node_modules', 'dist', 'build', '__pycache__', 'site-packages']);
/** Entries looked at before the search gives up: a home directory must not stall a command. */
const mostEntries = 20_000;

/**
 * Looks for SQLite files and Chroma directories in `cwd` and `cwd/data`, three folders deep, without opening a database. Files and
 * directories that belong together by name (`collections_golden.db`, `chroma_golden/`) or by being alone in one folder make one dataset.
 */
export async function discoverDatasets(cwd: string): Promise<readonly FoundDataset[]> {
	const found: Found = { sqlite: new Set(), chroma: new Set(), left: mostEntries };
	await search(cwd, 3, found);
	await search(join(cwd, 'data'), 3, found);
	const [sqlite, chroma] = [await unpackaged(found.sqlite), await unpackaged(found.chroma)];
	return named(pairs(sqlite, chroma), cwd);
}

interface Found {
	readonly sqlite: Set<string>;
	readonly chroma: Set<string>;
	left: number;
}

async function search(folder: string, depth: number, found: Found): Promise<void> {
	const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
	const names = new Set(entries.map((entry) => entry.name));
	// The data directory of a PostgreSQL server, embedded or not.
	if (names.has('PG_VERSION')) return;
	if (names.has('chroma.sqlite3')) {
		found.chroma.add(folder);
		return;
	}
	const before = found.sqlite.size;
	const below: string[] = [];
	for (const entry of entries) {
		found.left -= 1;
		if (found.left < 0) return;
		const path = join(folder, entry.name);
		if (entry.isFile() && sqliteNames.has(extname(entry.name)) && !entry.name.startsWith('.') && (await isSqlite(path)))
			found.sqlite.add(path);
		if (entry.isDirectory() && !entry.name.startsWith('.') && !skipped.has(entry.name)) below.push(path);
	}
	if (depth > 0) for (const path of below) await search(path, depth - 1, found);
	else if (found.sqlite.size > before) await addBeside(below, found);
}

/** SQLite files and Chroma directories in a folder and three folders deep, sorted. `complete` is false when it holds too much to look at. */
export async function searchFolder(
	folder: string,
): Promise<{ readonly sqlite: readonly string[]; readonly chroma: readonly string[]; readonly complete: boolean }> {
	const found: Found = { sqlite: new Set(), chroma: new Set(), left: mostEntries };
	await search(folder, 3, found);
	return { sqlite: [...found.sqlite].sort(), chroma: [...found.chroma].sort(), complete: found.left >= 0 };
}

/** In the last folder that is searched: a Chroma directory belongs to the database beside it, not to the folder below. */
async function addBeside(folders: readonly string[], found: Found): Promise<void> {
	for (const path of folders) if (await exists(join(path, 'chroma.sqlite3'))) found.chroma.add(path);
}

const exists = (path: string): Promise<boolean> =>
	access(path).then(
		() => true,
		() => false,
	);

/** Where repot keeps its demo data: in a checkout, and in what is installed. The copy that `repot demo` makes lies elsewhere. */
const packaged = [join('source', 'demo', 'data'), join('dist', 'demo')];

/** Sorted, without the demo data that repot itself carries: nobody wants to move that. */
async function unpackaged(paths: ReadonlySet<string>): Promise<readonly string[]> {
	const kept: string[] = [];
	for (const path of [...paths].sort()) {
		const root = await ownPackage(dirname(path));
		if (root === null || !packaged.includes(relative(root, dirname(path)))) kept.push(path);
	}
	return kept;
}

/** The folder of the nearest package.json above, when that is repot's own. */
async function ownPackage(folder: string): Promise<string | null> {
	const manifest = await readFile(join(folder, 'package.json'), 'utf8').catch(() => null);
	if (manifest !== null) return /"name":\s*"repot"/.test(manifest) ? folder : null;
	const above = dirname(folder);
	return above === folder ? null : ownPackage(above);
}

/** The first 16 bytes of the file (SQLite file format, section 1.3). */
export async function isSqlite(path: string): Promise<boolean> {
	const file = await open(path, 'r').catch(() => null);
	if (file === null) return false;
	try {
		const { buffer, bytesRead } = await file.read(Buffer.alloc(magic.length), 0, magic.length, 0);
		return bytesRead === magic.length && buffer.equals(magic);
	} catch {
		return false;
	} finally {
		await file.close();
	}
}

interface Pair {
	readonly sqlite: string | null;
	readonly chroma: string | null;
}

/** `collections_golden.db` and `chroma_golden` are both `golden`. */
const stem = (path: string): string =>
	basename(path, extname(path))
		.replace(/^(collections|chroma|vectors|app|db)[-_.]/i, '')
		.replace(/[-_.](collections|chroma|vectors|app|db)$/i, '');

function pairs(sqlite: readonly string[], chroma: readonly string[]): readonly Pair[] {
	const free = new Set(chroma);
	const made = sqlite.map((file): Pair => {
		const near = chroma.filter((one) => free.has(one) && dirname(one) === dirname(file));
		const alone = near.length === 1 && sqlite.filter((one) => dirname(one) === dirname(file)).length === 1;
		const partner = near.find((one) => stem(one) === stem(file)) ?? (alone ? near[0] : undefined);
		if (partner === undefined) return { sqlite: file, chroma: null };
		free.delete(partner);
		return { sqlite: file, chroma: partner };
	});
	return [...made, ...[...free].map((directory): Pair => ({ sqlite: null, chroma: directory }))];
}

function named(made: readonly Pair[], cwd: string): readonly FoundDataset[] {
	const taken = new Set<string>();
	return made.map((pair) => {
		const wanted = stem(pair.sqlite ?? pair.chroma ?? '').replace(/[^\w.-]+/g, '-') || 'data';
		let name = wanted;
		for (let number = 2; taken.has(name); number += 1) name = `${wanted}-${number}`;
		taken.add(name);
		return {
			name,
			sqlitePath: pair.sqlite === null ? null : showPath(pair.sqlite, cwd),
			chromaPath: pair.chroma === null ? null : showPath(pair.chroma, cwd),
		};
	});
}
