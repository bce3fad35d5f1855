import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordCaster } from '../../../source/core/mapping/cast-record.js';
import { Noted, Refused } from '../../../source/core/mapping/cast-result.js';
import { compileCasts } from '../../../source/core/mapping/casts.js';
import { bigintCast, numericCast } from '../../../source/core/mapping/number-casts.js';
import { fitsPrecision } from '../../../source/core/mapping/numeric-limits.js';
import { indexedBytes, limited, limitOf } from '../../../source/core/mapping/target-limits.js';
import { textCast } from '../../../source/core/mapping/text-casts.js';
import { column, quarantine, tableStep } from './steps.js';

/** A decimal by its digits and a power of ten, in one of its spellings. */
const decimal = fc
	.record({
		digits: fc.bigInt({ min: 0n, max: 10n ** 12n }),
		power: fc.integer({ min: -12, max: 8 }),
		point: fc.integer({ min: 0, max: 6 }),
		sign: fc.constantFrom('', '-', '+'),
	})
	.map(({ digits, power, point, sign }) => {
		const text = String(digits).padStart(point + 1, '0');
		const spelled = point === 0 ? text : `${text.slice(0, -point)}.${text.slice(-point)}`;
		return { text: `${sign}${spelled}e${power + point}`, digits, power };
	});

describe('numeric(precision, scale)', () => {
	it('holds exactly what is a whole number of its last places, and less than its first', () => {
		fc.assert(
			fc.property(
				decimal,
				fc.integer({ min: 1, max: 15 }),
				fc.integer({ min: -4, max: 12 }),
				({ text, digits, power }, precision, scale) => {
					// value * 10^scale, as a fraction over 10^20.
					const scaled = digits * 10n ** BigInt(power + scale + 20);
					const exact = scaled % 10n ** 20n === 0n && scaled < 10n ** BigInt(precision + 20);
					expect(fitsPrecision(text, precision, scale)).toBe(exact);
				},
			),
			{ numRuns: 2_000 },
		);
	});

	it('is read from the type as PostgreSQL prints it', () => {
		expect(limitOf('numeric')).toBeNull();
		expect(limitOf('numeric(6,0)')?.holds('123456')).toBe(true);
		expect(limitOf('numeric(6,0)')?.holds('1.5')).toBe(false);
		expect(limitOf('numeric(2,-3)')?.holds('99000')).toBe(true);
		expect(limitOf('numeric(2,-3)')?.holds('99500')).toBe(false);
	});
});

describe('a column that is narrower than the cast', () => {
	it('refuses what it cannot hold and leaves the rest as the cast gave it', () => {
		const cast = limited(numericCast, 'numeric(5,2)');
		expect(cast(999.99)).toBe('999.99');
		expect(cast('1.50')).toEqual(new Noted('1.50', 'TYPE_MIX'));
		expect(cast(null)).toBeNull();
		expect(cast(1.005)).toEqual(new Refused('TYPE_MISMATCH', 'REAL 1.005 where a number that numeric(5,2) holds exactly is expected'));
		expect(cast('1000')).toBeInstanceOf(Refused);
		expect(cast('no number')).toEqual(numericCast('no number'));
	});

	it('knows the ranges of integers', () => {
		for (const [type, most] of [
			['integer', 2n ** 31n],
			['smallint', 2n ** 15n],
		] as const) {
			const cast = limited(bigintCast, type);
			expect([cast(most - 1n), cast(-most)]).toEqual([String(most - 1n), String(-most)]);
			for (const value of [most, -most - 1n]) expect(cast(value)).toBeInstanceOf(Refused);
		}
	});

	it('counts characters as PostgreSQL does, and takes no blanks beyond', () => {
		const cast = limited(textCast(false), 'character varying(3)');
		fc.assert(
			fc.property(fc.string({ unit: 'binary' }), (text) => {
				fc.pre(!text.includes('\0'));
				expect(cast(text)).toEqual([...text].length <= 3 ? text : expect.any(Refused));
			}),
		);
		expect(cast('𝄞𝄞𝄞')).toBe('𝄞𝄞𝄞');
		expect(cast('abc ')).toBeInstanceOf(Refused);
	});

	it('is told to the casts of a step by its columns', () => {
		const caster = new RecordCaster(tableStep('t', [column('id', 'bigint', { existingType: 'smallint' })]));
		expect(caster.run([32_767n])).toBe(true);
		expect(caster.run([32_768n])).toBe(false);
	});
});

describe('what tells records apart', () => {
	const stripping = (columns: Parameters<typeof tableStep>[1], more = {}) =>
		compileCasts(tableStep('t', columns, { policies: { ...quarantine, onNul: 'strip' }, ...more }));

	it('never loses a NUL character, which could make two records one', () => {
		const [key, unique, plain] = stripping([column('id', 'text'), column('code', 'text', { identifies: true }), column('note', 'text')]);
		for (const cast of [key, unique]) expect(cast?.('a\0b')).toMatchObject({ code: 'NUL_CHARACTER' });
		expect(plain?.('a\0b')).toEqual(new Noted('ab', 'NUL_STRIPPED'));
	});

	it('is a key no longer than an index takes, shared by its texts', () => {
		const one = indexedBytes(1);
		const [key, note] = stripping([column('id', 'text'), column('note', 'text')]);
		expect(key?.('x'.repeat(one))).toBe('x'.repeat(one));
		expect(key?.('x'.repeat(one + 1))).toMatchObject({ code: 'TYPE_MISMATCH', reason: expect.stringContaining(`at most ${one} bytes`) });
		expect(key?.('€'.repeat(one / 3 + 1))).toBeInstanceOf(Refused);
		expect(note?.('x'.repeat(one + 1))).toBe('x'.repeat(one + 1));
		const [first, , size] = stripping([column('id', 'text'), column('name', 'text'), column('size', 'bigint')], {
			key: ['id', 'name', 'size'],
		});
		const each = Math.floor(indexedBytes(3) / 2);
		expect(first?.('x'.repeat(each))).toBe('x'.repeat(each));
		expect(first?.('x'.repeat(each + 1))).toBeInstanceOf(Refused);
		expect(size?.(1n)).toBe('1');
	});
});
