import { cpSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Database } from '../../../services/sqlite/engine.js';
import type { CollectionInspection } from '../../../source/core/inspection.js';
import { collectionNamed, copyOf, fixture, lookAtChroma } from '../inspect/support.js';
import { readAll } from './canonical.js';
import { openForTest, temporaryFolder } from './support.js';

const [add, update] = [0, 1];
/** All of its log but one row was purged, all of its vectors are in its index. */
const name = 'mixed_ip';
/** The last sequence number in the fixture's log. */
const last = 356;
const dimension = 8;
const filled = (value: number): Float32Array => new Float32Array(dimension).fill(value);
const bytesOf = (vector: Float32Array): Buffer => Buffer.from(vector.buffer);

/** Changes one collection of a copy of the fixture. */
class Directory {
	readonly path = copyOf(fixture);
	readonly #database = new Database(join(this.path, 'chroma.sqlite3'));
	readonly #id = this.#database.prepare('SELECT id FROM collections WHERE name = ?').pluck().get(name) as string;

	segment(scope: 'VECTOR' | 'METADATA'): string {
		return this.#database.prepare('SELECT id FROM segments WHERE collection = ? AND scope = ?').pluck().get(this.#id, scope) as string;
	}

	/** Rows of the log from `first` on. */
	log(first: number, rows: readonly (readonly [operation: number, id: string, vector: Buffer | null, encoding?: string])[]): this {
		const insert = this.#database.prepare(
			'INSERT INTO embeddings_queue (seq_id, operation, topic, id, vector, encoding, metadata) VALUES (?, ?, ?, ?, ?, ?, NULL)',
		);
		for (const [at, [operation, id, vector, encoding = 'FLOAT32']] of rows.entries())
			insert.run(first + at, operation, `persistent://default/default/${this.#id}`, id, vector, vector === null ? null : encoding);
		return this;
	}

	emptyLog(): this {
		this.#database.exec('DELETE FROM embeddings_queue');
		return this;
	}

	/** How far the index and the records have taken in the log. */
	applied(vectors: number, records: number): this {
		const set = this.#database.prepare('UPDATE max_seq_id SET seq_id = ? WHERE segment_id = ?');
		set.run(vectors, this.segment('VECTOR'));
		set.run(records, this.segment('METADATA'));
		return this;
	}

	record(id: string, writtenAt: number): this {
		this.#database
			.prepare('INSERT INTO embeddings (segment_id, embedding_id, seq_id) VALUES (?, ?, ?)')
			.run(this.segment('METADATA'), id, writtenAt);
		return this;
	}

	anyId(): string {
		return this.#database
			.prepare('SELECT embedding_id FROM embeddings WHERE segment_id = ? ORDER BY id')
			.pluck()
			.get(this.segment('METADATA')) as string;
	}

	close(): string {
		this.#database.close();
		return this.path;
	}
}

/** Vectors by id, and what inspect and the plan say of them; the three must agree. */
async function found(path: string): Promise<{
	readonly vectors: ReadonlyMap<string, Float32Array | null>;
	readonly notes: readonly string[];
	readonly inspection: CollectionInspection;
}> {
	// Not the folder that is looked at: it is only read.
	const copy = join(temporaryFolder(), 'again');
	cpSync(path, copy, { recursive: true });
	const snapshot = await openForTest(path);
	const { collections, notes } = snapshot.describe();
	const id = collections.find((collection) => collection.name === name)?.id ?? '';
	const vectors = new Map(readAll(snapshot.reader(id)).map((record) => [record.id, record.embedding]));
	const inspection = collectionNamed(await lookAtChroma(copy), name);
	const own = notes.filter((note) => note.includes(`"${name}"`));
	const missing = [...vectors.values()].filter((vector) => vector === null).length;
	expect(inspection.missingVectors.count).toBe(missing);
	expect(inspection.orphanedVectors).toBe(0);
	if (missing > 0) expect(own.join()).toContain(`${missing} of ${vectors.size} records have no vector`);
	return { vectors, notes: own, inspection };
}

describe('updates of ids that never existed', () => {
	it('are nothing to the ADD that follows, whether the index has passed them by or not', async () => {
		const directory = new Directory()
			.log(last + 1, [
				[update, 'x', bytesOf(filled(9))],
				[update, 'x', bytesOf(filled(8))],
				[add, 'x', bytesOf(filled(1))],
			])
			.record('x', last + 3)
			.applied(last + 1, last + 3);
		const { vectors, notes } = await found(directory.close());
		expect(vectors.get('x')).toEqual(filled(1));
		expect(notes).toEqual([]);
	});

	it('are nothing when other writes stand between them', async () => {
		const directory = new Directory();
		const other = directory.anyId();
		directory
			.log(last + 1, [
				[update, 'x', bytesOf(filled(9))],
				[update, other, null],
				[update, 'x', bytesOf(filled(7))],
				[update, other, null],
				[update, 'x', bytesOf(filled(8))],
				[add, 'x', bytesOf(filled(1))],
			])
			.record('x', last + 6)
			.applied(last + 4, last + 6);
		const { vectors, notes } = await found(directory.close());
		expect(vectors.get('x')).toEqual(filled(1));
		expect(notes).toEqual([]);
	});

	it('are no vectors without a record', async () => {
		const directory = new Directory()
			.log(last + 1, [
				[update, 'x', bytesOf(filled(9))],
				[update, 'x', bytesOf(filled(8))],
			])
			.applied(last + 1, last + 2);
		const { vectors, notes } = await found(directory.close());
		expect(vectors.has('x')).toBe(false);
		expect(notes).toEqual([]);
	});

	it('are nothing when the index is cut and the whole log is there', async () => {
		const directory = new Directory()
			.emptyLog()
			.log(1, [
				[update, 'x', bytesOf(filled(9))],
				[add, 'x', bytesOf(filled(1))],
				[update, 'x', null],
			])
			.record('x', 3);
		truncateSync(join(directory.path, directory.segment('VECTOR'), 'data_level0.bin'), 0);
		const { vectors } = await found(directory.close());
		expect(vectors.get('x')).toEqual(filled(1));
		expect([...vectors.values()].filter((vector) => vector !== null)).toHaveLength(1);
	});
});

describe('vectors of the log that cannot be read', () => {
	it.each([
		['another encoding', bytesOf(filled(1)), 'INT32'],
		['no whole number of floats', bytesOf(filled(1)).subarray(1), 'FLOAT32'],
	])('%s: are missing to whoever asks', async (_what, vector, encoding) => {
		const directory = new Directory();
		const other = directory.anyId();
		directory
			.log(last + 1, [
				[add, 'x', vector, encoding],
				[update, other, vector, encoding],
			])
			.record('x', last + 1)
			.applied(338, last + 2);
		const { vectors } = await found(directory.close());
		expect([vectors.get('x'), vectors.get(other)]).toEqual([null, null]);
	});

	it('a row that a damaged index has taken in, too', async () => {
		const directory = new Directory()
			.emptyLog()
			.log(1, [[add, 'x', bytesOf(filled(1)), 'INT32']])
			.record('x', 1);
		truncateSync(join(directory.path, directory.segment('VECTOR'), 'data_level0.bin'), 0);
		const { vectors, inspection } = await found(directory.close());
		expect(vectors.get('x')).toBe(null);
		expect(inspection.vectorsInLog).toBe(0);
	});
});
