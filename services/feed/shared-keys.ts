import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { SharedKeys } from '../../source/core/ports.js';
import { Database } from '../sqlite/engine.js';

const sampleSize = 5;
const rowsPerTransaction = 50_000;
/** Kibibytes of the page cache: what of the keys is in memory at a time. */
const cacheKibibytes = 32 * 1024;

/**
 * Counts the keys that occur in more than one step, in a database of the feed's private folder: millions of keys take disk there, not memory.
 * Keys are compared byte by byte.
 */
export function countSharedKeys(
	folder: string,
	steps: readonly { readonly id: string; readonly keys: () => Iterable<string> }[],
): SharedKeys {
	const path = join(folder, 'keys.sqlite');
	// What a stopped call left.
	rmSync(path, { force: true });
	const database = new Database(path);
	try {
		database.pragma('journal_mode = OFF');
		database.pragma('synchronous = OFF');
		database.pragma('locking_mode = EXCLUSIVE');
		database.pragma('temp_store = FILE');
		database.pragma(`cache_size = -${cacheKibibytes}`);
		database.exec('CREATE TABLE keys (key TEXT NOT NULL, step INTEGER NOT NULL)');
		for (const [place, { keys }] of steps.entries()) fill(database, place, keys());
		// One pass over the sorted keys; the sorter spills to disk.
		const shared = 'SELECT key, group_concat(DISTINCT step) AS steps FROM keys GROUP BY key HAVING min(step) < max(step) ORDER BY key';
		const sample: SharedKeys['sample'][number][] = [];
		let count = 0;
		for (const row of database.prepare(shared).iterate() as IterableIterator<{ readonly key: string; readonly steps: string }>) {
			count++;
			if (sample.length < sampleSize)
				sample.push({ key: row.key, steps: row.steps.split(',').map((place) => steps[Number(place)]?.id ?? '') });
		}
		return { count, sample };
	} finally {
		database.close();
		rmSync(path, { force: true });
	}
}

function fill(database: InstanceType<typeof Database>, place: number, keys: Iterable<string>): void {
	const insert = database.prepare('INSERT INTO keys (key, step) VALUES (?, ?)');
	let rows = 0;
	database.exec('BEGIN');
	for (const key of keys) {
		insert.run(key, place);
		if (++rows % rowsPerTransaction === 0) database.exec('COMMIT; BEGIN');
	}
	database.exec('COMMIT');
}
