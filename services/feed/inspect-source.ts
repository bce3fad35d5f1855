import type { SourceInspection } from '../../source/core/inspection.js';
import { FeedClient } from './feed-client.js';
import { makeWorkFolder } from './work-folder.js';

/**
 * Describes a source, both halves or one, as `repot inspect` tells it. A worker thread takes private copies, looks at them and removes them; the
 * source's own directory is not changed. Rejects with RepotError (source) when a half cannot be read at all, or with the signal's reason.
 */
export async function inspectSource(
	{ sqlitePath, chromaPath, workDir }: { readonly sqlitePath: string | null; readonly chromaPath: string | null; readonly workDir: string },
	signal?: AbortSignal,
): Promise<SourceInspection> {
	const folder = makeWorkFolder(workDir);
	const client = new FeedClient({ sqlitePath, chromaPath, sqliteSnapshot: null, folder: folder.path, chromaModule: null });
	try {
		return await client.call('inspect', null, { signal });
	} finally {
		await client.close();
		folder.remove();
	}
}
