// Measures the program against the tools of its field. A benchmark is a program, never a test: it asserts nothing about time.
// Every figure comes from alternating runs on one server, each in a fresh database that is dropped afterwards.

import { existsSync, renameSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { cpus, homedir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Figure, renderFigures } from './figures.js';
import { generateCollections } from './generate-collections.js';
import { measureLoad } from './load.js';
import { measureReading } from './reading.js';
import { measureStartup } from './startup.js';
import { measureVectors } from './vectors.js';

const parts = ['copy', 'whole', 'startup', 'vectors', 'reading'] as const;
type Part = (typeof parts)[number];

const usage = `usage: npm run bench -- [--rows 200000] [--vectors 100000] [--runs 5] [--postgres-url URL] [--only ${parts.join('|')}] [--json]

--rows          items; as many analyses and embeddings come with them
--vectors       vectors of 1,024 dimensions
--postgres-url  a server where databases may be made and dropped (default: REPOT_TEST_POSTGRES_URL)
--only          one part; may be repeated
--json          the figures as one JSON document on stdout

Data sets are made once and kept under REPOT_BENCH_CACHE (default: ~/.cache/repot-bench).
The vectors and the reading need a Python with chromadb: REPOT_TEST_PYTHON.`;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

const isPart = (name: string): name is Part => (parts as readonly string[]).includes(name);

const whole = (text: string, flag: string): number => {
	const value = Number(text);
	if (!Number.isSafeInteger(value) || value < 1) throw new UsageError(`${flag} takes a whole number above 0, not "${text}"`);
	return value;
};

class UsageError extends Error {}

const readOptions = () => {
	const { values } = parseArgs({
		options: {
			rows: { type: 'string', default: '200000' },
			vectors: { type: 'string', default: '100000' },
			runs: { type: 'string', default: '5' },
			'postgres-url': { type: 'string' },
			only: { type: 'string', multiple: true, default: [...parts] },
			json: { type: 'boolean', default: false },
			help: { type: 'boolean', default: false },
		},
	});
	const unknown = values.only.find((name) => !isPart(name));
	if (unknown !== undefined) throw new UsageError(`--only takes ${parts.join(', ')}, not "${unknown}"`);
	return {
		items: whole(values.rows, '--rows'),
		vectors: whole(values.vectors, '--vectors'),
		runs: whole(values.runs, '--runs'),
		adminUrl: values['postgres-url'] ?? process.env.REPOT_TEST_POSTGRES_URL,
		only: values.only.filter(isPart),
		json: values.json,
		help: values.help,
	};
};

/** The SQLite file of the collections schema, made once per size. */
const collections = async (cache: string, items: number): Promise<string> => {
	const seed = 1;
	const path = join(cache, `collections-${items}-${seed}.db`);
	if (existsSync(path)) return path;
	say(`generating ${items} items, analyses and embeddings (once)`);
	await generateCollections(`${path}.part`, { items, seed });
	renameSync(`${path}.part`, path);
	return path;
};

const measure = async (options: ReturnType<typeof readOptions>): Promise<readonly Figure[]> => {
	const { adminUrl, runs, only } = options;
	const cache = process.env.REPOT_BENCH_CACHE ?? join(homedir(), '.cache', 'repot-bench');
	await mkdir(cache, { recursive: true });
	const figures: Figure[] = [];
	const against = only.filter((part) => part === 'copy' || part === 'whole');
	if (against.length > 0 && adminUrl !== undefined) {
		const sqlitePath = await collections(cache, options.items);
		figures.push(...(await measureLoad({ adminUrl, sqlitePath, runs, against, say })));
	}
	const data = { cache, records: options.vectors, python: process.env.REPOT_TEST_PYTHON ?? 'python3', say };
	if (only.includes('reading')) figures.push(...(await measureReading({ ...data, runs })));
	if (only.includes('vectors') && adminUrl !== undefined) figures.push(...(await measureVectors({ ...data, adminUrl, runs })));
	if (only.includes('startup')) figures.push(...(await measureStartup(runs * 2)));
	return figures;
};

const main = async (): Promise<number> => {
	const options = readOptions();
	if (options.help) {
		process.stdout.write(`${usage}\n`);
		return 0;
	}
	if (options.adminUrl === undefined && options.only.some((part) => part !== 'startup' && part !== 'reading')) {
		say(
			'No PostgreSQL to measure on. Start a throw-away one with pgvector and try again:\n\n  eval "$(tests/servers/start-postgres.sh)"\n',
		);
		return 2;
	}
	const figures = await measure(options);
	const machine = {
		node: process.version,
		cpu: cpus()[0]?.model ?? 'unknown',
		cores: cpus().length,
		memoryGb: Math.round(totalmem() / 1e9),
	};
	if (options.json) process.stdout.write(`${JSON.stringify({ machine, items: options.items, runs: options.runs, figures }, null, '\t')}\n`);
	else
		process.stdout.write(
			`\n${renderFigures(figures)}\n\n${machine.cores} x ${machine.cpu}, ${machine.memoryGb} GB, Node ${machine.node}\n`,
		);
	return 0;
};

try {
	process.exitCode = await main();
} catch (error) {
	const isUsage =
		error instanceof UsageError || (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));
	say(isUsage ? `${error.message}\n\n${usage}` : error instanceof Error ? error.message : String(error));
	process.exitCode = isUsage ? 2 : 1;
}
