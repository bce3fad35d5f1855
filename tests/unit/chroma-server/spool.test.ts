import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeMetadata, encodeMetadata, Spool } from '../../../services/chroma-server/spool.js';
import type { ChromaScalar } from '../../../services/reader.js';
import { hexOf } from '../chroma/canonical.js';
import { temporaryFolder } from '../chroma/support.js';

const text = fc.string({ unit: 'grapheme' });
const scalar: fc.Arbitrary<ChromaScalar> = fc.oneof(
	text,
	fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
	fc.double({ noNaN: true }),
	fc.boolean(),
	fc.constant(null),
);
const metadata = fc.dictionary(text, fc.oneof(scalar, fc.array(scalar, { maxLength: 4 }))).map((one) => new Map(Object.entries(one)));

it('metadata comes out of the spool as it went in, types and all', () => {
	fc.assert(
		fc.property(metadata, (given) => {
			expect(decodeMetadata(encodeMetadata(given))).toEqual(given);
		}),
		{ numRuns: 500 },
	);
});

it('records come out as they went in, with only the parts that are asked for, and the digest is that of the content', () => {
	const record = fc.record({
		id: text,
		vector: fc.option(fc.float32Array({ maxLength: 8 })),
		document: fc.option(text),
		metadata: fc.option(metadata),
		unspeakable: fc.constant(false),
	});
	const folder = temporaryFolder();
	const spool = new Spool(folder);
	let nth = 0;
	fc.assert(
		fc.property(fc.array(fc.array(record, { maxLength: 5 }), { maxLength: 4 }), (pages) => {
			const name = `c${nth++}`;
			const into = spool.collect(name);
			for (const page of pages) into.add(page);
			const { records, digest } = into.finish();
			const all = pages.flat();
			expect(records).toBe(all.length);
			const shape = (one: { vector: Float32Array | null }) => ({ ...one, vector: one.vector === null ? null : hexOf(one.vector) });
			const read = [...spool.records(name, 0, { vector: true, document: true, metadata: true })].map(shape);
			expect(read).toEqual(all.map(({ unspeakable: _, ...one }, at) => ({ ...shape(one), position: at + 1 })));
			const bare = [...spool.records(name, 1, { vector: false, document: false, metadata: false })];
			expect(bare).toEqual(all.slice(1).map(({ id }, at) => ({ id, vector: null, document: null, metadata: null, position: at + 2 })));
			const again = spool.collect(`${name} in one page`);
			again.add(all);
			expect(again.finish().digest).toBe(digest);
		}),
		{ numRuns: 60 },
	);
	spool.close();
});
