import type { SchemaStep } from '../../source/core/plan/types.js';
import { type Driver, ServerError, type Session } from './driver.js';
import { number, text } from './sql-text.js';

const pollMilliseconds = 500;
const mebibyte = 1024 * 1024;
/** PostgreSQL's default of maintenance_work_mem: below it nothing is gained by asking for less. */
const leastMemory = 64 * mebibyte;

/**
 * pgvector 0.6.0 to 0.8.1 write past the shared memory of a parallel HNSW build when maintenance_work_mem is below 4 MB: from it they
 * take 3 MB and then 1 MB for other things, and the difference wraps round (CVE-2026-3172, mended in 0.8.2). A graph that fits into so
 * little needs no workers in any version.
 */
const leastParallelMemory = 8 * mebibyte;

/** Who is told while a schema step is under way, and what stops it. */
export interface SchemaListeners {
	readonly signal: AbortSignal | undefined;
	readonly onProgress: (fraction: number, phase: string) => void;
	readonly onNotice: (message: string) => void;
}

type Settings = NonNullable<SchemaStep['vectorIndex']>;

interface Attempt {
	readonly memoryBytes: number;
	readonly workers: number;
}

const isMemoryShortage = (error: unknown): boolean =>
	error instanceof ServerError &&
	((error.code === '53100' && /shared memory/i.test(error.message)) ||
		error.code === '53200' ||
		/out of memory|could not resize shared memory/i.test(error.message));

/** As planned; then without workers, whose shared memory is what runs out; then with half the memory until the default is reached. */
function* attempts(settings: Settings): Generator<Attempt> {
	yield { memoryBytes: settings.memoryBytes, workers: settings.workers };
	if (settings.workers > 0) yield { memoryBytes: settings.memoryBytes, workers: 0 };
	for (let memoryBytes = settings.memoryBytes / 2; memoryBytes >= leastMemory; memoryBytes /= 2) yield { memoryBytes, workers: 0 };
	if (settings.memoryBytes > leastMemory) yield { memoryBytes: leastMemory, workers: 0 };
}

const show = (attempt: Attempt): string => `${Math.round(attempt.memoryBytes / mebibyte)} MB and ${attempt.workers} extra workers`;

/** SET LOCAL ends with the transaction, so nothing has to be put back. maintenance_work_mem takes 1 MB to 2 GB - 1 kB (larger where long is 64 bits). */
async function prepare(session: Session, attempt: Attempt, embedded: boolean): Promise<void> {
	const kilobytes = Math.max(1024, Math.floor(attempt.memoryBytes / 1024));
	await session.query(`SET LOCAL maintenance_work_mem = '${embedded ? Math.min(kilobytes, 1024 * 1024) : kilobytes}kB'`);
	if (!embedded) await session.query(`SET LOCAL max_parallel_maintenance_workers = ${Math.max(0, Math.floor(attempt.workers))}`);
}

/** Reads the build's own progress on a second connection until stopped. A reader that fails is given up quietly: it only shows. */
async function watch(driver: Driver, backend: string, onProgress: SchemaListeners['onProgress'], stopped: AbortSignal): Promise<void> {
	const side = await driver.monitor();
	if (side === null) return;
	try {
		while (!stopped.aborted) {
			const { rows } = await side.query(
				'SELECT phase, blocks_done, blocks_total, tuples_done, tuples_total FROM pg_stat_progress_create_index WHERE pid = $1::int',
				[backend],
			);
			const [row] = rows;
			if (row !== undefined && !stopped.aborted)
				onProgress(
					fractionOf(number(row, 'tuples_done'), number(row, 'tuples_total'), number(row, 'blocks_done'), number(row, 'blocks_total')),
					text(row, 'phase'),
				);
			await pause(pollMilliseconds, stopped);
		}
	} finally {
		await side.close();
	}
}

/** pgvector counts tuples (the total is an estimate and may be passed) and blocks; whichever is known. */
function fractionOf(tuples: number, tuplesTotal: number, blocks: number, blocksTotal: number): number {
	if (blocksTotal > 0) return Math.min(1, blocks / blocksTotal);
	return tuplesTotal > 0 ? Math.min(1, tuples / tuplesTotal) : 0;
}

function pause(milliseconds: number, stopped: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		const end = (): void => {
			clearTimeout(timer);
			stopped.removeEventListener('abort', end);
			resolve();
		};
		const timer = setTimeout(end, milliseconds);
		stopped.addEventListener('abort', end);
		if (stopped.aborted) end();
	});
}

/**
 * Builds the vector index with the planned memory and workers, and with less where the server has not enough. The statement runs
 * in a transaction, without CONCURRENTLY: a failed or killed build leaves no half-built, invalid index behind.
 */
export async function buildVectorIndex(
	driver: Driver,
	settings: Settings,
	listeners: SchemaListeners,
	run: (prepare: (session: Session) => Promise<void>) => Promise<'created' | 'present'>,
): Promise<'created' | 'present'> {
	let shortage: unknown;
	const alone = settings.workers > 0 && settings.memoryBytes < leastParallelMemory;
	if (alone)
		listeners.onNotice(
			`The index is built without extra workers: with ${show(settings)} pgvector before 0.8.2 may write outside its memory (CVE-2026-3172)`,
		);
	for (const attempt of attempts(alone ? { ...settings, workers: 0 } : settings)) {
		if (shortage !== undefined) listeners.onNotice(`The server is short of memory for the index; trying again with ${show(attempt)}`);
		const stop = new AbortController();
		let watching: Promise<void> = Promise.resolve();
		try {
			return await run(async (session) => {
				await prepare(session, attempt, driver.embedded);
				const { rows } = await session.query('SELECT pg_backend_pid() AS pid');
				watching = watch(driver, text(rows[0], 'pid'), listeners.onProgress, stop.signal).catch(() => undefined);
			});
		} catch (error) {
			if (!isMemoryShortage(error)) throw error;
			shortage = error;
		} finally {
			stop.abort();
			await watching;
		}
	}
	throw shortage;
}
