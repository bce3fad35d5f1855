import { randomBytes } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RepotError } from '../core/errors.js';
import { makeFolders } from '../core/make-folders.js';

interface Asked {
	/** Flag that named the file: its folder has to be there. Without one the folder is made. */
	readonly flag?: string;
}

/** Writes a file that was asked for, whole or not at all, readable by its owner only. Throws RepotError (usage) naming the file. */
export async function writeFileWhole(path: string, content: string, { flag }: Asked = {}): Promise<void> {
	await refuseUnwritable(path, flag);
	const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
	try {
		if (flag === undefined) makeFolders(dirname(path));
		const file = await open(temporary, 'wx', 0o600);
		try {
			await file.writeFile(content);
			await file.sync();
		} finally {
			await file.close();
		}
		await rename(temporary, path);
	} catch (thrown) {
		await rm(temporary, { force: true }).catch(() => {});
		throw unwritable(
			path,
			reasonOf(thrown),
			['Check who owns the folder and how much room is left', `Or give another place${by(flag)}`],
			thrown,
		);
	}
}

/** What can be known before a long dry run: the place is a folder, or its folder is missing. Throws RepotError (usage). */
export async function refuseUnwritable(path: string, flag?: string): Promise<void> {
	const there = await stat(path).catch(() => null);
	if (there?.isDirectory()) throw unwritable(path, 'it is a folder', [`Name a file in it${by(flag)}`]);
	if (there !== null || flag === undefined) return;
	const folder = await stat(dirname(path)).catch(() => null);
	if (folder?.isDirectory()) return;
	const why = folder === null ? `there is no folder ${dirname(path)}` : `${dirname(path)} is a file, not a folder`;
	throw unwritable(path, why, [
		...(folder === null ? ['Make the folder first'] : []),
		`${folder === null ? 'Or give' : 'Give'} another place${by(flag)}`,
	]);
}

const by = (flag: string | undefined): string => (flag === undefined ? '' : `: ${flag} FILE`);

const reasons: Readonly<Record<string, string>> = {
	EACCES: 'permission denied',
	EPERM: 'the system does not allow it',
	EROFS: 'the file system is read-only',
	ENOSPC: 'the disk is full',
	ENOTDIR: 'a part of its path is a file, not a folder',
};

/** In words, and without the name of the temporary file. */
function reasonOf(thrown: unknown): string {
	const { code, message } = thrown as NodeJS.ErrnoException;
	return (code === undefined ? undefined : reasons[code]) ?? (code === undefined ? message : `the system says ${code}`);
}

function unwritable(path: string, why: string, next: readonly string[], cause?: unknown): RepotError {
	return new RepotError({
		kind: 'usage',
		code: 'FILE_UNWRITABLE',
		message: 'The file cannot be written',
		where: path,
		why,
		next,
		...(cause === undefined ? {} : { cause }),
	});
}
