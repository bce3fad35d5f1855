import { type ChromaApi, Declined, type ServerCollection } from './api.js';
import { collectionGone, failed, restless } from './problems.js';

/** Up to here the ids are asked for at once: a list of some tens of megabytes. */
const atOnce = 500_000;
const pageOfIds = 100_000;
const listings = 5;

/**
 * The ids of a collection in the server's order: what was there at one instant, and possibly records added while the list was read. A record that is there all
 * the time is never missed: a list that is too long for one answer is read in pages of which each begins with the last id of the one before. The server
 * appends at the end only, so that another id there shows that records before it were deleted; then the listing begins anew.
 */
export async function listIds(
	api: ChromaApi,
	collection: ServerCollection,
	expected: number,
	signal: AbortSignal,
): Promise<readonly string[]> {
	let page = expected <= atOnce ? null : pageOfIds;
	for (let listing = 1; listing <= listings; ) {
		try {
			const ids = await attempt(api, collection, page, signal);
			if (ids !== null) return ids;
			listing += 1;
		} catch (thrown) {
			if (!(thrown instanceof Declined)) throw thrown;
			if (thrown.status === 404) throw collectionGone(api.where, collection.name);
			const smaller = smallerPage(thrown, page ?? Math.max(expected, 2));
			if (smaller === null) throw failed(api.where, `list the ids of collection "${collection.name}"`, thrown.status, thrown.words);
			page = Math.max(2, smaller);
		}
	}
	throw restless(api.where, collection.name);
}

/** Null when records were deleted meanwhile. */
async function attempt(
	api: ChromaApi,
	{ id }: ServerCollection,
	page: number | null,
	signal: AbortSignal,
): Promise<readonly string[] | null> {
	if (page === null) return api.ids(id, signal);
	const ids: string[] = [...(await api.ids(id, signal, page, 0))];
	for (let got = ids.length; got === page; ) {
		const next = await api.ids(id, signal, page, ids.length - 1);
		if (next[0] !== ids.at(-1)) return null;
		for (const one of next.slice(1)) ids.push(one);
		got = next.length;
	}
	return ids;
}

/**
 * What to ask for after a refusal for the size of the request: the limit that the server's words name, else half. Null when the refusal is about something
 * else, or nothing smaller is left. Chroma Cloud answers 422, "Quota exceeded: ... exceeded limit of 300" (docs.trychroma.com/cloud/quotas-limits).
 */
export function smallerPage({ status, words }: Declined, page: number): number | null {
	const aboutSize = status === 413 || status === 422 || /quota|limit|too many|too large|batch size/i.test(words);
	if (!aboutSize || page <= 1) return null;
	const named = Number(/limit of (\d+)/i.exec(words)?.[1] ?? 0);
	return named > 0 && named < page ? named : Math.floor(page / 2);
}
