import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { RepotError } from '../../source/core/errors.js';
import type { SharedKeys } from '../../source/core/ports.js';
import { Database } from '../sqlite/engine.js';
import type { StopSignal } from './stop-signal.js';

const sampleSize = 5;
const rowsPerTransaction = 50_000;
const rowsPerCheck = 256;
/** Kibibytes of the page cache: what of the keys is in memory while they are put aside. */
const cacheKibibytes = 32 * 1024;
/** Keys of one part, which are looked at in memory: some tens of megabytes. */
const keysPerPart = 100_000;
const mostParts = 1024;

type Keys = Iterable<string>;

interface Step {
	readonly id: string;
	/** About how many keys there are. */
	readonly rows: number;
	readonly keys: () => Keys;
}

/**
 * Counts the keys that occur in more than one step, in a database of the feed's private folder: millions of keys take disk there (their own
 * bytes and about ten more each), not memory. Keys are compared byte by byte. They are parted by a hash, so that no part is too long for
 * memory: SQLite would sort in the system's folder for temporary files, where others may have no business seeing them.
 */
export function countSharedKeys(folder: string, steps: readonly Step[], stop: StopSignal): SharedKeys {
	const path = join(folder, 'keys.sqlite');
	// What a stopped call left.
	rmSync(path, { force: true });
	const database = new Database(path);
	try {
		database.pragma('journal_mode = MEMORY');
		database.pragma('synchronous = OFF');
		database.pragma('locking_mode = EXCLUSIVE');
		database.pragma(`cache_size = -${cacheKibibytes}`);
		const rows = steps.reduce((sum, step) => sum + step.rows, 0);
		const parts = Math.max(1, Math.min(mostParts, Math.ceil(rows / keysPerPart)));
		putAside(database, parts, steps);
		return count(database, parts, steps, stop);
	} catch (thrown) {
		throw isFull(thrown) ? diskFull(folder, thrown) : thrown;
	} finally {
		database.close();
		rmSync(path, { force: true });
	}
}

function putAside(database: InstanceType<typeof Database>, parts: number, steps: readonly Step[]): void {
	const inserts = Array.from({ length: parts }, (_, part) => {
		database.exec(`CREATE TABLE part_${part} (key TEXT NOT NULL, step INTEGER NOT NULL)`);
		return database.prepare(`INSERT INTO part_${part} (key, step) VALUES (?, ?)`);
	});
	let rows = 0;
	database.exec('BEGIN');
	for (const [place, { keys }] of steps.entries()) {
		for (const key of keys()) {
			inserts[hash(key) % parts]?.run(key, place);
			if (++rows % rowsPerTransaction === 0) database.exec('COMMIT; BEGIN');
		}
	}
	database.exec('COMMIT');
}

function count(database: InstanceType<typeof Database>, parts: number, steps: readonly Step[], stop: StopSignal): SharedKeys {
	let found = 0;
	let first: { readonly key: string; readonly places: readonly number[] }[] = [];
	for (let part = 0; part < parts; part++) {
		const shared = sharedIn(database.prepare(`SELECT key, step FROM part_${part}`).iterate() as IterableIterator<Row>, stop);
		found += shared.size;
		const own = [...shared].map(([key, places]) => ({ key, places: [...places].sort((a, b) => a - b) }));
		first = [...first, ...own].sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))).slice(0, sampleSize);
	}
	return { count: found, sample: first.map(({ key, places }) => ({ key, steps: places.map((place) => steps[place]?.id ?? '') })) };
}

interface Row {
	readonly key: string;
	readonly step: number;
}

/** Keys of a part that several steps have, with the places of those steps. */
function sharedIn(rows: IterableIterator<Row>, stop: StopSignal): ReadonlyMap<string, ReadonlySet<number>> {
	const holder = new Map<string, number>();
	const shared = new Map<string, Set<number>>();
	let untilCheck = 1;
	for (const { key, step } of rows) {
		if (--untilCheck === 0) {
			stop.check();
			untilCheck = rowsPerCheck;
		}
		const before = holder.get(key);
		if (before === undefined) holder.set(key, step);
		else if (before !== step) shared.set(key, (shared.get(key) ?? new Set([before])).add(step));
	}
	return shared;
}

/** FNV-1a over UTF-16 code units, 32 bits (draft-eastlake-fnv): parts of about one length, whatever the keys. */
function hash(key: string): number {
	let value = 0x811c9dc5;
	for (let at = 0; at < key.length; at++) value = Math.imul(value ^ key.charCodeAt(at), 0x01000193);
	return value >>> 0;
}

const isFull = (thrown: unknown): boolean => thrown instanceof Error && 'code' in thrown && thrown.code === 'SQLITE_FULL';

const diskFull = (folder: string, cause: unknown): RepotError =>
	new RepotError({
		kind: 'usage',
		code: 'DISK_FULL',
		message: 'The disk is full',
		where: folder,
		why: 'the ids of the collections are compared there',
		next: ['Make room', 'Or keep runs and copies in another folder: --state-dir DIR'],
		cause,
	});
