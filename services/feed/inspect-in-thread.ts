import type { SourceInspection } from '../../source/core/inspection.js';
import { inspectChroma } from '../chroma/inspect.js';
import { inspectSqliteSource } from '../sqlite/inspect-source.js';
import type { FeedSettings } from './feed-protocol.js';
import type { StopSignal } from './stop-signal.js';

/** What the worker does for `inspectSource`. */
export async function inspectInThread({ sqlitePath, chromaPath, folder }: FeedSettings, stop: StopSignal): Promise<SourceInspection> {
	const request = { into: folder, signal: stop.signal, check: () => stop.check() };
	return {
		sqlite: sqlitePath === null ? null : await inspectSqliteSource({ ...request, path: sqlitePath }),
		chroma: chromaPath === null ? null : await inspectChroma({ ...request, path: chromaPath }),
	};
}
