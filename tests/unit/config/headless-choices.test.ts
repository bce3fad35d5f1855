import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseArguments } from '../../../source/commands/parse.js';
import { headlessChoices, targetOf } from '../../../source/config/choices.js';
import { environmentAccess } from '../../../source/config/environment-access.js';
import { headlessCommandOf } from '../../../source/config/headless-choices.js';
import type { OptionKey } from '../../../source/config/options.js';
import { type Flags, loadSettings, type Settings, type SettingsInput } from '../../../source/config/settings.js';
import { maskUrl } from '../../../source/config/target-url.js';
import { formatCommand } from '../../../source/core/format.js';
import { passwordNote } from '../../../source/core/headless-command.js';
import type { PlanRequest, WizardChoices } from '../../../source/core/operations.js';
import { Secret } from '../../../source/core/secret.js';
import { usualConfig } from '../commands/world.js';
import { makeFolder, settingsOf } from './folder.js';
import { requestOf as requestOfSettings } from './requests.js';

function parse(argv: readonly string[]): Flags {
	const parsed = parseArguments(argv, '1');
	if (parsed.kind !== 'command') throw new Error('A command was expected');
	return parsed.flags;
}

const plain = ({ target, ...request }: PlanRequest) => ({ ...request, target: target.reveal() });

async function requestOf(cwd: string, env: Record<string, string>, flags: Flags): Promise<unknown> {
	const settings = await loadSettings({ flags, env, cwd });
	return asked(settings, headlessChoices(settings));
}

/** The request, and by whom and of which pool AWS is asked for it. */
async function asked(settings: Settings, choices: WizardChoices): Promise<unknown> {
	const { profile, userPoolId } = environmentAccess(settings, choices.environment);
	const { awsProfile = profile.value, userPool = userPoolId.value } = choices;
	return { ...plain(await requestOfSettings(settings, choices)), awsProfile, userPool };
}

const word = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => text.trim() !== '' && !text.includes('\0'));
const path = fc.stringMatching(/^\.\/[a-z -]{1,8}\.db$/);
const count = fc.integer({ min: 1, max: 100_000 }).map(String);

/** One name, and names for some collections. */
const namesArbitrary = fc
	.tuple(fc.option(word.filter((text) => !text.includes('='))), fc.dictionary(fc.stringMatching(/^[a-z]{3}$/), word, { maxKeys: 2 }))
	.map(([name, others]) => [...(name === null ? [] : [name]), ...Object.entries(others).map(([source, target]) => `${source}=${target}`)])
	.filter((texts) => texts.length > 0);

const flagArbitrary: fc.Arbitrary<Flags> = fc.record(
	{
		batchSize: fc.oneof(count, fc.constant('auto')),
		index: fc.constantFrom('auto', 'hnsw', 'halfvec', 'none'),
		indexMemory: fc.integer({ min: 1, max: 64 }).map((value) => `${value}MB`),
		indexWorkers: fc.integer({ min: 0, max: 64 }).map(String),
		onConflict: fc.constantFrom('fail', 'skip', 'update'),
		onNul: fc.constantFrom('quarantine', 'fail', 'strip'),
		maxQuarantined: fc.oneof(count, fc.constant('none')),
		pgvectorCollection: namesArbitrary,
		similarityThreshold: fc.integer({ min: 0, max: 100 }).map((value) => String(value / 100)),
		retryDelay: fc.integer({ min: 0, max: 5000 }).map((value) => `${value}ms`),
		skipSchemaCreation: fc.constant(true as const),
		noValidate: fc.constant(true as const),
		restart: fc.constant(true as const),
		sqliteDb: path,
		userId: word,
		awsProfile: fc.constantFrom('of-flag', 'of-dev'),
		userPoolId: fc.constantFrom('eu-west-1_Flag', 'eu-west-1_Config'),
		postgresUrl: fc.constantFrom('postgresql://u@:6000/db?host=of-flag', 'postgresql+psycopg://u@/db?host=/tmp'),
	},
	{ requiredKeys: [] },
);

const choiceArbitrary = fc
	.record({
		environment: fc.constantFrom('dev', 'prod'),
		sqlitePath: fc.option(fc.oneof(path, fc.constantFrom('./app.db', './data/collections_golden.db', './data/collections.db'))),
		chromaPath: fc.option(
			fc.constantFrom(
				'./chroma',
				'./other',
				'./data/chroma_golden',
				'./data/chroma_prod',
				'http://chroma:8000',
				'http://chroma:8000/?tenant=t&database=d',
			),
		),
		collections: fc.array(fc.oneof(word, fc.constantFrom('golden', 'all', 'collections_vectors_golden')), { maxLength: 3 }),
		target: fc.option(
			fc.constantFrom(
				...['pglite:./pg', 'postgresql://u@elsewhere:6000/db', 'postgresql://elsewhere', 'postgres://h/?dbname=d&user=u'],
				...['postgresql://u@:6000/db?host=elsewhere', 'postgresql+psycopg://u@/db?host=/tmp', 'postgresql://u@[::1]:6000/d%40b'],
				...['postgresql:///db?host=h:1&user=u', 'postgresql://u@db.example/app', 'postgresql://db.example/app?hostaddr=127.0.0.1'],
			),
		),
		tenant: fc.option(word),
		ofAws: fc.record(
			{
				awsProfile: fc.constantFrom('other', 'of-config', 'of-dev', 'of-aws'),
				userPool: fc.constantFrom('eu-west-1_Other', 'eu-west-1_Config'),
			},
			{ requiredKeys: [] },
		),
	})
	.filter((choices) => choices.sqlitePath !== null || choices.chromaPath !== null)
	// No screen asks for a collection where there is no Chroma directory.
	.map((choices) => (choices.chromaPath === null ? { ...choices, collections: [] } : choices));

const surroundings = fc.record(
	{
		REPOT_BATCH_SIZE: count,
		REPOT_CHROMA_PATH: fc.constant('./ambient'),
		REPOT_CHROMA_URL: fc.constantFrom('http://chroma:8000', 'http://ana:hush1234@ambient:8000/'),
		REPOT_COLLECTION: fc.constant('ambient'),
		REPOT_USER_ID: fc.constant('env-user'),
		REPOT_DATASET: fc.constant('golden'),
		REPOT_PGVECTOR_COLLECTION: fc.constant('of-variable'),
		AWS_PROFILE: fc.constant('of-aws'),
		AWS_ACCESS_KEY_ID: fc.constant('AKIAEXAMPLE'),
		PGHOST: fc.constant('of-libpq'),
		PGPORT: fc.constant('6000'),
		DATABASE_URL: fc.constantFrom('postgresql://u@of-variable/db', 'postgresql://u@elsewhere:6000/db'),
		REPOT_NO_VALIDATE: fc.constantFrom('true', 'false'),
	},
	{ requiredKeys: [] },
);

const configArbitrary = fc.constantFrom(
	usualConfig,
	{ ...usualConfig, datasets: { ...usualConfig.datasets, second: { sqlite: './b.db', pgvectorCollection: 'of-dataset' } } },
	{ ...usualConfig, datasets: { golden: { sqlite: './app.db', chroma: './chroma' } }, batchSize: 7, chromaPath: './of-config' },
	{ ...usualConfig, datasets: { golden: { chroma: './other' } }, pgvectorCollection: 'of-config', onConflict: 'skip' },
	{ ...usualConfig, datasets: { golden: { chroma: 'http://chroma:8000/' } }, chromaUrl: 'http://of-config:8000' },
	{ environments: usualConfig.environments, userId: 'ana', awsProfile: 'of-config', userPoolId: 'eu-west-1_Config' },
	{ environments: { dev: { awsProfile: 'of-dev' }, prod: { target: 'pglite:./prod' } }, userId: 'ana' },
	{ environments: usualConfig.environments, userId: 'ana' },
	{ environments: usualConfig.environments, userId: 'ana', chromaPath: './data/chroma_golden', sqliteDb: './data/collections_golden.db' },
);

/** The settings of one folder whose config is written anew. */
async function settingsIn(cwd: string, config: unknown, given: Omit<SettingsInput, 'cwd'>): Promise<Settings> {
	await writeFile(join(cwd, 'repot.config.json'), JSON.stringify(config));
	return loadSettings({ ...given, cwd });
}

describe('the headless command of a choice', () => {
	it('parses back to the same request, and to no other with any flag less, whatever config, flags, variables and choices made it', async () => {
		const cwd = await makeFolder();
		await fc.assert(
			fc.asyncProperty(configArbitrary, flagArbitrary, choiceArbitrary, surroundings, async (config, flags, chosen, env) => {
				const settings = await settingsIn(cwd, config, { flags, env });
				const { ofAws, ...others } = chosen;
				const choices = { ...others, ...ofAws, target: chosen.target === null ? null : new Secret(chosen.target) };
				const wanted = await asked(settings, choices);
				const shown = parse(headlessCommandOf(settings, 'migrate', choices));
				expect(await requestOf(cwd, env, shown)).toEqual(wanted);
				for (const flag of Object.keys(shown) as OptionKey[]) {
					if (flag === 'env' || flag === 'yes') continue;
					const { [flag]: _, ...fewer } = shown;
					expect(
						await requestOf(cwd, env, fewer).catch(() => 'refused'),
						`without ${flag}: ${formatCommand(headlessCommandOf(settings, 'migrate', choices))}`,
					).not.toEqual(wanted);
				}
			}),
			{ numRuns: 120 },
		);
	});

	it('leaves out the paths and the collection of the only dataset of the config, also when a screen has read them from the disk', async () => {
		const datasets = { demo: { sqlite: './demo.db', chroma: './chroma' } };
		const settings = await settingsOf({ config: { ...usualConfig, datasets }, flags: { env: 'dev', dataset: 'demo' } });
		const choices = { ...headlessChoices(settings), environment: 'dev', sqlitePath: './demo.db', chromaPath: './chroma' };
		expect(headlessCommandOf(settings, 'plan', choices)).toEqual(['plan', '--env', 'dev']);
		const named = { ...choices, collections: ['the-one'] };
		expect(headlessCommandOf(settings, 'plan', named)).toEqual(['plan', '--env', 'dev', '--collection', 'the-one']);
		const several = { ...choices, collections: ['one', 'two'] };
		expect(headlessCommandOf(settings, 'plan', several)).toEqual(['plan', '--env', 'dev', '--collection', 'one', '--collection', 'two']);
	});

	it('names a server without what it is asked with', async () => {
		const flags = {
			env: 'dev',
			chromaUrl: 'https://ana:hush1234@chroma.example/',
			chromaToken: 'ck-hush-5678',
			chromaTenant: 't',
			collection: 'c',
		};
		const settings = await settingsOf({ config: { environments: usualConfig.environments }, flags });
		const command = headlessCommandOf(settings, 'plan', headlessChoices(settings));
		const server = ['--chroma-url', 'https://chroma.example', '--collection', 'c', '--chroma-tenant', 't'];
		expect(command).toEqual(['plan', '--env', 'dev', ...server]);
	});

	it('leaves out what a variable gives as well', async () => {
		const env = { REPOT_BATCH_SIZE: '70', REPOT_USER_ID: 'bo' };
		const settings = await settingsOf({ config: usualConfig, flags: { env: 'dev', batchSize: '70', onConflict: 'skip' }, env });
		expect(headlessCommandOf(settings, 'plan', headlessChoices(settings))).toEqual(['plan', '--env', 'dev', '--on-conflict', 'skip']);
	});

	it('is short where config and environment already say it', async () => {
		const settings = await settingsOf({ config: usualConfig, flags: { env: 'dev' } });
		expect(headlessCommandOf(settings, 'plan', headlessChoices(settings))).toEqual(['plan', '--env', 'dev']);
	});

	it('names a dataset of the config by its name', async () => {
		const datasets = { ...usualConfig.datasets, second: { sqlite: './b.db' } };
		const settings = await settingsOf({ config: { ...usualConfig, datasets } });
		const choices = { ...headlessChoices(settings), environment: 'dev', sqlitePath: './b.db' };
		expect(headlessCommandOf(settings, 'plan', choices)).toEqual(['plan', '--env', 'dev', '--dataset', 'second']);
	});

	it('never holds a password, but keeps the target', async () => {
		const settings = await settingsOf({ config: usualConfig });
		const target = new Secret('postgresql://app:hush1234@elsewhere/db?sslpassword=hush5678');
		const argv = headlessCommandOf(settings, 'migrate', { ...headlessChoices(settings), environment: 'dev', target });
		expect(argv).toContain('postgresql://app@elsewhere/db');
		expect(formatCommand(argv)).not.toContain('hush');
	});

	it('names the target of the config again where a password came from elsewhere, so that its loss can be told', async () => {
		const settings = await settingsOf({
			config: usualConfig,
			flags: { env: 'dev', postgresUrl: 'postgresql://app:hush1234@db.example:5432/app' },
		});
		const command = headlessCommandOf(settings, 'plan', headlessChoices(settings));
		expect(command).toEqual(['plan', '--env', 'dev', '--postgres-url', 'postgresql://app@db.example:5432/app']);
		expect(passwordNote(command)).toContain('PGPASSWORD');
		const inConfig = { ...usualConfig, environments: { dev: { target: 'postgresql://app:hush1234@db.example:5432/app' } } };
		const known = await settingsOf({ config: inConfig, flags: { env: 'dev' } });
		expect(headlessCommandOf(known, 'plan', headlessChoices(known))).toEqual(['plan', '--env', 'dev']);
	});

	it.each([
		['postgresql:///db?user=u', true],
		['postgresql+psycopg://u@h', true],
		['postgresql://u@:6000/db?host=h', true],
		['postgresql://********', true],
		['postgresql://u:pw@h/db', false],
		['postgresql://h/db', false],
		['pglite:./u@h', false],
	])('has a word beside %j about the password: %j', (url, isSaid) => {
		expect(passwordNote(['plan', '--postgres-url', url]) !== null).toBe(isSaid);
	});

	it.each(['postgresql://postgres:hunter22secret@:37369/db?host=127.0.0.1', 'postgresql://postgres:hunter22/secret@h/db'])(
		'shows no password of a typed target, whatever its form: %j',
		async (text) => {
			const settings = await settingsOf({ config: usualConfig });
			const choices = { ...headlessChoices(settings), environment: 'dev', target: new Secret(text) };
			const command = headlessCommandOf(settings, 'migrate', choices);
			expect(formatCommand(command)).not.toMatch(/hunter22|secret/);
			expect(passwordNote(command)).toContain('PGPASSWORD');
			expect(maskUrl(targetOf(settings, choices)?.target ?? new Secret(''))).not.toMatch(/hunter22|secret/);
		},
	);

	it('adds --yes only where it is enough', async () => {
		const settings = await settingsOf({ config: usualConfig });
		const command = (environment: string) => headlessCommandOf(settings, 'migrate', { ...headlessChoices(settings), environment });
		expect(command('dev')).toContain('--yes');
		expect(command('prod')).not.toContain('--yes');
		expect(command('prod').join(' ')).not.toContain('--confirm');
	});

	it('can be made before everything is chosen', async () => {
		const settings = await settingsOf({});
		const choices = { ...headlessChoices(settings), environment: 'dev' };
		expect(headlessCommandOf(settings, 'plan', choices)).toEqual(['plan', '--env', 'dev']);
	});
});
