import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findRefused, joinRows, splitRows } from '../../../services/postgres/copy-rows.js';
import { vectorBatch } from '../../contract/target-data.js';

describe('rows of COPY data', () => {
	it('cuts and joins text rows', () => {
		fc.assert(
			fc.property(fc.array(fc.string().map((line) => line.replaceAll('\n', ''))), (lines) => {
				const data = Buffer.from(lines.map((line) => `${line}\n`).join(''));
				const rows = splitRows(data, 'text');
				expect(rows.map((row) => Buffer.from(row).toString())).toEqual(lines.map((line) => `${line}\n`));
				expect(Buffer.from(joinRows(rows, 'text', data))).toEqual(data);
			}),
		);
	});

	it('cuts and joins binary rows', () => {
		fc.assert(
			fc.property(
				fc.array(fc.record({ id: fc.string(), vector: fc.array(fc.float({ noNaN: true }), { maxLength: 5 }), document: fc.string() })),
				(rows) => {
					const { data } = vectorBatch(rows);
					const cut = splitRows(data, 'binary');
					expect(cut).toHaveLength(rows.length);
					expect(Buffer.from(joinRows(cut, 'binary', data))).toEqual(data);
					expect(Buffer.from(joinRows(cut.slice(0, 1), 'binary', data))).toEqual(vectorBatch(rows.slice(0, 1)).data);
				},
			),
		);
	});

	it('finds exactly the refused rows', async () => {
		await fc.assert(
			fc.asyncProperty(fc.nat(200), fc.uniqueArray(fc.nat(199), { maxLength: 10 }), async (rows, bad) => {
				const refused = new Set(bad.filter((row) => row < rows));
				const found = await findRefused(rows, async (indexes) => indexes.find((index) => refused.has(index)) ?? null);
				expect([...found.keys()].sort((left, right) => left - right)).toEqual([...refused].sort((left, right) => left - right));
				for (const [row, reason] of found) expect(reason).toBe(row);
			}),
		);
	});
});
