import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { withDatabase } from '../bench/database.js';
import { asPgvector, type ChromaAnswers, chromaAnswers, orderOf, pgvectorAnswers, strategies } from './answers.js';
import { askPython, spawned } from './python.js';

const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const adminUrl = process.env.REPOT_TEST_POSTGRES_URL;
const missing = [
	...(process.env.REPOT_TEST_PYTHON ? [] : ['REPOT_TEST_PYTHON (a Python with chromadb, langchain-postgres and psycopg) is not set']),
	...(adminUrl ? [] : ['REPOT_TEST_POSTGRES_URL is not set']),
];
const because = missing.length > 0 ? ` (skipped: ${missing.join('; ')})` : '';
type Probe = ChromaAnswers['probes'][number];

const neighbours = 10;
const tolerance = 1e-6;
const user = 'python-suite';

interface Asked {
	readonly name: string;
	readonly chroma: ChromaAnswers;
	readonly pgvector: z.infer<typeof pgvectorAnswers>;
}

test.runIf(process.env.REPOT_REQUIRE_SERVERS === '1')('everything that this suite needs is here', () => {
	expect(missing).toEqual([]);
	expect(existsSync(program)).toBe(true);
});

describe.skipIf(missing.length > 0)(`langchain-postgres on several collections of one Chroma directory${because}`, () => {
	let scratch: string;
	let directory: string;
	let names: readonly string[];

	beforeAll(async () => {
		scratch = mkdtempSync(join(tmpdir(), 'repot-several-'));
		directory = join(scratch, 'chroma');
		names = z.array(z.string()).parse(await askPython('write_collections.py', [directory]));
	}, 120_000);

	afterAll(() => rmSync(scratch, { recursive: true, force: true }));

	const migrate = async (url: string, ...flags: string[]) => {
		const args = [program, 'migrate', '--yes', '--no-input', '--chroma-path', directory, '--collection', 'all', '--user-id', user];
		const state = ['--state-dir', join(scratch, 'state')];
		return spawned(process.execPath, [...args, ...state, ...flags], '', { cwd: scratch, env: { REPOT_POSTGRES_URL: url } });
	};

	/** Both sides' answers, collection by collection. Chroma is asked after the migration: opening a directory may change it. */
	const askBoth = async (rule: 'prefix' | 'uuid'): Promise<readonly Asked[]> =>
		withDatabase(adminUrl ?? '', async (url) => {
			const finished = await migrate(url, '--on-id-collision', rule);
			expect(finished.stderr).toContain('Done');
			expect(finished.code).toBe(0);
			const answers: Asked[] = [];
			for (const name of names) {
				const chroma = chromaAnswers.parse(await askPython('chroma_answers.py', [directory, name, '8', String(neighbours)]));
				const question = {
					url,
					collection: name,
					strategy: strategies[chroma.space],
					user,
					rule,
					ids: chroma.records.map(({ id }) => id),
					probes: chroma.probes.map(({ vector }) => vector),
					filters: chroma.probes.map(({ narrowed }) => narrowed?.filter ?? null),
					neighbours,
				};
				answers.push({
					name,
					chroma,
					pgvector: pgvectorAnswers.parse(await askPython('pgvector_answers.py', [], JSON.stringify(question))),
				});
			}
			return answers;
		});

	test('ids that collections share block the migration, and nothing is written', async () => {
		await withDatabase(adminUrl ?? '', async (url) => {
			const refused = await migrate(url);
			expect(refused.code).toBe(3);
			expect(refused.stderr).toContain('10 ids occur in more than one of the chosen collections');
		});
	}, 120_000);

	for (const rule of ['prefix', 'uuid'] as const) {
		test(`${rule}: every collection is searched as Chroma searches it, and gives its records back under their new ids`, async () => {
			const answers = await askBoth(rule);
			expect(answers.map(({ name }) => name)).toEqual(names);
			for (const { name, chroma, pgvector } of answers) {
				const own = (record: { readonly metadata: Readonly<Record<string, string>> }): string =>
					(record.metadata.chroma_id ?? '').slice(1, -1);
				const compare = (theirs: Probe['hits'], ours: (typeof pgvector.searches)[number]): void => {
					const expected = theirs.map((hit) => ({ id: hit.id, distance: asPgvector(chroma.space, hit.distance) }));
					const found = ours.map((hit) => ({ id: own(hit), distance: hit.distance }));
					expect(orderOf(found, tolerance), name).toEqual(orderOf(expected, tolerance));
					for (const [rank, hit] of expected.entries())
						expect(Math.abs((found[rank]?.distance ?? Number.NaN) - hit.distance)).toBeLessThanOrEqual(tolerance);
				};
				for (const [index, probe] of chroma.probes.entries()) {
					compare(probe.hits, pgvector.searches[index] ?? []);
					expect(probe.narrowed?.filter).toEqual({ kind: expect.any(String) });
					compare(probe.narrowed?.hits ?? [], pgvector.narrowed[index] ?? []);
				}
				const byOwn = new Map(pgvector.records.map((record) => [own(record), record]));
				expect(byOwn.size).toBe(chroma.records.length);
				for (const record of chroma.records) {
					const found = byOwn.get(record.id);
					expect(found?.document).toBe(record.document ?? '');
					expect(found?.metadata).toEqual({ ...record.metadata, user_id: `'${user}'`, chroma_id: `'${record.id}'` });
					if (rule === 'prefix') expect(found?.id).toBe(`${name}/${record.id}`);
				}
				expect(pgvector.filtered).toEqual(pgvector.searches);
				expect(pgvector.foreign.flat()).toEqual([]);
			}
		}, 240_000);
	}
});
