import { cpSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openChroma } from '../../../services/chroma/open.js';
import { Database } from '../../../services/sqlite/engine.js';
import { RepotError } from '../../../source/core/errors.js';
import { chooseCollections, flagName } from '../../../source/core/plan/collection.js';
import type { ChromaCollection } from '../../../source/core/ports.js';
import { canonicalLine, readAll } from './canonical.js';
import { openForTest, temporaryFolder } from './support.js';

const fixture = join(import.meta.dirname, '../../fixtures/chroma/chroma-1.5.9');

function copyOfFixture(): string {
	const folder = join(temporaryFolder(), 'chroma');
	cpSync(fixture, folder, { recursive: true });
	return folder;
}

function change(directory: string, sql: string, ...values: unknown[]): void {
	const database = new Database(join(directory, 'chroma.sqlite3'));
	database.pragma('foreign_keys = OFF');
	database.prepare(sql).run(...values);
	database.close();
}

async function refusal(path: string): Promise<RepotError> {
	const into = temporaryFolder();
	const thrown = await openChroma({ path, into }).catch((error: unknown) => error);
	if (!(thrown instanceof RepotError)) throw new Error(`expected a RepotError, got ${String(thrown)}`);
	expect(thrown.kind).toBe('source');
	expect(thrown.next.length).toBeGreaterThan(0);
	expect(readdirSync(into)).toEqual([]);
	return thrown;
}

it('a segment folder that is a link to itself holds nothing and hides nothing', async () => {
	const folder = copyOfFixture();
	const loop = join(folder, '00000000-0000-4000-8000-000000000000');
	symlinkSync(loop, loop);
	const [looping, without] = [await openForTest(folder), await openForTest(fixture)];
	expect(looping.describe().collections).toEqual(without.describe().collections);
});

describe('what is not a Chroma directory', () => {
	it('a path that does not exist', async () => {
		expect(await refusal(join(temporaryFolder(), 'none'))).toMatchObject({ code: 'CHROMA_PATH_MISSING' });
	});

	it('a file', async () => {
		expect(await refusal(join(fixture, 'chroma.sqlite3'))).toMatchObject({ code: 'CHROMA_NOT_A_DIRECTORY' });
	});

	it('a directory without chroma.sqlite3, with a hint at a sub-folder that has one', async () => {
		const error = await refusal(join(fixture, '..'));
		expect(error.code).toBe('CHROMA_NOT_CHROMA');
		expect(error.next.join()).toContain('chroma-1.5.9');
	});

	it('the parquet files of a Chroma before 0.4', async () => {
		const folder = temporaryFolder();
		writeFileSync(join(folder, 'chroma-embeddings.parquet'), 'PAR1');
		expect(await refusal(folder)).toMatchObject({ code: 'CHROMA_BEFORE_0_4' });
	});

	it('a Git LFS pointer', async () => {
		const folder = temporaryFolder();
		writeFileSync(join(folder, 'chroma.sqlite3'), 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n');
		expect(await refusal(folder)).toMatchObject({ code: 'CHROMA_LFS_POINTER' });
	});

	it('a SQLite database of something else', async () => {
		const folder = temporaryFolder();
		const database = new Database(join(folder, 'chroma.sqlite3'));
		database.exec('CREATE TABLE notes (id)');
		database.close();
		const error = await refusal(folder);
		expect(error.code).toBe('CHROMA_NOT_CHROMA');
		expect(error.why).toContain('notes');
	});

	it('a schema from the future is named', async () => {
		const directory = copyOfFixture();
		change(
			directory,
			"INSERT INTO migrations (dir, version, filename, sql, hash) VALUES ('sysdb', 99, 'f', 's', 'h'), ('quantum', 1, 'f', 's', 'h')",
		);
		const error = await refusal(directory);
		expect(error.code).toBe('CHROMA_SCHEMA_UNKNOWN');
		expect(error.why).toContain('sysdb 99');
		expect(error.why).toContain('quantum 1');
	});

	it('an empty chroma.sqlite3 is a directory without collections', async () => {
		const folder = temporaryFolder();
		writeFileSync(join(folder, 'chroma.sqlite3'), '');
		const snapshot = await openForTest(folder);
		expect(snapshot.describe()).toMatchObject({ version: 'empty', collections: [] });
	});

	/** What a first start leaves that was stopped between two migrations: the tables of the records are not there yet. */
	function stoppedFirstStart(): string {
		const directory = copyOfFixture();
		for (const table of ['collections', 'embeddings_queue']) change(directory, `DELETE FROM ${table}`);
		for (const table of ['embeddings', 'embedding_metadata', 'max_seq_id']) change(directory, `DROP TABLE ${table}`);
		change(directory, "DELETE FROM migrations WHERE dir = 'metadb'");
		return directory;
	}

	it('a first start that was stopped leaves a directory without collections', async () => {
		const snapshot = await openForTest(stoppedFirstStart());
		expect(snapshot.describe()).toMatchObject({ version: 'empty', collections: [] });
	});

	it.each([
		['a collection', "INSERT INTO collections (id, name, dimension, database_id) VALUES ('c', 'kept', 3, 'd')"],
		['a row in the log', "INSERT INTO embeddings_queue (operation, topic, id) VALUES (0, 't', 'a')"],
	])('missing tables beside %s are told, never taken for an empty directory', async (_what, sql) => {
		const directory = stoppedFirstStart();
		change(directory, sql);
		const error = await refusal(directory);
		expect(error.code).toBe('CHROMA_SCHEMA_UNKNOWN');
		expect(error.why).toContain('missing: embeddings, embedding_metadata, max_seq_id');
	});

	it('a table of migrations that is not like that of Chroma is something else', async () => {
		const folder = temporaryFolder();
		const database = new Database(join(folder, 'chroma.sqlite3'));
		database.exec('CREATE TABLE migrations (id, name); CREATE TABLE collections (id)');
		database.close();
		expect((await refusal(folder)).code).toBe('CHROMA_NOT_CHROMA');
	});
});

describe('damage', () => {
	/** The segment folder of one collection. */
	function segmentOf(directory: string, name: string): string {
		const database = new Database(join(directory, 'chroma.sqlite3'), { readonly: true });
		const id = database
			.prepare("SELECT s.id FROM segments s JOIN collections c ON c.id = s.collection WHERE c.name = ? AND s.scope = 'VECTOR'")
			.pluck()
			.get(name) as string;
		database.close();
		return join(directory, id);
	}

	async function damaged(directory: string, name: string) {
		const snapshot = await openForTest(directory);
		const { collections, notes } = snapshot.describe();
		const id = collections.find((collection) => collection.name === name)?.id ?? '';
		return { records: readAll(snapshot.reader(id)), notes: notes.filter((note) => note.includes(`"${name}"`)) };
	}

	it.each<[string, (segment: string) => void, RegExp]>([
		['a missing segment folder', (segment) => rmSync(segment, { recursive: true }), /segment folder is missing/],
		['a missing pickle', (segment) => rmSync(join(segment, 'index_metadata.pickle')), /index_metadata\.pickle is missing/],
		['a cut data file', (segment) => truncateSync(join(segment, 'data_level0.bin'), 300), /cut short/],
		['a data file of nothing', (segment) => truncateSync(join(segment, 'data_level0.bin'), 0), /cut short/],
		['a header of noise', (segment) => writeFileSync(join(segment, 'header.bin'), Buffer.alloc(100, 0xff)), /unknown version/],
	])('%s costs vectors, never records: each loss is counted, no vector is made up', async (_what, damage, note) => {
		const whole = await damaged(fixture, 'mixed_l2');
		const directory = copyOfFixture();
		damage(segmentOf(directory, 'mixed_l2'));
		const found = await damaged(directory, 'mixed_l2');
		expect(found.notes.join('\n')).toMatch(note);
		expect(found.records.map((record) => canonicalLine(record, 'typed', false))).toEqual(
			whole.records.map((record) => canonicalLine(record, 'typed', false)),
		);
		const lost = found.records.filter(({ embedding }) => embedding === null);
		expect(found.notes.join('\n')).toContain(`${lost.length} of ${whole.records.length} records have no vector`);
		for (const [at, record] of found.records.entries())
			if (record.embedding !== null) expect(record.embedding).toEqual(whole.records[at]?.embedding);
	});

	it('a vector that the log still has beside a lost index is told as one', async () => {
		const directory = copyOfFixture();
		rmSync(join(segmentOf(directory, 'mixed_l2'), 'data_level0.bin'));
		const id = (await damaged(directory, 'mixed_l2')).records.find(({ embedding }) => embedding === null)?.id ?? '';
		change(
			directory,
			`INSERT INTO embeddings_queue (seq_id, operation, topic, id, vector, encoding)
			SELECT 1, 2, 'persistent://default/default/' || id, ?, zeroblob(4 * dimension), 'FLOAT32' FROM collections WHERE name = 'mixed_l2'`,
			id,
		);
		const { records, notes } = await damaged(directory, 'mixed_l2');
		expect(notes.join()).toContain('1 vector that its index lacks is taken from the write-ahead log');
		expect(records.find((record) => record.id === id)?.embedding).toEqual(new Float32Array(records[0]?.embedding?.length ?? 0));
	});

	it('a damaged page of the database is a typed error', async () => {
		const directory = copyOfFixture();
		const path = join(directory, 'chroma.sqlite3');
		const bytes = readFileSync(path);
		bytes.fill(0xff, 4096 * 2, Math.floor(bytes.length / 4096) * 4096);
		writeFileSync(path, bytes);
		const thrown = await openForTest(directory)
			.then((snapshot) => snapshot.describe())
			.catch((error: unknown) => error);
		expect(thrown).toBeInstanceOf(RepotError);
		expect((thrown as RepotError).kind).toBe('source');
	});

	it('a collection that was never completely created is empty, with a note', async () => {
		const directory = copyOfFixture();
		change(directory, "DELETE FROM segments WHERE collection = (SELECT id FROM collections WHERE name = 'untouched')");
		const snapshot = await openForTest(directory);
		expect(snapshot.describe().notes.join()).toContain('never completely created');
	});

	it('a segment of another kind is told, and refused when it is read', async () => {
		const directory = copyOfFixture();
		change(
			directory,
			"UPDATE segments SET type = 'urn:chroma:segment/vector/spann' WHERE scope = 'VECTOR' AND collection = (SELECT id FROM collections WHERE name = 'log_only')",
		);
		const snapshot = await openForTest(directory);
		const { collections, notes } = snapshot.describe();
		expect(notes.join()).toContain('spann');
		const id = collections.find(({ name }) => name === 'log_only')?.id ?? '';
		expect(() => snapshot.reader(id)).toThrow(RepotError);
	});
});

describe('rows of the log that the metadata segment has not taken in', () => {
	it('are replayed: merged, removed, added, with types kept', async () => {
		const directory = copyOfFixture();
		const database = new Database(join(directory, 'chroma.sqlite3'));
		const collection = database.prepare("SELECT id FROM collections WHERE name = 'log_only'").pluck().get() as string;
		const insert = database.prepare(
			"INSERT INTO embeddings_queue (seq_id, operation, topic, id, vector, encoding, metadata) VALUES ((SELECT max(seq_id) + 1 FROM embeddings_queue), ?, ?, ?, ?, 'FLOAT32', ?)",
		);
		const topic = `persistent://default/default/${collection}`;
		const vector = (value: number) => Buffer.from(new Float32Array(8).fill(value).buffer);
		insert.run(
			1,
			topic,
			'with-uri',
			null,
			'{"big":9007199254740993,"float":1.0,"flag":true,"list":[1,2.5],"none":null,"chroma:document":"new text"}',
		);
		insert.run(3, topic, 'id-001', null, null);
		insert.run(0, topic, 'fresh', vector(2), '{"chroma:document":"","k":"v"}');
		insert.run(0, topic, 'id-001', vector(3), '{}');
		insert.run(0, topic, 'id-002', vector(4), '{"ignored":true}');
		database.close();
		const snapshot = await openForTest(directory);
		const records = readAll(snapshot.reader(collection));
		expect(snapshot.describe().collections.find(({ id }) => id === collection)?.records).toBe(9);
		expect(records.map(({ id }) => id).slice(-3)).toEqual(['with-uri', 'fresh', 'id-001']);
		const [merged, fresh, again] = records.slice(-3);
		expect(merged?.document).toBe('new text');
		expect([...(merged?.metadata ?? [])]).toEqual([
			['chroma:uri', 'file:///bild.png'],
			['big', 9007199254740993n],
			['float', 1],
			['flag', true],
			['list', [1n, 2.5]],
		]);
		expect(fresh).toEqual({ id: 'fresh', embedding: new Float32Array(8).fill(2), document: '', metadata: new Map([['k', 'v']]) });
		expect(again).toEqual({ id: 'id-001', embedding: new Float32Array(8).fill(3), document: null, metadata: null });
		expect(records.find(({ id }) => id === 'id-002')?.metadata?.has('ignored')).not.toBe(true);
	});

	it('reading goes on among them after a cursor', async () => {
		const directory = copyOfFixture();
		const database = new Database(join(directory, 'chroma.sqlite3'));
		const collection = database.prepare("SELECT id FROM collections WHERE name = 'untouched'").pluck().get() as string;
		for (const id of ['a', 'b', 'c']) {
			database
				.prepare("INSERT INTO embeddings_queue (operation, topic, id, vector, encoding, metadata) VALUES (0, ?, ?, ?, 'FLOAT32', '{}')")
				.run(`persistent://default/default/${collection}`, id, Buffer.alloc(8));
		}
		database.close();
		const reader = (await openForTest(directory)).reader(collection);
		const all = [...reader.read({} as never, ['id'], null)];
		expect(all.map(({ values }) => values[0])).toEqual(['a', 'b', 'c']);
		expect([...reader.read({} as never, ['id'], all[0]?.cursor ?? null)].map(({ values }) => values[0])).toEqual(['b', 'c']);
	});
});

describe('the choice of collections', () => {
	const only = (collections: readonly ChromaCollection[]): ChromaCollection => {
		expect(collections).toHaveLength(1);
		return collections[0] as ChromaCollection;
	};

	it('takes several by name, each once and in the order of the directory, and every one for "all"', async () => {
		const description = (await openForTest(fixture)).describe();
		const names = chooseCollections(description, ['mixed_l2', 'mixed_cosine', 'mixed_l2']).map(({ name }) => name);
		expect(names).toEqual(['mixed_cosine', 'mixed_l2']);
		expect(chooseCollections(description, ['all'])).toEqual(description.collections);
	});

	it('takes the named one, by name, id or full path', async () => {
		const description = (await openForTest(fixture)).describe();
		const named = only(chooseCollections(description, ['mixed_ip']));
		expect(named.space).toBe('ip');
		expect(chooseCollections(description, [named.id])).toEqual([named]);
		expect(chooseCollections(description, ['default_tenant/default_database/mixed_ip'])).toEqual([named]);
	});

	it('finds each by the name that the flag takes, also one that is called as all of them are', async () => {
		const [first] = (await openForTest(fixture)).describe().collections as readonly [ChromaCollection];
		const called = (name: string, database: string) => ({ ...first, id: `${name} ${database}`, name, database });
		const collections = [called('all', 'a'), called('docs', 'a'), called('docs', 'b'), called('notes', 'b')];
		const description = { ...(await openForTest(fixture)).describe(), collections };
		const shown = collections.map((one) => flagName(one, collections));
		expect(shown).toEqual(['default_tenant/a/all', 'default_tenant/a/docs', 'default_tenant/b/docs', 'notes']);
		for (const [place, name] of shown.entries()) expect(only(chooseCollections(description, [name]))).toBe(collections[place]);
	});

	it('lists what exists when the name is unknown or none is given', async () => {
		const description = (await openForTest(fixture)).describe();
		for (const name of ['absent', null]) {
			const choose = () => chooseCollections(description, name === null ? [] : [name]);
			expect(choose).toThrow(RepotError);
			try {
				choose();
			} catch (thrown) {
				expect(thrown).toMatchObject({ kind: 'usage', exitCode: 2 });
				expect((thrown as RepotError).why).toContain('mixed_cosine');
				expect((thrown as RepotError).next.join()).toContain('--collection NAME');
			}
		}
	});

	it('takes the only one when none is named, and asks for a full path between two of the same name', async () => {
		const description = (await openForTest(fixture)).describe();
		const alone = description.collections.filter(({ name }) => name === 'mixed_l2');
		expect(chooseCollections({ ...description, collections: alone }, []).map(({ name }) => name)).toEqual(['mixed_l2']);
		const twice = alone.flatMap((collection) => [collection, { ...collection, id: 'other', database: 'other_database' }]);
		expect(() => chooseCollections({ ...description, collections: twice }, ['mixed_l2'])).toThrow(/2 databases/);
		expect(only(chooseCollections({ ...description, collections: twice }, ['default_tenant/other_database/mixed_l2'])).id).toBe('other');
		expect(() => chooseCollections({ ...description, collections: [] }, ['all'])).toThrow(/no collection/);
	});
});
