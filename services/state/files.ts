import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, lstat, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RepotError } from '../../source/core/errors.js';
import { makeFolders } from '../../source/core/make-folders.js';

/** Only the owner reads what was migrated, planned or set aside. */
export const privateFile = 0o600;
const privateFolder = 0o700;

/** Makes a folder that only its owner reads. One of ours that was there with a wider mode is narrowed; a link, or somebody else's, stays. */
export async function makePrivateFolder(path: string): Promise<void> {
	try {
		makeFolders(path, privateFolder);
		const found = await lstat(path);
		const isOurs = found.isDirectory() && found.uid === process.getuid?.();
		if (isOurs && (found.mode & 0o077) !== 0) await chmod(path, privateFolder);
	} catch (thrown) {
		throw stateError(path, thrown);
	}
}

/** Writes a file whole or not at all: a temporary file beside it, fsync, rename, fsync of the folder. Mode 0600. */
export async function writeAtomically(path: string, content: string | AsyncIterable<string>): Promise<void> {
	const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
	try {
		const file = await open(temporary, 'wx', privateFile);
		try {
			if (typeof content === 'string') await file.writeFile(content);
			else for await (const part of content) await file.writeFile(part);
			await file.sync();
		} finally {
			await file.close();
		}
		await rename(temporary, path);
		await syncFolder(dirname(path));
	} catch (thrown) {
		// What stopped the write may stop this as well.
		await rm(temporary, { force: true }).catch(() => {});
		throw stateError(path, thrown);
	}
}

/** Makes a new name in the folder survive a power failure; systems that cannot open a folder keep names without it. */
export async function syncFolder(path: string): Promise<void> {
	const folder = await open(path, constants.O_RDONLY).catch(() => null);
	if (folder === null) return;
	await folder.sync().catch(() => {});
	await folder.close();
}

/**
 * Cuts off a last line without its line end, which a kill in the middle of a write leaves: a line counts only when it is whole.
 * Returns the bytes cut.
 */
export async function repairLastLine(path: string): Promise<number> {
	const file = await open(path, 'r+').catch(() => null);
	if (file === null) return 0;
	try {
		const { size } = await file.stat();
		const end = await endOfLastLine(file, size);
		if (end < size) {
			await file.truncate(end);
			await file.sync();
		}
		return size - end;
	} catch (thrown) {
		throw stateError(path, thrown);
	} finally {
		await file.close();
	}
}

async function endOfLastLine(file: { read: Awaited<ReturnType<typeof open>>['read'] }, size: number): Promise<number> {
	const block = Buffer.alloc(64 * 1024);
	for (let end = size; end > 0; ) {
		const start = Math.max(0, end - block.length);
		const { bytesRead } = await file.read(block, 0, end - start, start);
		const found = block.subarray(0, bytesRead).lastIndexOf(0x0a);
		if (found >= 0) return start + found + 1;
		end = start;
	}
	return 0;
}

/** What the operating system said about a file of the state folder, as an error that a person can act on. */
export function stateError(path: string, thrown: unknown, what: 'written' | 'read' = 'written'): RepotError {
	if (thrown instanceof RepotError) return thrown;
	const code = (thrown as NodeJS.ErrnoException).code;
	const full = code === 'ENOSPC' || code === 'EDQUOT';
	return new RepotError({
		kind: 'usage',
		code: full ? 'DISK_FULL' : what === 'read' ? 'FILE_UNREADABLE' : 'FILE_UNWRITABLE',
		message: full ? 'The disk is full' : `The state folder cannot be ${what}`,
		where: path,
		why: reasonOf(code, thrown),
		next: full
			? [
					'Make room, then run the same command again: a started run goes on where it stopped',
					'Or keep runs on another disk: --state-dir DIR',
				]
			: ['Check who owns the folder and its mode', 'Or keep runs in another folder: --state-dir DIR'],
		cause: thrown,
	});
}

const reasons: Readonly<Record<string, string>> = {
	EACCES: 'permission denied',
	EPERM: 'the system does not allow it',
	EROFS: 'the file system is read-only',
	ENOTDIR: 'a part of its path is a file, not a folder',
	ENOENT: 'a folder above it does not exist',
};

/** In words, and without the name of a temporary file. */
function reasonOf(code: string | undefined, thrown: unknown): string {
	const known = code === undefined ? undefined : reasons[code];
	return known ?? (thrown instanceof Error ? thrown.message : String(thrown));
}
