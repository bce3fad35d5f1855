import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder and those above it that are missing. Node's `recursive: true` never returns where a file system answers ENOENT for a
 * folder whose parent exists, as /proc does (Node 20 to 24), so each one is made by itself. Throws what the system says.
 */
export function makeFolders(path: string, mode = 0o777): void {
	const missing: string[] = [];
	for (let at = resolve(path); !existsSync(at) && dirname(at) !== at; at = dirname(at)) missing.push(at);
	for (const folder of missing.reverse()) {
		try {
			mkdirSync(folder, { mode });
		} catch (thrown) {
			// Somebody else was faster.
			if (!isFolder(folder)) throw thrown;
		}
	}
	// The system's own words for a file in the place of a folder.
	if (missing.length === 0 && !isFolder(path)) mkdirSync(path, { mode });
}

function isFolder(path: string): boolean {
	return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
