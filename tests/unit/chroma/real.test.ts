import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openChroma } from '../../../services/chroma/open.js';
import { floatsOf } from '../../../services/chroma/values.js';
import { canonicalHash, hexOf, type ReadRecord, readAll } from './canonical.js';
import { cosineAnswer, directoryState, loggedVectors, openForTest, temporaryFolder } from './support.js';

const shared = join(import.meta.dirname, '../../../../shared/real');
const missing = !existsSync(shared);
const reason = missing ? ' (skipped: ../shared/real is not there)' : '';

interface Truth {
	readonly id: string;
	readonly name: string;
	readonly effective_space?: string;
	readonly records?: number;
	readonly sha256?: string | null;
	readonly sha256_typed?: string | null;
	readonly sha256_noemb?: string | null;
	readonly records_error?: string;
}

const truthOf = (name: string): { readonly collections: readonly Truth[] } =>
	(
		JSON.parse(readFileSync(join(shared, 'chroma/truth', `${name}.json`), 'utf8')) as {
			readonly new: { readonly collections: readonly Truth[] };
		}
	).new;

describe.skipIf(missing)(`the golden directory${reason}`, () => {
	const directory = join(shared, 'golden/chroma_golden');

	it('is one cosine collection of 55 records of 1024 dimensions, beside a stale segment folder', async () => {
		const snapshot = await openForTest(directory);
		const { collections, version, notes } = snapshot.describe();
		expect({ version, notes }).toEqual({ version: '1.3-1.4', notes: [] });
		expect(collections).toMatchObject([
			{ name: 'collections_vectors_golden', records: 55, dimension: 1024, space: 'cosine', vectorsIn: 'wal' },
		]);
	});

	it('gives every vector of the log bit for bit, and changes nothing', async () => {
		const before = directoryState(directory);
		const snapshot = await openForTest(directory);
		const id = snapshot.describe().collections[0]?.id ?? '';
		const records = readAll(snapshot.reader(id));
		const logged = loggedVectors(directory, id);
		expect(records.length).toBe(55);
		for (const record of records) {
			expect(record.embedding === null ? null : hexOf(record.embedding)).toBe(logged.get(record.id)?.toString('hex'));
			expect(record.document).not.toBeNull();
			expect([...(record.metadata?.keys() ?? [])].sort()).toEqual([
				'category',
				'filename',
				'headline',
				'image_url',
				'item_id',
				'raw_response',
				'summary',
			]);
		}
		expect(directoryState(directory)).toEqual(before);
	});
});

const withTruth = missing
	? []
	: readdirSync(join(shared, 'chroma')).filter((name) => existsSync(join(shared, 'chroma/truth', `${name}.json`)));
const refused: Readonly<Record<string, string>> = {
	'AIAnytime__Search-Your-PDF-App': 'CHROMA_BEFORE_0_4',
	'AmanSingh-layman__Book_Recomender_Application__lfs': 'CHROMA_LFS_POINTER',
};
const readable = withTruth.filter((name) => refused[name] === undefined);

describe.skipIf(missing)(`directories that applications made${reason}`, () => {
	it.each(readable)('%s: what a real Chroma answered, where one could', async (name) => {
		const directory = join(shared, 'chroma', name);
		const before = directoryState(directory);
		const snapshot = await openForTest(directory);
		const { collections } = snapshot.describe();
		const truth = truthOf(name).collections;
		expect(collections.map(({ id }) => id).sort()).toEqual(truth.map(({ id }) => id).sort());
		for (const answer of truth) {
			const found = collections.find(({ id }) => id === answer.id);
			const records = readAll(snapshot.reader(answer.id));
			expect(found?.records).toBe(records.length);
			if (answer.effective_space !== undefined) expect(found?.space).toBe(answer.effective_space);
			if (answer.sha256_noemb != null) expect(canonicalHash(records, 'plain', false)).toBe(answer.sha256_noemb);
			if (answer.sha256 == null) continue;
			const answered = found?.space === 'cosine' ? asAnswered(records, loggedVectors(directory, answer.id)) : records;
			expect(canonicalHash(answered, 'plain', true)).toBe(answer.sha256);
			expect(canonicalHash(answered, 'typed', true)).toBe(answer.sha256_typed);
		}
		expect(directoryState(directory)).toEqual(before);
	});

	it.each([
		['daviserra-code__Fantacalcio-AI', 1082, 68],
		['broken__half_pickle', 149, 147],
		['broken__no_data_level0_but_full_wal', 269, 269],
		['broken__no_segment_dir', 149, 33],
	])('%s: where Chroma gives up, %i records with %i vectors are there', async (name, count, vectors) => {
		const directory = join(shared, 'chroma', name);
		const snapshot = await openForTest(directory);
		const { collections, notes } = snapshot.describe();
		const id = collections[0]?.id ?? '';
		const records = readAll(snapshot.reader(id));
		const logged = loggedVectors(directory, id);
		expect(records.length).toBe(count);
		expect(records.filter(({ embedding }) => embedding !== null).length).toBe(vectors);
		expect(notes).not.toEqual([]);
		for (const record of records) {
			const given = logged.get(record.id);
			if (given !== undefined && record.embedding !== null) expect(hexOf(record.embedding)).toBe(given.toString('hex'));
		}
	});

	it.each(Object.entries(refused))('%s is refused as %s', async (name, code) => {
		await expect(openChroma({ path: join(shared, 'chroma', name), into: temporaryFolder() })).rejects.toMatchObject({
			kind: 'source',
			code,
		});
	});
});

/** The vectors as the server answers them: those that the log still holds go through its normalisation. */
function asAnswered(records: readonly ReadRecord[], logged: ReadonlyMap<string, Buffer>): readonly ReadRecord[] {
	return records.map((record) => {
		const bytes = logged.get(record.id);
		const given = bytes === undefined ? null : floatsOf(bytes);
		return given === null || record.embedding === null || hexOf(given) !== hexOf(record.embedding)
			? record
			: { ...record, embedding: cosineAnswer(given) };
	});
}
