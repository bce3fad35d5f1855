import { readSync } from 'node:fs';
import { littleEndianFloats } from './values.js';

/** Bytes read ahead at a time. */
const aheadBytes = 256 * 1024;

interface Places {
	/** Elements that the file holds. */
	readonly elements: number;
	readonly dimension: number;
	readonly elementBytes: number;
	readonly vectorOffset: number;
}

/**
 * The vectors of `data_level0.bin`, by position. Records come in about the order of the elements, so that a vector that follows the last one brings those
 * after it with it: one reading of the file for some sixty vectors of 1,024 dimensions. Others are read one by one.
 */
export class VectorFile {
	readonly #file: number;
	readonly #places: Places;
	readonly #perBlock: number;
	#block: Buffer | null = null;
	/** Elements in the block: `#first` <= position < `#end`. */
	#first = 0;
	#end = 0;
	#last = -2;

	constructor(file: number, places: Places) {
		this.#file = file;
		this.#places = places;
		this.#perBlock = Math.floor(aheadBytes / places.elementBytes);
	}

	/** A copy of the vector; null when the file ends before it. */
	read(position: number): Float32Array | null {
		const { dimension, elementBytes, vectorOffset } = this.#places;
		const bytes = new Uint8Array(dimension * 4);
		const follows = position === this.#last + 1;
		this.#last = position;
		const isInBlock = position >= this.#first && position < this.#end;
		if (isInBlock || (follows && this.#fill(position))) {
			const from = (position - this.#first) * elementBytes + vectorOffset;
			this.#block?.copy(bytes, 0, from, from + bytes.length);
			return littleEndianFloats(bytes.buffer);
		}
		const read = readSync(this.#file, bytes, 0, bytes.length, position * elementBytes + vectorOffset);
		return read === bytes.length ? littleEndianFloats(bytes.buffer) : null;
	}

	/** Reads the elements from `position` on. False: not even that one is there whole, or blocks are no use for elements as long as these. */
	#fill(position: number): boolean {
		const { elementBytes, elements } = this.#places;
		const wanted = Math.min(this.#perBlock, elements - position);
		if (this.#perBlock < 2 || wanted < 1) return false;
		this.#block ??= Buffer.allocUnsafeSlow(this.#perBlock * elementBytes);
		const read = readSync(this.#file, this.#block, 0, wanted * elementBytes, position * elementBytes);
		this.#first = position;
		this.#end = position + Math.floor(read / elementBytes);
		return position < this.#end;
	}
}
