import { type ChromaApi, Declined, type ServerCollection } from './api.js';
import { bounds } from './body.js';
import { smallerPage } from './ids.js';
import { AnswerTooLong, collectionGone, failed, noVectors } from './problems.js';
import type { RecordPage, ServerRecord } from './records.js';

/** A page is meant to be about this long as JSON, and given up, to be asked for in halves, when it is much longer. */
const pleasantBytes = 8 * 1024 * 1024;
const longestBytes = 4 * pleasantBytes;
/** JSON of one float32, and of what else a record usually has. */
const bytesPerComponent = 12;
const bytesPerRecord = 2048;
/** More brings nothing: at 1,000 a server is as quick as it gets. */
const mostRecords = 1000;
/** So many records without a vector before the first one that has it: perhaps it is not single records that are damaged. */
const hopeless = 200;
/** So many from all over the collection are asked for then; when none of them has a vector, none is expected to. */
const elsewhere = 20;
/** What Chroma says of a record that its index lacks; any other failure may be one of the moment. */
const indexLacks = /finding id/i;
/** So often a page that failed for an unknown reason is asked for again, a pause later, before it is cut into halves. */
const patience = 4;

/** Reads records by id, in pages of what server and memory allow; learns both from refusals. */
export class PageReader {
	readonly #api: ChromaApi;
	readonly #collection: ServerCollection;
	readonly #ids: readonly string[];
	/** Records that did not come although they were asked for twice. */
	readonly absent: string[] = [];
	/** Records of which the server could not give the vector, because its index lacks them. */
	readonly damaged: string[] = [];
	/** What the server allows, as far as it is known. */
	#limit: number;
	#size: number;
	#givenOne = false;
	#patience = patience;

	/** `ids`: all that will be asked for. */
	constructor(api: ChromaApi, collection: ServerCollection, allowed: number | null, ids: readonly string[]) {
		this.#api = api;
		this.#collection = collection;
		this.#ids = ids;
		const wide = (collection.dimension ?? 0) * bytesPerComponent + bytesPerRecord;
		this.#limit = Math.max(1, Math.min(mostRecords, allowed ?? mostRecords, Math.floor(pleasantBytes / wide)));
		this.#size = this.#limit;
	}

	/** Records for the next request. */
	get size(): number {
		return this.#size;
	}

	/** The records of these ids, in their order, as far as they came: see `absent`. */
	read(ids: readonly string[], signal: AbortSignal): Promise<readonly ServerRecord[]> {
		return this.#read(ids, signal, false);
	}

	/** `asked`: some of these were asked for before and did not come. */
	async #read(ids: readonly string[], signal: AbortSignal, asked: boolean): Promise<readonly ServerRecord[]> {
		if (ids.length === 0) return [];
		try {
			const longest = ids.length === 1 ? bounds.most : longestBytes;
			const page = await this.#api.records(this.#collection.id, ids, true, signal, longest);
			this.#givenOne ||= page.size > 0;
			// A few large documents make pages small for a while only.
			if (ids.length >= this.#size) this.#size = Math.min(this.#limit, Math.ceil(this.#size * 1.1));
			const missing = ids.filter((id) => !page.has(id));
			if (missing.length === 0) return ids.flatMap((id) => page.get(id) ?? []);
			const late = new Map((await this.#askedAgain(missing, page.size, signal, asked)).map((record) => [record.id, record]));
			return ids.flatMap((id) => page.get(id) ?? late.get(id) ?? []);
		} catch (thrown) {
			if (thrown instanceof AnswerTooLong && ids.length > 1) {
				const half = Math.ceil(ids.length / 2);
				this.#size = Math.max(1, Math.min(this.#size, half));
				return this.#inParts(ids, half, signal, asked);
			}
			if (!(thrown instanceof Declined)) throw thrown;
			return this.#afterRefusal(thrown, ids, signal, asked);
		}
	}

	/** What an answer left out was deleted, or the answer was capped on its way: then `got` records are what one may hold. */
	async #askedAgain(missing: readonly string[], got: number, signal: AbortSignal, asked: boolean): Promise<readonly ServerRecord[]> {
		if (asked && got === 0) {
			this.absent.push(...missing);
			return [];
		}
		const size = got > 0 ? got : Math.ceil(missing.length / 2);
		const late = await this.#inParts(missing, size, signal, true);
		if (late.length > 0 && got > 0) {
			this.#limit = Math.min(this.#limit, got);
			this.#size = Math.min(this.#size, this.#limit);
		}
		return late;
	}

	async #afterRefusal(refusal: Declined, ids: readonly string[], signal: AbortSignal, asked: boolean): Promise<readonly ServerRecord[]> {
		const { where } = this.#api;
		const { name } = this.#collection;
		if (refusal.status === 404) throw collectionGone(where, name);
		const smaller = smallerPage(refusal, ids.length);
		if (smaller !== null) {
			this.#limit = Math.max(1, Math.min(this.#limit, smaller));
			this.#size = Math.min(this.#size, this.#limit);
			return this.#inParts(ids, smaller, signal, asked);
		}
		if (refusal.status < 500) throw failed(where, `read records of collection "${name}"`, refusal.status, refusal.words);
		if (!indexLacks.test(refusal.words) && this.#patience > 0) {
			this.#patience -= 1;
			await this.#api.pause(signal);
			return this.#read(ids, signal, asked);
		}
		// One record whose vector the index lacks fails the whole page ("Error finding id"): it is searched for by halves.
		if (ids.length > 1) return this.#inParts(ids, Math.ceil(ids.length / 2), signal, asked);
		return this.#withoutVector(refusal, ids, signal);
	}

	async #withoutVector(refusal: Declined, ids: readonly string[], signal: AbortSignal): Promise<readonly ServerRecord[]> {
		const { where } = this.#api;
		const { id: collection, name } = this.#collection;
		const ask = (withVectors: boolean): Promise<RecordPage> => this.#api.records(collection, ids, withVectors, signal);
		const page = await ask(false).catch((thrown: unknown) => {
			if (!(thrown instanceof Declined)) throw thrown;
			throw failed(where, `read record "${ids[0]}" of collection "${name}"`, thrown.status, thrown.words);
		});
		// Only a server that fails again is believed: the first failure may have been one of the moment.
		const again = await ask(true).catch((thrown: unknown) => {
			if (thrown instanceof Declined) return null;
			throw thrown;
		});
		const records = [...(again ?? page).values()];
		if (records.length === 0) this.absent.push(...ids);
		if (again !== null) return records;
		this.damaged.push(...records.map(({ id }) => id));
		if (!this.#givenOne && this.damaged.length >= hopeless && !(await this.#givesOneElsewhere(signal))) {
			throw noVectors(where, name, this.damaged.length, refusal.words);
		}
		return records;
	}

	/** The damaged ones may all lie at the beginning. */
	async #givesOneElsewhere(signal: AbortSignal): Promise<boolean> {
		for (let nth = 1; nth <= elsewhere; nth++) {
			const id = this.#ids[Math.ceil((nth / elsewhere) * this.#ids.length) - 1] as string;
			const page = await this.#api.records(this.#collection.id, [id], true, signal).catch((thrown: unknown) => {
				if (thrown instanceof Declined) return null;
				throw thrown;
			});
			if (page !== null && page.size > 0) this.#givenOne = true;
			if (this.#givenOne) return true;
		}
		return false;
	}

	async #inParts(ids: readonly string[], size: number, signal: AbortSignal, asked: boolean): Promise<readonly ServerRecord[]> {
		const records: ServerRecord[] = [];
		for (let at = 0; at < ids.length; at += size) records.push(...(await this.#read(ids.slice(at, at + size), signal, asked)));
		return records;
	}
}
