import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Database } from '../../../services/sqlite/engine.js';
import { readAll } from './canonical.js';
import { openForTest } from './support.js';

const data = join(import.meta.dirname, '../../../source/demo/data');

describe('the demo data', () => {
	it('is small enough to ship', () => {
		const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
		expect(files.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)).toBeLessThan(2_500_000);
		expect(files.map(({ name }) => name)).not.toContain('chroma.sqlite3-journal');
	});

	it('holds one Chroma collection, half in the index and half in the log, without damage', async () => {
		const { collections, notes, version } = (await openForTest(join(data, 'chroma_demo'))).describe();
		expect({ notes, version }).toEqual({ notes: [], version: '1.5' });
		expect(collections).toMatchObject([
			{ name: 'collections_vectors_demo', records: 240, dimension: 256, space: 'cosine', vectorsIn: 'both' },
		]);
	});

	it('tells the same in both sources: 240 items, analyses and embeddings, each with its vector', async () => {
		const snapshot = await openForTest(join(data, 'chroma_demo'));
		const records = readAll(snapshot.reader(snapshot.describe().collections[0]?.id ?? ''));
		const database = new Database(join(data, 'collections_demo.db'), { readonly: true });
		const analyses = new Map(database.prepare('SELECT item_id, raw_response FROM analyses').raw().all() as [string, string][]);
		const documents = new Map(
			database.prepare("SELECT item_id, json_extract(embedding_source, '$.document') FROM embeddings").raw().all() as [string, string][],
		);
		const items = database.prepare('SELECT count(*) FROM items').pluck().get();
		const faults = [database.pragma('foreign_key_check'), database.pragma('integrity_check', { simple: true })];
		database.close();
		expect([items, analyses.size, documents.size, records.length]).toEqual([240, 240, 240, 240]);
		expect(faults).toEqual([[], 'ok']);
		for (const { metadata, document, embedding } of records) {
			const item = String(metadata?.get('item_id'));
			expect(metadata?.get('raw_response')).toBe(analyses.get(item));
			expect(document).toBe(documents.get(item));
			expect(embedding?.length).toBe(256);
		}
	});

	it('has vectors of one category nearer to each other than to the rest, and none is normalised', async () => {
		const snapshot = await openForTest(join(data, 'chroma_demo'));
		const records = readAll(snapshot.reader(snapshot.describe().collections[0]?.id ?? ''));
		const unit = records.map(({ embedding, metadata }) => ({
			category: metadata?.get('category'),
			vector: normalised(embedding ?? new Float32Array()),
		}));
		expect(records.filter(({ embedding }) => Math.abs(Math.hypot(...(embedding ?? [])) - 1) > 0.05).length).toBeGreaterThan(200);
		const [first] = unit;
		const similarities = unit
			.slice(1)
			.map(({ category, vector }) => ({ same: category === first?.category, value: dot(vector, first?.vector ?? []) }));
		const same = similarities.filter(({ same: own }) => own).map(({ value }) => value);
		const others = similarities.filter(({ same: own }) => !own).map(({ value }) => value);
		expect(same.length).toBe(29);
		expect(Math.min(...same)).toBeGreaterThan(Math.max(...others));
	});
});

function normalised(vector: Float32Array): number[] {
	const length = Math.hypot(...vector);
	return [...vector].map((component) => component / length);
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, component, at) => sum + component * (b[at] ?? 0), 0);
