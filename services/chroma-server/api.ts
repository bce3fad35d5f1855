import type { ChromaAddress } from '../../source/core/chroma-address.js';
import { RepotError } from '../../source/core/errors.js';
import type { DistanceSpace } from '../../source/core/plan/types.js';
import { bounds } from './body.js';
import { type ExactJson, type ExactObject, JsonFault, parseExact } from './exact-json.js';
import type { ChromaHttp, HttpAnswer, HttpOptions } from './http.js';
import { ailing, failed, notChroma, severalDatabases, tooOld, unexpected, unknownDatabase, unknownTenant } from './problems.js';
import { type RecordPage, recordPage } from './records.js';

/** A collection as the server lists it. */
export interface ServerCollection {
	readonly id: string;
	readonly name: string;
	readonly tenant: string;
	readonly database: string;
	readonly dimension: number | null;
	/** What its configuration says. */
	readonly space: DistanceSpace;
	/** User metadata, numbers exact. */
	readonly metadata: ExactObject | null;
}

/** A reading that the server did not carry out, for the caller to judge. */
export class Declined extends Error {
	override readonly name = 'Declined';
	readonly status: number;
	readonly words: string;

	constructor(status: number, words: string) {
		super(words);
		this.status = status;
		this.words = words;
	}
}

export const isSpace = (value: unknown): value is DistanceSpace => value === 'l2' || value === 'ip' || value === 'cosine';
/** The server's own default of a listing. */
const collectionsPage = 100;

/** The readings of Chroma's HTTP API, version 2 (Chroma 1.x: rust/frontend/src/server.rs and its OpenAPI document). Writes nothing. */
export class ChromaApi {
	readonly #http: ChromaHttp;
	readonly #address: ChromaAddress;
	#root = '';
	#tenant = '';
	#database = '';

	constructor(http: ChromaHttp, address: ChromaAddress) {
		this.#http = http;
		this.#address = address;
	}

	get where(): string {
		return this.#http.where;
	}

	/** Finds out that a Chroma 1.x answers, that the token is good, and that tenant and database exist. Throws a RepotError otherwise. */
	async connect(signal: AbortSignal): Promise<void> {
		await this.#recognise(signal);
		await this.#identify(signal);
		await this.#checkNames(signal);
		this.#root = `/api/v2/tenants/${encodeURIComponent(this.#tenant)}/databases/${encodeURIComponent(this.#database)}/collections`;
	}

	/** Records that one request may name; null: the server does not say. */
	async largestPage(signal: AbortSignal): Promise<number | null> {
		const answer = await this.#http.ask('/api/v2/pre-flight-checks', { signal });
		if (answer.status !== 200) return null;
		const most = Number(this.#parse('tell its limits', answer).get('max_batch_size') ?? 0);
		return Number.isSafeInteger(most) && most > 0 ? most : null;
	}

	async collections(signal: AbortSignal): Promise<readonly ServerCollection[]> {
		const found = new Map<string, ServerCollection>();
		for (let offset = 0; ; offset += collectionsPage) {
			const what = 'list its collections';
			const answer = await this.#http.ask(`${this.#root}?limit=${collectionsPage}&offset=${offset}`, { signal, longest: bounds.listing });
			if (answer.status !== 200) throw failed(this.where, what, answer.status, this.#http.wordsOf(answer));
			const page = this.#exact(what, answer.text);
			if (!Array.isArray(page)) throw unexpected(this.where, what, 'the answer is not a list');
			for (const one of page) {
				const collection = this.#collection(one);
				found.set(collection.id, collection);
			}
			if (page.length < collectionsPage) break;
		}
		return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
	}

	async count(collection: string, signal: AbortSignal): Promise<number> {
		const answer = await this.#read(`${this.#root}/${collection}/count`, { signal });
		const count = Number(answer.text);
		if (!Number.isSafeInteger(count) || count < 0) throw unexpected(this.where, 'count records', 'the answer is not a number');
		return count;
	}

	/** Ids in the server's order; without `limit` all of them. */
	async ids(collection: string, signal: AbortSignal, limit?: number, offset?: number): Promise<readonly string[]> {
		const what = 'list the ids of a collection';
		const answer = await this.#read(`${this.#root}/${collection}/get`, {
			signal,
			persistent: true,
			longest: bounds.most,
			body: { include: [], limit, offset },
		});
		const ids = this.#parse(what, answer).get('ids');
		if (!isTexts(ids)) throw unexpected(this.where, what, 'the answer holds no list of ids');
		return ids;
	}

	/** The records of these ids, by id, as far as they exist. Throws Declined, or AnswerTooLong beyond `longest` bytes. */
	async records(
		collection: string,
		ids: readonly string[],
		withVectors: boolean,
		signal: AbortSignal,
		longest: number = bounds.most,
	): Promise<RecordPage> {
		const include = [...(withVectors ? ['embeddings'] : []), 'documents', 'metadatas', 'uris'];
		const options = { signal, persistent: true, body: { ids, include }, longest };
		const answer = await this.#read(`${this.#root}/${collection}/get`, options);
		const what = 'read records';
		try {
			return recordPage(parseExact(answer.text, ['embeddings']), withVectors, (why) => unexpected(this.where, what, why));
		} catch (thrown) {
			throw thrown instanceof JsonFault ? unexpected(this.where, what, `the answer is not JSON: ${thrown.message}`) : thrown;
		}
	}

	/** Distances of the nearest records to a vector, and their ids, nearest first. Throws Declined. */
	async nearest(
		collection: string,
		vector: Float32Array,
		count: number,
		signal: AbortSignal,
	): Promise<{ readonly id: string; readonly distance: number }[]> {
		const body = { query_embeddings: [[...vector]], n_results: count, include: ['distances'] };
		const what = 'search a collection';
		const answer = this.#parse(
			what,
			await this.#read(`${this.#root}/${collection}/query`, { signal, persistent: true, longest: bounds.listing, body }),
		);
		const ids = firstOf(answer.get('ids'));
		const distances = firstOf(answer.get('distances'));
		if (!isTexts(ids) || distances === null) throw unexpected(this.where, what, 'the answer holds no ids and distances');
		return ids.map((id, at) => ({ id, distance: Number(distances[at] ?? Number.NaN) }));
	}

	/** Lets a server catch its breath. */
	pause(signal: AbortSignal): Promise<void> {
		return this.#http.pause(1000, signal);
	}

	async #read(path: string, options: HttpOptions): Promise<HttpAnswer> {
		const answer = await this.#http.ask(path, options);
		if (answer.status === 200) return answer;
		throw new Declined(answer.status, this.#http.wordsOf(answer));
	}

	async #recognise(signal: AbortSignal): Promise<void> {
		const { where } = this;
		const beat = await this.#http.ask('/api/v2/heartbeat', { signal }).catch((thrown: unknown) => {
			const isOther = thrown instanceof RepotError && /^CHROMA_ANSWER_/.test(thrown.code);
			throw isOther ? notChroma(where, `/api/v2/heartbeat gives no heartbeat: ${thrown.message}`) : thrown;
		});
		if (beat.status >= 500) throw ailing(where, beat.status, this.#http.wordsOf(beat));
		if (beat.status !== 200 || !/"nanosecond heartbeat"/.test(beat.text)) {
			const old = await this.#http.ask('/api/v1/heartbeat', { signal });
			if (old.status === 200 && /"nanosecond heartbeat"/.test(old.text)) throw tooOld(where, 'it has the API of version 1 only');
			throw notChroma(where, `/api/v2/heartbeat gives no heartbeat: ${this.#http.wordsOf(beat)} (HTTP ${beat.status})`);
		}
		const { status, text } = await this.#http.ask('/api/v2/version', { signal });
		const version = /^"(\d+)\.[\w.+-]*"$/.exec(text.trim());
		if (status === 200 && version?.[1] === '0') throw tooOld(where, `it says that its version is ${text.trim().replaceAll('"', '')}`);
	}

	/** Tenant and database that were not named are those of the token; a server without authentication says default_tenant and default_database. */
	async #identify(signal: AbortSignal): Promise<void> {
		this.#tenant = this.#address.tenant ?? 'default_tenant';
		this.#database = this.#address.database ?? 'default_database';
		if (this.#address.tenant !== null && this.#address.database !== null) return;
		const answer = await this.#http.ask('/api/v2/auth/identity', { signal });
		const what = 'tell whose token this is';
		// A server that cannot say it at the moment must not be read as one that has no tenants.
		if (answer.status >= 500) throw failed(this.where, what, answer.status, this.#http.wordsOf(answer));
		if (answer.status !== 200) return;
		const identity = this.#parse(what, answer);
		const tenant = identity.get('tenant');
		if (this.#address.tenant === null && typeof tenant === 'string' && tenant !== '' && tenant !== '*') this.#tenant = tenant;
		if (this.#address.database !== null || this.#tenant !== tenant) return;
		const databases = identity.get('databases');
		const named = isTexts(databases) ? [...new Set(databases)] : [];
		if (named.length === 1 && named[0] !== '*') this.#database = named[0] as string;
		else if (named.length > 0 && !named.includes('default_database')) throw severalDatabases(this.where, named);
	}

	/** The listing of collections is empty, not an error, where a name does not exist. */
	async #checkNames(signal: AbortSignal): Promise<void> {
		const [tenant, database] = [this.#tenant, this.#database];
		const ofTenant = `/api/v2/tenants/${encodeURIComponent(tenant)}`;
		const first = await this.#http.ask(ofTenant, { signal });
		if (first.status === 404) throw unknownTenant(this.where, tenant, this.#http.wordsOf(first));
		const second = await this.#http.ask(`${ofTenant}/databases/${encodeURIComponent(database)}`, { signal });
		if (second.status !== 404) return;
		const listed = await this.#http.ask(`${ofTenant}/databases?limit=20&offset=0`, { signal });
		const all = listed.status === 200 ? this.#exact('list its databases', listed.text) : [];
		const names = Array.isArray(all)
			? all.map((one) => (one instanceof Map ? String(one.get('name')) : '')).filter((name) => name !== '')
			: [];
		throw unknownDatabase(this.where, tenant, database, names);
	}

	#collection(value: ExactJson): ServerCollection {
		const what = 'list its collections';
		if (!(value instanceof Map)) throw unexpected(this.where, what, 'an entry is not an object');
		const [id, name, metadata] = [value.get('id'), value.get('name'), value.get('metadata')];
		if (typeof id !== 'string' || typeof name !== 'string') throw unexpected(this.where, what, 'an entry has no id or no name');
		const space = configuredSpace(value.get('configuration_json')) ?? 'l2';
		if (!isSpace(space)) throw unexpected(this.where, what, `collection "${name}" has the unknown distance space "${space}"`);
		const dimension = Number(value.get('dimension') ?? Number.NaN);
		return {
			id,
			name,
			tenant: textOr(value.get('tenant'), this.#tenant),
			database: textOr(value.get('database'), this.#database),
			dimension: Number.isSafeInteger(dimension) && dimension > 0 ? dimension : null,
			space,
			metadata: metadata instanceof Map && metadata.size > 0 ? metadata : null,
		};
	}

	#parse(what: string, answer: HttpAnswer): ExactObject {
		const value = this.#exact(what, answer.text);
		if (!(value instanceof Map)) throw unexpected(this.where, what, 'the answer is not an object');
		return value;
	}

	#exact(what: string, text: string): ExactJson {
		try {
			return parseExact(text);
		} catch (thrown) {
			if (!(thrown instanceof JsonFault)) throw thrown;
			throw unexpected(this.where, what, `the answer is not JSON: ${thrown.message}`);
		}
	}
}

const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every((one) => typeof one === 'string');
const textOr = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);

/** `{hnsw: {space}}` of local servers, `{spann: {space}}` of distributed ones; the other of the two is null. */
function configuredSpace(configuration: ExactJson | undefined): string | null {
	for (const kind of ['hnsw', 'spann']) {
		const index = configuration instanceof Map ? configuration.get(kind) : undefined;
		const space = index instanceof Map ? index.get('space') : undefined;
		if (typeof space === 'string') return space;
	}
	return null;
}

function firstOf(value: ExactJson | undefined): readonly ExactJson[] | null {
	const [first] = Array.isArray(value) ? value : [];
	return Array.isArray(first) ? first : null;
}
