import { describe, expect, it } from 'vitest';
import { headlessChoices } from '../../../source/config/choices.js';
import { Secret } from '../../../source/core/secret.js';
import { fakeCloud, identity } from '../../fakes/cloud.js';
import { healthyTest } from '../../fakes/operations.js';
import { sampleRun } from '../commands/fake-operations.js';
import { type Given, settingsOf } from './folder.js';
import { finderOf, requestOf } from './requests.js';

const prodUrl = 'postgresql://postgres@127.0.0.1:37369/rv5_prod';
const refused = expect.objectContaining({ kind: 'usage', code: 'TARGET_IS_PROTECTED' });

const given = (more: Given): Given => ({ ...more, flags: { env: 'dev', sqliteDb: 'a.db', userId: 'ana', ...more.flags } });

/** What the finder of a fresh program says of these settings, and what it asked AWS. */
async function tried(more: Given, runs = [sampleRun].slice(1), parameters: Readonly<Record<string, string>> = {}) {
	const settings = await settingsOf(given(more));
	const { cloud, calls } = fakeCloud({ identify: () => identity, parameters });
	const finder = finderOf(settings, cloud, async () => healthyTest, runs);
	const request = () => finder.request(headlessChoices(settings), {}, () => {});
	return { settings, finder, calls, request };
}

async function refusal(...all: Parameters<typeof tried>): Promise<unknown> {
	const { request } = await tried(...all);
	return request().then(
		() => 'allowed',
		(thrown: unknown) => thrown,
	);
}

const config = { environments: { dev: {}, prod: { target: prodUrl } } };

describe('the database of a protected environment, chosen for an open one', () => {
	it.each([
		['literally', {}, prodUrl],
		['with a port of PGPORT', { PGPORT: '37369' }, 'postgresql://postgres@127.0.0.1/rv5_prod'],
		['by another name of this computer', {}, 'postgresql://postgres@localhost:37369/rv5_prod'],
		['by variables alone', { PGPORT: '37369', PGDATABASE: 'rv5_prod', PGUSER: 'postgres' }, 'postgresql://127.0.0.1'],
		['by an address', {}, 'postgresql://anything:37369/rv5_prod?hostaddr=127.0.0.1'],
		['in a form of libpq', {}, 'postgresql://postgres:pw@:37369/rv5_prod?host=127.0.0.1'],
	])('is refused %s', async (_, env, postgresUrl) => {
		expect(await refusal({ config, env, flags: { postgresUrl } })).toEqual(refused);
		expect(await refusal({ config, env, flags: { postgresUrl, env: 'prod' } })).toBe('allowed');
		expect(await refusal({ config, env: { ...env, PGPORT: '37369', REPOT_POSTGRES_URL: postgresUrl } })).toEqual(refused);
	});

	it('is refused where it is typed, before it is tested', async () => {
		const settings = await settingsOf(given({ config }));
		const finder = finderOf(settings, undefined, () => Promise.reject(new Error('tested')));
		const target = new Secret('postgresql://postgres:pw@:37369/rv5_prod?host=localhost');
		const { errors } = await finder.find({ ...headlessChoices(settings), target }, {}, () => {});
		expect(errors).toEqual([refused]);
	});

	it('is known by what the file says for all environments as well', async () => {
		const shared = { postgresUrl: prodUrl, environments: { dev: { target: 'postgresql://LOCALHOST:37369/rv5_prod' }, prod: {} } };
		expect(await refusal({ config: shared, env: { REPOT_POSTGRES_URL: prodUrl } })).toEqual(refused);
		expect(await refusal({ config: shared })).toEqual(refused);
	});

	it('is known by the runs of this computer', async () => {
		const run = { ...sampleRun, environment: 'prod', target: prodUrl, folder: '/state/runs/r-1' };
		const flags = { postgresUrl: 'postgresql://u@localhost:37369/rv5_prod' };
		expect(await refusal({ flags }, [run])).toMatchObject({
			code: 'TARGET_IS_PROTECTED',
			why: `run ${run.id} of prod went to the same database`,
			next: expect.arrayContaining(['Use --env prod', expect.stringContaining('/state/runs/r-1')]),
		});
		expect(await refusal({ flags }, [{ ...run, environment: 'test' }])).toBe('allowed');
		expect(await refusal({ flags }, [{ ...run, target: 'postgresql://h:37369/rv5_prod' }])).toBe('allowed');
		const embedded = { ...run, target: 'pglite:./pg' };
		expect(await refusal({ flags: { postgresUrl: 'pglite:pg/' } }, [embedded])).toEqual(refused);
	});

	it('is known once it was read for the protected one, also when everything is looked for again', async () => {
		const parameters = { '/collections/prod/database-url': prodUrl, '/x/url': 'postgresql://localhost:37369/rv5_prod' };
		const { settings, finder } = await tried({ config: { environments: { dev: { urlParameter: '/x/url' }, prod: {} } } }, [], parameters);
		const choices = headlessChoices(settings);
		expect((await finder.find(choices, {}, () => {})).errors).toEqual([]);
		expect((await finder.find({ ...choices, environment: 'prod' }, {}, () => {})).errors).toEqual([]);
		expect((await finder.find(choices, { fresh: true }, () => {})).errors).toEqual([refused]);
		expect((await finder.find({ ...choices, environment: 'prod' }, {}, () => {})).errors).toEqual([]);
	});

	it('may be looked at without an environment', async () => {
		const { settings, finder } = await tried({ config });
		const choices = { ...headlessChoices(settings), environment: '', target: new Secret(prodUrl) };
		expect((await finder.target(choices, () => {})).target.reveal()).toBe(prodUrl);
	});
});

describe('the parameter of a protected environment, named for an open one', () => {
	const parameters = Object.fromEntries(
		['/collections/prod/database-url', '/collections/live/database-url', '/app/url', '/mine'].map((name) => [name, prodUrl]),
	);
	const ofAccounts = {
		dev: { urlParameter: '/app/url', awsProfile: 'dev' },
		prod: { urlParameter: '/app/url', awsProfile: 'prod' },
	};

	it.each<readonly [string, Given]>([
		['by convention, without a file', { flags: { urlParameter: '/collections/prod/database-url' } }],
		['by the folder of its parts', { flags: { urlParameter: '/collections/prod/database/' } }],
		['by an ARN', { flags: { urlParameter: 'arn:aws:ssm:us-east-1:111122223333:parameter/collections/prod/database-url' } }],
		['in a version', { flags: { urlParameter: '/collections/prod/database-url:3' } }],
		['of another protected name', { flags: { urlParameter: '/collections/prod-eu/database-url' } }],
		['by a variable', { env: { REPOT_URL_PARAMETER: '/collections/prod/database-url' } }],
		['by the file', { config: { urlParameter: '/collections/prod/database-url' } }],
		['by its own key', { config: { environments: { dev: { urlParameter: '/collections/prod/database-url' } } } }],
		[
			'that has a target of its own',
			{ config: { environments: { dev: { urlParameter: '/collections/prod/database-url' }, prod: { target: 'pglite:./p' } } } },
		],
		[
			'by a guard of the file',
			{ config: { environments: { dev: { urlParameter: '/collections/live/database-url' }, live: { guard: 'protected' } } } },
		],
		[
			'by the other key of the file',
			{ config: { environments: { dev: {}, prod: { urlParameter: '/app/url' } } }, flags: { urlParameter: '/app/url' } },
		],
		['by one key for both', { config: { urlParameter: '/app/url', environments: { dev: {}, prod: {} } } }],
		[
			'by the same key and whoever is asked',
			{ config: { environments: { dev: { urlParameter: '/app/url' }, prod: { urlParameter: '/app/url' } } } },
		],
		['of one account', { config: { environments: ofAccounts }, flags: { awsProfile: 'prod' } }],
		[
			'by a flag, whatever the account',
			{ config: { environments: { ...ofAccounts, dev: { awsProfile: 'dev' } } }, flags: { urlParameter: '/app/url' } },
		],
	])('is refused %s, and not read', async (_, more) => {
		const { request, calls } = await tried(more, [], parameters);
		await expect(request()).rejects.toEqual(refused);
		expect(calls.filter((call) => /url|database/.test(call))).toEqual([]);
	});

	it('is none where the file says that it is open, that it is in another account, or for the protected one', async () => {
		const isRead = async (more: Given) => {
			const { request, calls } = await tried(more, [], parameters);
			await request();
			return calls.some((call) => /\/app\/url|\/collections\/|\/mine/.test(call));
		};
		const open = { dev: { urlParameter: '/collections/prod/database-url' }, prod: { guard: 'open' } };
		expect(await isRead({ config: { environments: open } })).toBe(true);
		expect(await isRead({ config: { environments: ofAccounts } })).toBe(true);
		expect(await isRead({ flags: { env: 'prod' } })).toBe(true);
		expect(await isRead({ flags: { urlParameter: '/mine' } })).toBe(true);
	});

	it('keep nobody from undoing what came there under another name', async () => {
		const config = { environments: { dev: {}, prod: { target: 'postgresql://app@db.example/prod' } } };
		const settings = await settingsOf({
			config,
			flags: { env: 'dev', postgresUrl: 'postgresql://app@db.example/prod', sqliteDb: 'a.db', userId: 'ana' },
		});
		await expect(requestOf(settings)).rejects.toMatchObject({ code: 'TARGET_IS_PROTECTED' });
		const { target } = await finderOf(settings).target(headlessChoices(settings), () => {});
		expect(target.reveal()).toBe('postgresql://app@db.example/prod');
	});
});
