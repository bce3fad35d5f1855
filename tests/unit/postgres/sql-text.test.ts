import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { vectorSendHex } from '../../../services/postgres/compare.js';
import { arrayLiteral, isoTime, parseArray, quoteName, shorten } from '../../../services/postgres/sql-text.js';

describe('SQL text', () => {
	it('reads back every array it writes', () => {
		fc.assert(
			fc.property(fc.array(fc.option(fc.string({ unit: 'binary' }))), (items) => {
				expect(parseArray(arrayLiteral(items))).toEqual(items);
			}),
		);
	});

	it('reads what the server prints', () => {
		expect(parseArray('{a,NULL,"NULL","b \\"c\\" \\\\",""}')).toEqual(['a', null, 'NULL', 'b "c" \\', '']);
		expect(parseArray('{}')).toEqual([]);
		expect(isoTime('2024-01-02 03:04:05.123+00')).toBe('2024-01-02T03:04:05.123Z');
	});

	it('quotes and shortens', () => {
		expect(quoteName('a"b')).toBe('"a""b"');
		expect(shorten('x'.repeat(100))).toHaveLength(80);
	});

	it('writes vectors as vector_send does', () => {
		expect(vectorSendHex(new Uint8Array(Float32Array.of(1, -0).buffer))).toBe('000200003f80000080000000');
	});
});
