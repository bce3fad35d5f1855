import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { codeOf, diskFull } from './source-errors.js';

/** What tells that a file was written to: size and time of the last change, to the nanosecond. Null: the file is not there. */
export interface Stamp {
	readonly size: bigint;
	readonly changed: bigint;
	readonly inode: bigint;
	/** When the file was made; 0 where the file system does not say. */
	readonly born: bigint;
}

export async function stampOf(path: string): Promise<Stamp | null> {
	try {
		const { size, mtimeNs, ino, birthtimeNs } = await stat(path, { bigint: true });
		return { size, changed: mtimeNs, inode: ino, born: birthtimeNs };
	} catch (thrown) {
		if (codeOf(thrown) === 'ENOENT') return null;
		throw thrown;
	}
}

export const sameStamp = (a: Stamp | null, b: Stamp | null): boolean =>
	a === null || b === null ? a === b : a.size === b.size && a.changed === b.changed && a.inode === b.inode;

export interface FilePair {
	readonly from: string;
	readonly to: string;
}

/** Copies files, in order, and makes the folders they lie in. A file system that can share blocks between files does so, and the copy costs nothing. */
export async function copyFiles(files: readonly FilePair[], signal: AbortSignal | undefined): Promise<void> {
	for (const { from, to } of files) {
		signal?.throwIfAborted();
		await mkdir(dirname(to), { recursive: true, mode: 0o700 });
		await copyFile(from, to, constants.COPYFILE_FICLONE);
		// The copy inherits the original's mode, which may be read-only; it may have to be rolled back.
		await chmod(to, 0o600);
	}
}

/** The kernel stamps changes with the time of its last tick; two changes within one look like one. Ticks are at most 10 ms apart. */
const tickMilliseconds = 20;

/** True when `earlier` was last changed in a tick before that in which `later` was made. */
export const isOlderThanBirth = (earlier: Stamp | null, later: Stamp): boolean =>
	earlier === null || earlier.changed + BigInt(tickMilliseconds) * 1_000_000n < later.born;

/** A file written within the running tick could be written again without its stamp moving. */
function isWithinTick(stamp: Stamp | null): boolean {
	const age = BigInt(Date.now()) * 1_000_000n - (stamp?.changed ?? 0n);
	return stamp !== null && age >= 0n && age < BigInt(tickMilliseconds) * 1_000_000n;
}

/**
 * Copies files that nobody locks. True: none of them, and none of `absent` (paths), changed from before the copy until after it, so that the
 * copy is a state that stood on the disk; and `isWhole`, asked of their stamps at a moment in between, said that this state is one to copy.
 * False: a writer was at work; whatever was copied is to be thrown away.
 */
export async function copyStable(
	files: readonly FilePair[],
	{
		absent = [],
		isWhole = async () => true,
		signal,
	}: {
		readonly absent?: readonly string[];
		readonly isWhole?: (stamps: readonly (Stamp | null)[]) => Promise<boolean>;
		readonly signal: AbortSignal | undefined;
	},
): Promise<boolean> {
	const watched = [...files.map(({ from }) => from), ...absent];
	let before = await Promise.all(watched.map(stampOf));
	if (before.some(isWithinTick)) {
		await pause(tickMilliseconds, undefined, signal === undefined ? {} : { signal });
		before = await Promise.all(watched.map(stampOf));
		if (before.some(isWithinTick)) return false;
	}
	if (!(await isWhole(before))) return false;
	try {
		await copyFiles(files, signal);
	} catch (thrown) {
		const vanished = codeOf(thrown) === 'ENOENT' && files.every((_, index) => before[index] !== null);
		if (vanished) return false;
		throw thrown;
	}
	const after = await Promise.all(watched.map(stampOf));
	return before.every((stamp, index) => sameStamp(stamp, after[index] ?? null));
}

/** Room that is left over beside the copy: rolling back or checkpointing the copy writes a little. */
const spareBytes = 16 * 1024 * 1024;

/** Throws RepotError (source, NO_DISK_SPACE) when `folder` cannot take the files. */
export async function requireSpace(files: readonly string[], folder: string): Promise<void> {
	const stamps = await Promise.all(files.map(stampOf));
	const needed = stamps.reduce((sum, stamp) => sum + Number(stamp?.size ?? 0n), spareBytes);
	const { bavail, bsize } = await statfs(folder);
	if (bavail * bsize < needed) throw diskFull(folder, needed, bavail * bsize);
}
