import type { SourceInspection } from '../../source/core/inspection.js';
import { FeedClient } from './feed-client.js';
import type { ChromaServerSettings } from './feed-protocol.js';
import { makeWorkFolder } from './work-folder.js';

export interface InspectRequest {
	readonly sqlitePath: string | null;
	/** A directory, or the address of a server. */
	readonly chromaPath: string | null;
	/** What a server is asked with. */
	readonly chromaServer?: ChromaServerSettings;
	readonly workDir: string;
}

/**
 * Describes a source, both halves or one, as `repot inspect` tells it. A worker thread takes private copies, looks at them and removes them; the
 * source's own directory is not changed. A server is only asked what it holds. Rejects with RepotError (source) when a half cannot be read at all,
 * or with the signal's reason.
 */
export async function inspectSource({ workDir, ...paths }: InspectRequest, signal?: AbortSignal): Promise<SourceInspection> {
	const folder = makeWorkFolder(workDir);
	const client = new FeedClient({ ...paths, sqliteSnapshot: null, folder: folder.path, chromaModule: null });
	try {
		return await client.call('inspect', null, { signal });
	} finally {
		await client.close();
		folder.remove();
	}
}
