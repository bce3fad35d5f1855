import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { datasetSummaries, environmentSummaries, headlessChoices, initialChoices, targetOf } from '../../../source/config/choices.js';
import { discoverDatasets } from '../../../source/config/discover.js';
import { testUserOf } from '../../../source/config/environment-access.js';
import { environmentNamed, knownEnvironments } from '../../../source/config/environments.js';
import { headlessCommandOf } from '../../../source/config/headless-choices.js';
import { loadSettings, type Settings } from '../../../source/config/settings.js';
import { chooseCollections } from '../../../source/core/plan/collection.js';
import type { ChromaCollection, ChromaDescription } from '../../../source/core/ports.js';
import { Secret } from '../../../source/core/secret.js';
import { sampleRun } from '../commands/fake-operations.js';
import { type Given, makeFolder, settingsOf } from './folder.js';
import { requestOf } from './requests.js';

const namesOf = (settings: Settings) => knownEnvironments(settings).map(({ name, guard }) => `${name} ${guard}`);
const usual = ['dev open', 'test open', 'prod protected'];

describe('environments by convention', () => {
	it('are dev, test and prod, and only where neither a config nor a URL says another', async () => {
		expect(namesOf(await settingsOf({}))).toEqual(usual);
		expect(namesOf(await settingsOf({ config: { userId: 'ana' } }))).toEqual(usual);
		expect(namesOf(await settingsOf({ config: { environments: { eu: {} } } }))).toEqual(['eu open']);
		const url = { postgresUrl: 'pglite:./pg' };
		expect(namesOf(await settingsOf({ flags: url }))).toEqual(['default open']);
		expect(namesOf(await settingsOf({ flags: { ...url, env: 'staging' } }))).toEqual(['staging open']);
		expect(namesOf(await settingsOf({ env: { DATABASE_URL: 'postgresql://h/db' } }))).toEqual(['default open']);
	});

	it('say where they go, and have the runs of their name', async () => {
		const [dev, test] = environmentSummaries(await settingsOf({}), [{ ...sampleRun, status: 'interrupted' }]);
		expect(dev).toMatchObject({ target: 'ssm /collections/dev/database-url', from: 'default', resumable: { id: sampleRun.id } });
		expect(test?.lastRun).toBeNull();
		const elsewhere = await settingsOf({ flags: { urlParameter: '/x/url' } });
		expect(environmentSummaries(elsewhere, [sampleRun])[0]).toMatchObject({
			target: 'ssm /x/url',
			from: 'flag --url-parameter',
			lastRun: null,
		});
	});

	it('have the place of a configured environment that leaves the rest to the convention', async () => {
		const [eu] = environmentSummaries(await settingsOf({ config: { environments: { eu: { region: 'eu-west-1' } } } }), []);
		expect(eu).toMatchObject({ target: 'ssm /collections/eu/database-url', from: 'repot.config.json:3' });
	});

	it('are none that nobody chose', async () => {
		const settings = await settingsOf({ flags: { sqliteDb: 'a.db', userId: 'ana' } });
		expect(initialChoices(settings)).not.toHaveProperty('environment');
		await expect(requestOf(settings)).rejects.toThrow(
			expect.objectContaining({
				code: 'MISSING_ANSWER',
				next: expect.arrayContaining(['--env NAME: where to; dev, test and prod exist by convention']),
			}),
		);
	});

	it('do not take a name that nobody knows, unless it is said where it is', async () => {
		const unknown = await settingsOf({ flags: { env: 'prd', sqliteDb: 'a.db', userId: 'ana' } });
		await expect(requestOf(unknown)).rejects.toThrow(
			expect.objectContaining({ code: 'UNKNOWN_ENVIRONMENT', next: expect.arrayContaining(['Did you mean --env prod?']) }),
		);
		const typed = { ...headlessChoices(unknown), target: new Secret('pglite:./pg') };
		expect(await requestOf(unknown, typed)).toMatchObject({ environment: 'prd', guard: 'open' });
		const said = await settingsOf({ flags: { env: 'prod-eu', urlParameter: '/eu/url' } });
		expect(environmentNamed(said, 'prod-eu')).toMatchObject({ guard: 'protected', target: null, from: 'flag --url-parameter' });
		expect(namesOf(said)).toEqual([...usual, 'prod-eu protected']);
	});

	it('leave the target of a run of another name open rather than refuse to look at it', async () => {
		const settings = await settingsOf({});
		expect(targetOf(settings, { ...headlessChoices(settings), environment: 'default' })).toBeNull();
	});
});

describe('the order in which a target is found', () => {
	const flag = ['flag', { flags: { postgresUrl: 'postgresql://flag/db' } }] as const;
	const environments = (one: unknown) => ({ config: { environments: { dev: one } } });
	const levels: readonly (readonly [string, Given])[] = [
		['flag --postgres-url', flag[1]],
		['flag --url-parameter', { flags: { urlParameter: '/flag' } }],
		['env DATABASE_URL', { env: { DATABASE_URL: 'postgresql://variable/db' } }],
		['env REPOT_URL_PARAMETER', { env: { REPOT_URL_PARAMETER: '/variable' } }],
		['repot.config.json:4', environments({ target: 'postgresql://own/db' })],
		['repot.config.json:7', { config: { environments: { dev: {} }, postgresUrl: 'postgresql://config/db' } }],
		['repot.config.json:6', { config: { environments: { dev: {} }, urlParameter: '/config' } }],
		['env PGHOST', { env: { PGHOST: 'libpq' } }],
	];

	it('is the nearest word, and of two equally near the URL', async () => {
		for (let at = 0; at < levels.length; at += 1) {
			const rest = levels.slice(at).toReversed();
			const config = Object.assign({}, ...rest.map(([, given]) => given.config ?? {}), { urlParameter: '/config' });
			const given = {
				flags: Object.assign({ env: 'dev' }, ...rest.map((one) => one[1].flags ?? {})),
				env: Object.assign({}, ...rest.map((one) => one[1].env ?? {})),
			};
			const isInConfig = at <= 6;
			const settings = await settingsOf({ ...given, ...(isInConfig ? { config: at === 6 ? levels[6]?.[1].config : config } : {}) });
			const found = environmentNamed(settings, 'dev');
			const wanted = levels[at]?.[0] ?? '';
			if (wanted.startsWith('repot')) expect(found.from, `level ${at}`).toMatch(/^repot\.config\.json:/);
			else expect(found.from, `level ${at}`).toBe(wanted);
			expect(found.target === null, `level ${at}: ${wanted}`).toBe([1, 3, 6].includes(at));
		}
	});

	it('tells what of the config gave way', async () => {
		const own = environments({ urlParameter: '/own' });
		const variable = await settingsOf({ ...own, env: { DATABASE_URL: 'postgresql://h/db' } });
		expect(environmentNamed(variable, 'dev')).toMatchObject({ from: 'env DATABASE_URL', overridden: 'repot.config.json:4' });
		const parameter = await settingsOf({ ...environments({ target: 'pglite:./pg' }), flags: { urlParameter: '/x' } });
		expect(environmentNamed(parameter, 'dev')).toMatchObject({
			target: null,
			from: 'flag --url-parameter',
			overridden: 'repot.config.json:4',
		});
		const libpq = await settingsOf({ ...own, env: { PGHOST: 'h' } });
		expect(environmentNamed(libpq, 'dev')).toMatchObject({ target: null, from: 'repot.config.json:4', overridden: null });
	});

	it('leaves to PGHOST only where an environment that somebody named is', async () => {
		const env = { PGHOST: 'h', PGDATABASE: 'd' };
		const flags = { sqliteDb: 'a.db', userId: 'ana' };
		const unnamed = expect.objectContaining({
			code: 'MISSING_ANSWER',
			next: expect.arrayContaining([expect.stringMatching(/^--env NAME/)]),
		});
		for (const config of [{}, { environments: { dev: {} } }, { environments: { dev: {}, prod: {} } }]) {
			const settings = await settingsOf({ env, flags, config });
			expect(initialChoices(settings)).not.toHaveProperty('environment');
			await expect(requestOf(settings), JSON.stringify(config)).rejects.toThrow(unnamed);
			const chosen = await requestOf(settings, { ...headlessChoices(settings), environment: 'dev' });
			const byFlag = await requestOf(await settingsOf({ env, flags: { ...flags, env: 'dev' }, config }));
			const byVariable = await requestOf(await settingsOf({ env: { ...env, REPOT_ENV: 'dev' }, flags, config }));
			for (const { target } of [chosen, byFlag, byVariable]) expect(target.reveal()).toBe('postgresql://h/d');
		}
		expect(namesOf(await settingsOf({ env }))).toEqual(usual);
		expect(namesOf(await settingsOf({ env, flags: { env: 'staging' } }))).toEqual([...usual, 'staging open']);
		expect(await requestOf(await settingsOf({ env, flags: { ...flags, env: 'staging' } }))).toMatchObject({ environment: 'staging' });
		const own = await settingsOf({ env, flags, config: { environments: { dev: { target: 'pglite:./pg' } } } });
		expect(initialChoices(own)).toMatchObject({ environment: 'dev' });
		expect((await requestOf(own)).target.reveal()).toBe('pglite:./pg');
		const parameter = await settingsOf({ env, config: { environments: { dev: { urlParameter: '/x' } } } });
		expect(initialChoices(parameter)).toMatchObject({ environment: 'dev' });
		expect(targetOf(parameter, headlessChoices(parameter))).toBeNull();
	});

	it('takes one of target and urlParameter from an environment', async () => {
		await expect(settingsOf(environments({ target: 'pglite:./pg', urlParameter: '/x' }))).rejects.toMatchObject({
			code: 'CONFIG_INVALID',
			why: expect.stringContaining('"target" and "urlParameter"'),
		});
	});
});

const sqliteHead = 'SQLite format 3\0';
async function folderWith(files: readonly string[]): Promise<string> {
	const cwd = await makeFolder();
	for (const file of files) {
		await mkdir(dirname(join(cwd, file)), { recursive: true });
		await writeFile(join(cwd, file), sqliteHead);
	}
	return cwd;
}
const golden = ['data/collections_golden.db', 'data/chroma_golden/chroma.sqlite3'];

const collectionCalled = (name: string): ChromaCollection => ({
	...{ id: `id-${name}`, name, tenant: 't', database: 'd', records: 1 },
	...{ dimension: 2, space: 'l2', metadata: null, vectorsIn: 'wal' },
});
const directory = (...names: string[]): ChromaDescription => ({
	...{ path: 'chroma', bytes: 1, version: '1.5', notes: [] },
	collections: names.map(collectionCalled),
});

describe('datasets by convention', () => {
	it('are golden and full, by name also where their files are not', async () => {
		expect(headlessChoices(await settingsOf({ flags: { dataset: 'full' } }))).toMatchObject({
			sqlitePath: './data/collections.db',
			chromaPath: './data/chroma_prod',
			collections: ['collections_vectors_prod'],
		});
		await expect(settingsOf({ flags: { dataset: 'goldn' } }).then(headlessChoices)).rejects.toMatchObject({
			code: 'UNKNOWN_DATASET',
			why: 'by convention there are golden, full',
		});
		const named = await settingsOf({ config: { datasets: { mine: { sqlite: './a.db' } } }, flags: { dataset: 'golden' } });
		expect(() => headlessChoices(named)).toThrow(expect.objectContaining({ code: 'UNKNOWN_DATASET' }));
	});

	it('are listed once each, when they are there, and never taken unnamed', async () => {
		const cwd = await folderWith([...golden, 'data/other.db']);
		const settings = await loadSettings({ flags: {}, env: {}, cwd });
		expect(datasetSummaries(settings, await discoverDatasets(cwd)).map(({ name, from }) => [name, from])).toEqual([
			['golden', 'default'],
			['other', 'found on disk'],
		]);
		expect(headlessChoices(settings)).toMatchObject({ sqlitePath: null, chromaPath: null });
		await expect(requestOf(settings)).rejects.toThrow(
			expect.objectContaining({ next: expect.arrayContaining([expect.stringContaining('--dataset, one of golden')]) }),
		);
	});

	it('leave a half out that is not there while the other one is', async () => {
		const cwd = await folderWith(golden.slice(0, 1));
		const settings = await loadSettings({ flags: { dataset: 'golden' }, env: {}, cwd });
		const choices = headlessChoices(settings);
		expect(choices).toMatchObject({ sqlitePath: './data/collections_golden.db', chromaPath: null, collections: [] });
		expect(testUserOf(settings, choices).value).toBe('migration-test-golden');
	});

	it('take the only collection of a directory that lacks theirs, but never in place of one that was named', async () => {
		const requestWith = async (flags: Given['flags']) => {
			const settings = await settingsOf({ flags: { dataset: 'golden', postgresUrl: 'pglite:./pg', userId: 'ana', ...flags } });
			return (await requestOf(settings)).collectionsByConvention ?? false;
		};
		expect(await requestWith({})).toBe(true);
		expect(await requestWith({ collection: 'collections_vectors_golden' })).toBe(false);
		expect(await requestWith({ collection: 'mine' })).toBe(false);
		const [usualName, own] = ['collections_vectors_golden', 'own'] as const;
		const chosen = (description: ChromaDescription, byConvention: boolean) =>
			chooseCollections(description, [usualName], byConvention).map(({ name }) => name);
		expect(chosen(directory(own), true)).toEqual([own]);
		expect(chosen(directory(own, usualName), true)).toEqual([usualName]);
		expect(() => chosen(directory(own), false)).toThrow(expect.objectContaining({ code: 'CHROMA_UNKNOWN_COLLECTION' }));
		expect(() => chosen(directory(own, 'other'), true)).toThrow(expect.objectContaining({ code: 'CHROMA_UNKNOWN_COLLECTION' }));
	});

	it('are printed by their name', async () => {
		const cwd = await folderWith(golden);
		const settings = await loadSettings({ flags: {}, env: {}, cwd });
		const [dataset] = datasetSummaries(settings, []);
		const choices = { ...headlessChoices(settings), environment: 'dev', ...dataset };
		expect(headlessCommandOf(settings, 'plan', choices)).toEqual(['plan', '--env', 'dev', '--dataset', 'golden']);
		const flags = { awsProfile: 'me', mfaCode: '123456', createUser: true, region: 'eu-west-1', sslMode: 'require' } as const;
		const flagged = await loadSettings({ flags, env: {}, cwd });
		expect(headlessCommandOf(flagged, 'plan', choices)).toEqual([
			...['plan', '--env', 'dev', '--dataset', 'golden'],
			...['--aws-profile', 'me', '--region', 'eu-west-1', '--ssl-mode', 'require'],
		]);
	});
});
