import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openHnsw } from '../../../services/chroma/hnsw.js';
import { readIndexMetadata } from '../../../services/chroma/pickle.js';
import { Database } from '../../../services/sqlite/engine.js';
import { copyOf, fixture } from '../inspect/support.js';
import { readAll } from './canonical.js';
import { openForTest } from './support.js';

it.each([
	['too large for a norm', 1e25, 0, Number.POSITIVE_INFINITY],
	['too small for a norm', 1e-30, 1, 0],
])('a vector %s is read as the log has it, without a note', async (_what, component, stored, length) => {
	const path = copyOf(fixture);
	const database = new Database(join(path, 'chroma.sqlite3'));
	const collection = database.prepare("SELECT id FROM collections WHERE name = 'mixed_cosine'").pluck().get() as string;
	const segment = database.prepare("SELECT id FROM segments WHERE collection = ? AND scope = 'VECTOR'").pluck().get(collection) as string;
	const given = new Float32Array(8).fill(component);
	const folder = join(path, segment);
	const { labels } = readIndexMetadata(join(folder, 'index_metadata.pickle'));
	const [id, label] = [...labels][0] as [string, number];
	// Purged rows of this collection end at 106: the index has taken this one in.
	database
		.prepare("INSERT INTO embeddings_queue (seq_id, operation, topic, id, vector, encoding) VALUES (106, 2, ?, ?, ?, 'FLOAT32')")
		.run(`persistent://default/default/${collection}`, id, Buffer.from(given.buffer));
	database.close();
	const index = openHnsw(folder, true, labels);
	if (typeof index === 'string') throw new Error(index);
	const position = index.positionOf(label) as number;
	const { elementBytes, vectorOffset } = index.layout;
	index.close();
	const data = readFileSync(join(folder, 'data_level0.bin'));
	for (let at = 0; at < given.length; at++) data.writeFloatLE(stored, position * elementBytes + vectorOffset + at * 4);
	writeFileSync(join(folder, 'data_level0.bin'), data);
	const lengths = readFileSync(join(folder, 'length.bin'));
	lengths.writeFloatLE(length, position * 4);
	writeFileSync(join(folder, 'length.bin'), lengths);
	const snapshot = await openForTest(path);
	expect(snapshot.describe().notes).toEqual([]);
	expect(readAll(snapshot.reader(collection)).find((record) => record.id === id)?.embedding).toEqual(given);
});
