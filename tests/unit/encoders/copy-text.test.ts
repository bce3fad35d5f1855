import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CopyTextEncoder } from '../../../services/postgres/copy-text.js';

const unescapes: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', v: '\v', f: '\f', r: '\r' };

/** COPY text as the server reads it: lines, columns, then escapes. */
const decode = (data: Uint8Array): (string | null)[][] => {
	const text = Buffer.from(data).toString('utf8');
	if (text === '') return [];
	expect(text.endsWith('\n')).toBe(true);
	return text
		.slice(0, -1)
		.split('\n')
		.map((line) =>
			line
				.split('\t')
				.map((field) => (field === '\\N' ? null : field.replace(/\\(.)/gs, (_, escaped: string) => unescapes[escaped] ?? escaped))),
		);
};

const textColumns = Array.from({ length: 5 }, () => ({ cast: 'text' as const }));

const encode = (rows: readonly (readonly (string | null)[])[]): Uint8Array => {
	const encoder = new CopyTextEncoder(textColumns);
	for (const row of rows) encoder.row(row);
	return encoder.take();
};

const value = fc.option(
	fc.oneof(
		// Long enough for the encoder's way with long texts.
		fc.string({ unit: 'grapheme-ascii', minLength: 200, maxLength: 300 }),
		fc.array(fc.constantFrom('\\', 'n', '\v'), { minLength: 150, maxLength: 200 }).map((units) => units.join('')),
		fc.string({ unit: 'grapheme' }),
		fc.array(fc.constantFrom('\\', 'N', '\t', '\n', '\r', '\b', '\f', '\v', '.', 'é', '😀')).map((units) => units.join('')),
	),
	{ freq: 5 },
);

describe('COPY text', () => {
	it('reads back to the same values', () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 1, max: 5 }).chain((width) => fc.array(fc.array(value, { minLength: width, maxLength: width }))),
				(rows) => {
					expect(decode(encode(rows))).toEqual(rows);
				},
			),
			{ numRuns: 300 },
		);
	});

	it('tells NULL from the text \\N, and an empty text from both', () => {
		expect(Buffer.from(encode([[null, '\\N', '']])).toString()).toBe('\\N\t\\\\N\t\n');
	});

	it('leaves no line break, carriage return or backslash bare, not even in an end-of-data mark', () => {
		expect(Buffer.from(encode([['\\.'], ['a\r\nb']])).toString()).toBe('\\\\.\na\\r\\nb\n');
	});

	it('grows past its first buffer and starts anew after every batch', () => {
		const encoder = new CopyTextEncoder(textColumns);
		const long = '日本'.repeat(300_000);
		encoder.row([long]);
		encoder.row(['x']);
		const bytes = encoder.bytes;
		const batch = encoder.take();
		expect(batch.length).toBe(bytes);
		const again = new CopyTextEncoder(textColumns);
		again.row([long]);
		const spare = new ArrayBuffer(4_000_000);
		expect(again.take(spare).buffer).toBe(spare);
		again.row([long]);
		expect(again.take(new ArrayBuffer(10)).length).toBe(bytes - 2);
		expect(decode(batch)).toEqual([[long], ['x']]);
		expect(encoder.bytes).toBe(0);
		encoder.row(['y']);
		expect(decode(encoder.take())).toEqual([['y']]);
		expect(decode(batch)).toEqual([[long], ['x']]);
	});

	it('spells a vector as pgvector does', () => {
		const encoder = new CopyTextEncoder(textColumns);
		encoder.row([new Uint8Array(Float32Array.of(1, -0.5, 0.1).buffer)]);
		const [row] = decode(encoder.take());
		expect(JSON.parse(row?.[0] ?? '').map(Math.fround)).toEqual([1, -0.5, Math.fround(0.1)]);
	});
});
