import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RepotError } from '../core/errors.js';

/** Writes a file that was asked for, whole or not at all, readable by its owner only. Throws RepotError (usage) naming the file. */
export async function writeFileWhole(path: string, content: string): Promise<void> {
	const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
	try {
		await mkdir(dirname(path), { recursive: true });
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
		throw new RepotError({
			kind: 'usage',
			code: 'FILE_UNWRITABLE',
			message: 'The file cannot be written',
			where: path,
			why: (thrown as Error).message,
			next: ['Give another place, or check who owns the folder and how much room is left'],
			cause: thrown,
		});
	}
}
