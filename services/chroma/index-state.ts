import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { IndexState } from '../../source/core/inspection.js';
import { type HnswIndex, isLfsPointer } from './hnsw.js';
import type { IndexMetadata } from './pickle.js';

/** What the index files of one collection hold. Reads the flags of every element once, to count those that are deleted. */
export function indexState({
	directory,
	segment,
	recorded,
	index,
	pickle,
	problem,
}: {
	/** Private copy of the Chroma directory. */
	readonly directory: string;
	readonly segment: string | null;
	/** Last sequence number that SQLite says the index holds. */
	readonly recorded: number | null;
	readonly index: HnswIndex | null;
	readonly pickle: IndexMetadata | null;
	readonly problem: string | null;
}): IndexState {
	const layout = index?.layout ?? null;
	const alive = index?.countAlive() ?? 0;
	return {
		folder: segment,
		folderExists: segment !== null && existsSync(join(directory, segment)),
		pickle: pickleState(directory, segment, pickle),
		pickleDamage: pickle?.damage ?? null,
		ids: pickle?.labels.size ?? 0,
		elements: layout?.elements ?? null,
		claimed: layout?.claimed ?? null,
		deleted: layout === null ? null : layout.elements - alive,
		maxElements: layout?.maxElements ?? null,
		unnamed: index === null || pickle === null ? 0 : unnamed(index, pickle, alive),
		problem,
		// Zero stands in SQLite before the first persist.
		persistedUpTo: recorded ?? pickle?.maxSeqId ?? null,
		lostLengths: index?.lostLengths ?? 0,
		normalised: index?.normalised ?? true,
	};
}

function pickleState(directory: string, segment: string | null, pickle: IndexMetadata | null): IndexState['pickle'] {
	if (pickle !== null) return pickle.damage === null ? 'readable' : 'damaged';
	const path = segment === null ? null : join(directory, segment, 'index_metadata.pickle');
	return path !== null && existsSync(path) && isLfsPointer(path) ? 'lfs-pointer' : 'absent';
}

/** Elements that are alive and that no id leads to. */
function unnamed(index: HnswIndex, pickle: IndexMetadata, alive: number): number {
	let named = 0;
	for (const label of pickle.labels.values()) if (index.positionOf(label) !== null) named += 1;
	return Math.max(0, alive - named);
}
