import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidUtf8, Noted, Refused } from '../../../source/core/mapping/cast-result.js';
import { jsonTextCast } from '../../../source/core/mapping/json-text.js';

const cast = jsonTextCast(false);
const strip = jsonTextCast(true);
const code = (result: unknown): string => (result instanceof Refused || result instanceof Noted ? result.code : 'accepted');

/** Whether the parsed value holds a NUL or half a surrogate pair in any string or key. */
const isClean = (value: unknown): boolean => {
	if (typeof value === 'string') return !/\0|\p{Surrogate}/u.test(value);
	if (Array.isArray(value)) return value.every(isClean);
	if (typeof value === 'object' && value !== null) return Object.entries(value).every(([key, member]) => isClean(key) && isClean(member));
	return true;
};

describe('JSON text', () => {
	it('is kept verbatim, whatever its spacing and escapes', () => {
		fc.assert(
			fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
				const text = JSON.stringify(value, null, indent);
				if (isClean(value)) expect(cast(text)).toBe(text);
			}),
		);
	});

	it('is refused exactly when a string or key holds a NUL or half a surrogate pair', () => {
		const unit = fc.constantFrom('\0', '\ud83d', '\ude00', 'a', '\\', '"', 'u0000', 'é');
		const string = fc.array(unit, { maxLength: 4 }).map((units) => units.join(''));
		const value = fc.oneof(string, fc.dictionary(string, string), fc.array(fc.dictionary(string, string)));
		fc.assert(
			fc.property(value, (document) => {
				const text = JSON.stringify(document);
				expect(cast(text) === text).toBe(isClean(JSON.parse(text)));
			}),
			{ numRuns: 500 },
		);
	});

	it.each(['', '{', '{"a":}', 'undefined', "{'a':1}", 'NaN', '{"a":1,}', 'None', '[1 2]', '01', '"\n"'])('refuses %j', (text) => {
		expect(code(cast(text))).toBe('INVALID_JSON');
	});

	it('says what was seen, in one bounded line', () => {
		const result = cast(`{"broken": ${'x'.repeat(5_000)}`);
		expect(result).toBeInstanceOf(Refused);
		const reason = result instanceof Refused ? result.reason : '';
		expect(reason).toContain('{\\"broken\\": xxx');
		expect(reason.length).toBeLessThan(160);
		expect(reason).not.toContain('\n');
	});

	it('finds NUL and surrogates behind escapes, and only there', () => {
		expect(code(cast('{"a":"x\\u0000y"}'))).toBe('NUL_CHARACTER');
		expect(code(cast('{"\\u0000":1}'))).toBe('NUL_CHARACTER');
		expect(code(cast('["\\ud800"]'))).toBe('LONE_SURROGATE');
		expect(code(cast('["\\uDC00\\uD800"]'))).toBe('LONE_SURROGATE');
		expect(code(cast('["\ud800"]'))).toBe('LONE_SURROGATE');
		expect(cast('["\\ud83d\\ude00"]')).toBe('["\\ud83d\\ude00"]');
		expect(cast('["\\\\u0000"]')).toBe('["\\\\u0000"]');
	});

	it('tells a raw NUL from text that is no JSON anyway', () => {
		expect(code(cast('{"a":"b\0"}'))).toBe('NUL_CHARACTER');
		expect(code(cast('{"a":"b\0'))).toBe('INVALID_JSON');
	});

	it('takes NUL out when asked, escaped or raw, and leaves escaped backslashes alone', () => {
		expect(strip('["a\\u0000b","\\\\u0000"]')).toEqual(new Noted('["ab","\\\\u0000"]', 'NUL_STRIPPED'));
		expect(strip('["a\0b"]')).toEqual(new Noted('["ab"]', 'NUL_STRIPPED'));
		expect(strip('["\\\\\\u0000"]')).toEqual(new Noted('["\\\\"]', 'NUL_STRIPPED'));
		expect(code(strip('["\\u0000\\ud800"]'))).toBe('LONE_SURROGATE');
	});

	it('refuses numbers beyond numeric, and not digits inside strings', () => {
		expect(code(cast('{"a":[1e131072]}'))).toBe('INVALID_JSON');
		expect(code(cast('1e-16384'))).toBe('INVALID_JSON');
		expect(code(cast('1'.repeat(131_073)))).toBe('INVALID_JSON');
		expect(code(cast(`[0.${'0'.repeat(16_384)}]`))).toBe('INVALID_JSON');
		for (const text of ['["1e999999"]', '[1E+1000]', `["${'1'.repeat(200_000)}"]`, `{"1e99999":"\\"1e99999"}`])
			expect(cast(text)).toBe(text);
	});

	it('takes deep nesting without recursion', () => {
		const depth = 20_000;
		const text = `${'['.repeat(depth)}"\\u0041\\u0000"${']'.repeat(depth)}`;
		expect(code(cast(text))).toBe('NUL_CHARACTER');
	});

	it('keeps NULL, spells stored numbers, refuses bytes', () => {
		expect(cast(null)).toBeNull();
		expect(cast(5n)).toEqual(new Noted('5', 'TYPE_MIX'));
		expect(cast(1)).toEqual(new Noted('1.0', 'TYPE_MIX'));
		expect(code(cast(Number.POSITIVE_INFINITY))).toBe('TYPE_MISMATCH');
		expect(code(cast(Buffer.from('{}')))).toBe('TYPE_MISMATCH');
		expect(code(cast(new InvalidUtf8(Uint8Array.of(0x22, 0xff, 0x22))))).toBe('INVALID_UTF8');
	});
});

describe('a key named twice', () => {
	const repeated = ['{"a":1,"a":2}', '{"a" : {"b":1, "b":1}}', '[{"x":1},{"y":{"z":0,"z":1}}]', '{"a":1,"\\u0061":2}'];
	const single = ['{"a":1,"b":{"a":2}}', '{"a":"\\":\\":"}', '{"a:":":","b\\":":1}', '[]', '7', '{"text":"he said \\"x\\": y"}'];

	it('is told, and the text goes over as it is', () => {
		for (const text of repeated) expect(cast(text), text).toEqual(new Noted(text, 'DUPLICATE_JSON_KEY'));
		for (const text of single) expect(cast(text), text).toBe(text);
	});

	it('is never seen in what JSON.stringify writes', () => {
		fc.assert(
			fc.property(fc.jsonValue(), fc.nat(3), (value, indent) => {
				const text = JSON.stringify(value, null, indent);
				expect(cast(text)).not.toMatchObject({ code: 'DUPLICATE_JSON_KEY' });
			}),
		);
	});
});
