import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { floatsOf } from '../../../services/chroma/values.js';
import { anyStep, canonicalLine, hexOf, readAll } from './canonical.js';
import { directoryState, loggedVectors, openForTest } from './support.js';

interface Answer {
	readonly id: string;
	readonly name: string;
	readonly space: string;
	readonly records: readonly { readonly line: string; readonly given: string }[];
}

const fixtures = join(import.meta.dirname, '../../fixtures/chroma');
const directory = join(fixtures, 'chroma-1.5.9');
const answers = JSON.parse(readFileSync(join(fixtures, 'answers-1.5.9.json'), 'utf8')) as { readonly collections: readonly Answer[] };

describe('a directory that Chroma 1.5.9 wrote under random writes', () => {
	it('is described: version, collections, spaces, counts', async () => {
		const description = (await openForTest(directory)).describe();
		expect(description.version).toBe('1.5');
		expect(description.notes).toEqual([]);
		expect(description.bytes).toBeGreaterThan(100_000);
		const found = description.collections.map(({ name, space, records, tenant, database }) => ({ name, space, records, tenant, database }));
		const place = { tenant: 'default_tenant', database: 'default_database' };
		expect(found).toEqual([
			{ name: 'emptied', space: 'l2', records: 0, ...place },
			{ name: 'log_only', space: 'cosine', records: 8, ...place },
			...['cosine', 'ip', 'l2'].map((space) => ({
				name: `mixed_${space}`,
				space,
				records: answerOf(`mixed_${space}`).records.length,
				...place,
			})),
			{ name: 'untouched', space: 'l2', records: 0, ...place },
		]);
	});

	it('says where the vectors are, the dimension and the metadata of a collection', async () => {
		const { collections } = (await openForTest(directory)).describe();
		const about = (name: string) => collections.find((collection) => collection.name === name);
		expect(about('mixed_cosine')).toMatchObject({ vectorsIn: 'both', dimension: 8, metadata: '{"about":"Möbel","count":3}' });
		expect(about('log_only')).toMatchObject({ vectorsIn: 'wal', metadata: null });
		expect(about('untouched')).toMatchObject({ vectorsIn: 'none', dimension: null });
	});

	it.each(answers.collections.map((answer) => [answer.name, answer] as const))(
		'%s reads as Chroma answers, in its order',
		async (_name, answer) => {
			const snapshot = await openForTest(directory);
			const records = readAll(snapshot.reader(answer.id));
			const logged = loggedVectors(directory, answer.id);
			const expected = answer.records.map(({ line }) => line);
			expect(records.map((record) => canonicalLine(record, 'typed', false))).toEqual(
				expected.map((line) => line.replace(/"embedding":"[0-9a-f]*"/, '"embedding":null')),
			);
			for (const [at, record] of records.entries()) {
				const answered = (JSON.parse(expected[at] as string) as { embedding: string }).embedding;
				// The log keeps what was given; Chroma's answer has gone through its normalisation, whose last bit depends on its build.
				if (answer.space === 'cosine' && logged.has(record.id)) expect(distance(record.embedding, answered)).toBeLessThan(2e-7);
				else expect(record.embedding === null ? null : hexOf(record.embedding)).toBe(answered);
			}
		},
	);

	it.each(answers.collections.map((answer) => [answer.name, answer] as const))(
		'%s: vectors that the log holds are the given ones, bit for bit',
		async (_name, answer) => {
			const snapshot = await openForTest(directory);
			const logged = loggedVectors(directory, answer.id);
			const exact = answer.space !== 'cosine';
			const records = readAll(snapshot.reader(answer.id));
			const given = new Map(answer.records.map((record) => [(JSON.parse(record.line) as { id: string }).id, record.given]));
			for (const { id, embedding } of records) {
				if (exact || logged.has(id)) expect(embedding === null ? null : hexOf(embedding)).toBe(given.get(id));
			}
			expect(records.length).toBe(given.size);
		},
	);

	it('goes on after any cursor, and gives only the fields asked for', async () => {
		const snapshot = await openForTest(directory);
		const reader = snapshot.reader(answerOf('mixed_l2').id);
		const all = [...reader.read(anyStep, ['id'], null)];
		for (const at of [0, 7, all.length - 1]) {
			const rest = [...reader.read(anyStep, ['document', 'id'], all[at]?.cursor ?? null)];
			expect(rest.map(({ values }) => values[1])).toEqual(all.slice(at + 1).map(({ values }) => values[0]));
		}
	});

	it('can be closed in the middle of reading', async () => {
		const snapshot = await openForTest(directory);
		const reader = snapshot.reader(answerOf('mixed_l2').id);
		const records = reader.read(anyStep, ['id', 'metadata'], null);
		expect(records.next().done).toBe(false);
		reader.close();
		expect(records.next().done).toBe(true);
	});

	it('leaves the directory as it was: names, bytes, times', async () => {
		const before = directoryState(directory);
		const snapshot = await openForTest(directory);
		for (const { id } of snapshot.describe().collections) readAll(snapshot.reader(id));
		await snapshot.fingerprint();
		await snapshot.close().catch(() => undefined);
		expect(directoryState(directory)).toEqual(before);
	});

	it('has the same fingerprint every time', async () => {
		const [first, second] = [await openForTest(directory), await openForTest(directory)];
		expect(await first.fingerprint()).toMatch(/^[0-9a-f]{64}$/);
		expect(await first.fingerprint()).toBe(await second.fingerprint());
	});
});

/** Largest difference of a component, relative to it. */
function distance(vector: Float32Array | null, hex: string): number {
	const other = floatsOf(Buffer.from(hex, 'hex'));
	if (vector === null || other === null || other.length !== vector.length) return Number.POSITIVE_INFINITY;
	return vector.reduce((worst, component, at) => Math.max(worst, Math.abs(component - (other[at] as number)) / Math.abs(component)), 0);
}

function answerOf(name: string): Answer {
	const found = answers.collections.find((answer) => answer.name === name);
	if (found === undefined) throw new Error(`the recorded answers lack ${name}`);
	return found;
}
