import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findRefused, findRefusedTogether, joinRows, keyOfRow, splitRows } from '../../../services/postgres/copy-rows.js';
import { CopyTextEncoder } from '../../../services/postgres/copy-text.js';
import { itemsStep, vectorBatch, vectorsStep } from '../../contract/target-data.js';

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
				const found = await findRefused([...Array(rows).keys()], async (indexes) => indexes.find((index) => refused.has(index)) ?? null);
				expect([...found.keys()].sort((left, right) => left - right)).toEqual([...refused].sort((left, right) => left - right));
				for (const [row, reason] of found) expect(reason).toBe(row);
			}),
		);
	});

	it('finds exactly the rows that do not pass after the ones before them, with few probes', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(fc.nat(300), { minLength: 2, maxLength: 200 }), async (values) => {
				const rows = values.map((_, index) => index * 3);
				const inRow = (row: number) => values[row / 3];
				const expected = rows.filter((_, at) => values.indexOf(values[at] ?? -1) < at);
				fc.pre(expected.length > 0);
				let probes = 0;
				const found = await findRefusedTogether(rows, 'all', async (part) => {
					probes++;
					expect([...part]).toEqual([...part].sort((left, right) => left - right));
					return new Set(part.map(inRow)).size < part.length ? 'twice' : null;
				});
				expect([...found.keys()]).toEqual(expected);
				const depth = Math.ceil(Math.log2(rows.length));
				expect(probes).toBeLessThanOrEqual(Math.min(2 * rows.length, 2 * depth * expected.length + expected.length));
			}),
		);
	});

	it('tries rows again whose refusal a later one may lift, until nothing changes', async () => {
		// 1 needs 5, 5 needs 8, 3 needs what is not there, 6 needs 3.
		const needs = new Map([
			[1, 5],
			[5, 8],
			[3, 99],
			[6, 3],
		]);
		const found = await findRefusedTogether(
			[...Array(10).keys()],
			'alone',
			async (part) => (part.some((row) => needs.has(row) && !part.includes(needs.get(row) ?? 0)) ? 'alone' : null),
			() => true,
		);
		expect([...found.keys()].toSorted((left, right) => left - right)).toEqual([3, 6]);
	});

	it('passes rows that fail for another reason than their own', async () => {
		const probe = async (part: readonly number[]) => (part.includes(4) ? 'own' : part.includes(2) && !part.includes(1) ? 'company' : null);
		expect(await findRefused([0, 1, 2, 3, 4], probe, (refusal) => refusal === 'own')).toEqual(new Map([[4, 'own']]));
	});

	it('reads the key of a row back as it was sent', () => {
		fc.assert(
			fc.property(fc.string({ unit: fc.constantFrom('a', '\\', '\t', '\n', '\r', '\b', '\v', 'N', 'é') }), fc.string(), (id, document) => {
				const encoder = new CopyTextEncoder([{ cast: 'text' }, { cast: 'text' }]);
				encoder.row([document, id]);
				const [row = new Uint8Array()] = splitRows(encoder.take(), 'text');
				const [whole] = itemsStep().columns;
				if (whole === undefined) throw new Error('no column');
				const step = { format: 'text', key: ['id'], columns: [{ ...whole, name: 'document' }, whole] } as const;
				expect(keyOfRow(row, step)).toEqual([id]);
				const [vector = new Uint8Array()] = splitRows(vectorBatch([{ id, vector: [1, 2], document }]).data, 'binary');
				expect(keyOfRow(vector, vectorsStep())).toEqual([id]);
			}),
		);
	});

	it('refuses nothing when what stood in the way is gone', async () => {
		const rows = Array.from({ length: 37 }, (_, index) => index);
		expect(await findRefusedTogether(rows, 'a moment ago', async () => null)).toEqual(new Map());
		expect(await findRefusedTogether([], 'a moment ago', async () => 'never')).toEqual(new Map());
	});
});
