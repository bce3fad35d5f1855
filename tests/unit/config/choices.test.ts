import { describe, expect, it } from 'vitest';
import { datasetSummaries, environmentSummaries, headlessChoices, targetOf } from '../../../source/config/choices.js';
import { Secret } from '../../../source/core/secret.js';
import { healthyTest } from '../../fakes/operations.js';
import { sampleRun } from '../commands/fake-operations.js';
import { usualConfig } from '../commands/world.js';
import { settingsOf } from './folder.js';
import { finderOf, requestOf } from './requests.js';

describe('environments', () => {
	it('a name that the config does not have is refused with the near one', async () => {
		const settings = await settingsOf({ config: usualConfig, flags: { env: 'prd' } });
		await expect(requestOf(settings)).rejects.toThrow(
			expect.objectContaining({ code: 'UNKNOWN_ENVIRONMENT', next: expect.arrayContaining(['Did you mean --env prod?']) }),
		);
	});

	it('without a config any name will do, and production is protected', async () => {
		const flags = { env: 'production', postgresUrl: 'postgresql://h/db', sqliteDb: 'a.db', userId: 'ana' };
		expect(await requestOf(await settingsOf({ flags }))).toMatchObject({
			environment: 'production',
			guard: 'protected',
			sqlitePath: './a.db',
		});
	});

	it('tells the masked target, its origin, and the last run', async () => {
		const settings = await settingsOf({ config: { environments: { dev: { target: 'postgresql://app:hush1234@h/db' } } } });
		const [dev] = environmentSummaries(settings, [{ ...sampleRun, status: 'interrupted' }]);
		expect(dev).toMatchObject({
			name: 'dev',
			target: 'postgresql://app:********@h/db',
			from: 'repot.config.json:4',
			lastRun: { id: 'r-7K2QA' },
		});
		expect(dev?.resumable?.id).toBe('r-7K2QA');
	});

	it('counts no run into another target, where no config ties the name to this one', async () => {
		const lastOf = async (postgresUrl: string, config?: typeof usualConfig) => {
			const settings = await settingsOf({ flags: { postgresUrl, env: 'dev' }, ...(config === undefined ? {} : { config }) });
			return environmentSummaries(settings, [sampleRun]).find(({ name }) => name === 'dev')?.lastRun?.id ?? null;
		};
		expect(await lastOf('pglite:./never-used')).toBeNull();
		expect(await lastOf('postgresql://app:hush1234@db.example/app')).toBe('r-7K2QA');
		expect(await lastOf('pglite:./never-used', usualConfig)).toBeNull();
	});

	it('a variable takes the place of the config target and says so', async () => {
		const settings = await settingsOf({ config: usualConfig, flags: { env: 'dev' }, env: { DATABASE_URL: 'postgresql://other/db' } });
		expect(targetOf(settings, headlessChoices(settings))).toMatchObject({ from: 'env DATABASE_URL' });
	});
});

describe('sources', () => {
	it('the only dataset is taken, a flag within it wins, and a path of its own stands alone', async () => {
		const choose = async (flags: Record<string, string>, env = {}) =>
			headlessChoices(await settingsOf({ config: usualConfig, flags, env }));
		expect(await choose({})).toMatchObject({ sqlitePath: './app.db', chromaPath: './chroma', collections: ['golden'] });
		expect(await choose({ sqliteDb: 'x.db' })).toMatchObject({ sqlitePath: './x.db', chromaPath: null, collections: [] });
		expect(await choose({ dataset: 'golden', sqliteDb: 'x.db' })).toMatchObject({ sqlitePath: './x.db', chromaPath: './chroma' });
		expect(await choose({ dataset: 'golden' }, { REPOT_SQLITE_DB: 'x.db' })).toMatchObject({ sqlitePath: './app.db' });
		expect(await choose({ dataset: 'golden', chromaPath: '' })).toMatchObject({ sqlitePath: './app.db', chromaPath: null });
	});

	it('lists what flags say, the config, and what is on disk and new', async () => {
		const settings = await settingsOf({ config: usualConfig, flags: { sqliteDb: 'x.db' } });
		const found = [
			{ name: 'app', sqlitePath: './app.db', chromaPath: null },
			{ name: 'new', sqlitePath: './new.db', chromaPath: null },
		];
		expect(datasetSummaries(settings, found).map((one) => [one.name, one.from])).toEqual([
			['given', 'flag --sqlite-db'],
			['golden', 'repot.config.json:11'],
			['new', 'found on disk'],
		]);
	});

	it("the collection to write is the dataset's, below flag and variable", async () => {
		const config = {
			...usualConfig,
			datasets: { golden: { sqlite: './app.db', pgvectorCollection: 'of-dataset' } },
			pgvectorCollection: 'of-config',
		};
		expect((await requestOf(await settingsOf({ config, flags: { env: 'dev' } }))).pgvectorCollection).toBe('of-dataset');
		const flagged = await settingsOf({ config, flags: { env: 'dev' }, env: { REPOT_PGVECTOR_COLLECTION: 'of-variable' } });
		expect((await requestOf(flagged)).pgvectorCollection).toBe('of-variable');
	});
});

describe('what is missing', () => {
	it('is named all at once, each with its flag', async () => {
		const settings = await settingsOf({});
		try {
			await requestOf(settings);
			expect.unreachable();
		} catch (thrown) {
			expect(thrown).toMatchObject({ code: 'MISSING_ANSWER', kind: 'usage' });
			const next = (thrown as { next: readonly string[] }).next.join('\n');
			for (const flag of ['--sqlite-db', '--chroma-path', '--postgres-url', 'REPOT_POSTGRES_URL', '--user-id'])
				expect(next).toContain(flag);
		}
	});

	it('several environments and none chosen names them', async () => {
		const settings = await settingsOf({ config: usualConfig });
		await expect(requestOf(settings)).rejects.toThrow(
			expect.objectContaining({ next: expect.arrayContaining([expect.stringContaining('dev, prod')]) }),
		);
	});
});

describe('credentials', () => {
	it('are masked and say where they come from', async () => {
		const settings = await settingsOf({
			config: usualConfig,
			flags: { env: 'dev' },
			env: { REPOT_POSTGRES_URL: 'postgresql://app:hush1234@h/db?sslpassword=alsohush' },
		});
		const { rows } = await finderOf(settings, undefined, async () => healthyTest).find(headlessChoices(settings), {}, () => {});
		expect(rows).toEqual([
			expect.objectContaining({
				name: 'postgres',
				from: 'env REPOT_POSTGRES_URL',
				shown: expect.stringContaining('app:********@h/db'),
			}),
			expect.objectContaining({ name: 'pgvector' }),
			expect.objectContaining({ name: 'user', shown: 'ana', from: 'repot.config.json:17' }),
		]);
		expect(JSON.stringify(rows)).not.toContain('hush');
	});

	it('a typed target wins', async () => {
		const settings = await settingsOf({ config: usualConfig, flags: { env: 'dev' } });
		const choices = { ...headlessChoices(settings), target: new Secret('pglite:./pg'), tenant: 'bo' };
		const { rows } = await finderOf(settings, undefined, async () => healthyTest).find(choices, {}, () => {});
		expect(rows.map((one) => one.from)).toEqual(['typed', 'target', 'typed']);
		expect(await requestOf(settings, choices)).toMatchObject({ tenant: 'bo' });
	});
});
