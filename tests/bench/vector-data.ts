import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mustRun, run } from './processes.js';

export const dimensions = 1024;

export interface VectorData {
	readonly cache: string;
	readonly records: number;
	/** Python with chromadb. */
	readonly python: string;
	readonly say: (line: string) => void;
}

export const withoutChroma = 'no Python with chromadb (set REPOT_TEST_PYTHON)';

export const hasChroma = async (python: string): Promise<boolean> =>
	run(python, ['-c', 'import chromadb']).then(
		({ code }) => code === 0,
		() => false,
	);

/** Folder with the Chroma directory `chroma` and the COPY file `vectors.bin` of the same records, written once. */
export const vectorData = async (options: VectorData): Promise<string> => {
	const { records } = options;
	const folder = join(options.cache, `vectors-${records}-${dimensions}`);
	if (existsSync(folder)) return folder;
	options.say(`writing ${records} vectors of ${dimensions} with Chroma (once, minutes)`);
	const part = `${folder}.part`;
	await rm(part, { recursive: true, force: true });
	await mkdir(part, { recursive: true });
	const script = fileURLToPath(new URL('write-vectors.py', import.meta.url));
	await mustRun(options.python, [script, part, String(records), String(dimensions)]);
	await rename(part, folder);
	return folder;
};
