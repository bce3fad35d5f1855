import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseArguments } from '../../../source/commands/parse.js';
import { headlessChoices, planRequest } from '../../../source/config/choices.js';
import { headlessCommandOf } from '../../../source/config/headless-choices.js';
import type { OptionKey } from '../../../source/config/options.js';
import { loadSettings, type Settings } from '../../../source/config/settings.js';
import { formatCommand } from '../../../source/core/format.js';
import type { PlanRequest, WizardChoices } from '../../../source/core/operations.js';
import { Secret } from '../../../source/core/secret.js';
import { usualConfig } from '../commands/world.js';
import { settingsOf } from './folder.js';

type Flags = Partial<Record<OptionKey, string | true>>;

function parse(argv: readonly string[]): Flags {
	const parsed = parseArguments(argv, '1');
	if (parsed.kind !== 'command') throw new Error('A command was expected');
	return parsed.flags;
}

const plain = ({ target, ...request }: PlanRequest) => ({ ...request, target: target.reveal() });

async function again(settings: Settings, choices: WizardChoices, env: Record<string, string>): Promise<readonly [unknown, unknown]> {
	const flags = parse(headlessCommandOf(settings, 'migrate', choices));
	const reread = await loadSettings({ flags, env, cwd: settings.cwd });
	return [plain(planRequest(reread, headlessChoices(reread))), plain(planRequest(settings, choices))];
}

const word = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => text.trim() !== '' && !text.includes('\0'));
const path = fc.stringMatching(/^\.\/[a-z -]{1,8}\.db$/);
const count = fc.integer({ min: 1, max: 100_000 }).map(String);

const flagArbitrary: fc.Arbitrary<Flags> = fc.record(
	{
		batchSize: fc.oneof(count, fc.constant('auto')),
		index: fc.constantFrom('auto', 'hnsw', 'halfvec', 'none'),
		indexMemory: fc.integer({ min: 1, max: 64 }).map((value) => `${value}MB`),
		indexWorkers: fc.integer({ min: 0, max: 64 }).map(String),
		onConflict: fc.constantFrom('fail', 'skip', 'update'),
		onNul: fc.constantFrom('quarantine', 'fail', 'strip'),
		maxQuarantined: fc.oneof(count, fc.constant('none')),
		pgvectorCollection: word,
		similarityThreshold: fc.integer({ min: 0, max: 100 }).map((value) => String(value / 100)),
		retryDelay: fc.integer({ min: 0, max: 5000 }).map((value) => `${value}ms`),
		skipSchemaCreation: fc.constant(true as const),
		noValidate: fc.constant(true as const),
		restart: fc.constant(true as const),
		sqliteDb: path,
		userId: word,
	},
	{ requiredKeys: [] },
);

const choiceArbitrary = fc
	.record({
		environment: fc.constantFrom('dev', 'prod'),
		sqlitePath: fc.option(fc.oneof(path, fc.constant('./app.db'))),
		chromaPath: fc.option(fc.constantFrom('./chroma', './other')),
		collection: fc.option(fc.oneof(word, fc.constant('golden'))),
		target: fc.option(fc.constantFrom('pglite:./pg', 'postgresql://u@elsewhere:6000/db')),
		tenant: fc.option(word),
	})
	.filter((choices) => choices.sqlitePath !== null || choices.chromaPath !== null);

const surroundings = fc.record(
	{
		REPOT_BATCH_SIZE: count,
		REPOT_CHROMA_PATH: fc.constant('./ambient'),
		REPOT_COLLECTION: fc.constant('ambient'),
		REPOT_USER_ID: fc.constant('env-user'),
	},
	{ requiredKeys: [] },
);

describe('the headless command of a choice', () => {
	it('parses back to the same request, whatever flags, variables and choices made it', async () => {
		const base = await settingsOf({ config: usualConfig });
		await fc.assert(
			fc.asyncProperty(flagArbitrary, choiceArbitrary, surroundings, async (flags, chosen, env) => {
				const settings = await loadSettings({ flags, env, cwd: base.cwd });
				const choices = { ...chosen, target: chosen.target === null ? null : new Secret(chosen.target) };
				const [reread, asked] = await again(settings, choices, env);
				expect(reread).toEqual(asked);
			}),
			{ numRuns: 150 },
		);
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
