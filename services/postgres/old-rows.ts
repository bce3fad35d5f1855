import { setTimeout as sleep } from 'node:timers/promises';
import { RepotError } from '../../source/core/errors.js';
import { formatDuration } from '../../source/core/format.js';
import { ServerError } from './driver.js';
import type { SchemaListeners } from './index-build.js';

/** Milliseconds between attempts: half a minute in all, which outlasts the statements of an application and an automatic ANALYZE. */
const pauses = [500, 1000, 2000, 4000, 8000, 16_000] as const;

/** `CheckExpectedDim` of pgvector (src/vector.c) in the cast of an index. The plan saw no such row, so it is one that was overwritten. */
const isOldRow = (error: unknown): boolean =>
	error instanceof ServerError && error.code === '22000' && /expected \d+ dimensions, not \d+/.test(error.message);

/**
 * An index build takes in rows that were overwritten or deleted for as long as any transaction may still see them ("Building Indexes
 * Concurrently" and heapam_index_build_range_scan of PostgreSQL: RECENTLY_DEAD tuples are indexed). Where a collection was embedded anew, those have
 * the dimension of before, which the cast of the new index refuses. They go when those transactions end: so it waits for them, and tries again.
 */
export async function onceOldRowsAreGone<T>(
	build: () => Promise<T>,
	{ signal, onNotice }: Pick<SchemaListeners, 'signal' | 'onNotice'>,
	waits: readonly number[] = pauses,
): Promise<T> {
	for (const wait of waits) {
		try {
			return await build();
		} catch (error) {
			if (!isOldRow(error)) throw error;
			onNotice(`Another transaction still sees vectors that were overwritten; the index is tried again in ${formatDuration(wait)}`);
			await sleep(wait, undefined, signal === undefined ? {} : { signal });
		}
	}
	try {
		return await build();
	} catch (error) {
		throw isOldRow(error) ? stillSeen(error) : error;
	}
}

const stillSeen = (error: unknown): RepotError =>
	new RepotError({
		kind: 'target',
		code: 'OLD_ROWS_IN_SIGHT',
		message: 'The vector index cannot be built while another transaction sees the vectors that were overwritten',
		why: error instanceof Error ? error.message : String(error),
		next: [
			'Find it: SELECT pid, usename, application_name, xact_start FROM pg_stat_activity WHERE backend_xmin IS NOT NULL ORDER BY xact_start;',
			'When it has ended, run the same command again: it resumes',
		],
		cause: error,
	});
