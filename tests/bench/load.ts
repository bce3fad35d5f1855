import { collectionsTables } from './collections-tables.js';
import { copyBaseline, digest, prepareCopyFiles } from './copy-baseline.js';
import { withDatabase } from './database.js';
import type { Figure } from './figures.js';
import { type PgloaderRun, pgloaderBaseline } from './pgloader-baseline.js';
import { isInstalled } from './processes.js';
import { type RepotRun, repotMigrate } from './repot-run.js';
import { ratios, spread } from './statistics.js';

export interface LoadOptions {
	readonly adminUrl: string;
	readonly sqlitePath: string;
	readonly runs: number;
	/** `copy` against \copy, `whole` against pgloader. */
	readonly against: readonly ('copy' | 'whole')[];
	readonly say: (line: string) => void;
}

const megabytes = (bytes: readonly (number | null)[]): number[] => bytes.flatMap((value) => (value === null ? [] : [value / 1e6]));

/** Both sides must have loaded the same rows, else their times say nothing. */
const compareRows = (ours: string, theirs: string): void => {
	if (ours !== theirs) throw new Error(`the two sides hold different rows:\n  repot  ${ours}\n  \\copy  ${theirs}`);
};

/** Loads the collections schema by turns with repot, `psql \copy` and pgloader, each into a fresh database of one server. */
export const measureLoad = async (options: LoadOptions): Promise<readonly Figure[]> => {
	const { adminUrl, sqlitePath, say } = options;
	const copyFiles = options.against.includes('copy') ? await prepareCopyFiles(sqlitePath) : null;
	const withPgloader = options.against.includes('whole') && (await isInstalled('pgloader'));
	const ours: RepotRun[] = [];
	const copies: number[] = [];
	const loads: PgloaderRun[] = [];
	for (let round = 1; round <= options.runs; round += 1) {
		let oursDigest = '';
		ours.push(
			await withDatabase(adminUrl, async (url) => {
				const result = await repotMigrate(url, ['--sqlite-db', sqlitePath]);
				if (round === 1 && copyFiles !== null) oursDigest = await digest(url);
				return result;
			}),
		);
		say(`round ${round}: repot whole ${ours.at(-1)?.wholeSeconds.toFixed(2)} s, copy ${ours.at(-1)?.copySeconds.toFixed(2)} s`);
		if (copyFiles !== null) {
			copies.push(
				await withDatabase(adminUrl, async (url) => {
					const seconds = await copyBaseline(url, copyFiles);
					if (round === 1) compareRows(oursDigest, await digest(url));
					return seconds;
				}),
			);
			say(`round ${round}: psql \\copy ${copies.at(-1)?.toFixed(2)} s`);
		}
		if (withPgloader) {
			loads.push(await withDatabase(adminUrl, (url) => pgloaderBaseline(url, sqlitePath)));
			say(`round ${round}: pgloader ${loads.at(-1)?.seconds.toFixed(2)} s`);
		}
	}
	return [
		...(copyFiles === null ? [] : copyFigures(ours, copies)),
		...(options.against.includes('whole') ? wholeFigures(ours, loads) : []),
		{ name: 'repot, peak resident memory', unit: 'MB', spread: spread(megabytes(ours.map((run) => run.peakBytes))), bound: 250 },
	];
};

const copyFigures = (ours: readonly RepotRun[], copies: readonly number[]): readonly Figure[] => [
	{
		name: `copy of ${ours[0]?.rows ?? 0} rows in ${collectionsTables.length} tables, repot`,
		unit: 's',
		spread: spread(ours.map((run) => run.copySeconds)),
	},
	{ name: 'the same rows, psql \\copy', unit: 's', spread: spread(copies) },
	{
		name: 'copy, repot : psql \\copy',
		unit: 'x',
		spread: ratios(
			ours.map((run) => run.copySeconds),
			copies,
		),
		bound: 1.5,
	},
	{
		name: 'copy with the wait for the first batch : psql \\copy',
		unit: 'x',
		spread: ratios(
			ours.map((run) => run.stepSeconds),
			copies,
		),
	},
];

const wholeFigures = (ours: readonly RepotRun[], loads: readonly PgloaderRun[]): readonly Figure[] => {
	const seconds = ours.map((run) => run.wholeSeconds);
	const whole: Figure = { name: 'whole command, repot', unit: 's', spread: spread(seconds) };
	if (loads.length === 0) {
		return [
			whole,
			{ name: 'whole command, repot : pgloader', unit: 'x', skipped: 'pgloader is not installed (apt-get install pgloader)', bound: 1 },
		];
	}
	const note = loads[0]?.note ?? null;
	return [
		whole,
		{ name: 'whole load, pgloader', unit: 's', spread: spread(loads.map((run) => run.seconds)), ...(note === null ? {} : { note }) },
		{
			name: 'whole command, repot : pgloader',
			unit: 'x',
			spread: ratios(
				seconds,
				loads.map((run) => run.seconds),
			),
			bound: 1,
		},
		{ name: 'pgloader, peak resident memory', unit: 'MB', spread: spread(megabytes(loads.map((run) => run.peakBytes))) },
	];
};
