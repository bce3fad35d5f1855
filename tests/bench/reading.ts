import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Figure } from './figures.js';
import { mustRun } from './processes.js';
import { ratios, spread } from './statistics.js';
import { dimensions, hasChroma, type VectorData, vectorData, withoutChroma } from './vector-data.js';

export interface ReadingOptions extends VectorData {
	readonly runs: number;
}

/** Records that Python asks for at a time: larger pages were not faster. */
const page = 1000;

interface Reading {
	readonly seconds: number;
	readonly records: number;
	readonly components: number;
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const reading = async (command: string, args: readonly string[], records: number): Promise<Reading> => {
	const { stdout } = await mustRun(command, args);
	const read: Reading = JSON.parse(stdout);
	if (read.records !== records || read.components !== records * dimensions)
		throw new Error(`${command} did not read everything: ${stdout}`);
	return read;
};

/**
 * Reads a Chroma directory from opening it to its last record (ours: with the private copy and the description), by turns with Chroma's own `get`. The
 * start of either process is not counted.
 */
export const measureReading = async (options: ReadingOptions): Promise<readonly Figure[]> => {
	const { python, records, runs, cache, say } = options;
	const name = `reading ${records} x ${dimensions}, repot : chromadb get(limit=${page}, offset)`;
	if (!(await hasChroma(python))) return [{ name, unit: 'x', skipped: withoutChroma }];
	const directory = join(await vectorData(options), 'chroma');
	const copies = await mkdtemp(join(cache, 'copies-'));
	try {
		const ours: number[] = [];
		const theirs: number[] = [];
		for (let round = 1; round <= runs; round += 1) {
			const tool = [process.execPath, ['--import', 'tsx', here('read-chroma.ts'), directory, 'bench_vectors', copies]] as const;
			ours.push((await reading(...tool, records)).seconds);
			theirs.push((await reading(python, [here('read-chroma.py'), directory, 'bench_vectors', String(page)], records)).seconds);
			say(`round ${round}: reading, repot ${ours.at(-1)?.toFixed(2)} s, chromadb ${theirs.at(-1)?.toFixed(2)} s`);
		}
		return [
			{ name: 'reading, repot', unit: 's', spread: spread(ours) },
			{ name: 'reading, chromadb', unit: 's', spread: spread(theirs) },
			{ name, unit: 'x', spread: ratios(ours, theirs), bound: 1 },
		];
	} finally {
		await rm(copies, { recursive: true, force: true });
	}
};
