import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { RepotError } from '../../source/core/errors.js';
import { makeFolders } from '../../source/core/make-folders.js';

/** Computers may share a state directory, and a process id means something on one computer only. */
const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
const form = /^feed-([0-9a-f]{8})-(\d+)-/;

const held = new Set<string>();
const removeHeld = (): void => {
	for (const folder of held) rmSync(folder, { recursive: true, force: true });
};

export interface WorkFolder {
	readonly path: string;
	remove(): void;
}

/**
 * Makes a private folder (mode 0700) in `parent` whose name carries the process id, and removes what killed processes of this computer
 * left there. It is removed on `remove`, or else when the process exits; a process that dies of a signal leaves it to the next sweep.
 */
export function makeWorkFolder(parent: string): WorkFolder {
	const path = makeInside(parent);
	if (held.size === 0) process.on('exit', removeHeld);
	held.add(path);
	return {
		path,
		remove() {
			rmSync(path, { recursive: true, force: true });
			held.delete(path);
			if (held.size === 0) process.off('exit', removeHeld);
		},
	};
}

function makeInside(parent: string): string {
	try {
		makeFolders(parent, 0o700);
		narrow(parent);
		sweep(parent);
		// mkdtemp gives mode 0700 by itself.
		return mkdtempSync(join(resolve(parent), `feed-${host}-${process.pid}-`));
	} catch (thrown) {
		throw unusable(parent, thrown);
	}
}

/** A folder that was there may let others list it. Not through a link, and not one that belongs to somebody else: that is theirs to say. */
function narrow(folder: string): void {
	const { mode, uid } = lstatSync(folder);
	const isOurs = (mode & 0o170000) === 0o040000 && uid === process.getuid?.();
	if (isOurs && (mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

function unusable(parent: string, thrown: unknown): RepotError {
	const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
	const full = code === 'ENOSPC' || code === 'EDQUOT';
	return new RepotError({
		kind: 'usage',
		code: full ? 'DISK_FULL' : 'FILE_UNWRITABLE',
		message: full ? 'The disk is full' : 'The folder for private copies of the sources cannot be used',
		where: parent,
		why: code === 'EACCES' ? 'permission denied' : thrown instanceof Error ? thrown.message : String(thrown),
		next: [full ? 'Make room' : 'Check who owns the folder and its mode', 'Or keep runs and copies in another folder: --state-dir DIR'],
		cause: thrown,
	});
}

function sweep(parent: string): void {
	for (const name of readdirSync(parent)) {
		const match = form.exec(name);
		if (match === null || match[1] !== host) continue;
		const path = join(parent, name);
		if (isLeftover(path, Number(match[2]))) rmSync(path, { recursive: true, force: true });
	}
}

function isLeftover(path: string, pid: number): boolean {
	// A process id comes back, in a container even at every start: a folder older than this process is not this process's.
	if (pid === process.pid) return !held.has(path) && changedAt(path) < Date.now() - process.uptime() * 1000;
	try {
		process.kill(pid, 0);
		return false;
	} catch (thrown) {
		// EPERM means that it lives and belongs to somebody else.
		return thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH';
	}
}

function changedAt(path: string): number {
	try {
		return statSync(path).mtimeMs;
	} catch {
		return Number.POSITIVE_INFINITY;
	}
}
