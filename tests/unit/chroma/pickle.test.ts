import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readIndexMetadata } from '../../../services/chroma/pickle.js';
import { temporaryFolder } from './support.js';

function read(bytes: Uint8Array, limit?: number) {
	const path = join(temporaryFolder(), 'index_metadata.pickle');
	writeFileSync(path, bytes);
	return readIndexMetadata(path, limit);
}

const text = (value: string): Buffer => {
	const utf8 = Buffer.from(value);
	const head = Buffer.alloc(5);
	head[0] = 0x58; // BINUNICODE
	head.writeUInt32LE(utf8.length, 1);
	return Buffer.concat([head, utf8]);
};
const int = (value: number): Buffer => {
	const bytes = Buffer.alloc(5);
	bytes[0] = 0x4a; // BININT
	bytes.writeInt32LE(value, 1);
	return bytes;
};
const bytes = (...values: number[]): Buffer => Buffer.from(values);
const dictionary = (...pairs: Buffer[]): Buffer => Buffer.concat([bytes(0x7d, 0x28), ...pairs, bytes(0x75)]);

/** As the Rust half of Chroma writes it (1.x): protocol 3, a plain dict. */
function rustPickle(labels: Readonly<Record<string, number>>, mirror: Readonly<Record<number, string>> | null = null): Buffer {
	const forward = Object.entries(labels).flatMap(([id, label]) => [text(id), int(label)]);
	const backward = Object.entries(mirror ?? Object.fromEntries(Object.entries(labels).map(([id, label]) => [label, id]))).flatMap(
		([label, id]) => [int(Number(label)), text(id)],
	);
	const none = bytes(0x4e);
	return Buffer.concat([
		bytes(0x80, 3),
		dictionary(
			...[text('dimensionality'), none, text('total_elements_added'), int(99), text('max_seq_id'), none],
			...[text('id_to_label'), dictionary(...forward), text('label_to_id'), dictionary(...backward), text('id_to_seq_id'), dictionary()],
		),
		bytes(0x2e),
	]);
}

/** Recorded with CPython 3.11: pickle.dumps of a PersistentData of Chroma 0.5, protocol 4, max_seq_id 7. */
const pythonPickle = Buffer.from(
	'80049500000000000000008c326368726f6d6164622e7365676d656e742e696d706c2e766563746f722e6c6f63616c5f70657273697374656e745f686e7377948c0e50657273697374656e7444617461949394298194',
	'hex',
);

function pythonState(): Buffer {
	const short = (value: string) => Buffer.concat([bytes(0x8c, Buffer.byteLength(value)), Buffer.from(value), bytes(0x94)]);
	const memoised = (index: number) => bytes(0x68, index);
	return Buffer.concat([
		...[bytes(0x7d, 0x94, 0x28), short('dimensionality'), bytes(0x4d, 0x80, 0x01), short('total_elements_added'), bytes(0x4b, 2)],
		...[short('max_seq_id'), bytes(0x8a, 2, 0x39, 0x30)],
		// id_to_label: memo 8 is the dict, 9 and 10 are the ids.
		...[short('id_to_label'), bytes(0x7d, 0x94, 0x28), short('ä'), bytes(0x4b, 1), short('b'), bytes(0x4b, 2, 0x75)],
		...[short('label_to_id'), bytes(0x7d, 0x94, 0x28, 0x4b, 1), memoised(10), bytes(0x4b, 2), memoised(11), bytes(0x75)],
		// One entry only: SETITEM instead of SETITEMS.
		...[short('id_to_seq_id'), bytes(0x7d, 0x94), memoised(10), bytes(0x4b, 3, 0x73)],
		bytes(0x75, 0x62, 0x2e),
	]);
}

describe('index_metadata.pickle', () => {
	it('reads the plain dict of Chroma 1.x', () => {
		expect(read(rustPickle({ a: 1, ключ: 2 }))).toEqual({
			labels: new Map([
				['a', 1],
				['ключ', 2],
			]),
			maxSeqId: null,
			totalElements: 99,
			damage: null,
		});
	});

	it('reads the object of Chroma 0.x, with memoised ids and a LONG1 sequence', () => {
		const found = read(Buffer.concat([pythonPickle, pythonState()]));
		expect(found).toEqual({
			labels: new Map([
				['ä', 1],
				['b', 2],
			]),
			maxSeqId: 12345,
			totalElements: 2,
			damage: null,
		});
	});

	it('reads an index from which everything was deleted', () => {
		expect(read(rustPickle({}))).toMatchObject({ labels: new Map(), damage: null });
	});

	it('keeps what stands before a cut', () => {
		const whole = rustPickle({ a: 1, b: 2, c: 3 });
		const cut = whole.subarray(0, whole.indexOf(text('c')) + 3);
		expect(read(cut)).toMatchObject({
			labels: new Map([
				['a', 1],
				['b', 2],
			]),
			damage: 'the file ends inside a value',
		});
	});

	it('drops a pair that its two maps state differently, and says so', () => {
		const found = read(rustPickle({ a: 1, b: 2, c: 3 }, { 1: 'a', 2: 'x', 3: 'c' }));
		expect([...found.labels.keys()]).toEqual(['a', 'c']);
		expect(found.damage).toContain('1 of its ids');
	});

	it('imports nothing: any other class is refused', () => {
		const evil = Buffer.concat([bytes(0x80, 3, 0x63), Buffer.from('os\nsystem\n'), text('true'), bytes(0x85, 0x52, 0x2e)]);
		expect(read(evil)).toMatchObject({ labels: new Map(), damage: expect.stringContaining('os.system') });
	});

	it('refuses a string that claims gigabytes before it allocates them', () => {
		const lying = bytes(0x80, 3, 0x58, 0xff, 0xff, 0xff, 0xff, 0x61);
		expect(read(lying).damage).toBe('the file ends inside a value');
	});

	it('reads as many ids as can be held and says that there are more', () => {
		const three = rustPickle({ a: 1, b: 2, c: 3 });
		expect(read(three, 3)).toMatchObject({ damage: null, labels: { size: 3 } });
		const found = read(three, 2);
		expect([...found.labels]).toEqual([
			['a', 1],
			['b', 2],
		]);
		expect(found.damage).toContain('more than 2 ids');
	});

	it('is bounded for endless values and endless nesting', () => {
		expect(read(Buffer.alloc(1 << 20, 0x4e)).damage).toContain('belong to no dictionary');
		expect(read(Buffer.alloc(1 << 20, 0x28)).damage).toContain('nested deeper');
	});

	it('never throws for damaged bytes and never makes up an id', () => {
		const labels = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`record-${index}`, index + 1]));
		const whole = rustPickle(labels);
		fc.assert(
			fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, length) => {
				const damaged = Buffer.from(whole.subarray(0, length));
				if (at < damaged.length) damaged[at] = byte;
				const found = read(damaged);
				expect(found.labels.size).toBeLessThanOrEqual(40);
				if (found.damage === null) for (const [id, label] of found.labels) expect(labels[id]).toBe(label);
			}),
			{ numRuns: 300 },
		);
	});
});
