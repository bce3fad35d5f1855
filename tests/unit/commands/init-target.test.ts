import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { environmentAccess } from '../../../source/config/environment-access.js';
import { loadSettings } from '../../../source/config/settings.js';
import { RepotError } from '../../../source/core/errors.js';
import type { AwsProfile } from '../../../source/core/ports/cloud.js';
import { createWorld } from './world.js';

const profiles: readonly AwsProfile[] = [
	{ name: 'other', kind: 'keys', region: 'us-east-1', about: null },
	{ name: 'dev', kind: 'sso', region: 'eu-west-1', about: '123456789012 Admin' },
];
const script = { over: { awsProfiles: async () => profiles } };
const read = async (cwd: string) => JSON.parse(await readFile(join(cwd, 'repot.config.json'), 'utf8')) as Record<string, unknown>;
const pool = 'eu-west-1_Ab1';

describe('where repot init says the target is', () => {
	it('a parameter: the profile is picked, its region left to it, and no target is written', async () => {
		const answers = ['dev', 'parameter', 'dev', '', '', 'open', ''];
		const world = await createWorld({ script, answers });
		expect((await world.run('init')).code).toBe(0);
		expect(await read(world.cwd)).toEqual({
			$schema: './node_modules/repot/dist/repot.schema.json',
			environments: { dev: { guard: 'open', awsProfile: 'dev', urlParameter: '/collections/dev/database-url' } },
		});
		expect(world.asked).toContain('AWS profile that reads it');
		expect(world.calls.closed).toBe(1);
		const settings = await loadSettings({ flags: {}, env: {}, cwd: world.cwd });
		expect(environmentAccess(settings, 'dev')).toMatchObject({ profile: { value: 'dev' }, isConventional: true });
	});

	it('a parameter of keys in the environment, in a region of its own', async () => {
		const world = await createWorld({ script, answers: ['prod', 'parameter', '-', 'eu-north-1', '/x/', 'protected', 'ana'] });
		await world.run('init');
		expect(await read(world.cwd)).toMatchObject({
			environments: { prod: { guard: 'protected', region: 'eu-north-1', urlParameter: '/x/' } },
			userId: 'ana',
		});
		expect(JSON.stringify(await read(world.cwd))).not.toContain('awsProfile');
	});

	it('profiles that cannot be read are told, and asked for no further', async () => {
		const fault = async () => {
			throw new RepotError({ kind: 'usage', code: 'X', message: 'The AWS config cannot be read', where: 'the-file' });
		};
		const world = await createWorld({ script: { over: { awsProfiles: fault } }, answers: ['dev', 'parameter', '', '', 'open', ''] });
		const result = await world.run('init');
		expect(result.code).toBe(0);
		expect(result.stderr).toContain('The AWS config cannot be read: the-file');
	});

	it('the embedded PostgreSQL: a folder', async () => {
		const world = await createWorld({ answers: ['local', 'embedded', '', 'open', ''] });
		await world.run('init');
		expect(await read(world.cwd)).toMatchObject({ environments: { local: { target: 'pglite:./repot-pg' } } });
	});

	it('offers the outputs of a deployment, with the pool in each, unless the usual file is there', async () => {
		const world = await createWorld({ answers: ['dev', 'embedded', './cdk-outputs.json', '', 'open', ''] });
		await world.write('cdk-outputs.json', { Auth: { UserPoolId: pool } });
		await world.run('init');
		expect(await read(world.cwd)).toMatchObject({ environments: { dev: { cdkOutputs: './cdk-outputs.json' } } });
		const usual = await createWorld({ answers: ['dev', 'embedded', '', 'open', ''] });
		await usual.write('.aws-outputs-dev.json', { UserPoolId: pool });
		expect((await usual.run('init')).code).toBe(0);
		expect(JSON.stringify(await read(usual.cwd))).not.toContain('cdkOutputs');
	});

	it('is the same headless, by flags', async () => {
		const world = await createWorld();
		const argv = ['--env', 'prod', '--url-parameter', '/eu/url', '--aws-profile', 'ops', '--region', 'eu-west-1', '--iam-auth'] as const;
		expect((await world.run('init', '--yes', ...argv, '--cdk-outputs', 'out.json', '--test-user', 'tester')).code).toBe(0);
		expect(await read(world.cwd)).toMatchObject({
			environments: {
				prod: {
					...{ guard: 'protected', awsProfile: 'ops', region: 'eu-west-1', urlParameter: '/eu/url' },
					...{ cdkOutputs: './out.json', iamAuth: true },
				},
			},
			testUser: 'tester',
		});
		const alone = await createWorld();
		expect((await alone.run('init', '--yes', '--env', 'dev', '--aws-profile', 'me')).code).toBe(0);
		expect(await read(alone.cwd)).toMatchObject({ environments: { dev: { guard: 'open', awsProfile: 'me' } } });
	});

	it('takes the place of what the file said before, a URL of a parameter and the other way round', async () => {
		const world = await createWorld({ config: { environments: { dev: { target: 'pglite:./a', region: 'eu-west-1' } } } });
		await world.run('init', '--yes', '--env', 'dev', '--url-parameter', '/x');
		expect(await read(world.cwd)).toEqual({ environments: { dev: { guard: 'open', region: 'eu-west-1', urlParameter: '/x' } } });
		await world.run('init', '--yes', '--env', 'dev', '--postgres-url', 'pglite:./b');
		expect(await read(world.cwd)).toEqual({ environments: { dev: { guard: 'open', region: 'eu-west-1', target: 'pglite:./b' } } });
		const both = await world.run('init', '--yes', '--env', 'dev', '--postgres-url', 'pglite:./b', '--url-parameter', '/x');
		expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('both say where the target is') });
		const ambient = await createWorld({ env: { DATABASE_URL: 'postgresql://h/db' } });
		await ambient.run('init', '--yes', '--env', 'dev', '--url-parameter', '/x');
		expect(await read(ambient.cwd)).toMatchObject({ environments: { dev: { guard: 'open', urlParameter: '/x' } } });
	});

	it('names the data of the convention as the convention does, each once', async () => {
		const world = await createWorld();
		await mkdir(join(world.cwd, 'data', 'chroma_prod'), { recursive: true });
		for (const file of ['collections.db', 'extra.db', 'chroma_prod/chroma.sqlite3'])
			await writeFile(join(world.cwd, 'data', file), 'SQLite format 3\0');
		await world.run('init', '--yes', '--postgres-url', 'pglite:./pg');
		expect((await read(world.cwd)).datasets).toEqual({
			full: { sqlite: './data/collections.db', chroma: './data/chroma_prod' },
			extra: { sqlite: './data/extra.db' },
		});
	});

	it('names the schema of the repot that is installed above', async () => {
		const world = await createWorld();
		const dist = join(world.cwd, 'node_modules', 'repot', 'dist');
		await mkdir(dist, { recursive: true });
		await writeFile(join(dist, 'repot.schema.json'), '{}');
		await world.run('init', '--yes', '--postgres-url', 'pglite:./pg', '--config', 'deep/er/c.json');
		const content = JSON.parse(await readFile(join(world.cwd, 'deep/er/c.json'), 'utf8')) as Record<string, unknown>;
		expect(content.$schema).toBe('../../node_modules/repot/dist/repot.schema.json');
		expect(Object.keys(content)[0]).toBe('$schema');
	});

	it('refuses a name that the config would not take, and gives each environment a folder of its own', async () => {
		const world = await createWorld({});
		expect(await world.run('init', '--env', 'a b', '--yes', '--postgres-url', 'pglite:./x')).toMatchObject({ code: 2 });
		const asked = await createWorld({ script, answers: ['prod', 'embedded', '', 'protected', ''] });
		await asked.run('init');
		expect(await readFile(join(asked.cwd, 'repot.config.json'), 'utf8')).toContain('pglite:./repot-pg-prod');
	});
});
