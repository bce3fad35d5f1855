import { endianness } from 'node:os';

const bigEndianHost = endianness() === 'BE';

/** Float32 little-endian bytes (Chroma's WAL, hnswlib's files) to a Float32Array of its own, every bit kept. Null unless whole floats. */
export function floatsOf(bytes: Uint8Array): Float32Array | null {
	if (bytes.byteLength % 4 !== 0) return null;
	const copy = new Uint8Array(bytes.byteLength);
	copy.set(bytes);
	return littleEndianFloats(copy.buffer);
}

/** Views a buffer of float32 little-endian as floats; turns the bytes round in place on a big-endian host. */
export function littleEndianFloats(buffer: ArrayBuffer): Float32Array {
	if (bigEndianHost) Buffer.from(buffer).swap32();
	return new Float32Array(buffer);
}

/** Floats as float32 little-endian bytes; where the host has them so, a view of the same memory. */
export function bytesOfFloats(vector: Float32Array): Buffer {
	const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
	return bigEndianHost ? Buffer.from(bytes).swap32() : bytes;
}

/**
 * A sequence number as Chroma stores it: INTEGER from 1.0 on, 8 bytes big-endian before (24 bytes in directories of 0.4 that once had
 * other logs: not comparable, null). Null when absent or out of the range of exact numbers.
 */
export function sequenceOf(value: unknown): number | null {
	if (value instanceof Uint8Array) {
		if (value.byteLength !== 8) return null;
		return sequenceOf(Buffer.from(value.buffer, value.byteOffset, 8).readBigUInt64BE(0));
	}
	const number = Number(value ?? Number.NaN);
	return Number.isSafeInteger(number) && number >= 0 ? number : null;
}

/** One of the four typed columns of a metadata row, by Chroma's precedence: string, int, float, bool. Undefined when all are NULL. */
export function scalarOf(string: unknown, int: unknown, float: unknown, bool: unknown): string | bigint | number | boolean | undefined {
	if (string !== null && string !== undefined) return textOf(string);
	if (typeof int === 'bigint' || typeof int === 'number') return int;
	if (typeof float === 'number') return float;
	if (typeof float === 'bigint') return Number(float);
	if (bool !== null && bool !== undefined) return Number(bool) !== 0;
	return undefined;
}

/** TEXT as it is; the bytes of a BLOB in a TEXT column read as UTF-8. */
export function textOf(value: unknown): string {
	return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value);
}
