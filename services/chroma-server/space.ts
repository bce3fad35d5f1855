import type { DistanceSpace } from '../../source/core/plan/types.js';
import { type ChromaApi, Declined, type ServerCollection } from './api.js';

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
 * The space that the collection is searched in. The configuration of a collection that a Chroma before 1.0 made says l2 (the default) whatever its index
 * was built with; its own metadata then names another in `hnsw:space`. Where the two differ, the distances that the server gives for a stored vector decide.
 */
export async function effectiveSpace(api: ChromaApi, collection: ServerCollection, signal: AbortSignal): Promise<DistanceSpace> {
	const claimed = collection.metadata?.get('hnsw:space');
	if (claimed === collection.space || (claimed !== 'l2' && claimed !== 'ip' && claimed !== 'cosine')) return collection.space;
	try {
		return (await showsSpace(api, collection, claimed, signal)) ? claimed : collection.space;
	} catch (thrown) {
		// A damaged index cannot be searched; then it is not searched in any space.
		if (thrown instanceof Declined) return collection.space;
		throw thrown;
	}
}

async function showsSpace(api: ChromaApi, { id, space }: ServerCollection, claimed: DistanceSpace, signal: AbortSignal): Promise<boolean> {
	const [first] = await api.ids(id, signal, 1, 0);
	if (first === undefined) return false;
	const probe = (await api.records(id, [first], true, signal)).get(first)?.vector;
	if (probe === undefined || probe === null) return false;
	const found = await api.nearest(id, probe, neighbours, signal);
	const page = await api.records(
		id,
		found.map((one) => one.id),
		true,
		signal,
	);
	const error = (of: DistanceSpace): number =>
		found.reduce((sum, one) => {
			const vector = page.get(one.id)?.vector;
			return vector === undefined || vector === null ? sum : sum + Math.abs(distances[of](probe, vector) - one.distance);
		}, 0);
	const [asClaimed, asConfigured] = [error(claimed), error(space)];
	return asClaimed < asConfigured && asClaimed < tolerance * Math.max(1, asConfigured);
}
