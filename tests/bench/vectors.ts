import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withClient, withDatabase } from './database.js';
import type { Figure } from './figures.js';
import { mustRun, run } from './processes.js';
import { type RepotRun, repotMigrate } from './repot-run.js';
import { ratios, spread } from './statistics.js';

const dimensions = 1024;
const ratioName = (records: number): string => `vectors, ${records} x ${dimensions}, repot : psql \\copy (format binary)`;

export interface VectorOptions {
	readonly adminUrl: string;
	readonly cache: string;
	readonly records: number;
	/** Python with chromadb. */
	readonly python: string;
	readonly runs: number;
	readonly say: (line: string) => void;
}

/** The Chroma directory and the COPY file, written once. */
const prepare = async (options: VectorOptions): Promise<string> => {
	const { records } = options;
	const folder = join(options.cache, `vectors-${records}-${dimensions}`);
	if (existsSync(folder)) return folder;
	options.say(`writing ${records} vectors of ${dimensions} with Chroma (once, about a minute)`);
	const part = `${folder}.part`;
	await rm(part, { recursive: true, force: true });
	await mkdir(part, { recursive: true });
	const script = fileURLToPath(new URL('write-vectors.py', import.meta.url));
	await mustRun(options.python, [script, part, String(records), String(dimensions)]);
	await rename(part, folder);
	return folder;
};

const binaryBaseline = async (url: string, file: string): Promise<number> => {
	await withClient(url, async (client) => {
		await client.query('CREATE EXTENSION vector');
		await client.query(
			`CREATE TABLE langchain_pg_embedding (id varchar NOT NULL, collection_id uuid, embedding vector(${dimensions}), document varchar, cmetadata jsonb)`,
		);
	});
	const command = `\\copy langchain_pg_embedding from '${file}' (format binary)\n`;
	return (await mustRun('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', url, '-f', '-'], { stdin: command })).seconds;
};

/** Copies a Chroma directory without building the index, by turns with `psql \copy` of the same rows in binary. */
export const measureVectors = async (options: VectorOptions): Promise<readonly Figure[]> => {
	const name = ratioName(options.records);
	const usable = await run(options.python, ['-c', 'import chromadb']).catch(() => null);
	if (usable?.code !== 0) return [{ name, unit: 'x', skipped: 'no Python with chromadb (set REPOT_TEST_PYTHON)' }];
	const folder = await prepare(options);
	const ours: RepotRun[] = [];
	const theirs: number[] = [];
	for (let round = 1; round <= options.runs; round += 1) {
		ours.push(
			await withDatabase(options.adminUrl, (url) =>
				repotMigrate(url, ['--chroma-path', join(folder, 'chroma'), '--collection', 'bench_vectors', '--index', 'none']),
			),
		);
		theirs.push(await withDatabase(options.adminUrl, (url) => binaryBaseline(url, join(folder, 'vectors.bin'))));
		options.say(`round ${round}: vectors, repot copy ${ours.at(-1)?.copySeconds.toFixed(2)} s, psql \\copy ${theirs.at(-1)?.toFixed(2)} s`);
	}
	return [
		{ name: 'vectors, repot', unit: 's', spread: spread(ours.map((each) => each.copySeconds)) },
		{ name: 'vectors, psql \\copy (format binary)', unit: 's', spread: spread(theirs) },
		{
			name,
			unit: 'x',
			spread: ratios(
				ours.map((each) => each.copySeconds),
				theirs,
			),
		},
		{
			name: 'vectors, peak resident memory',
			unit: 'MB',
			spread: spread(ours.flatMap((each) => (each.peakBytes === null ? [] : [each.peakBytes / 1e6]))),
			bound: 250,
		},
	];
};
