import { stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { FreeSpace } from '../../source/core/readiness.js';

/** Of the nearest folder that is there: the path itself may be made later. Null where the file system tells no size, or may not be asked. */
export const freeSpace: FreeSpace = async (path) => {
	for (let folder = resolve(path); ; folder = dirname(folder)) {
		try {
			const [{ bavail, bsize, blocks }, { dev }] = await Promise.all([statfs(folder), stat(folder)]);
			return blocks === 0 ? null : { free: bavail * bsize, device: String(dev) };
		} catch (thrown) {
			const { code } = thrown as NodeJS.ErrnoException;
			const isAbsent = code === 'ENOENT' || code === 'ENOTDIR';
			if (!isAbsent || folder === dirname(folder)) return null;
		}
	}
};
