import { constants } from 'node:buffer';

/** Of a failure the words at its beginning are enough. */
const ofFailure = 1024 * 1024;

/** Bytes of an answer beyond which it is given up; all of them are far more than a Chroma server sends. */
export const bounds = {
	/** What is asked at first contact, and counts. */
	contact: 1024 * 1024,
	/** A hundred collections with their metadata, or what a search finds. */
	listing: 64 * 1024 * 1024,
	/** All ids, or one record: what one JavaScript string can hold, in UTF-8, with nothing to spare for an object around it. */
	most: Math.min(512 * 1024 * 1024, constants.MAX_STRING_LENGTH) - 1024,
} as const;

/** An answer that is not read to its end, or not at all. */
export class BadBody extends Error {
	override readonly name = 'BadBody';
	readonly fault: 'too long' | 'not UTF-8';

	constructor(fault: 'too long' | 'not UTF-8') {
		super(fault);
		this.fault = fault;
	}
}

/**
 * The body as text. That of a success is whole, every byte of it valid UTF-8, since a replacement character would be an invented one; else it throws BadBody.
 * That of a failure is cut where it becomes long. Bytes are counted as they are after any compression was undone.
 */
export async function bodyOf(response: Response, longest: number): Promise<string> {
	if (response.body === null) return '';
	const succeeded = response.status === 200;
	const most = succeeded ? longest : Math.min(longest, ofFailure);
	const chunks: Uint8Array[] = [];
	let bytes = 0;
	for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
		chunks.push(chunk);
		bytes += chunk.byteLength;
		if (bytes <= most) continue;
		// Leaving the loop cancels the transfer.
		if (succeeded) throw new BadBody('too long');
		break;
	}
	try {
		return new TextDecoder('utf-8', { fatal: succeeded }).decode(Buffer.concat(chunks));
	} catch {
		throw new BadBody('not UTF-8');
	}
}
