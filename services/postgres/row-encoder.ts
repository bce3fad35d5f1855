import type { CastValue } from '../../source/core/mapping/cast-result.js';

/** Turns cast rows into the bytes of one COPY. Used for one batch after another: `take` ends a batch and starts the next. */
export interface RowEncoder {
	row(values: readonly CastValue[]): void;
	/** Bytes of the batch so far, headers and trailer included. */
	readonly bytes: number;
	/** The batch in a buffer of its own, exactly as long as its content, safe to transfer to another thread. */
	take(): Uint8Array<ArrayBuffer>;
	/** Starts the next batch without keeping this one. */
	reset(): void;
}
