import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { guardByName } from '../../../source/config/configured.js';
import { flagOf, optionKeys, options, variableOf } from '../../../source/config/options.js';
import { loadSettings } from '../../../source/config/settings.js';
import { makeFolder, settingsOf } from './folder.js';

describe('precedence and origin', () => {
	const config = '{\n\t"batchSize": 300,\n\t"userId": "from-config"\n}\n';

	it('is default, config, variable, flag', async () => {
		const batch = async (flags: { batchSize?: string }, env: Record<string, string>, file?: string) =>
			(await settingsOf({ flags, env, ...(file === undefined ? {} : { config: file }) })).values.batchSize;
		expect(await batch({}, {})).toEqual({ value: null, from: 'default', level: 'default' });
		expect(await batch({}, {}, config)).toEqual({ value: 300, from: 'repot.config.json:2', level: 'config' });
		expect(await batch({}, { REPOT_BATCH_SIZE: '200' }, config)).toEqual({ value: 200, from: 'env REPOT_BATCH_SIZE', level: 'variable' });
		expect(await batch({ batchSize: '100' }, { REPOT_BATCH_SIZE: '200' }, config)).toEqual({
			value: 100,
			from: 'flag --batch-size',
			level: 'flag',
		});
	});

	it('an empty variable is not set', async () => {
		expect((await settingsOf({ env: { REPOT_USER_ID: '' }, config })).values.userId.value).toBe('from-config');
	});

	it('ambient settings leave the flags out', async () => {
		const settings = await settingsOf({ flags: { userId: 'ana' }, env: { REPOT_BATCH_SIZE: '7' }, config });
		expect(settings.values.userId.value).toBe('ana');
		expect(settings.ambient?.values.userId.value).toBe('from-config');
		expect(settings.ambient?.values.batchSize.value).toBe(7);
	});

	it('every option has a flag and a variable, each its own', () => {
		expect(new Set(optionKeys.map(flagOf)).size).toBe(optionKeys.length);
		expect(flagOf('onInvalidJson')).toBe('--on-invalid-json');
		expect(variableOf('onInvalidJson')).toBe('REPOT_ON_INVALID_JSON');
	});

	it('every option that is not for one run is read from the config', async () => {
		for (const key of optionKeys.filter((one) => options[one].perRun === undefined)) {
			const samples = { postgresUrl: 'pglite:./pg', chromaUrl: 'http://h:8000', logLevel: 'warn', retryDelay: '2s', indexMemory: '64MB' };
			const sample = samples[key as keyof typeof samples];
			const value = sample ?? valueFor(key);
			const settings = await settingsOf({ config: { [key]: value } });
			expect(settings.values[key].from, key).toBe('repot.config.json:2');
		}
	});

	function valueFor(key: (typeof optionKeys)[number]): string | boolean | number {
		const { argument, parse } = options[key];
		if (argument === undefined) return true;
		for (const candidate of ['none', 'skip', 'fail', 'null', 'word', '1', 'require']) {
			try {
				parse(candidate);
				return candidate;
			} catch {
				// the next one
			}
		}
		throw new Error(`No value is known for ${key}`);
	}
});

describe('values', () => {
	const bad: readonly (readonly [string, string])[] = [
		['REPOT_BATCH_SIZE', '0'],
		['REPOT_BATCH_SIZE', '1e3'],
		['REPOT_SIMILARITY_THRESHOLD', '1.5'],
		['REPOT_RETRY_DELAY', '2'],
		['REPOT_INDEX_MEMORY', '64 parsecs'],
		['REPOT_ON_CONFLICT', 'overwrite'],
		['REPOT_JSON', 'maybe'],
		['REPOT_POSTGRES_URL', 'mysql://root:hush1234@h/db'],
		['REPOT_CHROMA_URL', 'localhost:8000'],
		['REPOT_CHROMA_URL', 'http://ana:hush1234@'],
		['REPOT_CHROMA_PATH', 'http://localhost:8000'],
		['REPOT_CHROMA_TOKEN', 'two words'],
	];
	for (const [name, value] of bad) {
		it(`${name}=${value} is a usage error that names the variable and not the value`, async () => {
			const failed = settingsOf({ env: { [name]: value } });
			await expect(failed).rejects.toMatchObject({ kind: 'usage', where: `env ${name}` });
			await expect(failed).rejects.not.toThrow('hush1234');
			expect(JSON.stringify(await failed.catch((error: unknown) => error))).not.toContain('hush1234');
		});
	}

	it('sizes are powers of 1024 and durations carry their unit', async () => {
		const { values } = await settingsOf({ env: { REPOT_INDEX_MEMORY: '64MB', REPOT_RETRY_DELAY: '1.5s' } });
		expect(values.indexMemory.value).toBe(64 * 1024 * 1024);
		expect(values.retryDelay.value).toBe(1500);
		expect((await settingsOf({ env: { REPOT_INDEX_MEMORY: '1GiB' } })).values.indexMemory.value).toBe(1024 ** 3);
	});
});

describe('the target', () => {
	it('comes from REPOT_POSTGRES_URL before DATABASE_URL', async () => {
		const both = { REPOT_POSTGRES_URL: 'postgresql://a/one', DATABASE_URL: 'postgresql://a/two' };
		expect((await settingsOf({ env: both })).values.postgresUrl).toMatchObject({ from: 'env REPOT_POSTGRES_URL' });
		expect((await settingsOf({ env: { DATABASE_URL: both.DATABASE_URL } })).values.postgresUrl).toMatchObject({ from: 'env DATABASE_URL' });
	});

	it('a DATABASE_URL of another kind of database is not meant', async () => {
		expect((await settingsOf({ env: { DATABASE_URL: 'mysql://root@h/db' } })).values.postgresUrl.value).toBeNull();
	});

	it('a driver suffix is dropped', async () => {
		const { values } = await settingsOf({ env: { DATABASE_URL: 'postgresql+psycopg://u@h/db' } });
		expect(values.postgresUrl.value?.reveal()).toBe('postgresql://u@h/db');
	});
});

describe('paths', () => {
	it('in a config are relative to its folder and told relative to the working directory', async () => {
		const cwd = await makeFolder();
		await mkdir(join(cwd, 'demo'));
		const content = {
			environments: { local: { target: 'pglite:./pg' } },
			datasets: { demo: { sqlite: './a.db', chroma: '../chroma' } },
			stateDir: './state',
		};
		await writeFile(join(cwd, 'demo', 'repot.config.json'), JSON.stringify(content));
		const settings = await loadSettings({ flags: { config: 'demo/repot.config.json' }, env: {}, cwd });
		expect(settings.environments[0]?.target?.reveal()).toBe('pglite:./demo/pg');
		expect(settings.datasets[0]).toMatchObject({ sqlitePath: './demo/a.db', chromaPath: './chroma' });
		expect(settings.stateDir).toBe(join(cwd, 'demo', 'state'));
		expect(settings.configPath).toBe('demo/repot.config.json');
	});

	it('the state folder follows XDG', async () => {
		expect((await settingsOf({ env: { XDG_STATE_HOME: '/x/state' } })).stateDir).toBe('/x/state/repot');
		expect((await settingsOf({ env: { XDG_STATE_HOME: 'relative', HOME: '/home/ana' } })).stateDir).toBe('/home/ana/.local/state/repot');
	});
});

describe('guards', () => {
	it('production is protected by its name', () => {
		expect(['prod', 'production', 'Prod', 'prod-eu', 'eu.prod'].map(guardByName)).toEqual(Array(5).fill('protected'));
		expect(['dev', 'product', 'reprod'].map(guardByName)).toEqual(Array(3).fill('open'));
	});

	it('unless the config says otherwise', async () => {
		const { environments } = await settingsOf({ config: { environments: { prod: { guard: 'open' }, dev: { guard: 'protected' } } } });
		expect(environments.map((one) => one.guard)).toEqual(['open', 'protected']);
	});
});
