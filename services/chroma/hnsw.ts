import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { notNormalised } from './normalised.js';
import { littleEndianFloats } from './values.js';
import { VectorFile } from './vector-file.js';

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
	/** Position of a label's element; null when there is none, when it is deleted, or when its vector cannot be known. */
	positionOf(label: number): number | null;
	/** Counts the elements that are not deleted; reads the whole file. */
	countAlive(): number;
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
/** hnswlib numbers its elements with 32 bits. */
const maximumElements = 0xfffffffe;

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
	const elements = Math.min(claimed, Math.floor(dataBytes / elementBytes), maximumElements);
	return { elements, claimed, maxElements, dimension, elementBytes, vectorOffset, labelOffset };
}

/**
 * Opens the segment in `folder` for the vectors of `labels`; a string says why it holds no vector that can be read. Memory follows the number of labels,
 * whatever the header or the size of a file says.
 */
export function openHnsw(folder: string, cosine: boolean, labels: Labels): HnswIndex | string {
	const needed = ['header.bin', 'data_level0.bin'];
	const missing = needed.filter((name) => !existsSync(join(folder, name)));
	if (missing.length > 0) return existsSync(folder) ? `${missing.join(' and ')} missing` : 'its segment folder is missing';
	const pointer = needed.findLast((name) => isLfsPointer(join(folder, name)));
	if (pointer !== undefined) return `${pointer} is a Git LFS pointer`;
	const data = join(folder, 'data_level0.bin');
	const layout = parseHeader(readStart(join(folder, 'header.bin'), headerBytes), statSync(data).size);
	if (typeof layout === 'string') return layout;
	const lengths = cosine ? new LengthFile(join(folder, 'length.bin'), layout.elements) : null;
	const file = openSync(data, 'r');
	try {
		return indexOver(file, layout, lengths, labels);
	} catch (thrown) {
		closeSync(file);
		lengths?.close();
		throw thrown;
	}
}

/** The labels that are looked for; iterated twice. */
export interface Labels {
	readonly size: number;
	values(): Iterable<number>;
}

function readStart(path: string, bytes: number): Uint8Array {
	const file = openSync(path, 'r');
	try {
		const start = new Uint8Array(bytes);
		return start.subarray(0, readSync(file, start, 0, bytes, 0));
	} finally {
		closeSync(file);
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

const lengthsPerBlock = 1024;

/** `length.bin`: the original L2 norm of each element as float32; as many as the file has. Read block by block: records come in about the order of the elements. */
class LengthFile {
	/** Elements whose length is there. */
	readonly count: number;
	readonly #file: number | null;
	#block: Float32Array = new Float32Array(0);
	#first = -1;

	constructor(path: string, elements: number) {
		this.#file = existsSync(path) && !isLfsPointer(path) ? openSync(path, 'r') : null;
		this.count = this.#file === null ? 0 : Math.min(elements, Math.floor(fstatSync(this.#file).size / 4));
	}

	read(position: number): number | null {
		if (this.#file === null || position >= this.count) return null;
		const first = position - (position % lengthsPerBlock);
		if (first !== this.#first) {
			const bytes = new Uint8Array(lengthsPerBlock * 4);
			const read = readSync(this.#file, bytes, 0, bytes.length, first * 4);
			this.#block = littleEndianFloats(bytes.buffer).subarray(0, Math.floor(read / 4));
			this.#first = first;
		}
		return this.#block[position - first] ?? null;
	}

	close(): void {
		if (this.#file !== null) closeSync(this.#file);
	}
}

function indexOver(file: number, layout: HnswLayout, lengths: LengthFile | null, labels: Labels): HnswIndex {
	const positionOf = findLabels(file, layout, labels);
	const vectors = new VectorFile(file, layout);
	const notes: string[] = [];
	const readable = lengths === null ? layout.elements : lengths.count;
	const lostLengths = layout.elements - readable;
	const normalised = lengths === null || looksNormalised(vectors, layout, lengths);
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
		cut: layout.claimed > layout.elements || lostLengths > 0,
		lostLengths,
		normalised,
		countAlive: () => countAlive(file, layout),
		positionOf: (label) => {
			const position = positionOf(label);
			return position === null || position >= readable ? null : position;
		},
		read: (position) => {
			const vector = vectors.read(position);
			if (vector === null || lengths === null) return vector;
			const length = lengths.read(position);
			return length === null ? null : scaled(vector, length);
		},
		close: () => {
			closeSync(file);
			lengths?.close();
		},
	};
}

/**
 * Finds the element of each wanted label in one pass, which ends with the last of them. Chroma numbers labels 1, 2, 3 ..., so that an array serves;
 * labels far beyond the number of ids (much was deleted, or the pickle is damaged) go to a map.
 */
function findLabels(file: number, layout: HnswLayout, labels: Labels): (label: number) => number | null {
	let highest = 0;
	for (const label of labels.values()) if (label > highest) highest = label;
	if (highest > labels.size * 8 + 1024) {
		const places = new Map<number, number | null>();
		for (const label of labels.values()) places.set(label, null);
		scanLabels(file, layout, places.size, (label, position) => {
			if (places.get(label) !== null) return false;
			places.set(label, position);
			return true;
		});
		return (label) => places.get(label) ?? null;
	}
	// 0: not wanted; `wanted`: not found; else position + 1.
	const places = new Uint32Array(highest + 1);
	let distinct = 0;
	for (const label of labels.values()) {
		if (places[label] === 0) distinct += 1;
		places[label] = wanted;
	}
	scanLabels(file, layout, distinct, (label, position) => {
		if (places[label] !== wanted) return false;
		places[label] = position + 1;
		return true;
	});
	return (label) => {
		const place = places[label] ?? 0;
		return place === 0 || place === wanted ? null : place - 1;
	};
}

const wanted = 0xffffffff;

/** Shows `take` each element that is not deleted, until it has taken `count` of them. */
function scanLabels(file: number, layout: HnswLayout, count: number, take: (label: number, position: number) => boolean): void {
	const { elements, elementBytes, labelOffset } = layout;
	const perBlock = Math.max(1, Math.floor(scanBytes / elementBytes));
	const block = Buffer.allocUnsafe(Math.min(perBlock, Math.max(elements, 1)) * elementBytes);
	let left = count;
	for (let first = 0; first < elements && left > 0; first += perBlock) {
		const read = readSync(file, block, 0, Math.min(perBlock, elements - first) * elementBytes, first * elementBytes);
		for (let at = 0; at + elementBytes <= read; at += elementBytes) {
			if (((block[at + 2] as number) & deletedFlag) !== 0) continue;
			const label = block.readUInt32LE(at + labelOffset) + block.readUInt32LE(at + labelOffset + 4) * 2 ** 32;
			if (take(label, first + at / elementBytes)) left -= 1;
		}
	}
}

function countAlive(file: number, layout: HnswLayout): number {
	let alive = 0;
	scanLabels(file, layout, layout.elements, () => {
		alive += 1;
		return true;
	});
	return alive;
}

/** The server's answer for cosine, bit for bit: float32 of component times stored length (Chroma, rust/index/src/hnsw.rs `get`). */
function scaled(vector: Float32Array, length: number): Float32Array {
	for (let index = 0; index < vector.length; index++) vector[index] = Math.fround((vector[index] as number) * length);
	return vector;
}

/** Looks at up to 64 elements spread over the file. */
function looksNormalised(vectors: VectorFile, layout: HnswLayout, lengths: LengthFile): boolean {
	const step = Math.max(1, Math.floor(layout.elements / 64));
	const seen: { readonly squares: number; readonly length: number }[] = [];
	for (let position = 0; position < layout.elements; position += step) {
		const vector = vectors.read(position) ?? new Float32Array();
		const squares = vector.reduce((sum, component) => sum + component * component, 0);
		seen.push({ squares, length: lengths.read(position) ?? Number.NaN });
	}
	return !notNormalised(seen);
}
