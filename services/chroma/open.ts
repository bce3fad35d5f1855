import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { ChromaDescription } from '../../source/core/ports.js';
import type { Reader } from '../reader.js';
import { fingerprint, type Snapshot, takeSnapshot } from '../sqlite/snapshot.js';
import { openCopy } from './chroma-copy.js';
import { findFiles } from './directory.js';

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

/** An index that is being persisted is done within seconds; after as many tries the copy is taken as it is, and the log replays what it lacks. */
const attempts = 8;
const betweenAttempts = 250;

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

/**
 * The lock on the database holds every writer back except the one that rewrites the index files just then: Chroma does that outside of any transaction.
 * So the copy is taken again while their names, sizes or times changed around it.
 */
export async function consistentSnapshot({
	path,
	into,
	signal,
}: {
	readonly path: string;
	readonly into: string;
	readonly signal?: AbortSignal;
}): Promise<Snapshot> {
	for (let attempt = 1; ; attempt++) {
		const files = findFiles(path);
		const request = { database: files.database, companions: files.companions, into };
		const snapshot = await takeSnapshot(signal === undefined ? request : { ...request, signal }).catch((thrown: unknown) => {
			// A segment folder that vanished between listing and copying: its collection was deleted.
			if (attempt < attempts && findFiles(path).stamp !== files.stamp) return null;
			throw thrown;
		});
		if (snapshot !== null && (attempt >= attempts || findFiles(path).stamp === files.stamp)) return snapshot;
		await snapshot?.remove();
		await pause(betweenAttempts, undefined, signal === undefined ? {} : { signal });
	}
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
