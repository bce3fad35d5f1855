import { type ChromaApi, Declined, type ServerCollection } from './api.js';
import { AnswerTooLong, collectionGone, failed, restless, withheld } from './problems.js';

/** Up to here the ids are asked for at once: a list of some tens of megabytes. */
const atOnce = 500_000;
const pageOfIds = 100_000;
const listings = 5;

/**
 * The ids of a collection in the server's order: what was there at one instant, and possibly records added while the list was read. A record that is there all
 * the time is never missed: a list that is too long for one answer is read in pages of which each begins with the last id of the one before. The server
 * appends at the end only, so that another id there shows that records before it were deleted; then the listing begins anew. So it does, in smaller
 * pages, when fewer ids come than the server counts: something on the way may cap an answer. Throws a RepotError when that does not help.
 */
export async function listIds(
	api: ChromaApi,
	collection: ServerCollection,
	expected: number,
	signal: AbortSignal,
): Promise<readonly string[]> {
	let page = expected <= atOnce ? null : pageOfIds;
	let counted = expected;
	let listed: number | null = null;
	let stumbled = false;
	for (let listing = 1; listing <= listings; ) {
		try {
			const ids = await attempt(api, collection, page, signal);
			const before = listed;
			listed = ids?.length ?? null;
			if (ids !== null) {
				// What was deleted or added since the first count is not missing.
				const now = ids.length < counted ? await countOf(api, collection, signal) : counted;
				if (ids.length >= Math.min(counted, now)) return ids;
				counted = now;
				// A cap is met twice at the same place; what is deleted and added all the time is not.
				if (ids.length === before) page = Math.max(2, Math.min(page ?? pageOfIds, ids.length));
			}
			listing += 1;
		} catch (thrown) {
			if (thrown instanceof AnswerTooLong && page === null) page = Math.max(2, Math.min(pageOfIds, Math.ceil(expected / 2)));
			else if (!stumbled && thrown instanceof Declined && thrown.status >= 500) {
				stumbled = true;
				await api.pause(signal);
			} else page = afterRefusal(api, collection, thrown, page ?? Math.max(expected, 2));
		}
	}
	if (listed === null) throw restless(api.where, collection.name);
	throw withheld(api.where, collection.name, `it counts ${counted} records and lists ${listed}`);
}

export async function countOf(api: ChromaApi, collection: ServerCollection, signal: AbortSignal): Promise<number> {
	try {
		return await api.count(collection.id, signal);
	} catch (thrown) {
		if (!(thrown instanceof Declined)) throw thrown;
		if (thrown.status === 404) throw collectionGone(api.where, collection.name);
		throw failed(api.where, `count the records of collection "${collection.name}"`, thrown.status, thrown.words);
	}
}

function afterRefusal(api: ChromaApi, { name }: ServerCollection, thrown: unknown, page: number): number {
	if (!(thrown instanceof Declined)) throw thrown;
	if (thrown.status === 404) throw collectionGone(api.where, name);
	const smaller = smallerPage(thrown, page);
	if (smaller === null) throw failed(api.where, `list the ids of collection "${name}"`, thrown.status, thrown.words);
	return Math.max(2, smaller);
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
