import type { TargetResources } from '../ports.js';
import type { IndexChoice } from './types.js';

const mebibyte = 1024 * 1024;

/**
 * Memory that an HNSW build needs to keep its graph: per element the value, its neighbour lists and bookkeeping
 * (pgvector src/hnswutils.c: m = 16 gives 2 m neighbours on level 0 and m above, 16 bytes each), and a tenth on top.
 */
export function graphBytes(rows: number, dimension: number, method: IndexChoice): number {
	const value = 8 + dimension * (method === 'halfvec' ? 2 : 4);
	return Math.ceil(rows * (value + 1_000) * 1.1);
}

/**
 * What the session asks for: the graph, at least the server's own setting, and no more than a quarter of
 * effective_cache_size, which is what the server's administrator says the machine can spare for caching.
 */
export function indexMemory(rows: number, dimension: number, method: IndexChoice, resources: TargetResources, embedded: boolean): number {
	const need = graphBytes(rows, dimension, method) + 16 * mebibyte;
	const cap = embedded ? 256 * mebibyte : Math.max(resources.maintenanceBytes, Math.floor(resources.effectiveCacheBytes / 4));
	return Math.round(Math.min(Math.max(need, resources.maintenanceBytes), cap));
}

/**
 * Seconds of an HNSW build with m 16 and ef_construction 64: 20,000 x 1,024 took 12 s with the graph in memory and two workers,
 * 59 s without either. Grows with the logarithm of the rows.
 */
export function indexSeconds(rows: number, dimension: number, method: IndexChoice, memoryBytes: number, workers: number): number {
	if (rows === 0) return 0;
	const perComponent = 1.75e-6;
	const fits = memoryBytes >= graphBytes(rows, dimension, method) ? 1 : 3;
	const growth = Math.log2(Math.max(2, rows)) / Math.log2(20_000);
	return (rows * dimension * perComponent * growth * fits) / (1 + Math.min(workers, 3));
}
