import { createHash } from 'node:crypto';
import type { ChromaDescription } from '../../source/core/ports.js';
import type { Reader } from '../reader.js';
import { fingerprint, type Snapshot, takeSnapshot } from '../sqlite/snapshot.js';
import { openCopy } from './chroma-copy.js';
import { findFiles, segmentFilesIn } from './directory.js';

/** One consistent state of a Chroma persistent directory, read from a private copy; the directory itself is never opened for writing. */
export interface ChromaSnapshot {
	/** Version, collections, where their vectors are, and what is damaged. Reads every id once, then keeps the answer. */
	describe(): ChromaDescription;
	/** A reader over one collection of `describe()`. Throws a RepotError when its segments are of an unknown kind. */
	reader(collectionId: string): Reader;
	/** Bytes copied. */
	readonly bytes: number;
	/** SHA-256 over the copy, hex. */
	fingerprint(): Promise<string>;
	/** Closes every reader and removes the copy. */
	close(): Promise<void>;
}

/**
 * Copies `chroma.sqlite3` and its segment folders from the directory `path` into `into`, under one short shared lock, and opens the copy. Throws a
 * RepotError of kind source when the path is no Chroma directory that can be read; nothing is left in `into` then.
 */
export async function openChroma(request: {
	readonly path: string;
	readonly into: string;
	readonly signal?: AbortSignal;
}): Promise<ChromaSnapshot> {
	if (findFiles(request.path).empty) return emptySnapshot(request.path);
	const snapshot = await consistentSnapshot(request);
	try {
		const copy = openCopy(snapshot.path, request.path, snapshot.bytes);
		return {
			describe: () => copy.describe(),
			reader: (collectionId) => copy.reader(collectionId),
			bytes: snapshot.bytes,
			fingerprint: () => fingerprint(snapshot),
			close: async () => {
				copy.close();
				await snapshot.remove();
			},
		};
	} catch (thrown) {
		await snapshot.remove();
		throw thrown;
	}
}

/** Copies the database and its segment folders as one state. Throws a RepotError of kind source. */
export function consistentSnapshot({
	path,
	into,
	signal,
}: {
	readonly path: string;
	readonly into: string;
	readonly signal?: AbortSignal;
}): Promise<Snapshot> {
	const request = { database: findFiles(path).database, companions: () => segmentFilesIn(path), into };
	return takeSnapshot(signal === undefined ? request : { ...request, signal });
}

/** A database of 0 bytes, as a client leaves it that never stored anything: Chroma lists no collection for it, and so does this. */
function emptySnapshot(path: string): ChromaSnapshot {
	const copy = openCopy(':memory:', path, 0);
	return {
		describe: () => copy.describe(),
		reader: (collectionId) => copy.reader(collectionId),
		bytes: 0,
		fingerprint: () => Promise.resolve(createHash('sha256').digest('hex')),
		close: async () => copy.close(),
	};
}
