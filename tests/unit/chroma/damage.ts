import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Database } from '../../../services/sqlite/engine.js';

/** A whole number from 0 to below `below`. */
export type Random = (below: number) => number;

/** Lehmer's generator (MINSTD): the same damage in every run. */
export function generator(seed: number): Random {
	let state = seed;
	return (below) => {
		state = (state * 48271) % 2147483647;
		return state % below;
	};
}

const pick = <Item>(items: readonly Item[], random: Random): Item => items[random(items.length)] as Item;

function filesOf(directory: string): readonly string[] {
	return readdirSync(directory, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name))
		.sort();
}

type Damage = (directory: string, random: Random) => void;

/** What takes bytes away and puts none in their place: whatever is read afterwards must have been given. */
export const losses: Readonly<Record<string, Damage>> = {
	'a file is cut': (directory, random) => {
		const path = pick(segmentFiles(directory), random);
		if (existsSync(path)) truncateSync(path, random(readFileSync(path).length + 1));
	},
	'a file is gone': (directory, random) => rmSync(pick(segmentFiles(directory), random), { force: true }),
	'a folder is gone': (directory, random) => {
		const folders = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
		if (folders.length > 0) rmSync(join(directory, pick(folders, random).name), { recursive: true });
	},
	'a file is a Git LFS pointer': (directory, random) =>
		writeFileSync(pick(segmentFiles(directory), random), 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n'),
	'a file is a folder': (directory, random) => {
		const path = pick(segmentFiles(directory), random);
		rmSync(path, { recursive: true, force: true });
		mkdirSync(path);
	},
};

/** What changes bytes or values: anything may be read afterwards, but nothing else may happen. */
export const changes: Readonly<Record<string, Damage>> = {
	'bytes are flipped': (directory, random) => {
		const path = pick(filesOf(directory), random);
		const bytes = readFileSync(path);
		for (let flips = 1 + random(40); flips > 0 && bytes.length > 0; flips--) bytes[random(bytes.length)] = random(256);
		writeFileSync(path, bytes);
	},
	'the start of a file is flipped': (directory, random) => {
		const path = pick(filesOf(directory), random);
		const bytes = readFileSync(path);
		for (let flips = 1 + random(4); flips > 0 && bytes.length > 0; flips--) bytes[random(Math.min(bytes.length, 128))] = random(256);
		writeFileSync(path, bytes);
	},
	'a stretch of a file is noise': (directory, random) => {
		const path = pick(filesOf(directory), random);
		const bytes = readFileSync(path);
		const start = random(bytes.length + 1);
		const noise = random(3);
		for (let at = start; at < Math.min(bytes.length, start + 4096); at++) bytes[at] = [0, 255, random(256)][noise] as number;
		writeFileSync(path, bytes);
	},
	'any file is cut': (directory, random) => {
		const path = pick(filesOf(directory), random);
		truncateSync(path, random(readFileSync(path).length + 1));
	},
	'a file is longer': (directory, random) => {
		const path = pick(filesOf(directory), random);
		writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(1 + random(5000), random(256))]));
	},
	'two files have changed places': (directory, random) => {
		const [one, other] = [pick(filesOf(directory), random), pick(filesOf(directory), random)];
		const [first, second] = [readFileSync(one), readFileSync(other)];
		writeFileSync(one, second);
		writeFileSync(other, first);
	},
	'values are of other types': (directory, random) => {
		for (let times = 1 + random(6); times > 0; times--) changeValue(directory, random);
	},
};

const segmentFileNames = ['header.bin', 'data_level0.bin', 'length.bin', 'index_metadata.pickle'];

/** Places of files that the reader looks at, whether they are there or not; the database when there is no segment folder. */
function segmentFiles(directory: string): readonly string[] {
	const folders = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
	const files = folders.flatMap((folder) => segmentFileNames.map((name) => join(directory, folder.name, name)));
	return files.length > 0 ? files : [join(directory, 'length.bin')];
}

const tables: Readonly<Record<string, readonly string[]>> = {
	collections: ['id', 'name', 'dimension', 'database_id', 'config_json_str', 'schema_str', 'topic'],
	collection_metadata: ['key', 'str_value', 'int_value', 'float_value', 'bool_value'],
	databases: ['id', 'name', 'tenant_id'],
	segments: ['id', 'type', 'scope', 'collection'],
	segment_metadata: ['segment_id', 'key', 'str_value', 'int_value'],
	embeddings: ['id', 'segment_id', 'embedding_id', 'seq_id'],
	embedding_metadata: ['id', 'key', 'string_value', 'int_value', 'float_value', 'bool_value'],
	embedding_metadata_array: ['id', 'key', 'string_value', 'int_value', 'float_value', 'bool_value'],
	embeddings_queue: ['seq_id', 'operation', 'topic', 'id', 'vector', 'encoding', 'metadata'],
	max_seq_id: ['segment_id', 'seq_id'],
	migrations: ['dir', 'version'],
};

const values: readonly unknown[] = [
	null,
	0,
	-1,
	2.5,
	1e300,
	9223372036854775807n,
	-9223372036854775808n,
	'',
	'text',
	'l2',
	'nul \u0000 inside',
	Buffer.alloc(0),
	Buffer.from('ff00', 'hex'),
	Buffer.alloc(8, 0xff),
	Buffer.alloc(24, 1),
	Buffer.alloc(17),
	'INT32',
	'{',
	'[]',
	'{"a":{"b":[1,{"c":null}]}}',
	'{"vector_index":{"hnsw":{"space":7}}}',
	'{"a":1e999,"b":12345678901234567890123,"chroma:document":5}',
	`${'['.repeat(5000)}${']'.repeat(5000)}`,
	`{"a":${'['.repeat(900)}1${']'.repeat(900)}}`,
];

/** Sets one column of some rows of a table, or deletes the rows, whatever its declared type; what SQLite itself refuses stays as it was. */
function changeValue(directory: string, random: Random): void {
	const [table, columns] = pick(Object.entries(tables), random);
	const column = pick(columns, random);
	const value = pick(values, random);
	const database = new Database(join(directory, 'chroma.sqlite3'));
	try {
		database.pragma('foreign_keys = OFF');
		database.pragma('ignore_check_constraints = ON');
		const rows = `SELECT rowid FROM ${table} ORDER BY rowid LIMIT ${1 + random(3)} OFFSET ${random(10)}`;
		if (random(6) === 0) database.prepare(`DELETE FROM ${table} WHERE rowid IN (${rows})`).run();
		else database.prepare(`UPDATE OR REPLACE ${table} SET ${column} = ? WHERE rowid IN (${rows})`).run(value);
	} catch {
		// No such table or column in this release, or a constraint.
	} finally {
		database.close();
	}
}
