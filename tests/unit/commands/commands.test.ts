import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RepotError } from '../../../source/core/errors.js';
import type { ChromaCollection } from '../../../source/core/ports.js';
import { type Adapters, createOperations } from '../../../source/workflow.js';
import { inspectedChroma, inspectedCollection } from '../../fakes/inspection.js';
import { failedCheck, finished, passedCheck, sampleRun } from './fake-operations.js';
import { samplePlan } from './fake-plan.js';
import { createWorld, usualConfig } from './world.js';

const at = '2025-03-01T12:00:00.000Z';

describe('repot', () => {
	it('opens the wizard on a terminal with what is known', async () => {
		const world = await createWorld({ config: usualConfig, answers: [] });
		const result = await world.run('--env', 'dev');
		expect(result).toMatchObject({ code: 0, stdout: '', stderr: 'wizard ended\n' });
		expect(world.wizards[0]?.initial).toMatchObject({ environment: 'dev', sqlitePath: './app.db', tenant: 'ana' });
	});

	it('elsewhere says what to use instead, and is 2', async () => {
		const result = await (await createWorld({})).run();
		expect(result.code).toBe(2);
		expect(result.stderr).toContain('repot --help');
		expect(result.stdout).toBe('');
	});

	it('help is on stdout and needs no settings', async () => {
		const result = await (await createWorld({ config: '{ broken' })).run('--help');
		expect(result).toMatchObject({ code: 0, stderr: '' });
		expect(result.stdout).toContain('migrate');
	});

	it('names the datasets found when a source is missing', async () => {
		const result = await (await createWorld({})).run('plan', '--user-id', 'ana', '--postgres-url', 'pglite:./pg');
		expect(result.code).toBe(2);
		expect(result.stderr).toContain('found on disk: --sqlite-db ./near.db');
	});
});

describe('repot plan', () => {
	it('shows steps, columns with casts, SQL, totals and the way back', async () => {
		const { stdout, code } = await (await createWorld({ config: usualConfig })).run('plan', '--env', 'dev');
		expect(code).toBe(0);
		for (const part of [
			'table items',
			'hnsw vector_cosine_ops',
			'iso-timestamp',
			'55 ISO 8601',
			'= ana',
			'USING hnsw',
			'110 records',
			'Undo',
		]) {
			expect(stdout, part).toContain(part);
		}
	});

	it('is plain text without lines for --plain, and sentences for --screen-reader', async () => {
		const world = await createWorld({ config: usualConfig });
		const plain = await world.run('plan', '--env', 'dev', '--plain', '--ascii');
		expect(plain.stdout).toMatch(/^[\x20-\x7e\n]*$/);
		const spoken = await world.run('plan', '--env', 'dev', '--screen-reader');
		expect(spoken.stdout).toContain('create, step items, to table items, rows 55');
		expect(spoken.stdout).not.toMatch(/[─│]/);
	});
});

describe('repot verify', () => {
	it('passes with 0 and fails with 5, as text and as one document', async () => {
		const pass = await (await createWorld({ config: usualConfig })).run('verify', '--env', 'dev');
		expect(pass.code).toBe(0);
		expect(pass.stdout).toContain('All checks pass');
		const verify = () => [
			{ at, type: 'check-finished', check: passedCheck } as const,
			{ at, type: 'check-finished', check: failedCheck } as const,
			finished('verification-failed'),
		];
		const fail = await (await createWorld({ config: usualConfig, script: { verify } })).run('verify', '--env', 'dev', '--json');
		expect(fail.code).toBe(5);
		expect(fail.json).toEqual([expect.objectContaining({ type: 'verification', verdict: 'fail', checks: [passedCheck, failedCheck] })]);
	});

	it('of a run that is not here says so', async () => {
		const result = await (await createWorld({})).run('verify', 'r-NOPE');
		expect(result.code).toBe(2);
		expect(result.stderr).toContain('There is no run r-NOPE here');
	});

	it('of a run takes its own plan', async () => {
		const world = await createWorld({ config: usualConfig, script: {} });
		await writeFile(join(world.cwd, 'plan.json'), JSON.stringify(samplePlan({ tenant: { column: 'user_id', value: 'bo' } })));
		const known = await createWorld({ config: usualConfig, script: { runs: [{ ...sampleRun, folder: world.cwd }] } });
		expect((await known.run('verify', sampleRun.id)).code).toBe(0);
		expect(known.calls.requests.at(-1)).toMatchObject({ tenant: 'bo', environment: 'dev' });
	});
});

describe('repot rollback', () => {
	it('--dry-run shows and removes nothing', async () => {
		const world = await createWorld({ config: usualConfig });
		const result = await world.run('rollback', sampleRun.id, '--dry-run');
		expect(result.code).toBe(0);
		expect(result.stdout).toContain('changed since the run, kept: i-3');
		expect(result.stdout).toContain('extension vector');
		expect(world.calls.rolledBack).toEqual([]);
	});

	it('takes the typed id of the run', async () => {
		const wrong = await createWorld({ config: usualConfig, answers: ['y'] });
		expect((await wrong.run('rollback', sampleRun.id)).code).toBe(130);
		expect(wrong.calls.rolledBack).toEqual([]);
		const right = await createWorld({ config: usualConfig, answers: [sampleRun.id] });
		expect((await right.run('rollback', sampleRun.id, '--reason', 'wrong tenant')).code).toBe(0);
		expect(right.calls.rolledBack).toEqual([{ run: sampleRun.id, reason: 'wrong tenant' }]);
	});

	it('of a protected environment takes its name', async () => {
		const script = {
			runs: [{ ...sampleRun, environment: 'prod' }],
			over: { rollbackPreview: async () => ({ run: { ...sampleRun, environment: 'prod' }, tables: [], drops: [], stays: [] }) },
		};
		const world = await createWorld({ config: usualConfig, script });
		expect((await world.run('rollback', sampleRun.id, '--yes')).code).toBe(2);
		expect(world.calls.rolledBack).toEqual([]);
		expect((await world.run('rollback', sampleRun.id, '--yes', '--confirm', 'prod')).code).toBe(0);
	});

	it('without a run lists them off a terminal and offers them on one', async () => {
		const off = await (await createWorld({ config: usualConfig })).run('rollback');
		expect(off.code).toBe(2);
		expect(off.stderr).toContain(`repot rollback ${sampleRun.id}`);
		const on = await createWorld({ config: usualConfig, answers: [sampleRun.id, sampleRun.id] });
		expect((await on.run('rollback')).code).toBe(0);
	});

	it('offers the runs of the target that a flag names, and tells the target of each', async () => {
		const world = await createWorld({ config: usualConfig });
		const its = await world.run('rollback', '--postgres-url', 'postgresql://app@db.example/app');
		expect(its.stderr).toContain(`repot rollback ${sampleRun.id}`);
		expect(its.stderr.replace(/\s+/g, ' ')).toContain(sampleRun.target);
		const other = await world.run('rollback', '--postgres-url', 'pglite:./q6');
		expect(other.stderr).not.toContain(sampleRun.id);
		expect(other.stderr).toContain('none of them went to this target');
	});

	it('refuses an environment that the run was not in', async () => {
		const world = await createWorld({ config: usualConfig });
		expect(await world.run('rollback', sampleRun.id, '--env', 'prod', '--yes')).toMatchObject({ code: 2 });
		expect(world.calls.rolledBack).toEqual([]);
	});

	it('--json is a stream of events', async () => {
		const result = await (await createWorld({ config: usualConfig })).run('rollback', sampleRun.id, '--yes', '--json');
		expect(result.json.map((line) => line.type)).toEqual(['version', 'rollback-started', 'rows-removed', 'rollback-finished']);
	});
});

describe('repot runs', () => {
	it('lists, filters, shows one, and refuses an unknown one', async () => {
		const other = { ...sampleRun, id: 'r-OTHER', environment: 'prod' };
		const world = await createWorld({ config: usualConfig, script: { runs: [sampleRun, other] } });
		expect((await world.run('runs')).stdout).toContain('2 h ago');
		expect((await world.run('runs', '--env', 'prod', '--json')).json).toEqual([{ type: 'runs', runs: [other] }]);
		expect((await world.run('runs', 'r-OTHER')).stdout).toContain('/state/runs/r-7K2QA');
		expect((await world.run('runs', 'r-OTHER', '--json')).json[0]).toMatchObject({ type: 'run', id: 'r-OTHER' });
		expect((await world.run('runs', 'r-NONE')).code).toBe(2);
	});

	it('says so when there is none', async () => {
		expect(await (await createWorld({ script: { runs: [] } })).run('runs')).toMatchObject({ code: 0, stdout: 'No run yet\n' });
	});
});

const docs: ChromaCollection = {
	id: 'd',
	name: 'docs',
	tenant: 'default_tenant',
	database: 'default_database',
	records: 9,
	dimension: 3,
	space: 'l2',
	metadata: null,
	vectorsIn: 'wal',
};

describe('repot doctor', () => {
	it('is 0 when nothing is broken', async () => {
		const result = await (await createWorld({ config: usualConfig })).run('doctor', '--env', 'dev');
		expect(result.code).toBe(0);
		for (const part of ['ok    Node.js', 'ok    Config', 'ok    Target', 'PostgreSQL 17.2, 12 ms', 'ok    pgvector', 'ok    Privileges']) {
			expect(result.stdout, part).toContain(part);
		}
	});

	it('is 8 when the target cannot be reached, with what to do', async () => {
		const testTarget = async () => {
			throw new RepotError({
				kind: 'target',
				code: 'TARGET_UNREACHABLE',
				message: 'PostgreSQL does not answer',
				where: 'db:5432',
				next: ['Start it'],
			});
		};
		const world = await createWorld({ config: usualConfig, script: { testTarget } });
		const result = await world.run('doctor', '--env', 'dev', '--json');
		expect(result.code).toBe(8);
		expect(result.json[0]).toMatchObject({ type: 'doctor', ok: false });
		expect(
			((result.json[0]?.checks ?? []) as { name: string; state: string; next: string[] }[]).find((check) => check.state === 'X'),
		).toMatchObject({
			name: 'Target',
			next: ['Start it'],
		});
	});

	it('says what a damaged Chroma directory has lost, unless that is in a collection that is not migrated', async () => {
		const notes: ChromaCollection = { ...docs, id: 'n', name: 'notes' };
		const chroma = inspectedChroma({ path: 'data/my chroma', bytes: 1, version: '1.5' }, [
			inspectedCollection(docs, { missingVectors: { count: 2, sample: ['a', 'b'], goneFromLog: 0 } }),
			inspectedCollection(notes, { problem: 'its rows cannot be read' }),
		]);
		const told = async (collections: readonly ChromaCollection[]) => {
			const describeDataset = async () => ({ sqlite: null, chroma, problems: [], errors: [], collections });
			const world = await createWorld({ config: usualConfig, script: { over: { describeDataset } } });
			const result = await world.run('doctor', '--env', 'dev', '--chroma-path', 'x', '--json');
			const checks = (result.json[0]?.checks ?? []) as { name: string; state: string; detail: string; next: string[] }[];
			return { code: result.code, ...checks.find(({ name }) => name === 'Chroma') };
		};
		const one = await told([docs]);
		expect(one).toMatchObject({ code: 0, state: 'LOOK', next: ["See it all: repot inspect 'data/my chroma'"] });
		expect(one.detail).toMatch(/"docs": 2 .*vector/);
		expect(await told([notes])).toMatchObject({ code: 8, state: 'X' });
	});

	describe('where a source cannot be read', () => {
		const told = async (inspectSource: Adapters['inspectSource'], ...args: string[]) => {
			const { describeDataset } = createOperations({ datasets: [] } as never, { inspectSource } as never);
			const world = await createWorld({ config: usualConfig, script: { over: { describeDataset } } });
			const result = await world.run('doctor', '--env', 'dev', ...args, '--json');
			const checks = (result.json[0]?.checks ?? []) as { name: string; state: string; detail: string; next: string[] }[];
			const of = (name: string) => checks.find((check) => check.name === name);
			return { code: result.code, source: of('Source'), chroma: of('Chroma') };
		};
		const holding = async () => ({
			sqlite: null,
			chroma: inspectedChroma({ path: 'c', bytes: 1, version: '1.5' }, [inspectedCollection(docs)]),
		});

		it('says what the error advises', async () => {
			const silent = async () => {
				const next = ['Check host and port of --chroma-url'];
				throw new RepotError({ kind: 'source', code: 'CHROMA_SERVER_UNREACHABLE', message: 'The Chroma server cannot be reached', next });
			};
			const { code, source } = await told(silent, '--chroma-url', 'http://127.0.0.1:18778');
			expect(code).toBe(8);
			expect(source).toMatchObject({ state: 'X', next: ['Check host and port of --chroma-url'] });
		});

		it('is 2 for a collection that does not exist, and does not ask for one to be named', async () => {
			const { code, source, chroma } = await told(holding, '--chroma-path', 'c', '--collection', 'nope');
			expect(code).toBe(2);
			expect(source).toMatchObject({ state: 'X', detail: expect.stringContaining('no collection "nope"') });
			expect(source?.next.join()).toContain('--collection');
			expect(chroma).toMatchObject({ state: 'ok', next: [] });
		});
	});

	it('is 2 for a broken config and for an old Node.js, and goes on', async () => {
		const broken = await (await createWorld({ config: '{\n"a" 1}' })).run('doctor');
		expect(broken.code).toBe(2);
		expect(broken.stdout).toContain('X     Config        repot.config.json:2:5');
		expect(broken.stdout).toContain('State');
		expect((await (await createWorld({ nodeVersion: '20.16.0' })).run('doctor')).code).toBe(2);
	});

	it('tells each thing in one line, and a problem where it belongs', async () => {
		const test = {
			facts: { ...samplePlan().target, pgvectorVersion: null },
			latencyMilliseconds: 1,
			user: 'app',
			database: 'app',
			canCreate: false,
			problems: [
				{ about: 'rights' as const, words: 'app may not create tables in schema public: GRANT x;' },
				{ about: 'pgvector' as const, words: 'pgvector is not installed on the server: install it' },
			],
		};
		const world = await createWorld({
			config: usualConfig,
			env: { DATABASE_URL: 'postgresql://o/db' },
			script: { testTarget: async () => test },
		});
		const result = await world.run('doctor', '--env', 'dev', '--json');
		const checks = (result.json[0]?.checks ?? []) as { name: string; state: string }[];
		const of = (name: string) => checks.filter((check) => check.name === name).map((check) => check.state);
		expect([of('Target'), of('pgvector'), of('Privileges')]).toEqual([['LOOK'], ['X'], ['X']]);
		expect(result.code).toBe(8);
	});

	it('looks at a password in the config and at a variable that overrides it', async () => {
		const config = { environments: { dev: { target: 'postgresql://app:hush1234@h/db' } } };
		const result = await (await createWorld({ config, env: { DATABASE_URL: 'postgresql://o/db' } })).run('doctor');
		expect(result.stdout).toContain('a password is written in repot.config.json:4');
		expect(result.stdout).toContain('env DATABASE_URL, which takes the place of repot.config.json:4');
		expect(result.stdout).not.toContain('hush1234');
	});
});

describe('repot init', () => {
	const read = async (cwd: string) => JSON.parse(await readFile(join(cwd, 'repot.config.json'), 'utf8')) as Record<string, unknown>;

	it('headless takes flags, leaves the password out, and finds the data', async () => {
		const world = await createWorld({});
		await world.write('app.db', 'SQLite format 3\0...');
		const result = await world.run('init', '--env', 'dev', '--postgres-url', 'postgresql://app:hush1234@h/db', '--user-id', 'ana');
		expect(result.code).toBe(0);
		expect(result.stderr).toContain('REPOT_POSTGRES_URL');
		expect(await read(world.cwd)).toEqual({
			$schema: './node_modules/repot/dist/repot.schema.json',
			environments: { dev: { guard: 'open', target: 'postgresql://app@h/db' } },
			datasets: { app: { sqlite: './app.db' } },
			userId: 'ana',
		});
		expect((await stat(join(world.cwd, 'repot.config.json'))).mode & 0o777).toBe(0o600);
		expect((await world.run('plan', '--env', 'dev')).code).toBe(0);
	});

	it('writes names of collections to the dataset that they belong to, and for all only where none is named', async () => {
		const own = await createWorld({});
		const names = ['--pgvector-collection', 'docs=x', '--pgvector-collection', 'notes=y'] as const;
		await own.run('init', '--postgres-url', 'pglite:./pg', '--chroma-path', './c', ...names);
		expect(await read(own.cwd)).toMatchObject({ datasets: { data: { chroma: './c', pgvectorCollection: ['docs=x', 'notes=y'] } } });
		expect(await read(own.cwd)).not.toHaveProperty('pgvectorCollection');
		const all = await createWorld({});
		await all.run('init', '--postgres-url', 'pglite:./pg', '--pgvector-collection', 'mine');
		expect(await read(all.cwd)).toMatchObject({ pgvectorCollection: 'mine' });
	});

	it('does not overwrite without being told to', async () => {
		const world = await createWorld({ config: usualConfig });
		const argv = ['init', '--postgres-url', 'pglite:./pg'] as const;
		expect((await world.run(...argv)).code).toBe(2);
		expect(await read(world.cwd)).toEqual(usualConfig);
		expect((await world.run(...argv, '--yes')).code).toBe(0);
		expect(await read(world.cwd)).toEqual({
			...usualConfig,
			environments: { ...usualConfig.environments, local: { guard: 'open', target: 'pglite:./pg' } },
		});
	});

	it('keeps a guard, and a dataset that nobody named', async () => {
		const config = { ...usualConfig, environments: { dev: { guard: 'protected', target: 'pglite:./a' } }, batchSize: 7 };
		const world = await createWorld({ config });
		const argv = ['init', '--yes', '--env', 'dev', '--postgres-url', 'pglite:./b'] as const;
		const result = await world.run(...argv);
		expect(result.stderr).toContain('dev stays protected');
		expect(await read(world.cwd)).toEqual({ ...config, environments: { dev: { guard: 'protected', target: 'pglite:./b' } } });
		await world.write('repot.config.json', { datasets: { data: { sqlite: './a.db', collection: 'c' } } });
		const taken = await world.run(...argv, '--sqlite-db', 'b.db');
		expect(taken.code).toBe(2);
		expect(taken.stderr).toContain('--dataset NAME');
		expect((await world.run(...argv, '--sqlite-db', 'b.db', '--dataset', 'data')).code).toBe(0);
		expect((await read(world.cwd)).datasets).toEqual({ data: { sqlite: './b.db', collection: 'c' } });
	});

	it('does not touch a file that it cannot read', async () => {
		const world = await createWorld({ config: '{ broken' });
		expect((await world.run('init', '--yes', '--postgres-url', 'pglite:./pg')).code).toBe(2);
		expect(await readFile(join(world.cwd, 'repot.config.json'), 'utf8')).toBe('{ broken');
	});

	it("writes paths relative to the config's folder", async () => {
		const world = await createWorld({});
		await world.write('app.db', 'SQLite format 3\0...');
		expect((await world.run('init', '--config', 'other/c.json', '--postgres-url', 'pglite:./pg', '--user-id', 'ana')).code).toBe(0);
		expect(JSON.parse(await readFile(join(world.cwd, 'other/c.json'), 'utf8'))).toMatchObject({
			environments: { local: { target: 'pglite:../pg' } },
			datasets: { app: { sqlite: '../app.db' } },
		});
		expect((await world.run('plan', '--config', 'other/c.json')).code).toBe(0);
		expect(world.calls.requests.at(-1)?.sqlitePath).toBe('./app.db');
	});

	it('asks on a terminal', async () => {
		const world = await createWorld({ answers: ['prod', 'url', 'postgresql://app@h/db', 'protected', 'app', 'ana'] });
		await world.write('app.db', 'SQLite format 3\0...');
		expect((await world.run('init')).code).toBe(0);
		expect(await read(world.cwd)).toMatchObject({
			environments: { prod: { guard: 'protected' } },
			datasets: { app: { sqlite: './app.db' } },
			userId: 'ana',
		});
	});

	it('names the flag when nobody can be asked', async () => {
		const result = await (await createWorld({})).run('init');
		expect(result.code).toBe(2);
		expect(result.stderr).toContain('--postgres-url');
	});
});
