import { join, resolve } from 'node:path';
import type { Origin } from '../core/operations.js';
import { placeVariables, type ServerVariables } from '../core/postgres-url.js';
import { Secret } from '../core/secret.js';
import { type ConfigFile, readConfigFile } from './config-file.js';
import {
	type ConfiguredDataset,
	type ConfiguredEnvironment,
	configuredDatasets,
	configuredEnvironments,
	type Sourced,
} from './configured.js';
import { conventionalDatasets } from './conventions.js';
import { flagOf, type OptionKey, type OptionValues, optionKeys, options, variableOf } from './options.js';
import { parseSetting } from './parse-setting.js';
import { defaultStateDir, pathFrom, showPath } from './paths.js';
import { urlFromVariables } from './pg-variables.js';
import { isTargetUrl, namesOf, relocated, secretsOf } from './target-url.js';
import type { Parser } from './values.js';

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

/** What the variables of AWS say, for where nothing is said to repot. */
export interface AwsVariables {
	/** AWS_PROFILE with the profile, or AWS_ACCESS_KEY_ID, whichever the SDK's chain follows; null: neither is set. */
	readonly identity: { readonly name: 'AWS_PROFILE' | 'AWS_ACCESS_KEY_ID'; readonly profile: string | null } | null;
	readonly region: { readonly name: 'AWS_REGION' | 'AWS_DEFAULT_REGION'; readonly value: string } | null;
}

/** Everything that flags, environment and config say, each with its origin. Paths are relative to `cwd`, or absolute. */
export interface Settings {
	readonly cwd: string;
	readonly values: { readonly [K in OptionKey]: Setting<OptionValues[K]> };
	/** As shown; null when there is no config file. */
	readonly configPath: string | null;
	/** Of the config; empty: those of the convention, see `knownEnvironments`. */
	readonly environments: readonly ConfiguredEnvironment[];
	/** Of the config, else those of the convention, whether their files are there or not. */
	readonly datasets: readonly ConfiguredDataset[];
	readonly aws: AwsVariables;
	/** What URLs leave out. */
	readonly server: ServerVariables;
	/** What the config says of the target for all environments, whatever flags and variables say; null: nothing. */
	readonly ofConfig: {
		readonly postgresUrl: Sourced<Secret> | null;
		readonly urlParameter: Sourced<string> | null;
		readonly awsProfile: Sourced<string> | null;
		readonly region: Sourced<string> | null;
	};
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
	const named = configuredDatasets(config, input.cwd);
	const datasets = named.length > 0 ? named : await conventionalDatasets(input.cwd);
	return { ...assemble(input, config, datasets), ambient: assemble({ ...input, flags: kept }, config, datasets) };
}

function assemble(input: SettingsInput, config: ConfigFile | null, datasets: Settings['datasets']): Settings {
	const { cwd, env } = input;
	const values = Object.fromEntries(optionKeys.map((key) => [key, resolveOption(key, input, config)])) as unknown as Settings['values'];
	const environments = configuredEnvironments(config, cwd);
	const stateDir = resolve(cwd, values.stateDir.value ?? defaultStateDir(env));
	const voyageKey = nonEmpty(env.VOYAGE_API_KEY);
	const apiKey = voyageKey === undefined ? null : new Secret(voyageKey);
	const { chromaUrl, chromaToken, mfaCode } = values;
	const urls = [values.postgresUrl.value, chromaUrl.value, ...environments.map((one) => one.target)].filter((url) => url !== null);
	const keys = [apiKey, chromaToken.value, mfaCode.value].filter((key) => key !== null);
	return {
		cwd,
		values,
		configPath: config?.shown ?? null,
		environments,
		datasets,
		aws: awsVariables(env),
		server: Object.fromEntries(placeVariables.map((name) => [name, env[name]])),
		ofConfig: ofConfig(input, config),
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
	const values = texts.map((text) => parseSetting(spec.parse as Parser<OptionValues[K]>, text, from, named, input.called));
	const parsed = spec.many ? (values.flat() as unknown as OptionValues[K]) : (values.at(-1) as OptionValues[K]);
	const value = spec.path && typeof parsed === 'string' ? pathFrom(parsed, folder, input.cwd) : parsed;
	const placed = value instanceof Secret ? relocated(value, folder, input.cwd) : value;
	return { value: placed as OptionValues[K], from, level };
}

function ofConfig({ cwd }: SettingsInput, config: ConfigFile | null): Settings['ofConfig'] {
	const said = <K extends keyof Settings['ofConfig']>(key: K): Sourced<NonNullable<OptionValues[K]>> | null => {
		const { value, from } = resolveOption(key, { flags: {}, env: {}, cwd }, config);
		return value === null ? null : { value, from };
	};
	return {
		postgresUrl: said('postgresUrl'),
		urlParameter: said('urlParameter'),
		awsProfile: said('awsProfile'),
		region: said('region'),
	};
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
	if (config !== null && stored !== undefined && stored !== null)
		return { texts: textsOf(stored), from: config.origin(`/${key}`), level: 'config' };
	// The variables are set for other programs as well: whatever is said to this one goes before.
	const ofLibpq = key === 'postgresUrl' ? urlFromVariables(input.env) : null;
	return ofLibpq === null ? null : { texts: [ofLibpq.reveal()], from: 'env PGHOST', level: 'default' };
}

const textsOf = (given: string | number | boolean | readonly string[]): readonly string[] =>
	typeof given === 'object' ? given : [String(given)];

function awsVariables(env: Environment): AwsVariables {
	const found = (['AWS_PROFILE', 'AWS_ACCESS_KEY_ID'] as const).find((name) => nonEmpty(env[name]) !== undefined);
	const profile = found === 'AWS_PROFILE' ? (env.AWS_PROFILE ?? null) : null;
	const identity = found === undefined ? null : { name: found, profile };
	for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION'] as const) {
		const value = nonEmpty(env[name]);
		if (value !== undefined) return { identity, region: { name, value } };
	}
	return { identity, region: null };
}

/** Secrets that the drivers take from the environment by themselves. */
function ambientSecrets(env: Environment): readonly Secret[] {
	const urls = [env.DATABASE_URL, env.REPOT_POSTGRES_URL].flatMap((one) => (one === undefined ? [] : secretsOf(new Secret(one))));
	return [env.PGPASSWORD, env.AWS_SECRET_ACCESS_KEY, env.AWS_SESSION_TOKEN, ...urls]
		.filter((one) => one !== undefined && one !== '')
		.map((one) => new Secret(one as string));
}

function nonEmpty(value: string | undefined): string | undefined {
	return value === undefined || value === '' ? undefined : value;
}

/** The state folder as shown. */
export const shownStateDir = (settings: Settings): string => showPath(settings.stateDir, settings.cwd);
