import type { RepotError } from '../../source/core/errors.js';
import type { ChromaMetadata, ChromaScalar } from '../reader.js';
import type { ExactJson } from './exact-json.js';
import { nearestFloat32 } from './float32.js';

export interface ServerRecord {
	readonly id: string;
	/** Null: the server has none, or one that JSON cannot carry. */
	readonly vector: Float32Array | null;
	readonly document: string | null;
	/** Keys in code unit order, the URI among them as `chroma:uri`; null when there are none. */
	readonly metadata: ChromaMetadata | null;
	/** The vector holds NaN or an infinity, for which JSON has no words. */
	readonly unspeakable: boolean;
}

/** By id, in no particular order: the server answers in its own. */
export type RecordPage = ReadonlyMap<string, ServerRecord>;

type Fault = (why: string) => RepotError;

const uriKey = 'chroma:uri';

/**
 * The answer to a `get` whose member `embeddings` was kept as JSON text: lists of equal length `ids`, `documents`, `metadatas`, `uris` and, where
 * they were asked for, `embeddings` (rust/types/src/api_types.rs, GetResponse). Throws what `fault` makes when it is anything else.
 */
export function recordPage(answer: ExactJson, withVectors: boolean, fault: Fault): RecordPage {
	if (!(answer instanceof Map)) throw fault('the answer is not an object');
	const ids = answer.get('ids');
	if (!Array.isArray(ids)) throw fault('the answer holds no ids');
	const list = (name: string): readonly ExactJson[] => {
		const value = answer.get(name);
		if (!Array.isArray(value) || value.length !== ids.length) throw fault(`"${name}" is not a list as long as that of the ids`);
		return value;
	};
	const documents = list('documents');
	const metadatas = list('metadatas');
	const uris = list('uris');
	const embeddings = withVectors ? embeddingsOf(answer.get('embeddings'), ids.length, fault) : null;
	const page = new Map<string, ServerRecord>();
	for (const [at, id] of ids.entries()) {
		if (typeof id !== 'string') throw fault('an id is not a text');
		const numbers = embeddings?.[at] ?? null;
		const vector = numbers === null ? null : vectorOf(numbers, id, fault);
		page.set(id, {
			id,
			vector,
			document: textOrNull(documents[at], `the document of "${id}"`, fault),
			metadata: metadataOf(metadatas[at] ?? null, textOrNull(uris[at], `the URI of "${id}"`, fault), id, fault),
			unspeakable: numbers !== null && vector === null,
		});
	}
	return page;
}

function embeddingsOf(text: ExactJson | undefined, length: number, fault: Fault): readonly (readonly unknown[] | null)[] {
	let lists: unknown;
	try {
		lists = typeof text === 'string' ? JSON.parse(text) : null;
	} catch {
		throw fault('"embeddings" is not JSON');
	}
	const valid = Array.isArray(lists) && lists.length === length && lists.every((one) => one === null || Array.isArray(one));
	if (!valid) throw fault('"embeddings" is not a list of vectors as long as that of the ids');
	return lists as (unknown[] | null)[];
}

/** Null when the vector holds what JSON has no number for: the server writes null then. */
function vectorOf(numbers: readonly unknown[], id: string, fault: Fault): Float32Array | null {
	const vector = new Float32Array(numbers.length);
	for (let at = 0; at < numbers.length; at++) {
		const number = numbers[at];
		if (number === null) return null;
		const component = typeof number === 'number' ? nearestFloat32(number) : Number.NaN;
		if (Number.isNaN(component)) throw fault(`the vector of "${id}" holds something that is not a float32`);
		vector[at] = component;
	}
	return vector;
}

function textOrNull(value: ExactJson | undefined, what: string, fault: Fault): string | null {
	if (value === null || typeof value === 'string') return value;
	throw fault(`${what} is not a text`);
}

/** The server leaves reserved keys out; the URI is put back where a directory holds it. */
function metadataOf(value: ExactJson, uri: string | null, id: string, fault: Fault): ChromaMetadata | null {
	if (value !== null && !(value instanceof Map)) throw fault(`the metadata of "${id}" is not an object`);
	const entries: [string, ChromaScalar | readonly ChromaScalar[]][] = [];
	for (const [key, one] of value ?? new Map<string, ExactJson>()) {
		entries.push([key, Array.isArray(one) ? one.map((element) => scalarOf(element, key, id, fault)) : scalarOf(one, key, id, fault)]);
	}
	if (uri !== null) entries.push([uriKey, uri]);
	// The server's order changes from answer to answer.
	entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
	return entries.length === 0 ? null : new Map(entries);
}

function scalarOf(value: ExactJson | undefined, key: string, id: string, fault: Fault): ChromaScalar {
	if (value === undefined || (typeof value === 'object' && value !== null)) {
		throw fault(`key "${key}" of "${id}" holds something nested, such as a sparse vector`);
	}
	return value as ChromaScalar;
}
