import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOriginalOf, notNormalised } from '../../../services/chroma/normalised.js';
import { cosineAnswer } from './support.js';

const answered = (...vector: number[]) => [cosineAnswer(new Float32Array(vector)), new Float32Array(vector)] as const;

describe('the vector that a cosine index was given', () => {
	it.each([
		['its norm overflows', [1e25, 1e25, 1e25], Number.NaN],
		['its norm underflows', [1e-30, 1e-25, 3e-30], 0],
		['a component is infinite', [1, Number.POSITIVE_INFINITY, 2], Number.NaN],
		['it is zero', [0, 0, 0], 0],
	])('is known although %s', (_what, vector, component) => {
		const [answer, given] = answered(...vector);
		expect(answer).toEqual(new Float32Array(3).fill(component));
		expect(isOriginalOf(answer, given)).toBe(true);
	});

	it('is known whatever its size', () => {
		const vectors = fc.float32Array({ minLength: 1, maxLength: 9 });
		const scaled = fc.tuple(
			fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 9 }),
			fc.integer({ min: -46, max: 39 }),
		);
		fc.assert(
			fc.property(vectors, (vector) => isOriginalOf(cosineAnswer(vector), vector)),
			{ numRuns: 1000 },
		);
		fc.assert(
			fc.property(scaled, ([vector, exponent]) => {
				const given = new Float32Array(vector.map((component) => component * 10 ** exponent));
				return isOriginalOf(cosineAnswer(given), given);
			}),
			{ numRuns: 2000 },
		);
	});

	it.each([
		['one of another scale', [2, 4, 6], [1, 2, 3]],
		['a tiny one, where the index has an ordinary one', [1e-30, 0, 0], [1, 0, 0]],
		['an ordinary one, where the index has zeros', [1e-3, 0, 0], [0, 0, 0]],
		['a small one that does not underflow, where the index has zeros', [1e-20, 0, 0], [0, 0, 0]],
		['an ordinary one, where the index has no numbers', [1, 0, 0], [Number.NaN, 0, 0]],
		['one with an infinity, where the index has numbers', [Number.POSITIVE_INFINITY, 0, 0], [1, 0, 0]],
		['one of another dimension', [1, 2], [1, 2, 3]],
	])('is not %s', (_what, candidate, given) => {
		expect(isOriginalOf(cosineAnswer(new Float32Array(given)), new Float32Array(candidate))).toBe(false);
	});
});

describe('an index of another space', () => {
	const sound = { squares: 1, length: 3 };
	const tiny = { squares: 1e10, length: 0 };

	it('is told by a vector that is not normalised although its length is ordinary', () => {
		expect(notNormalised([sound, { squares: 25, length: 2 }])).toBe(true);
		expect(notNormalised([sound, { squares: 0.5, length: Number.NaN }])).toBe(true);
	});

	it('is not told by tiny vectors among sound ones, by zeros, nor by those too large', () => {
		expect(notNormalised([sound, tiny, { squares: 0, length: 0 }, { squares: 0, length: Number.POSITIVE_INFINITY }])).toBe(false);
	});

	it('is told when the noise in length.bin is nothing but zeros', () => {
		expect(notNormalised([tiny, { squares: 25, length: 4.6e-41 }, { squares: 1, length: 0 }])).toBe(true);
	});
});
