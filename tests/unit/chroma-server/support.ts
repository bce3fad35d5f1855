import { readdirSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import type { ChromaSnapshot } from '../../../services/chroma/open.js';
import { openChromaServer, type ServerRequest } from '../../../services/chroma-server/open.js';
import { RepotError } from '../../../source/core/errors.js';
import { type ReadRecord, readAll } from '../chroma/canonical.js';
import { temporaryFolder } from '../chroma/support.js';

export interface Opened {
	readonly snapshot: ChromaSnapshot;
	/** Pauses that were asked for, in milliseconds; none was waited for. */
	readonly pauses: readonly number[];
	readonly into: string;
}

export type Wishes = Partial<Omit<ServerRequest, 'address' | 'into'>>;

/** Opens a server without waiting between attempts; closed when the test is over. */
export async function openServer(address: string, wishes: Wishes = {}): Promise<Opened> {
	const into = temporaryFolder();
	const pauses: number[] = [];
	const snapshot = await openChromaServer({
		address,
		access: { token: null, authorization: null },
		collections: [],
		describeOnly: false,
		into,
		pause: async (milliseconds) => {
			pauses.push(milliseconds);
		},
		...wishes,
	});
	onTestFinished(() => snapshot.close());
	return { snapshot, pauses, into };
}

/** The error that opening ends with; nothing may be left behind then. */
export async function refusal(address: string, wishes: Wishes = {}): Promise<RepotError> {
	const into = temporaryFolder();
	const request = { access: { token: null, authorization: null }, collections: [], describeOnly: false, pause: async () => {}, ...wishes };
	const thrown = await openChromaServer({ address, into, ...request }).then(
		() => {
			throw new Error('it did not fail');
		},
		(error: unknown) => error,
	);
	if (readdirSync(into).length > 0) throw new Error(`left behind: ${readdirSync(into).join(', ')}`);
	if (!(thrown instanceof RepotError)) throw thrown;
	return thrown;
}

/** The records of the only collection that was copied, or of the named one. */
export function recordsOf(snapshot: ChromaSnapshot, name?: string): ReadRecord[] {
	const collection = snapshot.describe().collections.find((one) => name === undefined || one.name === name);
	if (collection === undefined) throw new Error(`no collection ${name}`);
	const reader = snapshot.reader(collection.id);
	try {
		return readAll(reader);
	} finally {
		reader.close();
	}
}

/** The largest difference between a component and that of the record beside it, measured against the length of its vector; NaN when a vector is missing. */
export function farthest(a: readonly ReadRecord[], b: readonly ReadRecord[]): number {
	let most = 0;
	for (const [at, { embedding }] of a.entries()) {
		const other = b[at]?.embedding ?? null;
		if (embedding === null || other === null || embedding.length !== other.length) return Number.NaN;
		const length = Math.hypot(...other) || 1;
		for (const [place, one] of embedding.entries()) most = Math.max(most, Math.abs(one - (other[place] as number)) / length);
	}
	return most;
}
