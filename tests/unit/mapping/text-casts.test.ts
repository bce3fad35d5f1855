import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidUtf8, Noted, Refused } from '../../../source/core/mapping/cast-result.js';
import { booleanCast, byteaCast, constantCast, documentCast, textCast, uuidCast } from '../../../source/core/mapping/text-casts.js';

const code = (result: unknown): string => (result instanceof Refused || result instanceof Noted ? result.code : 'accepted');

describe('text', () => {
	const cast = textCast(false);

	it('gives any text without NUL as it is', () => {
		fc.assert(
			fc.property(fc.string({ unit: 'binary' }), (text) => {
				const clean = text.replaceAll('\0', '');
				expect(cast(clean)).toBe(clean);
			}),
		);
	});

	it('keeps NULL and refuses NUL with its position', () => {
		expect(cast(null)).toBeNull();
		expect(cast('ab\0c')).toEqual(new Refused('NUL_CHARACTER', 'NUL character at position 3 of 4; PostgreSQL text cannot hold it'));
	});

	it('takes NUL out when asked, and says so', () => {
		expect(textCast(true)('a\0b\0')).toEqual(new Noted('ab', 'NUL_STRIPPED'));
		expect(textCast(true)('ab')).toBe('ab');
	});

	it('spells numbers and counts them', () => {
		expect(cast(9007199254740993n)).toEqual(new Noted('9007199254740993', 'TYPE_MIX'));
		expect(cast(1)).toEqual(new Noted('1.0', 'TYPE_MIX'));
		expect(cast(0.1)).toEqual(new Noted('0.1', 'TYPE_MIX'));
	});

	it('never takes bytes for text', () => {
		expect(code(cast(Buffer.from('abc')))).toBe('TYPE_MISMATCH');
		expect(cast(new InvalidUtf8(Uint8Array.of(0xff, 0x41)))).toEqual(new Refused('INVALID_UTF8', 'text of 2 bytes that is not UTF-8'));
	});

	it('keeps a written U+FFFD', () => {
		expect(cast('a\ufffdb')).toBe('a\ufffdb');
	});
});

describe('document', () => {
	it('makes "" of a missing document and counts it, but not of an empty one', () => {
		const cast = documentCast(false);
		expect(cast(null)).toEqual(new Noted('', 'EMPTY_DOCUMENT'));
		expect(cast('')).toBe('');
		expect(cast('a text')).toBe('a text');
		expect(code(cast('\0'))).toBe('NUL_CHARACTER');
		expect(code(cast(5n))).toBe('TYPE_MISMATCH');
	});
});

describe('uuid', () => {
	it('gives the lower-case form with hyphens for every spelling', () => {
		fc.assert(
			fc.property(fc.uuid(), (uuid) => {
				expect(uuidCast(uuid.toUpperCase())).toBe(uuid);
				expect(uuidCast(uuid.replaceAll('-', ''))).toBe(uuid);
			}),
		);
	});

	it('refuses anything else', () => {
		for (const value of ['', 'x', '123e4567-e89b-12d3-a456-42661417400', '123e4567-e89b-12d3-a456-42661417400g', 5n]) {
			expect(code(uuidCast(value))).toBe('TYPE_MISMATCH');
		}
		expect(uuidCast(null)).toBeNull();
	});
});

describe('boolean', () => {
	it('takes 0 and 1 and the words', () => {
		expect([1n, 0n, 1, 0].map(booleanCast)).toEqual(['t', 'f', 't', 'f']);
		expect(booleanCast('TRUE')).toEqual(new Noted('t', 'TYPE_MIX'));
		expect(booleanCast('false')).toEqual(new Noted('f', 'TYPE_MIX'));
		expect(booleanCast(null)).toBeNull();
	});

	it('refuses what is neither', () => {
		for (const value of [2n, -1n, 0.5, 'yes', '', Buffer.of(1)]) expect(code(booleanCast(value))).toBe('TYPE_MISMATCH');
	});
});

describe('bytea', () => {
	it('spells every byte in hex', () => {
		fc.assert(
			fc.property(fc.uint8Array(), (bytes) => {
				const text = byteaCast(bytes);
				expect(text).toBe(`\\x${Buffer.from(bytes).toString('hex')}`);
			}),
		);
	});

	it('takes the UTF-8 bytes of text and counts them', () => {
		expect(byteaCast('é')).toEqual(new Noted('\\xc3a9', 'TYPE_MIX'));
		expect(code(byteaCast('\ud800'))).toBe('LONE_SURROGATE');
		expect(code(byteaCast(5n))).toBe('TYPE_MISMATCH');
	});
});

describe('constant', () => {
	it('is the same for every record', () => {
		expect(constantCast('ana')(null)).toBe('ana');
	});
});
