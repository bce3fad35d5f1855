import type { CopyStep } from '../source/core/plan/types.js';
import type { Cursor } from '../source/core/ports.js';

/** One source record before its casts. */
export interface RawRecord {
	/** Where reading goes on after this record. */
	readonly cursor: Cursor;
	/**
	 * One value per field asked for. SQLite: string, number (REAL), bigint (INTEGER), Buffer (BLOB) or null.
	 * Chroma fields: `id` string, `embedding` Float32Array or null, `document` string or null, `metadata` ChromaMetadata or null.
	 */
	readonly values: readonly unknown[];
}

/** Metadata of one Chroma record with its types kept: bigint for int, number for float. Keys in stored order, `chroma:*` removed except `chroma:uri`. */
export type ChromaMetadata = ReadonlyMap<string, ChromaScalar | readonly ChromaScalar[]>;
export type ChromaScalar = string | bigint | number | boolean | null;

/** Reads one snapshot inside the worker; synchronous, because both sources are files. */
export interface Reader {
	/** Records of the step in cursor order, after `from` (null: from the start). */
	read(step: CopyStep, fields: readonly string[], from: Cursor | null): IterableIterator<RawRecord>;
	/** For sources that count and skip quicker than by handing out their records one by one. */
	positions?(step: CopyStep): Positions;
	close(): void;
}

export interface Positions {
	/** Records of the step. */
	count(): number;
	/** Cursor of the record that stands `places` (1: the next) after `from` (null: before the first). Null: there are not so many. */
	ahead(from: Cursor | null, places: number): Cursor | null;
}
