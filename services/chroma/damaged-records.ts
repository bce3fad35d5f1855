import type { RecordStore } from './collection-reader.js';
import type { StoredCollection } from './collections.js';
import type { OpenedCopy } from './opened-copy.js';
import { textOf } from './values.js';
import type { VectorStore } from './vectors.js';

/** Ids that have a vector, or had, and no record, where records are lost that nothing else names. Elsewhere they are orphans, which Chroma does not answer either. */
export function* namelessRecords({ losses }: Pick<OpenedCopy, 'losses'>, records: RecordStore, vectors: VectorStore): Generator<string> {
	if (!losses.records) return;
	for (const id of vectors.ids()) if (vectors.has(id) && !records.has(id)) yield id;
}

/** Records that have lost a part of their document or metadata. */
export function damagedRecords(
	{ sqlite, losses }: Pick<OpenedCopy, 'sqlite' | 'losses'>,
	{ metadataSegment }: StoredCollection,
): { readonly count: number; readonly sample: readonly string[] } {
	const named = sqlite.prepare('SELECT embedding_id FROM embeddings WHERE segment_id = ? AND id = ?').pluck();
	const ids = new Set<string>();
	for (const row of losses.keys.keys()) {
		const id = named.get(metadataSegment, row);
		if (id !== undefined) ids.add(textOf(id));
	}
	const within = sqlite.prepare('SELECT embedding_id FROM embeddings WHERE +segment_id = ? AND id BETWEEN ? AND ?').pluck();
	for (const { after, upTo } of losses.unsure) for (const id of within.iterate(metadataSegment, after, upTo)) ids.add(textOf(id));
	return { count: ids.size, sample: [...ids].slice(0, 5) };
}
