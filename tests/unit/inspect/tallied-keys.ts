import type { ChromaScalar } from '../../../services/reader.js';
import type { MetadataKeys, MetadataType } from '../../../source/core/inspection.js';
import type { ReadRecord } from '../chroma/canonical.js';

/** What `inspect` must tell of the metadata of these records. */
export function talliedKeys(records: readonly ReadRecord[]): MetadataKeys {
	const types = new Map<string, Map<MetadataType, number>>();
	for (const { metadata } of records) {
		for (const [key, value] of metadata ?? []) {
			const counts = types.get(key) ?? new Map<MetadataType, number>();
			const type = typeOf(value);
			counts.set(type, (counts.get(type) ?? 0) + 1);
			types.set(key, counts);
		}
	}
	const keys = [...types]
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([key, counts]) => ({ key, types: Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))) }));
	return { records: records.length, keys: keys.slice(0, 100), more: Math.max(0, keys.length - 100) };
}

function typeOf(value: ChromaScalar | readonly ChromaScalar[]): MetadataType {
	if (value === null) return 'null';
	if (Array.isArray(value)) return 'list';
	if (typeof value === 'bigint') return 'int';
	if (typeof value === 'number') return 'float';
	return typeof value === 'boolean' ? 'bool' : 'string';
}
