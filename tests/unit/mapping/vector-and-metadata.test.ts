import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Noted, Refused } from '../../../source/core/mapping/cast-result.js';
import { metadataCast } from '../../../source/core/mapping/metadata-cast.js';
import { vectorCast } from '../../../source/core/mapping/vector-cast.js';

const code = (result: unknown): string => (result instanceof Refused || result instanceof Noted ? result.code : 'accepted');

describe('vector', () => {
	it('keeps every bit of every float32', () => {
		const cast = vectorCast(null, 'l2');
		fc.assert(
			fc.property(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 }), (components) => {
				const vector = Float32Array.from(components);
				const bytes = cast(vector) as Uint8Array;
				const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
				expect(bytes.length).toBe(vector.length * 4);
				vector.forEach((component, index) => {
					expect(Object.is(view.getFloat32(index * 4, true), component)).toBe(true);
				});
			}),
		);
	});

	it('refuses what pgvector cannot hold', () => {
		const cast = vectorCast(2, 'cosine');
		expect(code(cast(null))).toBe('MISSING_VECTOR');
		expect(code(cast(new Float32Array(0)))).toBe('MISSING_VECTOR');
		expect(cast(Float32Array.of(1, 2, 3))).toEqual(new Refused('DIMENSION_MISMATCH', '3 dimensions; the collection has 2'));
		expect(cast(Float32Array.of(1, Number.NaN))).toEqual(new Refused('VECTOR_NOT_FINITE', 'component 2 of 2 is NaN'));
		expect(code(cast(Float32Array.of(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)))).toBe('VECTOR_NOT_FINITE');
		expect(code(cast('[1,2]'))).toBe('TYPE_MISMATCH');
	});

	it('counts zero vectors of cosine collections only', () => {
		expect(code(vectorCast(2, 'cosine')(Float32Array.of(0, -0)))).toBe('ZERO_VECTOR');
		expect(code(vectorCast(2, 'l2')(Float32Array.of(0, 0)))).toBe('accepted');
	});
});

describe('metadata', () => {
	const cast = metadataCast('{"user_id":"ana"}', false);

	it('adds the tenant last, also where there is no metadata', () => {
		expect(cast(null)).toBe('{"user_id":"ana"}');
		expect(cast(new Map())).toBe('{"user_id":"ana"}');
		expect(cast(new Map([['a', 'b']]))).toBe('{"a":"b","user_id":"ana"}');
	});

	it('keeps integers exact and floats apart from them', () => {
		const metadata = new Map<string, unknown>([
			['big', 9007199254740993n],
			['one', 1],
			['half', 0.5],
			['large', 1e21],
			['yes', true],
			['none', null],
			['list', [1n, 2n]],
			['floats', [1, 2.5]],
			['empty', []],
		]);
		expect(cast(metadata)).toBe(
			'{"big":9007199254740993,"one":1.0,"half":0.5,"large":1e+21,"yes":true,"none":null,"list":[1,2],"floats":[1.0,2.5],"empty":[],"user_id":"ana"}',
		);
	});

	it('keeps another user of the record under a key of its own, and counts it', () => {
		expect(
			cast(
				new Map([
					['user_id', 'bob'],
					['a', 'b'],
				]),
			),
		).toEqual(new Noted('{"chroma_user_id":"bob","a":"b","user_id":"ana"}', 'METADATA_USER_ID_REPLACED'));
		const twice = new Map<string, unknown>([
			['chroma_user_id', 1n],
			['user_id', true],
		]);
		expect(cast(twice)).toEqual(new Noted('{"chroma_user_id":1,"chroma_user_id_2":true,"user_id":"ana"}', 'METADATA_USER_ID_REPLACED'));
		expect(
			cast(
				new Map([
					['user_id', 'ana'],
					['a', 'b'],
				]),
			),
		).toBe('{"a":"b","user_id":"ana"}');
	});

	it('refuses what jsonb cannot hold, naming the key', () => {
		expect(cast(new Map([['x', Number.NaN]]))).toEqual(
			new Refused('INVALID_METADATA', 'the number NaN has no JSON form (metadata key "x")'),
		);
		expect(code(cast(new Map([['x', 'a\0']])))).toBe('NUL_CHARACTER');
		expect(code(cast(new Map([['\0', 'a']])))).toBe('NUL_CHARACTER');
		expect(code(cast(new Map([['x', ['\ud800']]])))).toBe('LONE_SURROGATE');
		expect(code(cast('{}'))).toBe('TYPE_MISMATCH');
	});

	it('takes NUL out when asked', () => {
		expect(metadataCast('{"user_id":"ana"}', true)(new Map([['a\0', 'b\0']]))).toEqual(
			new Noted('{"a":"b","user_id":"ana"}', 'NUL_STRIPPED'),
		);
	});

	it('gives JSON that reads back to the same entries', () => {
		const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'));
		const scalar = fc.oneof(text, fc.boolean(), fc.constant(null), fc.double({ noNaN: true, noDefaultInfinity: true }));
		fc.assert(
			fc.property(fc.array(fc.tuple(text, fc.oneof(scalar, fc.array(scalar)))), (entries) => {
				const metadata = new Map(entries.filter(([key]) => key !== 'user_id' && key !== '__proto__'));
				const result = cast(metadata);
				expect(typeof result).toBe('string');
				expect(new Map(Object.entries(JSON.parse(result as string)))).toEqual(new Map([...metadata, ['user_id', 'ana']]));
			}),
		);
	});
});
