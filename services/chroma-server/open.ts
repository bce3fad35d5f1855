import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { chromaAddress, chromaPlace } from '../../source/core/chroma-address.js';
import { RepotError } from '../../source/core/errors.js';
import { chooseCollections } from '../../source/core/plan/collection.js';
import type { DistanceSpace } from '../../source/core/plan/types.js';
import type { ChromaCollection, ChromaDescription } from '../../source/core/ports.js';
import type { ChromaSnapshot } from '../chroma/open.js';
import type { Reader } from '../reader.js';
import { ChromaApi, Declined, type ServerCollection } from './api.js';
import { type Download, download } from './download.js';
import type { ExactJson, ExactObject } from './exact-json.js';
import { ChromaHttp, type HttpSettings } from './http.js';
import { failed } from './problems.js';
import { spoolReader } from './reader.js';
import type { ServerSecrets } from './secrets.js';
import { effectiveSpace } from './space.js';
import { Spool } from './spool.js';

export interface ServerRequest {
	/** See core's chroma-address.ts. */
	readonly address: string;
	readonly access: ServerSecrets;
	/** The collections to copy, by name; empty: the only one; `all`: every one. Where none fits nothing is copied, and the description tells what there is. */
	readonly collections: readonly string[];
	/** Only look: copy nothing. */
	readonly describeOnly: boolean;
	readonly into: string;
	readonly signal?: AbortSignal;
	/** 0..1 */
	readonly onProgress?: (fraction: number) => void;
	readonly pause?: HttpSettings['pause'];
}

/** Counts asked for at a time. */
const countsAtOnce = 8;

/**
 * Looks at a running Chroma server and copies the chosen collection into a private file, from which everything else is read: a server goes on changing between
 * plan and run. Throws a RepotError of kind source; nothing is left in `into` then.
 */
export async function openChromaServer(request: ServerRequest): Promise<ChromaSnapshot> {
	const { access, into } = request;
	const signal = request.signal ?? new AbortController().signal;
	const parsed = chromaAddress(request.address);
	if (parsed === null) throw badAddress();
	refusePassword(request.address, chromaPlace(parsed));
	const address = chromaPlace(parsed);
	const pause = request.pause === undefined ? {} : { pause: request.pause };
	const api = new ChromaApi(new ChromaHttp({ base: parsed.base, where: address, ...access, ...pause }), parsed);
	await api.connect(signal);
	const listed = await api.collections(signal);
	const counted = await look(api, address, listed, signal);
	const picked = chosen(counted, request.collections);
	const seen = await withSpaces(api, counted, listed, picked, signal);
	const wanted = request.describeOnly ? [] : picked;
	const folder = await mkdtemp(join(into, 'server-'));
	const spool = new Spool(folder);
	const remove = async (): Promise<void> => {
		spool.close();
		await rm(folder, { recursive: true, force: true });
	};
	try {
		const copies = new Map<string, Download>();
		const allowed = wanted.length === 0 ? null : await api.largestPage(signal);
		for (const [nth, { id }] of wanted.entries()) {
			const collection = listed.find((one) => one.id === id) as ServerCollection;
			const onProgress = (fraction: number): void => request.onProgress?.((nth + fraction) / wanted.length);
			copies.set(id, await download({ api, collection, spool, folder, allowed, signal, onProgress }));
		}
		return snapshotOf(withCopies(seen, copies), copies, spool, remove);
	} catch (thrown) {
		await remove();
		throw thrown;
	}
}

function snapshotOf(
	description: ChromaDescription,
	copies: ReadonlyMap<string, Download>,
	spool: Spool,
	remove: () => Promise<void>,
): ChromaSnapshot {
	const readers = new Set<Reader>();
	return {
		describe: () => description,
		reader(collectionId) {
			const copy = copies.get(collectionId);
			if (copy === undefined) throw notCopied(description, collectionId);
			const reader = spoolReader(spool, collectionId, copy.records, () => readers.delete(reader));
			readers.add(reader);
			return reader;
		},
		bytes: description.bytes,
		fingerprint: () => Promise.resolve(fingerprintOf(description, copies)),
		async close() {
			for (const reader of [...readers]) reader.close();
			await remove();
		},
	};
}

/** SHA-256 over what was copied: equal for equal content, whatever pages it came in. */
function fingerprintOf({ collections }: ChromaDescription, copies: ReadonlyMap<string, Download>): string {
	const hash = createHash('sha256');
	for (const { id, dimension, space, metadata } of collections) {
		const copy = copies.get(id);
		if (copy !== undefined) hash.update(`${JSON.stringify([id, dimension, space, metadata, copy.records, copy.digest])}\n`);
	}
	return hash.digest('hex');
}

async function look(api: ChromaApi, address: string, listed: readonly ServerCollection[], signal: AbortSignal): Promise<ChromaDescription> {
	const collections: (ChromaCollection | null)[] = [];
	for (let at = 0; at < listed.length; at += countsAtOnce) {
		collections.push(...(await Promise.all(listed.slice(at, at + countsAtOnce).map((one) => lookAt(api, one, signal)))));
	}
	return {
		path: address,
		from: 'server',
		bytes: 0,
		version: 'server, API v2',
		// A collection that was deleted since it was listed.
		collections: collections.filter((one) => one !== null),
		notes: [],
	};
}

/** The chosen ones as they are searched; the others as they are configured, since finding out would load their indexes. */
async function withSpaces(
	api: ChromaApi,
	description: ChromaDescription,
	listed: readonly ServerCollection[],
	picked: readonly ChromaCollection[],
	signal: AbortSignal,
): Promise<ChromaDescription> {
	const spaces = new Map<string, DistanceSpace>();
	for (const { id } of picked) spaces.set(id, await effectiveSpace(api, listed.find((one) => one.id === id) as ServerCollection, signal));
	return { ...description, collections: description.collections.map((one) => ({ ...one, space: spaces.get(one.id) ?? one.space })) };
}

async function lookAt(api: ChromaApi, collection: ServerCollection, signal: AbortSignal): Promise<ChromaCollection | null> {
	const { id, name, tenant, database, dimension, space, metadata } = collection;
	try {
		const records = await api.count(id, signal);
		const vectorsIn = dimension === null ? ('none' as const) : ('server' as const);
		return { id, name, tenant, database, records, dimension, space, metadata: metadata === null ? null : jsonOf(metadata), vectorsIn };
	} catch (thrown) {
		if (!(thrown instanceof Declined)) throw thrown;
		if (thrown.status === 404) return null;
		throw failed(api.where, `count the records of collection "${name}"`, thrown.status, thrown.words);
	}
}

/** The plan refuses what cannot be chosen, and says what there is. */
function chosen(description: ChromaDescription, names: readonly string[]): readonly ChromaCollection[] {
	try {
		return chooseCollections(description, names);
	} catch (thrown) {
		if (thrown instanceof RepotError && thrown.kind === 'usage') return [];
		throw thrown;
	}
}

/** What was copied counts from now on, not what the server said before. */
function withCopies(description: ChromaDescription, copies: ReadonlyMap<string, Download>): ChromaDescription {
	return {
		...description,
		bytes: [...copies.values()].reduce((sum, copy) => sum + copy.bytes, 0),
		collections: description.collections.map((one) => ({ ...one, records: copies.get(one.id)?.records ?? one.records })),
		notes: description.collections.flatMap(({ id, name }) => (copies.get(id)?.notes ?? []).map((note) => `Collection "${name}": ${note}`)),
	};
}

/** As JSON with sorted keys; REAL values keep a decimal point. */
const jsonOf = (metadata: ExactObject): string =>
	`{${[...metadata]
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([key, value]) => `${JSON.stringify(key)}:${valueJson(value)}`)
		.join(',')}}`;

function valueJson(value: ExactJson): string {
	if (typeof value === 'bigint') return value.toString();
	if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 1e21) return `${Object.is(value, -0) ? '-0' : value}.0`;
	if (Array.isArray(value)) return `[${value.map(valueJson).join(',')}]`;
	return value instanceof Map ? jsonOf(value) : JSON.stringify(value);
}

const badAddress = (): RepotError =>
	new RepotError({
		kind: 'usage',
		code: 'CHROMA_BAD_ADDRESS',
		message: 'The address of the Chroma server is not a URL',
		next: ['Write --chroma-url http://HOST:PORT'],
	});

/** An address is shown and written into plans; settings keep user and password of --chroma-url apart. */
function refusePassword(address: string, where: string): void {
	const { username, password } = new URL(address);
	if (username === '' && password === '') return;
	throw new RepotError({
		kind: 'usage',
		code: 'CHROMA_ADDRESS_HOLDS_PASSWORD',
		message: 'The address of the Chroma server holds a user or a password, which would be shown and written into plans',
		where,
		next: ['Give the whole URL by REPOT_CHROMA_URL or --chroma-url, where they are kept secret', 'Or a token by REPOT_CHROMA_TOKEN'],
	});
}

const notCopied = ({ path, collections }: ChromaDescription, id: string): RepotError =>
	new RepotError({
		kind: 'usage',
		code: 'CHROMA_NOT_COPIED',
		message: `Collection "${collections.find((one) => one.id === id)?.name ?? id}" was not copied from the Chroma server`,
		where: path,
		why: 'another collection was chosen, or the server has none of that name now',
		next: ['Name the collection with --collection NAME'],
	});
