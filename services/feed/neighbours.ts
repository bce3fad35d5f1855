import type { DistanceSpace } from '../../source/core/plan/types.js';
import type { Neighbour, Probe } from '../../source/core/ports.js';

/**
 * Exact nearest neighbours of every probe among a stream of vectors, with Chroma's distances in float64: l2 is the squared distance,
 * ip is 1 - dot product, cosine is 1 - cosine (docs.trychroma.com, "Configure collections"; a zero vector has the cosine 0, as in hnswlib).
 * Keeps k per probe; ties go to the smaller key. Vectors of another dimension than a probe are not its neighbours.
 */
export class NearestSearch {
	readonly #space: DistanceSpace;
	readonly #k: number;
	readonly #probes: readonly { readonly vector: Float32Array; readonly norm: number; readonly nearest: Neighbour[] }[];

	constructor(space: DistanceSpace, probes: readonly Probe[], k: number) {
		this.#space = space;
		this.#k = k;
		this.#probes = probes.map(({ vector }) => ({ vector, norm: Math.sqrt(dot(vector, vector)), nearest: [] }));
	}

	add(key: string, vector: Float32Array): void {
		const norm = this.#space === 'cosine' ? Math.sqrt(dot(vector, vector)) : 0;
		for (const probe of this.#probes) {
			if (probe.vector.length !== vector.length) continue;
			this.#keep(probe.nearest, key, this.#distance(probe, vector, norm));
		}
	}

	result(): readonly (readonly Neighbour[])[] {
		return this.#probes.map(({ nearest }) => nearest);
	}

	#distance(probe: { readonly vector: Float32Array; readonly norm: number }, vector: Float32Array, norm: number): number {
		if (this.#space === 'l2') return squaredDistance(probe.vector, vector);
		const product = dot(probe.vector, vector);
		if (this.#space === 'ip') return 1 - product;
		return probe.norm === 0 || norm === 0 ? 1 : 1 - product / (probe.norm * norm);
	}

	#keep(nearest: Neighbour[], key: string, distance: number): void {
		const before = (other: Neighbour | undefined): boolean =>
			other === undefined || distance < other.distance || (distance === other.distance && key < other.key);
		if (nearest.length === this.#k && !before(nearest[this.#k - 1])) return;
		let at = nearest.length;
		while (at > 0 && before(nearest[at - 1])) at--;
		nearest.splice(at, 0, { key, distance });
		if (nearest.length > this.#k) nearest.pop();
	}
}

function dot(a: Float32Array, b: Float32Array): number {
	let sum = 0;
	for (let index = 0; index < a.length; index++) sum += (a[index] as number) * (b[index] as number);
	return sum;
}

function squaredDistance(a: Float32Array, b: Float32Array): number {
	let sum = 0;
	for (let index = 0; index < a.length; index++) {
		const difference = (a[index] as number) - (b[index] as number);
		sum += difference * difference;
	}
	return sum;
}
