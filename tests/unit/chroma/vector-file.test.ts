import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { VectorFile } from '../../../services/chroma/vector-file.js';
import { temporaryFolder } from './support.js';

const dimension = 3;
const elementBytes = 4 + dimension * 4 + 8;
const elements = 15_000;
const whole = Buffer.alloc(elements * elementBytes);
const vectorAt = (position: number): number[] => Array.from({ length: dimension }, (_, place) => position * 10 + place);
for (let position = 0; position < elements; position++)
	for (const [place, component] of vectorAt(position).entries()) whole.writeFloatLE(component, position * elementBytes + 4 + place * 4);

const files: number[] = [];
afterAll(() => {
	for (const file of files) closeSync(file);
});

function vectorsOf(bytes: Buffer): VectorFile {
	const path = join(temporaryFolder(), 'data_level0.bin');
	writeFileSync(path, bytes);
	const file = openSync(path, 'r');
	files.push(file);
	return new VectorFile(file, { elements, dimension, elementBytes, vectorOffset: 4 });
}

describe('the vectors of an index', () => {
	it('are those of their positions, in whichever order they are asked for', () => {
		const vectors = vectorsOf(whole);
		const run = fc.tuple(fc.nat(elements - 1), fc.integer({ min: 1, max: 40 })).map(([first, length]) => ({ first, length }));
		fc.assert(
			fc.property(fc.array(run, { minLength: 1, maxLength: 20 }), (runs) => {
				for (const { first, length } of runs)
					for (let position = first; position < Math.min(elements, first + length); position++)
						expect([...(vectors.read(position) ?? [])]).toEqual(vectorAt(position));
			}),
			{ numRuns: 50 },
		);
	});

	it('are copies: a later one does not change an earlier', () => {
		const vectors = vectorsOf(whole);
		const [first, second] = [vectors.read(100), vectors.read(101)];
		expect([...(first ?? [])]).toEqual(vectorAt(100));
		first?.fill(0);
		expect([...(second ?? [])]).toEqual(vectorAt(101));
		expect([...(vectors.read(100) ?? [])]).toEqual(vectorAt(100));
	});

	it('end where the file ends, also within one that is read ahead', () => {
		const vectors = vectorsOf(whole.subarray(0, 500 * elementBytes + 6));
		for (let position = 0; position < 500; position++) expect([...(vectors.read(position) ?? [])]).toEqual(vectorAt(position));
		expect(vectors.read(500)).toBeNull();
		expect(vectors.read(501)).toBeNull();
	});
});
