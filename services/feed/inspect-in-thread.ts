import { isChromaServer } from '../../source/core/chroma-address.js';
import type { ChromaServerInspection, SourceInspection } from '../../source/core/inspection.js';
import { inspectChroma } from '../chroma/inspect.js';
import { inspectSqliteSource } from '../sqlite/inspect-source.js';
import type { FeedSettings } from './feed-protocol.js';
import { withoutAccess } from './feed-sources.js';
import type { StopSignal } from './stop-signal.js';

/** What the worker does for `inspectSource`. */
export async function inspectInThread(settings: FeedSettings, stop: StopSignal): Promise<SourceInspection> {
	const { sqlitePath, chromaPath, folder } = settings;
	const request = { into: folder, signal: stop.signal, check: () => stop.check() };
	return {
		sqlite: sqlitePath === null ? null : await inspectSqliteSource({ ...request, path: sqlitePath }),
		chroma: chromaPath === null ? null : await lookAtChroma({ ...request, path: chromaPath }, settings),
	};
}

const lookAtChroma = (request: Parameters<typeof inspectChroma>[0], settings: FeedSettings) =>
	isChromaServer(request.path) ? lookAtServer(request.path, settings, request.signal) : inspectChroma(request);

/** What a server says of itself; nothing is copied. */
async function lookAtServer(address: string, { chromaServer, folder }: FeedSettings, signal: AbortSignal): Promise<ChromaServerInspection> {
	const { openChromaServer } = await import('../chroma-server/open.js');
	const { access, collections } = chromaServer ?? withoutAccess;
	const server = await openChromaServer({ address, access, collections, describeOnly: true, into: folder, signal });
	try {
		return { kind: 'chroma-server', ...server.describe(), damage: [] };
	} finally {
		await server.close();
	}
}
