import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RepotError } from '../../../source/core/errors.js';
import type { RunOutcome } from '../../../source/core/events.js';
import { failedCheck, finished, runEvents } from './fake-operations.js';
import { blockingHazard, samplePlan } from './fake-plan.js';
import { createWorld, usualConfig } from './world.js';

const failure = { kind: 'target', code: 'TARGET_UNREACHABLE', message: 'The server went away', where: 'db.example:5432' } as const;

describe('exit codes of a run', () => {
	const outcomes: readonly (readonly [RunOutcome, number])[] = [
		['done', 0],
		['quarantined', 4],
		['nothing-to-do', 0],
		['verification-failed', 5],
		['interrupted', 130],
	];
	for (const [outcome, code] of outcomes) {
		it(`${outcome} is ${code}`, async () => {
			const world = await createWorld({ config: usualConfig, script: { migrate: (plan) => runEvents(plan, finished(outcome)) } });
			const result = await world.run('migrate', '--env', 'dev', '--yes');
			expect(result.code).toBe(code);
			expect(world.calls.closed).toBe(1);
		});
	}

	it('a failed run takes the code of its error and tells it once', async () => {
		const world = await createWorld({
			config: usualConfig,
			script: { migrate: (plan) => runEvents(plan, finished('failed', { error: failure })) },
		});
		const result = await world.run('migrate', '--env', 'dev', '--yes');
		expect(result.code).toBe(8);
		expect(result.stderr).toContain('X The server went away');
		expect(result.stderr.match(/X The server went away/g)).toHaveLength(1);
	});

	for (const [kind, code] of [
		['stale-plan', 6],
		['locked', 7],
		['source', 8],
	] as const) {
		it(`an error of kind ${kind} before the first event is ${code}`, async () => {
			const world = await createWorld({
				config: usualConfig,
				script: {
					migrate: () => {
						throw new RepotError({ kind, code: 'X', message: 'refused', next: ['do this'] });
					},
				},
			});
			const result = await world.run('migrate', '--env', 'dev', '--yes', '--json');
			expect(result.code).toBe(code);
			expect(result.stderr).toContain('X Refused\n  next   do this');
			expect(result.json.at(-1)).toMatchObject({ type: 'error', kind, exitCode: code });
		});
	}

	it('a defect is 1 and shows its stack only at debug', async () => {
		const script = {
			plan: () => {
				throw new TypeError('undefined is not a function');
			},
		};
		const quiet = await (await createWorld({ config: usualConfig, script })).run('plan', '--env', 'dev');
		expect(quiet.code).toBe(1);
		expect(quiet.stderr).not.toContain('    at ');
		const loud = await (await createWorld({ config: usualConfig, script })).run('plan', '--env', 'dev', '--log-level', 'debug');
		expect(loud.stderr).toContain('    at ');
	});
});

describe('confirmation', () => {
	it('nobody to ask and no --yes is 2 and names the flag', async () => {
		const world = await createWorld({ config: usualConfig });
		const result = await world.run('migrate', '--env', 'dev');
		expect(result.code).toBe(2);
		expect(result.stderr).toContain('--yes');
		expect(world.calls.migrated).toHaveLength(0);
	});

	it('asks on a terminal and goes on after yes', async () => {
		const world = await createWorld({ config: usualConfig, answers: [true] });
		expect((await world.run('migrate', '--env', 'dev')).code).toBe(0);
		expect(world.asked).toEqual(['Migrate in dev?']);
	});

	it('a no writes nothing and is 130', async () => {
		const world = await createWorld({ config: usualConfig, answers: [false] });
		expect((await world.run('migrate', '--env', 'dev')).code).toBe(130);
		expect(world.calls.migrated).toHaveLength(0);
	});

	it('--yes is not enough for a protected environment', async () => {
		const world = await createWorld({ config: usualConfig });
		const result = await world.run('migrate', '--env', 'prod', '--yes');
		expect(result.code).toBe(2);
		expect(result.stderr).toContain('--confirm prod');
		expect(world.calls.migrated).toHaveLength(0);
	});

	it('--confirm with its name is', async () => {
		const world = await createWorld({ config: usualConfig });
		expect((await world.run('migrate', '--env', 'prod', '--confirm', 'prod')).code).toBe(0);
	});

	it('--confirm with another name never is, for an open environment either', async () => {
		const world = await createWorld({ config: usualConfig });
		expect((await world.run('migrate', '--env', 'prod', '--confirm', 'dev')).code).toBe(2);
		expect((await world.run('migrate', '--env', 'dev', '--yes', '--confirm', 'prod')).code).toBe(2);
		expect(world.calls.migrated).toHaveLength(0);
	});

	it('a protected environment is typed on a terminal, even with --yes', async () => {
		const wrong = await createWorld({ config: usualConfig, answers: ['yes'] });
		expect((await wrong.run('migrate', '--env', 'prod', '--yes')).code).toBe(130);
		expect(wrong.calls.migrated).toHaveLength(0);
		const right = await createWorld({ config: usualConfig, answers: ['prod'] });
		expect((await right.run('migrate', '--env', 'prod', '--yes')).code).toBe(0);
	});

	it('the target of a protected environment is refused under an open name', async () => {
		const world = await createWorld({ config: usualConfig, env: { DATABASE_URL: 'postgresql://x:hush1234@PROD.example:5432/app' } });
		const result = await world.run('migrate', '--env', 'dev', '--yes');
		expect(result.code).toBe(2);
		expect(result.stderr).toContain('protected environment "prod"');
		expect(result.stderr).not.toContain('hush1234');
	});
});

describe('plans', () => {
	it('a blocked plan is 3, lists what blocks, and writes nothing', async () => {
		const world = await createWorld({ config: usualConfig, script: { plan: () => samplePlan({ hazards: [blockingHazard] }) } });
		const result = await world.run('migrate', '--env', 'dev', '--yes');
		expect(result.code).toBe(3);
		expect(result.stderr).toContain('items.id: 7 keys are in the target with other values (i-1, i-2, ...)');
		expect(result.stderr).toContain('--on-conflict update');
		expect(world.calls.migrated).toHaveLength(0);
		expect((await world.run('plan', '--env', 'dev')).code).toBe(3);
	});

	it('nothing to do asks nothing, runs nothing, and is 0', async () => {
		const world = await createWorld({ config: usualConfig, script: { plan: () => samplePlan({ doneBy: 'r-1' }) } });
		const result = await world.run('migrate', '--env', 'dev', '--json');
		expect(result.code).toBe(0);
		expect(result.stderr).toContain('Nothing to do: run r-1 already wrote exactly this');
		expect(result.json.at(-1)).toMatchObject({ type: 'run-finished', outcome: 'nothing-to-do', written: 0 });
		expect(world.calls.migrated).toHaveLength(0);
		expect(result.stderr).toContain('The checks can be run again: repot verify r-1 --env dev\n');
		const elsewhere = await world.run('migrate', '--env', 'dev', '--sqlite-db', 'x.db', '--postgres-url', 'postgresql://app:hush1234@h/db');
		expect(elsewhere.stderr).toContain('repot verify r-1 --env dev --sqlite-db ./x.db --postgres-url postgresql://app@h/db\n');
		expect(elsewhere.stderr).toContain('set REPOT_POSTGRES_URL');
	});

	it('a plan that is about to be run is not called a dry run', async () => {
		const world = await createWorld({ config: usualConfig });
		const result = await world.run('migrate', '--env', 'dev', '--yes');
		expect(result.stderr).toContain('Plan ');
		expect(result.stderr).not.toContain('DRY RUN');
	});

	it('--collection without a Chroma directory is refused', async () => {
		const world = await createWorld({ config: usualConfig });
		const result = await world.run('plan', '--env', 'dev', '--sqlite-db', 'x.db', '--collection', 'golden');
		expect(result.code).toBe(2);
		expect(result.stderr).toContain('no Chroma directory is given');
	});

	it('what is said to a Chroma server is refused where none is read', async () => {
		const world = await createWorld({ config: usualConfig });
		const result = await world.run('plan', '--env', 'dev', '--chroma-tenant', 't');
		expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('--chroma-tenant is said to a Chroma server') });
		const server = [
			'--sqlite-db',
			'x.db',
			'--chroma-url',
			'http://ana:hush1234@h:8000/',
			'--chroma-tenant',
			't',
			'--chroma-token',
			'ck-5678',
		];
		const planned = await world.run('plan', '--env', 'dev', ...server);
		expect(planned.code).toBe(0);
		expect(planned.stdout + planned.stderr).not.toMatch(/hush1234|ck-5678/);
		expect(world.calls.requests.at(-1)).toMatchObject({ sqlitePath: './x.db', chromaPath: 'http://h:8000' });
	});

	it('migrate --dry-run is plan', async () => {
		const world = await createWorld({ config: usualConfig });
		const dry = await world.run('migrate', '--dry-run', '--env', 'dev');
		const plan = await world.run('plan', '--env', 'dev');
		expect(dry.stdout).toBe(plan.stdout);
		expect(dry.stdout).toContain('DRY RUN - nothing has been written');
		expect(world.calls.migrated).toHaveLength(0);
	});

	it('--out saves a private file that --plan runs exactly', async () => {
		const world = await createWorld({ config: usualConfig });
		const early = await world.run('plan', '--env', 'dev', '--out', 'plans/p.json');
		expect(early.code).toBe(2);
		expect(early.stderr).toMatch(/there is no folder .*plans\n +next +Make the folder first/);
		expect(world.calls.requests).toEqual([]);
		expect((await world.run('plan', '--env', 'dev', '--out', '.')).stderr).toContain('it is a folder');
		await mkdir(join(world.cwd, 'plans'));
		expect((await world.run('plan', '--env', 'dev', '--out', 'plans/p.json')).code).toBe(0);
		expect((await stat(join(world.cwd, 'plans/p.json'))).mode & 0o777).toBe(0o600);
		expect((await world.run('migrate', '--plan', 'plans/p.json', '--yes')).code).toBe(0);
		const saved = JSON.parse(await readFile(join(world.cwd, 'plans/p.json'), 'utf8')) as { id: string };
		expect(world.calls.migrated.map((plan) => plan.id)).toEqual([saved.id]);
		expect(world.calls.requests.at(-1)).toMatchObject({
			environment: 'dev',
			sqlitePath: './app.db',
			collections: ['golden'],
			tenant: 'ana',
		});
	});

	it('--plan refuses an edited file, another format, and flags that contradict it', async () => {
		const world = await createWorld({ config: usualConfig });
		await world.write('edited.json', { ...samplePlan(), environment: 'test' });
		expect(await world.run('migrate', '--plan', 'edited.json', '--yes')).toMatchObject({ code: 2 });
		await world.write('format.json', { ...samplePlan(), format: 2 });
		expect((await world.run('migrate', '--plan', 'format.json', '--yes')).stderr).toContain('format 2');
		await world.write('ok.json', samplePlan());
		const contrary = await world.run('migrate', '--plan', 'ok.json', '--yes', '--batch-size', '10', '--env', 'prod');
		expect(contrary.code).toBe(2);
		expect(contrary.stderr).toContain('--env, --batch-size');
		expect(contrary.stderr).toContain('the plan is for environment dev');
		expect((await world.run('migrate', '--plan', 'ok.json', '--yes', '--user-id', 'bob')).stderr).toContain('the plan is for user ana');
		expect(world.calls.migrated).toHaveLength(0);
		const repeated = ['--user-id', 'ana', '--sqlite-db', 'app.db', '--on-conflict', 'fail'];
		expect((await world.run('migrate', '--plan', 'ok.json', '--yes', ...repeated)).code).toBe(0);
	});

	it('--plan names the server that it was made for; only what it is asked with may be added', async () => {
		const world = await createWorld({ config: usualConfig });
		const chroma = { path: 'https://h/?tenant=t&database=d', bytes: 10, fingerprint: 'f' };
		await world.write('server.json', samplePlan({ sources: { chroma } }));
		const run = (...flags: string[]) => world.run('migrate', '--plan', 'server.json', '--yes', ...flags);
		for (const flags of [
			['--chroma-url', 'https://elsewhere'],
			['--chroma-url', 'https://h/?tenant=u'],
			['--chroma-database', 'e'],
			['--chroma-path', 'x'],
		]) {
			expect(await run(...flags), flags.join(' ')).toMatchObject({ code: 2, stderr: expect.stringContaining(flags[0] ?? '') });
		}
		expect(await run('--chroma-url', 'https://ana:hush1234@h/', '--chroma-tenant', 't', '--chroma-token', 'ck-5678')).toMatchObject({
			code: 0,
		});
		expect(world.calls.requests.at(-1)).toMatchObject({ sqlitePath: null, chromaPath: 'https://h/?tenant=t&database=d' });
	});

	it('plan --json is the plan, and nothing else on stdout', async () => {
		const world = await createWorld({ config: usualConfig });
		const result = await world.run('plan', '--env', 'dev', '--json');
		expect(result.json).toHaveLength(1);
		expect(result.json[0]).toMatchObject({ format: 1, environment: 'dev', id: samplePlan().id });
	});
});

describe('migrate --json', () => {
	it('is one object a line: version, plan, events as they are', async () => {
		const world = await createWorld({ config: usualConfig });
		const result = await world.run('migrate', '--env', 'dev', '--yes', '--json');
		expect(result.json[0]).toEqual({ type: 'version', repot: '9.9.9', events: '1.0' });
		const events = runEvents(samplePlan(), finished('done'));
		expect(result.json.map((line) => line.type)).toEqual(['version', 'plan-made', ...events.map((event) => event.type)]);
		expect(result.json.slice(2)).toEqual(JSON.parse(JSON.stringify(events)));
	});

	it('text goes to stderr, and stdout stays empty without it', async () => {
		const world = await createWorld({
			config: usualConfig,
			script: { migrate: (plan) => runEvents(plan, finished('verification-failed'), [failedCheck]) },
		});
		const result = await world.run('migrate', '--env', 'dev', '--yes');
		expect(result.stdout).toBe('');
		expect(result.stderr).toContain('X check tenant failed: 2 foreign user ids');
		expect(result.stderr).toContain('likely cause: another writer');
		expect(result.stderr.trimEnd().split('\n').at(-1)).toContain('Written, but a check failed');
	});

	it('a command line that cannot be read is an error line too', async () => {
		const world = await createWorld();
		const result = await world.run('migrate', '--jsn', '--json');
		expect(result.code).toBe(2);
		expect(result.json).toEqual([expect.objectContaining({ type: 'error', code: 'UNKNOWN_FLAG', exitCode: 2 })]);
		expect(result.stderr).toContain('Did you mean --json?');
	});
});

describe('Ctrl+C', () => {
	it('stops after the batch first, at once the second time', async () => {
		const seen: string[] = [];
		const world = await createWorld({
			config: usualConfig,
			script: {
				async *migrate(plan, _request, signals) {
					const [first] = runEvents(plan, finished('interrupted'));
					if (first !== undefined) yield first;
					world.interrupt();
					seen.push(`stop ${signals.stop.aborted} abort ${signals.abort.aborted}`);
					world.interrupt();
					seen.push(`stop ${signals.stop.aborted} abort ${signals.abort.aborted}`);
					yield finished('interrupted');
				},
			},
		});
		const result = await world.run('migrate', '--env', 'dev', '--yes');
		expect(result.code).toBe(130);
		expect(seen).toEqual(['stop true abort false', 'stop true abort true']);
		expect(result.stderr).toContain('the same command goes on where this run stopped');
	});

	it('ends a dry run with 130, whatever the work said when it was stopped', async () => {
		const world = await createWorld({
			config: usualConfig,
			script: {
				plan: () => {
					world.interrupt();
					throw new DOMException('This operation was aborted', 'AbortError');
				},
			},
		});
		const result = await world.run('plan', '--env', 'dev');
		expect(result.code).toBe(130);
		expect(result.stderr).toContain('nothing was written');
		expect(result.stderr).not.toContain('report what it prints');
	});
});
