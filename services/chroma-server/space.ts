import type { DistanceSpace } from '../../source/core/plan/types.js';
import { type ChromaApi, Declined, isSpace, type ServerCollection } from './api.js';

/** Squared L2, 1 - dot and 1 - cosine, as Chroma's distances are. */
const distances: Readonly<Record<DistanceSpace, (a: Float32Array, b: Float32Array) => number>> = {
	l2: (a, b) => a.reduce((sum, one, at) => sum + (one - (b[at] ?? 0)) ** 2, 0),
	ip: (a, b) => 1 - dot(a, b),
	cosine: (a, b) => 1 - dot(a, b) / (Math.sqrt(dot(a, a) * dot(b, b)) || 1),
};

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, one, at) => sum + one * (b[at] ?? 0), 0);

/** float32 sums of some thousand products. */
const tolerance = 1e-3;
const neighbours = 10;

/**
 * The space that the collection is searched in. A collection that a Chroma before 1.0 made is said to be in l2, the default, whatever its index was built with;
 * only its own metadata may still name another in `hnsw:space`. There the distances that the server gives for a stored vector decide. Loads the index in the server.
 */
export async function effectiveSpace(api: ChromaApi, collection: ServerCollection, signal: AbortSignal): Promise<DistanceSpace> {
	const said = collection.metadata?.get('hnsw:space');
	if (collection.space !== 'l2' && (said === undefined || said === collection.space)) return collection.space;
	// Several fit where there is one record, or only equal ones, and cosine and ip do for vectors of length 1. A default says less than a name.
	const named = isSpace(said) ? [said] : [];
	const believed = collection.space === 'l2' ? [...named, collection.space] : [collection.space, ...named];
	const order = [...new Set<DistanceSpace>([...believed, 'cosine', 'ip', 'l2'])];
	try {
		const error = await errors(api, collection.id, signal);
		if (error === null) return collection.space;
		// An index that fits nothing is damaged; then its owner is believed.
		return order.find((space) => error[space] < tolerance) ?? named[0] ?? collection.space;
	} catch (thrown) {
		// A damaged index cannot be searched; then it is not searched in any space.
		if (thrown instanceof Declined) return collection.space;
		throw thrown;
	}
}

/** How far the server's distances are from those of each space, relative to them; null when there is nothing to search. */
async function errors(api: ChromaApi, id: string, signal: AbortSignal): Promise<Readonly<Record<DistanceSpace, number>> | null> {
	const [first] = await api.ids(id, signal, 1, 0);
	if (first === undefined) return null;
	const probe = (await api.records(id, [first], true, signal)).get(first)?.vector;
	if (probe === undefined || probe === null) return null;
	const found = await api.nearest(id, probe, neighbours, signal);
	const ids = found.map((one) => one.id);
	const page = await api.records(id, ids, true, signal);
	const scale = found.reduce((sum, { distance }) => sum + Math.abs(distance), found.length * tolerance);
	const error = (space: DistanceSpace): number =>
		found.reduce((sum, one) => {
			const vector = page.get(one.id)?.vector;
			return vector === undefined || vector === null ? sum : sum + Math.abs(distances[space](probe, vector) - one.distance);
		}, 0) / scale;
	return { l2: error('l2'), ip: error('ip'), cosine: error('cosine') };
}
