import type { CastValue } from '../../source/core/mapping/cast-result.js';

/** Turns cast rows into the bytes of one COPY. Used for one batch after another: `take` ends a batch and starts the next. */
export interface RowEncoder {
	row(values: readonly CastValue[]): void;
	/** Bytes of the batch so far, headers and trailer included. */
	readonly bytes: number;
	/** The batch, copied into `spare` when that is large enough, else into a new buffer; either may be transferred to another thread. */
	take(spare?: ArrayBuffer): Uint8Array<ArrayBuffer>;
	/** Starts the next batch without keeping this one. */
	reset(): void;
}

/** Buffers are made in steps of this size, so that one of a batch fits the next, whose size differs a little. */
const step = 256 * 1024;

export function batchBuffer(bytes: number, spare: ArrayBuffer | undefined): Uint8Array<ArrayBuffer> {
	const buffer = spare !== undefined && spare.byteLength >= bytes ? spare : new ArrayBuffer(Math.ceil(bytes / step) * step);
	return new Uint8Array(buffer, 0, bytes);
}
