import { join } from 'node:path';
import { withClient, withDatabase } from './database.js';
import type { Figure } from './figures.js';
import { mustRun } from './processes.js';
import { type RepotRun, repotMigrate } from './repot-run.js';
import { ratios, spread } from './statistics.js';
import { dimensions, hasChroma, type VectorData, vectorData, withoutChroma } from './vector-data.js';

const ratioName = (records: number): string => `vectors, ${records} x ${dimensions}, repot : psql \\copy (format binary)`;

export interface VectorOptions extends VectorData {
	readonly adminUrl: string;
	readonly runs: number;
}

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
	if (!(await hasChroma(options.python))) return [{ name, unit: 'x', skipped: withoutChroma }];
	const folder = await vectorData(options);
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
			bound: 1.5,
		},
		{
			name: 'vectors, peak resident memory',
			unit: 'MB',
			spread: spread(ours.flatMap((each) => (each.peakBytes === null ? [] : [each.peakBytes / 1e6]))),
			bound: 250,
		},
	];
};
