import type { ConfiguredDataset, Sourced } from '../config/configured.js';
import { environmentAccess, testUserOf } from '../config/environment-access.js';
import { chosenEnvironment, environmentNamed, type KnownEnvironment, knownEnvironments, shownTarget } from '../config/environments.js';
import { type OptionKey, type OptionSpec, optionKeys, options } from '../config/options.js';
import { showPath } from '../config/paths.js';
import type { Settings } from '../config/settings.js';
import { datasetOf, sourceChoice } from '../config/sources.js';
import { maskUrl } from '../config/target-url.js';
import { Secret } from '../core/secret.js';
import type { ToldConfig, ToldGroup, ToldSetting } from '../headless/config-text.js';

/**
 * Every setting, environment and dataset as it may be shown. `--env` as a flag narrows the environments to that one. Throws RepotError
 * (usage) for a name that does not exist.
 */
export function toldConfig(settings: Settings): ToldConfig {
	const { env } = settings.values;
	const environments = env.level === 'flag' && env.value !== null ? [environmentNamed(settings, env.value)] : knownEnvironments(settings);
	const chosen = sourceChoice(settings);
	const dataset = chosen === null ? undefined : datasetOf(settings, chosen);
	return {
		file: settings.configPath,
		settings: optionKeys.filter((key) => isTold(settings, key)).map((key) => toldSetting(settings, key)),
		environments: environments.map((one) => toldEnvironment(settings, one)),
		datasets: settings.datasets.map((one) => toldDataset(settings, one, one === dataset)),
	};
}

/** What is given for one run only, when a variable gives it: it would surprise. */
const isTold = ({ values }: Settings, key: OptionKey): boolean =>
	options[key].perRun === undefined || (values[key].level !== 'default' && key !== 'config');

function toldSetting(settings: Settings, name: OptionKey): ToldSetting {
	const { value, from } = settings.values[name];
	if (value === null && name === 'stateDir') return { name, value: showPath(settings.stateDir, settings.cwd), from };
	if (value === null && name === 'logFile') return { name, value: showPath(settings.logFile, settings.cwd), from };
	const open = value instanceof Secret ? (urls.has(name) ? maskUrl(value) : value.toJSON()) : value;
	const { print } = options[name] as OptionSpec<unknown>;
	return { name, value: open, ...(print === undefined ? {} : { shown: print(value) }), from };
}

const urls: ReadonlySet<OptionKey> = new Set(['postgresUrl', 'chromaUrl']);

function toldEnvironment(settings: Settings, known: KnownEnvironment): ToldGroup {
	const { name, guard } = known;
	const configured = settings.environments.find((one) => one.name === name);
	const access = environmentAccess(settings, name);
	return {
		name,
		chosen: chosenEnvironment(settings) === name,
		from: configured?.from ?? 'default',
		settings: [
			{ name: 'guard', value: guard, from: configured?.guardFrom ?? 'default' },
			{ name: 'target', value: shownTarget(settings, known), from: known.from },
			...(['profile', 'region', 'cdkOutputs', 'userPoolId', 'iamAuth', 'sslMode', 'sslRootCert'] as const).map((key) => ({
				name: key === 'profile' ? 'awsProfile' : key,
				...access[key],
			})),
		],
	};
}

function toldDataset(settings: Settings, dataset: ConfiguredDataset, chosen: boolean): ToldGroup {
	const { name, sqlitePath, chromaPath, collections, pgvectorCollection, from } = dataset;
	const own = (value: ToldSetting['value']): Sourced<ToldSetting['value']> => ({ value, from: value === null ? 'default' : from });
	return {
		name,
		chosen,
		...(dataset.isPresent ? {} : { missing: true }),
		from,
		settings: [
			{ name: 'sqlite', ...own(sqlitePath) },
			{ name: 'chroma', ...own(chromaPath) },
			{ name: 'collection', ...own(collections.length === 0 ? null : collections) },
			{ name: 'pgvectorCollection', ...own(pgvectorCollection) },
			{ name: 'testUser', ...testUserOf(settings, dataset) },
		],
	};
}
