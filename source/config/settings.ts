import { join, resolve } from 'node:path';
import { isChromaServer } from '../core/chroma-address.js';
import { RepotError } from '../core/errors.js';
import type { Guard, Origin } from '../core/operations.js';
import { Secret } from '../core/secret.js';
import { openChromaUrl } from './chroma-values.js';
import { type ConfigFile, readConfigFile } from './config-file.js';
import { flagOf, type OptionKey, type OptionValues, optionKeys, options, variableOf } from './options.js';
import { defaultStateDir, pathFrom, showPath } from './paths.js';
import { isTargetUrl, namesOf, relocated, secretsOf, targetUrl } from './target-url.js';
import { BadValue, type Parser } from './values.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Lowest first: a higher level wins. */
const levels = ['default', 'config', 'variable', 'flag'] as const;
export type Level = (typeof levels)[number];

/** A value, and where it came from. */
export interface Setting<T> {
	readonly value: T;
	readonly from: Origin;
	readonly level: Level;
}

/** Compares two levels of precedence: above zero when `a` wins over `b`. */
export const overrides = (a: Level, b: Level): number => levels.indexOf(a) - levels.indexOf(b);

interface ConfiguredEnvironment {
	readonly name: string;
	readonly guard: Guard;
	readonly target: Secret | null;
	readonly from: Origin;
	/** Line of the target, or of the environment when it has none. */
	readonly targetFrom: Origin;
}

export interface ConfiguredDataset {
	readonly name: string;
	readonly sqlitePath: string | null;
	readonly chromaPath: string | null;
	readonly collections: readonly string[];
	/** Null: not named. */
	readonly pgvectorCollection: readonly string[] | null;
	readonly from: Origin;
}

/** Everything that flags, environment and config say, each with its origin. Paths are relative to `cwd`, or absolute. */
export interface Settings {
	readonly cwd: string;
	readonly values: { readonly [K in OptionKey]: Setting<OptionValues[K]> };
	/** As shown; null when there is no config file. */
	readonly configPath: string | null;
	readonly environments: readonly ConfiguredEnvironment[];
	readonly datasets: readonly ConfiguredDataset[];
	/** Absolute. */
	readonly stateDir: string;
	/** Absolute. */
	readonly logFile: string;
	/** Key of the embedding service that the search check can use; null when not set. */
	readonly voyage: { readonly apiKey: Secret; readonly baseUrl: string | null } | null;
	/** Every secret that was read: what a log line must not hold. */
	readonly secrets: readonly Secret[];
	/** Users, databases, hosts, environments and the like: shown anyway, also when a password is the same word. */
	readonly names: readonly string[];
	/** The same settings without the flags of this command line: what a later command in the same place starts from. */
	readonly ambient: Settings | null;
}

/** Texts of the flags given, switches as true, every text of those that may repeat. */
export type Flags = Partial<Record<OptionKey, string | true | readonly string[]>>;

export interface SettingsInput {
	readonly flags: Flags;
	readonly env: Environment;
	readonly cwd: string;
	/** Read no config file at all. */
	readonly ignoreConfig?: boolean;
	/** As it was called, `repot plan`: said in hints. */
	readonly called?: string;
}

/** Reads all settings. Precedence: flag, environment variable, config file, default. Throws RepotError (usage) naming the place of a bad value. */
export async function loadSettings(input: SettingsInput): Promise<Settings> {
	const asked = input.flags.config ?? nonEmpty(input.env.REPOT_CONFIG);
	const config = input.ignoreConfig ? null : await readConfigFile(typeof asked === 'string' ? asked : null, input.cwd);
	const kept: SettingsInput['flags'] = input.flags.config === undefined ? {} : { config: input.flags.config };
	return { ...assemble(input, config), ambient: assemble({ ...input, flags: kept }, config) };
}

function assemble(input: SettingsInput, config: ConfigFile | null): Settings {
	const { cwd, env } = input;
	const values = Object.fromEntries(optionKeys.map((key) => [key, resolveOption(key, input, config)])) as unknown as Settings['values'];
	const environments = environmentsOf(config, cwd);
	const stateDir = resolve(cwd, values.stateDir.value ?? defaultStateDir(env));
	const voyageKey = nonEmpty(env.VOYAGE_API_KEY);
	const apiKey = voyageKey === undefined ? null : new Secret(voyageKey);
	const { chromaUrl, chromaToken } = values;
	const urls = [values.postgresUrl.value, chromaUrl.value, ...environments.map((one) => one.target)].filter((url) => url !== null);
	const keys = [apiKey, chromaToken.value].filter((key) => key !== null);
	return {
		cwd,
		values,
		configPath: config?.shown ?? null,
		environments,
		datasets: datasetsOf(config, cwd),
		stateDir,
		logFile: resolve(cwd, values.logFile.value ?? join(stateDir, 'repot.log')),
		voyage: apiKey === null ? null : { apiKey, baseUrl: nonEmpty(env.VOYAGE_BASE_URL) ?? null },
		secrets: [...urls.flatMap(secretsOf).map((one) => new Secret(one)), ...keys, ...ambientSecrets(env)],
		names: [
			...urls.flatMap(namesOf),
			...environments.map((one) => one.name),
			...[values.env, values.userId, values.chromaTenant, values.chromaDatabase].map((one) => one.value).filter((one) => one !== null),
			...values.collection.value,
			...values.pgvectorCollection.value,
		],
		ambient: null,
	};
}

function resolveOption<K extends OptionKey>(key: K, input: SettingsInput, config: ConfigFile | null): Setting<OptionValues[K]> {
	const spec = options[key];
	const found = lookUp(key, input, config);
	if (found === null) return { value: spec.initial as OptionValues[K], from: 'default', level: 'default' };
	const { texts, from, level } = found;
	const folder = level === 'config' && config !== null ? config.folder : input.cwd;
	const named = level === 'config' ? key : null;
	const values = texts.map((text) => parseFrom(spec.parse as Parser<OptionValues[K]>, text, from, named, input.called));
	const parsed = spec.many ? (values.flat() as unknown as OptionValues[K]) : (values.at(-1) as OptionValues[K]);
	const value = spec.path && typeof parsed === 'string' ? pathFrom(parsed, folder, input.cwd) : parsed;
	const placed = value instanceof Secret ? relocated(value, folder, input.cwd) : value;
	return { value: placed as OptionValues[K], from, level };
}

interface Found {
	/** One, or several of a setting that may repeat. */
	readonly texts: readonly string[];
	readonly from: Origin;
	readonly level: Level;
}

function lookUp(key: OptionKey, input: SettingsInput, config: ConfigFile | null): Found | null {
	const flag = input.flags[key];
	if (flag !== undefined) return { texts: textsOf(flag), from: `flag ${flagOf(key)}`, level: 'flag' };
	const variable = nonEmpty(input.env[variableOf(key)]);
	const listed = options[key].many === true && variable !== undefined ? variable.split(',').map((one) => one.trim()) : null;
	if (variable !== undefined) return { texts: listed ?? [variable], from: `env ${variableOf(key)}`, level: 'variable' };
	const shared = key === 'postgresUrl' ? nonEmpty(input.env.DATABASE_URL) : undefined;
	// The variable belongs to other programs as well: one that names another kind of database is not meant for this one.
	if (shared !== undefined && isTargetUrl(shared)) return { texts: [shared], from: 'env DATABASE_URL', level: 'variable' };
	if (key === 'screenReader' && !/^(0|false)?$/.test(input.env.ACCESSIBLE ?? ''))
		return { texts: ['true'], from: 'env ACCESSIBLE', level: 'variable' };
	const stored = config?.content[key];
	if (config === null || stored === undefined || stored === null) return null;
	return { texts: textsOf(stored), from: config.origin(`/${key}`), level: 'config' };
}

const textsOf = (given: string | number | boolean | readonly string[]): readonly string[] =>
	typeof given === 'object' ? given : [String(given)];

/** `key`: of the config file, by its path. */
function parseFrom<T>(parse: Parser<T>, text: string, from: Origin, key: string | null, called = 'repot'): T {
	try {
		return parse(text);
	} catch (thrown) {
		if (!(thrown instanceof BadValue)) throw thrown;
		throw new RepotError({
			kind: 'usage',
			code: 'BAD_VALUE',
			message: `The value of ${key === null ? from.replace(/^(flag|env) /, '') : `"${key}"`} cannot be used`,
			where: from,
			why: thrown.message,
			next: [key === null ? `${called} --help lists the flags and what they take` : `Mend "${key}"; docs/configuration.md lists every key`],
		});
	}
}

function environmentsOf(config: ConfigFile | null, cwd: string): readonly ConfiguredEnvironment[] {
	if (config === null) return [];
	return Object.entries(config.content.environments ?? {}).map(([name, one]) => {
		const from = config.origin(`/environments/${name}`);
		const targetFrom = config.origin(`/environments/${name}/target`);
		const target =
			one.target === undefined
				? null
				: relocated(parseFrom(targetUrl, one.target, targetFrom, `environments.${name}.target`), config.folder, cwd);
		return { name, guard: one.guard ?? guardByName(name), target, from, targetFrom };
	});
}

function datasetsOf(config: ConfigFile | null, cwd: string): readonly ConfiguredDataset[] {
	if (config === null) return [];
	const placed = (path: string | undefined): string | null => (path === undefined ? null : pathFrom(path, config.folder, cwd));
	const chromaOf = (name: string, given: string | undefined): string | null =>
		given !== undefined && isChromaServer(given)
			? parseFrom(openChromaUrl, given, config.origin(`/datasets/${name}/chroma`), `datasets.${name}.chroma`)
			: placed(given);
	return Object.entries(config.content.datasets ?? {}).map(([name, one]) => ({
		name,
		sqlitePath: placed(one.sqlite),
		chromaPath: chromaOf(name, one.chroma),
		collections: one.collection === undefined ? [] : textsOf(one.collection),
		pgvectorCollection: one.pgvectorCollection === undefined ? null : textsOf(one.pgvectorCollection),
		from: config.origin(`/datasets/${name}`),
	}));
}

/** `prod`, `production`, `prod-eu` and `eu.prod` are protected unless the config says otherwise. */
export function guardByName(name: string): Guard {
	return name
		.toLowerCase()
		.split(/[-_.]/)
		.some((word) => word === 'prod' || word === 'production')
		? 'protected'
		: 'open';
}

/** Secrets that the drivers take from the environment by themselves. */
function ambientSecrets(env: Environment): readonly Secret[] {
	const urls = [env.DATABASE_URL, env.REPOT_POSTGRES_URL].flatMap((one) => (one === undefined ? [] : secretsOf(new Secret(one))));
	return [env.PGPASSWORD, ...urls].filter((one) => one !== undefined && one !== '').map((one) => new Secret(one as string));
}

function nonEmpty(value: string | undefined): string | undefined {
	return value === undefined || value === '' ? undefined : value;
}

/** The state folder as shown. */
export const shownStateDir = (settings: Settings): string => showPath(settings.stateDir, settings.cwd);
