import { isUtf8 } from 'node:buffer';
import type { PageFile } from './page-file.js';

/** A column whose bytes are gone. */
export const lost = Symbol('lost');

/** A value as stored: INTEGER as bigint, REAL as number, TEXT as string, BLOB as Buffer. */
export type StoredValue = null | bigint | number | string | Buffer | typeof lost;

/** A table's row. Columns that were added to the table later are missing at the end; the INTEGER PRIMARY KEY stands as null. */
export interface StoredRow {
	readonly rowid: number;
	readonly values: readonly StoredValue[];
}

/** One page of a b-tree, checked against itself. */
export type TreePage =
	| { readonly kind: 'table-leaf'; readonly rows: readonly StoredRow[] }
	/** `keys[i]`: highest rowid below `children[i]`; there is one child more. */
	| { readonly kind: 'table-interior'; readonly children: readonly number[]; readonly keys: readonly number[] }
	/** Of an interior page, `entries[i]` stands between `children[i]` and the next; a leaf has no children. */
	| { readonly kind: 'index'; readonly children: readonly number[]; readonly entries: readonly (readonly StoredValue[])[] };

const kinds: Readonly<Record<number, 'table-leaf' | 'table-interior' | 'index-leaf' | 'index-interior'>> = {
	13: 'table-leaf',
	5: 'table-interior',
	10: 'index-leaf',
	2: 'index-interior',
};

/** Reads a page as one of a b-tree; null where anything in it does not fit, because then nothing in it can be relied on. Section 1.6 of the format. */
export function treePage(file: PageFile, number: number): TreePage | null {
	const page = file.page(number);
	if (page === null) return null;
	try {
		return parse(file, page, number === 1 ? 100 : 0);
	} catch (thrown) {
		// A length or an offset that leads out of the page.
		if (thrown instanceof Malformed || thrown instanceof RangeError) return null;
		throw thrown;
	}
}

class Malformed extends Error {
	override readonly name = 'Malformed';
}

function parse(file: PageFile, page: Buffer, start: number): TreePage | null {
	const kind = kinds[page[start] as number];
	if (kind === undefined) return null;
	const cells = page.readUInt16BE(start + 3);
	const pointers = start + (kind.endsWith('interior') ? 12 : 8);
	if (pointers + cells * 2 > file.usable) return null;
	const offsets = Array.from({ length: cells }, (_, cell) => page.readUInt16BE(pointers + cell * 2));
	if (offsets.some((offset) => offset < pointers + cells * 2 || offset >= file.usable)) return null;
	if (kind === 'table-leaf') return { kind, rows: offsets.map((offset) => tableRow(file, page, offset)) };
	const children = kind === 'index-leaf' ? [] : [...offsets.map((offset) => page.readUInt32BE(offset)), page.readUInt32BE(start + 8)];
	if (kind === 'table-interior') return { kind, children, keys: offsets.map((offset) => varint(page, offset + 4).value) };
	const payload = kind === 'index-leaf' ? 0 : 4;
	return { kind: 'index', children, entries: offsets.map((offset) => indexEntry(file, page, offset + payload)) };
}

function tableRow(file: PageFile, page: Buffer, offset: number): StoredRow {
	const size = varint(page, offset);
	const rowid = varint(page, size.end);
	const { bytes, whole } = readPayload(file, page, rowid.end, size.value, file.usable - 35);
	return { rowid: rowid.value, values: recordOf(bytes, size.value, whole) };
}

function indexEntry(file: PageFile, page: Buffer, offset: number): readonly StoredValue[] {
	const size = varint(page, offset);
	const { bytes, whole } = readPayload(file, page, size.end, size.value, Math.floor(((file.usable - 12) * 64) / 255) - 23);
	return recordOf(bytes, size.value, whole);
}

/** Section 1.5: seven bits a byte, most significant first; the ninth byte has eight. Chroma's numbers are far below 2^53; others are none of its own. */
function varint(bytes: Buffer, offset: number): { readonly value: number; readonly end: number } {
	let value = 0;
	for (let at = offset; at < offset + 9; at++) {
		const byte = bytes[at];
		if (byte === undefined) throw new Malformed();
		value = at === offset + 8 ? value * 256 + byte : value * 128 + (byte & 0x7f);
		if (value > Number.MAX_SAFE_INTEGER) throw new Malformed();
		if (byte < 0x80 || at === offset + 8) return { value, end: at + 1 };
	}
	throw new Malformed();
}

/** What of a payload is in the page, and its overflow pages. A chain that is broken, or does not end where it should, gives nothing: it is not known where it went wrong. */
function readPayload(file: PageFile, page: Buffer, offset: number, size: number, most: number): { bytes: Buffer; whole: boolean } {
	const { usable } = file;
	if (size > file.count * usable) throw new Malformed();
	const least = Math.floor(((usable - 12) * 32) / 255) - 23;
	const spilled = least + ((size - least) % (usable - 4));
	const local = size <= most ? size : spilled <= most ? spilled : least;
	if (offset + local + (local < size ? 4 : 0) > usable) throw new Malformed();
	const start = page.subarray(offset, offset + local);
	if (local === size) return { bytes: start, whole: true };
	const parts = [start];
	let next = page.readUInt32BE(offset + local);
	for (let left = size - local; left > 0; ) {
		const overflow = file.page(next);
		if (overflow === null) return { bytes: start, whole: false };
		file.overflow.add(next);
		const length = Math.min(left, usable - 4);
		parts.push(overflow.subarray(4, 4 + length));
		left -= length;
		next = overflow.readUInt32BE(0);
	}
	return next === 0 ? { bytes: Buffer.concat(parts), whole: true } : { bytes: start, whole: false };
}

/** Section 2.1, record format. `size`: of the whole payload, which the lengths in its header must give. */
function recordOf(bytes: Buffer, size: number, whole: boolean): readonly StoredValue[] {
	const header = varint(bytes, 0);
	if (header.value > bytes.length) throw new Malformed();
	const values: StoredValue[] = [];
	let at = header.value;
	let next = header.end;
	while (next < header.value) {
		const type = varint(bytes, next);
		next = type.end;
		const length = bytesOf(type.value);
		values.push(at + length > bytes.length ? lost : storedValue(bytes.subarray(at, at + length), type.value));
		at += length;
	}
	if (next !== header.value || at !== size || (whole && at !== bytes.length)) throw new Malformed();
	return values;
}

const integerBytes = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0];

function bytesOf(type: number): number {
	if (type >= 12) return Math.floor((type - 12) / 2);
	const bytes = integerBytes[type];
	if (bytes === undefined) throw new Malformed();
	return bytes;
}

function storedValue(bytes: Buffer, type: number): StoredValue {
	if (type === 0) return null;
	if (type === 8) return 0n;
	if (type === 9) return 1n;
	if (type === 7) return bytes.readDoubleBE(0);
	if (type === 6) return bytes.readBigInt64BE(0);
	if (type < 6) return BigInt(bytes.readIntBE(0, bytes.length));
	if (type % 2 === 0) return Buffer.from(bytes);
	return isUtf8(bytes) ? bytes.toString('utf8') : lost;
}
