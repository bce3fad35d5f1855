import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ExactJson, JsonFault, parseExact } from '../../../services/chroma-server/exact-json.js';

/** As JSON.parse would give it. */
function plain(value: ExactJson): unknown {
	if (typeof value === 'bigint') return Number(value);
	if (Array.isArray(value)) return value.map(plain);
	return value instanceof Map ? Object.fromEntries([...value].map(([key, one]) => [key, plain(one)])) : value;
}

const spaced = fc.constantFrom('', '\t', '  ');

describe('JSON with exact numbers', () => {
	it('reads whatever JSON.parse reads, to the same values', () => {
		fc.assert(
			fc.property(fc.jsonValue({ maxDepth: 6 }), spaced, (value, indent) => {
				const text = JSON.stringify(value, null, indent);
				expect(plain(parseExact(text))).toEqual(JSON.parse(text));
			}),
			{ numRuns: 500 },
		);
	});

	it('keeps 64-bit integers, and tells 1.0 from 1', () => {
		fc.assert(
			fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (integer) => {
				expect(parseExact(`[ ${integer} ]`)).toEqual([integer]);
			}),
		);
		expect(parseExact('[1,1.0,-0.0,1e3,1E-2]')).toEqual([1n, 1, -0, 1000, 0.01]);
	});

	it('keeps a member of the outermost object as text where it is told to, brackets and quotes in strings included', () => {
		const text = '{"a": [[1.50,null],["]}\\"",{"b":[]}]] ,"b":{"a":2}}';
		expect(parseExact(text, ['a'])).toEqual(
			new Map<string, unknown>([
				['a', '[[1.50,null],["]}\\"",{"b":[]}]]'],
				['b', new Map([['a', 2n]])],
			]),
		);
		expect(parseExact('{"a":null,"c":"x"}', ['a', 'c'])).toEqual(
			new Map([
				['a', 'null'],
				['c', '"x"'],
			]),
		);
	});

	it('refuses what is not JSON with a fault, never anything else', () => {
		for (const text of [
			'',
			'{',
			'[1,]',
			'{"a"}',
			'{"a":1,}',
			'01',
			'1.',
			'"',
			'"\\',
			'"\u0001"',
			'nul',
			'[1] 2',
			'"\\x"',
			'{"a":[',
			'-',
			'+1',
			'['.repeat(1e5),
		]) {
			expect(() => parseExact(text), text.slice(0, 20)).toThrow(JsonFault);
			expect(() => parseExact(`{"raw":${text}`, ['raw']), text.slice(0, 20)).toThrow(JsonFault);
		}
		fc.assert(
			fc.property(fc.jsonValue(), fc.nat(), fc.string({ maxLength: 3 }), (value, at, more) => {
				const text = JSON.stringify({ value });
				const place = at % text.length;
				const broken = text.slice(0, place) + more + text.slice(place + 1);
				let expected: unknown;
				try {
					expected = JSON.parse(broken);
				} catch {
					expect(() => parseExact(broken)).toThrow(JsonFault);
					return;
				}
				expect(plain(parseExact(broken))).toEqual(expected);
			}),
			{ numRuns: 500 },
		);
	});
});
