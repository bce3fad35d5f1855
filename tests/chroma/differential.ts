import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openChroma } from '../../services/chroma/open.js';
import { spawned } from '../python/python.js';
import { directoryState } from '../unit/chroma/support.js';
import { answersIn } from './answers.js';
import { differences } from './compare.js';

const writer = fileURLToPath(new URL('chroma_directories.py', import.meta.url));
const seedsPerVersion = 36;
/** Minutes only where other work has the processors too; a release takes about 20 seconds. */
const timeout = 600_000;

/**
 * Directories that a real Chroma writes at random, each read by it and by us. `variable` names the environment variable with the path of a Python that
 * has that release. REPOT_TEST_CHROMA_SEEDS=FIRST-LAST runs other seeds.
 */
export function differentialSuite(release: string, variable: string): void {
	const python = process.env[variable] ?? '';
	const because = python === '' ? ` (skipped: ${variable}, a Python with chromadb ${release}, is not set)` : '';

	test.runIf(process.env.REPOT_REQUIRE_SERVERS === '1')(`chromadb ${release} is here`, () => {
		expect(python, `${variable} is set`).not.toBe('');
	});

	describe.skipIf(python === '')(`directories that chromadb ${release} wrote${because}`, () => {
		const folder = mkdtempSync(join(quickFolder(), 'repot-chroma-'));
		const seeds = chosenSeeds();
		let made = '';

		beforeAll(async () => {
			const { code, stdout, stderr } = await spawned(python, [writer, folder, ...seeds]);
			if (code !== 0) throw new Error(`the writer ended with exit code ${code}:\n${stderr.slice(-3000)}`);
			made = stdout.trim();
		}, timeout);

		afterAll(() => rmSync(folder, { recursive: true, force: true }));

		test('are of that release', () => {
			expect(made).toBe(release);
		});

		test.each(seeds)('seed %s reads as Chroma answers', async (seed) => {
			const directory = join(folder, seed, 'data');
			const before = directoryState(directory);
			const snapshot = await openChroma({ path: directory, into: join(folder, seed, 'copy') });
			try {
				expect(differences(snapshot, directory, answersIn(join(folder, seed)))).toEqual([]);
			} finally {
				await snapshot.close();
			}
			expect(directoryState(directory)).toEqual(before);
		});

		test('some writers were killed, some collections are in the index, some in the log', () => {
			const answers = seeds.map((seed) => answersIn(join(folder, seed)));
			expect(answers.some(({ killed }) => killed !== null)).toBe(true);
			expect(new Set(answers.flatMap(({ collections }) => collections.map(({ space }) => space)))).toEqual(
				new Set(['l2', 'cosine', 'ip', null]),
			);
		});
	});
}

function chosenSeeds(): readonly string[] {
	const [first, last] = (process.env.REPOT_TEST_CHROMA_SEEDS ?? `1-${seedsPerVersion}`).split('-').map(Number);
	return Array.from({ length: (last ?? first ?? 0) - (first ?? 0) + 1 }, (_, at) => String((first ?? 0) + at));
}

/** Chroma waits for the disk at every write; in memory a directory is made five times as fast. */
function quickFolder(): string {
	const memory = '/dev/shm';
	if (!existsSync(memory)) return tmpdir();
	const { bavail, bsize } = statfsSync(memory);
	return bavail * bsize > 512 * 1024 * 1024 ? memory : tmpdir();
}
