import { tellSqlite } from '../../source/core/inspect.js';
import type { SqliteInspection } from '../../source/core/inspection.js';
import { whoUses } from '../in-use.js';
import { databaseFiles, lookBeside } from './beside.js';
import { inspectFurther, inspectSqlite } from './inspect.js';
import { takeSnapshot } from './snapshot.js';

/** Describes the SQLite database `path` from a private copy in `into`, which is removed again. Throws RepotError (source) when it cannot be read. */
export async function inspectSqliteSource(request: {
	readonly path: string;
	readonly into: string;
	readonly signal: AbortSignal;
}): Promise<SqliteInspection> {
	const { path, into, signal } = request;
	// Looked at before the copy, which takes a lock itself.
	const outside = { use: whoUses(databaseFiles(path)), beside: lookBeside(path) };
	const snapshot = await takeSnapshot({ database: path, companions: () => [], into, signal });
	try {
		const description = inspectSqlite(snapshot, path);
		return tellSqlite({ ...description, ...outside, ...inspectFurther(snapshot, description) });
	} finally {
		await snapshot.remove();
	}
}
