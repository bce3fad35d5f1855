import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Database } from '../../../services/sqlite/engine.js';
import { unpackRecording } from './recorded.js';
import { temporaryFolder } from './support.js';

const program = fileURLToPath(new URL('read-directory.ts', import.meta.url));
const recording = '1.5.9-38';
const megabyte = 1 << 20;
/** What reading may cost beyond reading the same directory before it lies. */
const allowance = 192 * megabyte;

/** Reads directories in a process with a small heap; one that does not come to an end is stopped and fails. */
function readInChild(directories: readonly string[]): { readonly lines: readonly string[]; readonly peak: number } {
	const { status, stdout, stderr } = spawnSync(process.execPath, ['--max-old-space-size=96', '--import', 'tsx', program, ...directories], {
		encoding: 'utf8',
		timeout: 100_000,
		killSignal: 'SIGKILL',
	});
	expect(status, stderr.slice(-2000)).toBe(0);
	const lines = stdout.trim().split('\n');
	return { lines: lines.slice(0, -1), peak: (JSON.parse(lines.at(-1) ?? '') as { readonly peak: number }).peak };
}

function segmentsOf(directory: string): readonly string[] {
	return readdirSync(directory, { withFileTypes: true })
		.filter((entry) => entry.isDirectory() && existsSync(join(directory, entry.name, 'index_metadata.pickle')))
		.map((entry) => join(directory, entry.name))
		.sort();
}

/** The header of a segment with its number of elements replaced. */
function claim(segment: string, elements: bigint): void {
	const header = readFileSync(join(segment, 'header.bin'));
	header.writeBigUInt64LE(elements, 20);
	writeFileSync(join(segment, 'header.bin'), header);
}

/** Takes away the vectors, so that every label is looked for to the end of the file, and makes it as large as it claims to be. Sparse: it needs no room on disk. */
function stretch(segment: string, name: string, bytes: number): void {
	const path = join(segment, name);
	if (name === 'data_level0.bin') truncateSync(path, 0);
	truncateSync(path, bytes);
}

const bytes = (...parts: readonly (number | readonly number[])[]): Buffer => Buffer.from(parts.flat());
const pickleStart = [0x80, 3, 0x7d, 0x28];

/** A blob of 2 MB whose record says that it is one of 100 MB: payload size and serial type of its row (https://www.sqlite.org/fileformat2.html#record_format). */
function lieInRow(directory: string): void {
	const path = join(directory, 'chroma.sqlite3');
	const size = 2 * megabyte;
	const database = new Database(path);
	const topic = database.prepare('SELECT topic FROM embeddings_queue LIMIT 1').pluck().get() as string;
	database
		.prepare("INSERT INTO embeddings_queue (operation, topic, id, vector, encoding, metadata) VALUES (2, ?, 'liar', ?, 'FLOAT32', '{}')")
		.run(topic, Buffer.alloc(size));
	database.close();
	const file = readFileSync(path);
	const type = varint(size * 2 + 12);
	const at = file.indexOf(type);
	expect(at).toBeGreaterThan(0);
	varint(100 * megabyte * 2 + 12).copy(file, at);
	writeFileSync(path, file);
}

/** SQLite's variable-length integer: seven bits a byte, most significant first. */
function varint(value: number): Buffer {
	const groups: number[] = [];
	for (let rest = value; rest > 0; rest = Math.floor(rest / 128)) groups.unshift(rest % 128);
	return Buffer.from(groups.map((group, at) => (at < groups.length - 1 ? group | 0x80 : group)));
}

const inEach =
	(change: (segment: string) => void) =>
	(directory: string): void => {
		for (const segment of segmentsOf(directory)) change(segment);
	};

const pickled = (content: Buffer): ((directory: string) => void) =>
	inEach((segment) => writeFileSync(join(segment, 'index_metadata.pickle'), content));

const labelBeyondReason = bytes(
	[...pickleStart, 0x58, 11, 0, 0, 0, ...Buffer.from('id_to_label'), 0x7d, 0x28],
	[0x58, 6, 0, 0, 0, ...Buffer.from('id-000'), 0x4a, 255, 255, 255, 127],
	[0x75, 0x75, 0x2e],
);

/** Records of the recording, and how many of their vectors the log holds too. */
const [everyRecord, inLog] = [36, 10];
/** Records of its first segment whose vector the log does not hold. */
const onlyInFirst = 10;

interface Liar {
	readonly lie: (directory: string) => void;
	readonly inPlace?: boolean;
	/** How many vectors are left, or the code of the refusal. No record is lost. */
	readonly left: number | string;
}

const liars: Readonly<Record<string, Liar>> = {
	'a header that claims more elements than there are bytes in the world': {
		left: everyRecord,
		lie: inEach((segment) => claim(segment, 2n ** 62n)),
	},
	'a header.bin of 3 GB': {
		left: everyRecord,
		lie: inEach((segment) => truncateSync(join(segment, 'header.bin'), 3 * 2 ** 30)),
		inPlace: true,
	},
	'a data_level0.bin of 2 GB and a header that claims all of it': {
		left: everyRecord - onlyInFirst,
		lie: (directory) => {
			const [segment] = segmentsOf(directory) as [string];
			claim(segment, 2n ** 62n);
			stretch(segment, 'data_level0.bin', 2 * 2 ** 30);
		},
		inPlace: true,
	},
	'a length.bin of 1 TB': {
		left: everyRecord,
		lie: inEach((segment) => {
			claim(segment, 2n ** 62n);
			stretch(segment, 'length.bin', 2 ** 40);
		}),
		inPlace: true,
	},
	'files that are larger than the disk': {
		lie: (directory) => stretch(segmentsOf(directory)[0] ?? '', 'data_level0.bin', 8 * 2 ** 40),
		left: 'NO_DISK_SPACE',
	},
	'a pickle with a text of 1 GB that is there': {
		left: inLog,
		lie: inEach((segment) => {
			const path = join(segment, 'index_metadata.pickle');
			writeFileSync(path, bytes(pickleStart, 0x8d, [0, 0, 0, 0x40, 0, 0, 0, 0]));
			truncateSync(path, 2 ** 30 + 100);
		}),
		inPlace: true,
	},
	'a pickle with a text of 4 GB that is not there': { left: inLog, lie: pickled(bytes(pickleStart, 0x58, [0xff, 0xff, 0xff, 0xff])) },
	'a pickle that stores one value twenty million times': {
		left: inLog,
		lie: pickled(Buffer.concat([bytes(pickleStart, 0x8c, 1, 0x61), Buffer.alloc(20 * megabyte, 0x94)])),
	},
	'a pickle of nothing but beginnings': { left: inLog, lie: pickled(Buffer.concat([bytes(0x80, 3), Buffer.alloc(20 * megabyte, 0x28)])) },
	'a label of two thousand million': { left: inLog, lie: pickled(labelBeyondReason) },
	'a row that claims 100 MB': { left: everyRecord, lie: lieInRow },
};

describe('directories that lie about their sizes', () => {
	it('cost no more memory than they should, and come to an end', { timeout: 120_000 }, () => {
		const folder = temporaryFolder();
		const { directory: honest, answers } = unpackRecording(recording, join(folder, 'honest'));
		const count = answers.collections.reduce((sum, { records }) => sum + records.length, 0);
		const directories = Object.entries(liars).map(([, { lie, inPlace }], at) => {
			const directory = join(folder, String(at));
			cpSync(honest, directory, { recursive: true });
			lie(directory);
			return inPlace === true ? `in-place:${directory}` : directory;
		});
		const truth = readInChild([honest]);
		expect(count).toBe(everyRecord);
		expect(truth.lines.map((line) => JSON.parse(line))).toEqual([{ records: count, vectors: count }]);
		const told = readInChild(directories);
		expect(told.lines).toHaveLength(directories.length);
		for (const [at, [name, { left }]] of Object.entries(liars).entries())
			expect(JSON.parse(told.lines[at] as string), name).toEqual(
				typeof left === 'string' ? { refused: left } : { records: everyRecord, vectors: left },
			);
		expect(told.peak - truth.peak).toBeLessThan(allowance);
	});
});
