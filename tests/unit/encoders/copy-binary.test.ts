import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CopyBinaryEncoder } from '../../../services/postgres/copy-binary.js';
import { RepotError } from '../../../source/core/errors.js';
import type { CastValue } from '../../../source/core/mapping/cast-result.js';

const columns = [
	{ name: 'id', targetType: 'character varying' },
	{ name: 'collection_id', targetType: 'uuid' },
	{ name: 'embedding', targetType: 'vector(3)' },
	{ name: 'cmetadata', targetType: 'jsonb' },
];

/** Fields of a COPY in binary, as the server reads it. */
const decode = (data: Uint8Array): (Buffer | null)[][] => {
	const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
	expect(buffer.subarray(0, 11)).toEqual(Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'));
	expect(buffer.readInt32BE(11)).toBe(0);
	let at = 19 + buffer.readInt32BE(15);
	const rows: (Buffer | null)[][] = [];
	for (;;) {
		const fields = buffer.readInt16BE(at);
		at += 2;
		if (fields === -1) break;
		const row: (Buffer | null)[] = [];
		for (let field = 0; field < fields; field++) {
			const length = buffer.readInt32BE(at);
			at += 4;
			row.push(length === -1 ? null : buffer.subarray(at, at + length));
			at += Math.max(0, length);
		}
		rows.push(row);
	}
	expect(at).toBe(buffer.length);
	return rows;
};

const decodeVector = (field: Buffer): number[] => {
	expect(field.readInt16BE(2)).toBe(0);
	expect(field.length).toBe(4 + 4 * field.readInt16BE(0));
	return Array.from({ length: field.readInt16BE(0) }, (_, index) => field.readFloatBE(4 + index * 4));
};

const text = fc.string({ unit: 'grapheme' });
const row = fc.record({
	id: text,
	uuid: fc.uuid(),
	vector: fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 30 }),
	json: fc.json(),
	nulls: fc.boolean(),
});

describe('COPY binary', () => {
	it('reads back to the same values, bit for bit', () => {
		fc.assert(
			fc.property(fc.array(row), (rows) => {
				const encoder = new CopyBinaryEncoder(columns);
				for (const { id, uuid, vector, json, nulls } of rows) {
					const values: CastValue[] = [id, uuid, new Uint8Array(Float32Array.from(vector).buffer), json];
					encoder.row(nulls ? [id, null, null, null] : values);
				}
				const bytes = encoder.bytes;
				const batch = encoder.take();
				expect(batch.length).toBe(bytes);
				const decoded = decode(batch);
				expect(decoded).toHaveLength(rows.length);
				decoded.forEach((fields, index) => {
					const expected = rows[index];
					const [id, uuid, vector, json] = fields;
					expect(id?.toString('utf8')).toBe(expected?.id);
					if (expected?.nulls === true) {
						expect([uuid, vector, json]).toEqual([null, null, null]);
						return;
					}
					expect(uuid?.toString('hex')).toBe(expected?.uuid.replaceAll('-', ''));
					expect(decodeVector(vector ?? Buffer.alloc(0)).every((component, at) => Object.is(component, expected?.vector[at]))).toBe(true);
					expect(json?.[0]).toBe(1);
					expect(json?.subarray(1).toString('utf8')).toBe(expected?.json);
				});
			}),
		);
	});

	it('makes every batch a COPY of its own', () => {
		const encoder = new CopyBinaryEncoder(columns.slice(0, 1));
		encoder.row(['a'.repeat(2_000_000)]);
		const first = encoder.take();
		encoder.row(['b']);
		expect(decode(first)).toHaveLength(1);
		expect(decode(encoder.take()).map(([field]) => field?.toString())).toEqual(['b']);
		expect(decode(encoder.take())).toEqual([]);
	});

	it('refuses a type it cannot send', () => {
		expect(() => new CopyBinaryEncoder([{ name: 'at', targetType: 'timestamp without time zone' }])).toThrow(RepotError);
	});
});
