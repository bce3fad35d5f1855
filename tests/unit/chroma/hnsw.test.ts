import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type HnswIndex, openHnsw, parseHeader } from '../../../services/chroma/hnsw.js';
import { temporaryFolder } from './support.js';

const dimension = 3;
const links = 32;
const vectorOffset = links * 4 + 4;
const labelOffset = vectorOffset + 4 * dimension;
const elementBytes = labelOffset + 8;

interface Element {
	readonly label: number;
	readonly vector: readonly number[];
	readonly deleted?: boolean;
}

function header(fields: Partial<Record<'version' | 'count' | 'size' | 'label' | 'data' | 'links' | 'level', number>> = {}): Buffer {
	const bytes = Buffer.alloc(100);
	const u64 = (offset: number, value: number) => bytes.writeBigUInt64LE(BigInt(value), offset);
	bytes.writeInt32LE(fields.version ?? 1, 0);
	u64(4, fields.level ?? 0);
	u64(12, 1000);
	u64(20, fields.count ?? 0);
	u64(28, fields.size ?? elementBytes);
	u64(36, fields.label ?? labelOffset);
	u64(44, fields.data ?? vectorOffset);
	u64(60, 16);
	u64(68, fields.links ?? links);
	return bytes;
}

function dataOf(elements: readonly Element[]): Buffer {
	const data = Buffer.alloc(elements.length * elementBytes);
	for (const [position, { label, vector, deleted }] of elements.entries()) {
		const at = position * elementBytes;
		if (deleted === true) data[at + 2] = 1;
		for (const [index, component] of vector.entries()) data.writeFloatLE(component, at + vectorOffset + index * 4);
		data.writeBigUInt64LE(BigInt(label), at + labelOffset);
	}
	return data;
}

function segment(
	elements: readonly Element[],
	options: { readonly claimed?: number; readonly lengths?: readonly number[]; readonly cut?: number } = {},
): string {
	const folder = join(temporaryFolder(), 'segment');
	mkdirSync(folder);
	writeFileSync(join(folder, 'header.bin'), header({ count: options.claimed ?? elements.length }));
	const data = dataOf(elements);
	writeFileSync(join(folder, 'data_level0.bin'), data.subarray(0, data.length - (options.cut ?? 0)));
	if (options.lengths !== undefined) writeFileSync(join(folder, 'length.bin'), Buffer.from(new Float32Array(options.lengths).buffer));
	return folder;
}

function opened(folder: string, cosine: boolean, labels: readonly number[] = [1, 2, 3]): HnswIndex {
	const index = openHnsw(folder, cosine, new Set(labels));
	if (typeof index === 'string') throw new Error(index);
	onTestFinished(() => index.close());
	return index;
}

const vectorOf = (index: HnswIndex, label: number): number[] | null => {
	const position = index.positionOf(label);
	const vector = position === null ? null : index.read(position);
	return vector === null ? null : [...vector];
};

describe('an HNSW segment', () => {
	it('is read by label, whatever the order of its elements', () => {
		const index = opened(
			segment([
				{ label: 2, vector: [1, 2, 3] },
				{ label: 1, vector: [4, 5, 6] },
			]),
			false,
		);
		expect([1, 2, 3].map((label) => vectorOf(index, label))).toEqual([[4, 5, 6], [1, 2, 3], null]);
		expect(index.layout).toMatchObject({ dimension, elements: 2 });
		expect(index.notes).toEqual([]);
	});

	it('knows nothing of deleted elements', () => {
		const index = opened(
			segment([
				{ label: 1, vector: [1, 0, 0], deleted: true },
				{ label: 2, vector: [0, 1, 0] },
			]),
			false,
		);
		expect(vectorOf(index, 1)).toBeNull();
		expect(vectorOf(index, 2)).toEqual([0, 1, 0]);
	});

	it('multiplies cosine vectors by their stored length in float32', () => {
		const third = Math.fround(1 / 3);
		const index = opened(segment([{ label: 1, vector: [third, 2 * third, 2 * third] }], { lengths: [9.3] }), true);
		const length = Math.fround(9.3);
		expect(vectorOf(index, 1)).toEqual([third, 2 * third, 2 * third].map((component) => Math.fround(Math.fround(component) * length)));
		expect(index.notes).toEqual([]);
	});

	it('never gives a cosine vector whose scale is lost', () => {
		const index = opened(
			segment(
				[
					{ label: 1, vector: [1, 0, 0] },
					{ label: 2, vector: [0, 1, 0] },
				],
				{ lengths: [5] },
			),
			true,
		);
		expect([vectorOf(index, 1), vectorOf(index, 2)]).toEqual([[5, 0, 0], null]);
		expect(index.cut).toBe(true);
	});

	it('says that a cosine index is not normalised', () => {
		const index = opened(segment([{ label: 1, vector: [3, 4, 0] }], { lengths: [2] }), true);
		expect(index.notes.join()).toContain('not normalised');
	});

	it('reads what a cut file still holds', () => {
		const index = opened(
			segment(
				[
					{ label: 1, vector: [1, 2, 3] },
					{ label: 2, vector: [4, 5, 6] },
				],
				{ cut: 5 },
			),
			false,
		);
		expect([vectorOf(index, 1), vectorOf(index, 2)]).toEqual([[1, 2, 3], null]);
		expect(index.notes).toEqual(['data_level0.bin is cut short: 1 of 2 vectors are there']);
	});

	it('survives a header that claims more elements than there is memory', () => {
		const index = opened(segment([{ label: 1, vector: [1, 2, 3] }], { claimed: Number.MAX_SAFE_INTEGER }), false);
		expect(index.layout.elements).toBe(1);
		expect(vectorOf(index, 1)).toEqual([1, 2, 3]);
	});

	it('survives labels beyond reason', () => {
		const index = opened(
			segment([
				{ label: 2 ** 52, vector: [1, 2, 3] },
				{ label: 1, vector: [4, 5, 6] },
			]),
			false,
			[1, 2 ** 52, 2 ** 51],
		);
		expect(vectorOf(index, 2 ** 51)).toBeNull();
		expect([vectorOf(index, 2 ** 52), vectorOf(index, 1)]).toEqual([
			[1, 2, 3],
			[4, 5, 6],
		]);
	});

	it.each([
		['too short', Buffer.alloc(60), 'header.bin has 60 bytes instead of 100'],
		['of another version', header({ version: 2 }), 'header.bin has the unknown version 2'],
		['with a size that does not follow', header({ size: elementBytes + 4 }), 'header.bin contradicts itself'],
		[
			'with an element of gigabytes',
			header({ label: vectorOffset + 4 * 2 ** 30, size: vectorOffset + 4 * 2 ** 30 + 8 }),
			'header.bin contradicts itself',
		],
		['with links without end', header({ links: 2 ** 40, data: 2 ** 42 + 4 }), 'header.bin contradicts itself'],
		['of zeros', Buffer.alloc(100), 'header.bin has the unknown version 0'],
	])('refuses a header %s', (_what, bytes, reason) => {
		expect(parseHeader(bytes, 1 << 20)).toBe(reason);
	});

	it('names what is not there', () => {
		const folder = temporaryFolder();
		expect(openHnsw(join(folder, 'none'), false, new Set())).toBe('its segment folder is missing');
		writeFileSync(join(folder, 'header.bin'), header());
		expect(openHnsw(folder, false, new Set())).toBe('data_level0.bin missing');
		const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n';
		writeFileSync(join(folder, 'data_level0.bin'), pointer);
		expect(openHnsw(folder, false, new Set())).toBe('data_level0.bin is a Git LFS pointer');
		writeFileSync(join(folder, 'header.bin'), pointer);
		writeFileSync(join(folder, 'data_level0.bin'), dataOf([{ label: 1, vector: [1, 2, 3] }]));
		expect(openHnsw(folder, false, new Set())).toBe('header.bin is a Git LFS pointer');
	});
});
