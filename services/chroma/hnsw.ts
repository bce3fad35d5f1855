import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { littleEndianFloats } from './values.js';

/** Layout of one HNSW segment, checked against itself and against the size of its data file. */
export interface HnswLayout {
	/** Elements that `data_level0.bin` really holds. */
	readonly elements: number;
	/** Elements that the header claims. */
	readonly claimed: number;
	/** Elements that the index has room for before it is resized. */
	readonly maxElements: number;
	readonly dimension: number;
	readonly elementBytes: number;
	readonly vectorOffset: number;
	readonly labelOffset: number;
}

/** One persisted HNSW segment of a cosine, l2 or ip collection. */
export interface HnswIndex {
	readonly layout: HnswLayout;
	/** What is wrong with it although vectors can be read. */
	readonly notes: readonly string[];
	/** True when vectors are missing from its files. */
	readonly cut: boolean;
	/** Elements of a cosine index whose length `length.bin` does not hold. */
	readonly lostLengths: number;
	/** False: a cosine index whose vectors are not normalised. */
	readonly normalised: boolean;
	/** Position of a label's element, or null when there is none or it is deleted. */
	positionOf(label: number): number | null;
	/** False: its length is lost, and without it the vector of a cosine index is not the user's. */
	isWhole(position: number): boolean;
	/** Elements that are not deleted. */
	readonly alive: number;
	/** The vector as given by the user (up to one rounding for cosine), or null when it cannot be known. */
	read(position: number): Float32Array | null;
	close(): void;
}

const headerBytes = 100;
const deletedFlag = 1;
/** Chroma's largest real dimensions are a few thousands; the bound keeps a lying header from asking for memory. */
const maximumDimension = 1 << 20;
const maximumLinks = 1 << 16;
const scanBytes = 4 << 20;

/**
 * Checks `header.bin`: 100 bytes `<iQQQQQQiIQQQdQ` as hnswlib 0.7 to 0.8 writes them (chroma-core/hnswlib, hnswalg.h `persistHeader`): version 1, and
 * offsets that follow from each other: vector at maxM0 * 4 + 4, label after the vector, 8 bytes of label. Returns the reason when it does not fit.
 */
export function parseHeader(header: Uint8Array, dataBytes: number): HnswLayout | string {
	if (header.byteLength < headerBytes) return `header.bin has ${header.byteLength} bytes instead of ${headerBytes}`;
	const view = new DataView(header.buffer, header.byteOffset, headerBytes);
	const u64 = (offset: number): number => Number(view.getBigUint64(offset, true));
	const version = view.getInt32(0, true);
	if (version !== 1) return `header.bin has the unknown version ${version}`;
	const [levelOffset, maxElements, claimed] = [u64(4), u64(12), u64(20)];
	const [elementBytes, labelOffset, vectorOffset, maxLinks] = [u64(28), u64(36), u64(44), u64(68)];
	const dimension = (labelOffset - vectorOffset) / 4;
	const fits =
		levelOffset === 0 &&
		maxLinks >= 1 &&
		maxLinks <= maximumLinks &&
		vectorOffset === maxLinks * 4 + 4 &&
		Number.isInteger(dimension) &&
		dimension >= 1 &&
		dimension <= maximumDimension &&
		elementBytes === labelOffset + 8;
	if (!fits) return 'header.bin contradicts itself';
	const elements = Math.min(claimed, Math.floor(dataBytes / elementBytes));
	return { elements, claimed, maxElements, dimension, elementBytes, vectorOffset, labelOffset };
}

/** Opens the segment in `folder`; a string says why it holds no vector that can be read. */
export function openHnsw(folder: string, cosine: boolean): HnswIndex | string {
	const missing = ['header.bin', 'data_level0.bin'].filter((name) => !existsSync(join(folder, name)));
	if (missing.length > 0) return existsSync(folder) ? `${missing.join(' and ')} missing` : 'its segment folder is missing';
	const data = join(folder, 'data_level0.bin');
	if (isLfsPointer(data)) return 'data_level0.bin is a Git LFS pointer';
	const layout = parseHeader(readFileSync(join(folder, 'header.bin')), statSync(data).size);
	if (typeof layout === 'string') return layout;
	const lengths = cosine ? readLengths(join(folder, 'length.bin'), layout.elements) : null;
	const file = openSync(data, 'r');
	try {
		return indexOver(file, layout, lengths);
	} catch (thrown) {
		closeSync(file);
		throw thrown;
	}
}

/** A Git LFS pointer is a short text that begins with its version line (git-lfs docs/spec.md). */
export function isLfsPointer(path: string): boolean {
	const file = openSync(path, 'r');
	try {
		if (fstatSync(file).size > 1024) return false;
		const start = Buffer.alloc(64);
		return start
			.subarray(0, readSync(file, start, 0, 64, 0))
			.toString('latin1')
			.startsWith('version https://git-lfs');
	} finally {
		closeSync(file);
	}
}

/** `length.bin`: the original L2 norm of each element as float32; as many as the file has. */
function readLengths(path: string, elements: number): Float32Array {
	if (!existsSync(path) || isLfsPointer(path)) return new Float32Array(0);
	const file = openSync(path, 'r');
	try {
		const count = Math.min(elements, Math.floor(fstatSync(file).size / 4));
		const bytes = new Uint8Array(count * 4);
		return littleEndianFloats(bytes.buffer).subarray(0, Math.floor(readSync(file, bytes, 0, bytes.length, 0) / 4));
	} finally {
		closeSync(file);
	}
}

function indexOver(file: number, layout: HnswLayout, lengths: Float32Array | null): HnswIndex {
	const { positions, outliers, alive } = scanLabels(file, layout);
	const notes: string[] = [];
	const lostLengths = lengths === null ? 0 : layout.elements - lengths.length;
	const cut = layout.claimed > layout.elements || lostLengths > 0;
	const normalised = lengths === null || !notNormalised(file, layout);
	if (layout.claimed > layout.elements)
		notes.push(`data_level0.bin is cut short: ${layout.elements} of ${layout.claimed} vectors are there`);
	if (lostLengths > 0) notes.push(`length.bin is cut short or missing: the scale of ${lostLengths} vectors is lost`);
	if (!normalised) {
		notes.push(
			'its space is cosine but its index holds vectors that are not normalised; they are read as Chroma answers them, times the stored length',
		);
	}
	return {
		layout,
		notes,
		cut,
		lostLengths,
		normalised,
		alive,
		positionOf: (label) => {
			const position = (label < positions.length ? positions[label] : outliers.get(label)) ?? 0;
			return position === 0 ? null : position - 1;
		},
		isWhole: (position) => lengths === null || position < lengths.length,
		read: (position) => {
			const vector = readVector(file, layout, position);
			if (vector === null || lengths === null) return vector;
			const length = lengths[position];
			return length === undefined ? null : scaled(vector, length);
		},
		close: () => closeSync(file),
	};
}

/** Position + 1 by label. Chroma numbers labels 1, 2, 3 ...; a label far beyond the number of elements can only be damage and goes to the small map. */
function scanLabels(file: number, layout: HnswLayout): { positions: Uint32Array; outliers: Map<number, number>; alive: number } {
	const { elements, elementBytes, labelOffset } = layout;
	const positions = new Uint32Array(elements * 2 + 1024);
	const outliers = new Map<number, number>();
	const perBlock = Math.max(1, Math.floor(scanBytes / elementBytes));
	const block = Buffer.allocUnsafe(Math.min(perBlock, Math.max(elements, 1)) * elementBytes);
	let alive = 0;
	for (let first = 0; first < elements; first += perBlock) {
		const count = Math.min(perBlock, elements - first);
		const read = readSync(file, block, 0, count * elementBytes, first * elementBytes);
		for (let index = 0; (index + 1) * elementBytes <= read; index++) {
			const at = index * elementBytes;
			if (((block[at + 2] as number) & deletedFlag) !== 0) continue;
			const label = block.readUInt32LE(at + labelOffset) + block.readUInt32LE(at + labelOffset + 4) * 2 ** 32;
			if (label < positions.length) positions[label] = first + index + 1;
			else outliers.set(label, first + index + 1);
			alive += 1;
		}
	}
	return { positions, outliers, alive };
}

function readVector(file: number, layout: HnswLayout, position: number): Float32Array | null {
	const bytes = new Uint8Array(layout.dimension * 4);
	const read = readSync(file, bytes, 0, bytes.length, position * layout.elementBytes + layout.vectorOffset);
	return read === bytes.length ? littleEndianFloats(bytes.buffer) : null;
}

/** The server's answer for cosine, bit for bit: float32 of component times stored length (Chroma, rust/index/src/hnsw.rs `get`). */
function scaled(vector: Float32Array, length: number): Float32Array {
	for (let index = 0; index < vector.length; index++) vector[index] = Math.fround((vector[index] as number) * length);
	return vector;
}

/**
 * hnswlib stores cosine vectors with norm 1 (the zero vector: 0). Others mean that the index was written for another space and that length.bin holds
 * no lengths. Looks at up to 64 elements spread over the file.
 */
function notNormalised(file: number, layout: HnswLayout): boolean {
	const step = Math.max(1, Math.floor(layout.elements / 64));
	for (let position = 0; position < layout.elements; position += step) {
		const vector = readVector(file, layout, position);
		let squares = 0;
		for (const component of vector ?? []) squares += component * component;
		if (squares > 1.01 || (squares < 0.99 && squares > 1e-20)) return true;
	}
	return false;
}
