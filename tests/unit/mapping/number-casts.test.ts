import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Noted, Refused } from '../../../source/core/mapping/cast-result.js';
import { bigintCast, doubleCast, numericCast } from '../../../source/core/mapping/number-casts.js';
import { fitsNumeric } from '../../../source/core/mapping/numeric-limits.js';

const isMismatch = (result: unknown): boolean => result instanceof Refused && result.code === 'TYPE_MISMATCH';
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

describe('bigint', () => {
	it('keeps every 64-bit integer exactly, as INTEGER and as text', () => {
		fc.assert(
			fc.property(int64, (integer) => {
				expect(bigintCast(integer)).toBe(String(integer));
				expect(bigintCast(String(integer))).toEqual(new Noted(String(integer), 'TYPE_MIX'));
			}),
		);
	});

	it('takes a REAL only when it is an exact integer', () => {
		expect(bigintCast(3)).toEqual(new Noted('3', 'TYPE_MIX'));
		expect(bigintCast(-0)).toEqual(new Noted('0', 'TYPE_MIX'));
		expect(bigintCast(2 ** 53 - 1)).toEqual(new Noted('9007199254740991', 'TYPE_MIX'));
		for (const value of [0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]) expect(isMismatch(bigintCast(value))).toBe(true);
	});

	it('refuses text that is not a 64-bit integer', () => {
		for (const text of ['', ' ', '1.0', '1e3', '0x10', 'abc', '9223372036854775808', '-9223372036854775809', '1'.repeat(1000)]) {
			expect(isMismatch(bigintCast(text))).toBe(true);
		}
		expect(bigintCast(' +007 ')).toEqual(new Noted('7', 'TYPE_MIX'));
		expect(bigintCast(null)).toBeNull();
		expect(isMismatch(bigintCast(Buffer.of(1)))).toBe(true);
	});
});

describe('double', () => {
	it('gives text that reads back to the same float64', () => {
		fc.assert(
			fc.property(fc.double({ noNaN: true }), (value) => {
				const text = doubleCast(value);
				expect(typeof text === 'string' && Object.is(Number(text), value)).toBe(true);
			}),
		);
	});

	it('spells NaN and infinity as PostgreSQL does', () => {
		expect([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(doubleCast)).toEqual(['NaN', 'Infinity', '-Infinity']);
	});

	it('takes an INTEGER only when a float64 holds it', () => {
		expect(doubleCast(2n ** 53n)).toBe('9007199254740992');
		expect(isMismatch(doubleCast(2n ** 53n + 1n))).toBe(true);
	});

	it('takes decimal text within range', () => {
		expect(doubleCast(' 1.5e3 ')).toEqual(new Noted('1.5e3', 'TYPE_MIX'));
		expect(doubleCast('0e-999')).toEqual(new Noted('0e-999', 'TYPE_MIX'));
		for (const text of ['', '.', '1e999', '1e-999', 'NaN', '1,5']) expect(isMismatch(doubleCast(text))).toBe(true);
	});
});

describe('numeric', () => {
	it('keeps integers and decimal text digit by digit', () => {
		fc.assert(
			fc.property(int64, (integer) => {
				expect(numericCast(integer)).toBe(String(integer));
			}),
		);
		expect(numericCast('123456789012345678901234567890.10')).toEqual(new Noted('123456789012345678901234567890.10', 'TYPE_MIX'));
		expect(numericCast(0.1)).toBe('0.1');
		expect(numericCast(null)).toBeNull();
	});

	it('refuses what numeric cannot hold', () => {
		for (const value of [Number.POSITIVE_INFINITY, Number.NaN, '1e131072', 'abc', '']) expect(isMismatch(numericCast(value))).toBe(true);
	});
});

describe('limits of numeric', () => {
	// Each line was asked of PostgreSQL 18: SELECT '...'::jsonb.
	it.each([
		['1e131071', true],
		['1e131072', false],
		['10e131071', false],
		['0.1e131072', true],
		['1e-16383', true],
		['1e-16384', false],
		['1.5e-16383', false],
		['0e-16384', false],
		['0e200000', true],
		['0e1073741824', false],
	])('%s fits: %s', (text, fits) => {
		expect(fitsNumeric(text)).toBe(fits);
	});

	it('are those of the digits written', () => {
		expect(fitsNumeric('1'.repeat(131_072))).toBe(true);
		expect(fitsNumeric('1'.repeat(131_073))).toBe(false);
	});
});
