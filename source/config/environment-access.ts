import type { SslMode } from '../core/ssl-mode.js';
import type { ConfiguredEnvironment, EnvironmentKey, Sourced } from './configured.js';
import { usualOutputs, usualParameter, usualTestUser } from './conventions.js';
import type { OptionValues } from './option-values.js';
import { type Level, overrides, type Settings } from './settings.js';
import { datasetOf, type SourcePaths } from './sources.js';

/** How the target and the user id of an environment are come by where they are not given outright, each with where that was said. */
export interface EnvironmentAccess {
	/** Null from `env AWS_ACCESS_KEY_ID`: the SDK's chain follows the keys; null from `default`: nothing is said. */
	readonly profile: Sourced<string | null>;
	/** Null: as the SDK's chain finds it. */
	readonly region: Sourced<string | null>;
	/** Of Parameter Store: the database URL, or, with a slash at the end, the folder of its parts. */
	readonly parameter: Sourced<string>;
	/** The parameter is the convention's, whoever named it: the split form, `usualParameterFolder`, may stand in its place. */
	readonly isConventional: boolean;
	/** A file, relative to the working directory or absolute. From `default` it need not exist. */
	readonly cdkOutputs: Sourced<string>;
	readonly userPoolId: Sourced<string | null>;
	readonly iamAuth: Sourced<boolean>;
	/** Null: as the URL or PGSSLMODE says. */
	readonly sslMode: Sourced<SslMode | null>;
	readonly sslRootCert: Sourced<string | null>;
}

/** For any name, known or not. Precedence: flag, variable, what the environment says in the config, the same key of the config, variables of AWS, default. */
export function environmentAccess(settings: Settings, environment: string): EnvironmentAccess {
	const said = <K extends EnvironmentKey>(key: K): Said<K> => nearestSaid(settings, environment, key);
	const parameter = said('urlParameter');
	const outputs = said('cdkOutputs');
	const { identity, region } = settings.aws;
	return {
		profile: orOfAws(said('awsProfile'), identity === null ? null : { value: identity.profile, from: `env ${identity.name}` }),
		region: orOfAws(said('region'), region === null ? null : { value: region.value, from: `env ${region.name}` }),
		parameter: orUsual(parameter, usualParameter(environment)),
		isConventional: parameter.value === null || parameter.value === usualParameter(environment),
		cdkOutputs: orUsual(outputs, usualOutputs(environment)),
		userPoolId: plain(said('userPoolId')),
		iamAuth: plain(said('iamAuth')),
		sslMode: plain(said('sslMode')),
		sslRootCert: plain(said('sslRootCert')),
	};
}

/** How near something is said; `environment`, between a variable and the config, by the environment's own key. */
export type Nearness = Level | 'environment';
const order: readonly Nearness[] = ['default', 'config', 'environment', 'variable', 'flag'];
/** Above zero when `a` is said nearer than `b`. */
export const nearer = (a: Nearness, b: Nearness): number => order.indexOf(a) - order.indexOf(b);

interface Said<K extends EnvironmentKey> extends Sourced<OptionValues[K]> {
	readonly level: Nearness;
}

export function nearestSaid<K extends EnvironmentKey>(settings: Settings, environment: string, key: K): Said<K> {
	const { value, from, level } = settings.values[key];
	if (overrides(level, 'config') > 0) return { value, from, level };
	const own: ConfiguredEnvironment['own'] | undefined = settings.environments.find((one) => one.name === environment)?.own;
	const found = own?.[key] as Sourced<OptionValues[K]> | undefined;
	return found === undefined ? { value, from, level } : { ...found, level: 'environment' };
}

/**
 * A variable of AWS is set for other programs as well: whatever is said to this one goes before, also in a file. A shell that is set up for one
 * environment must not turn another into it.
 */
const orOfAws = (said: Said<'awsProfile' | 'region'>, variable: Sourced<string | null> | null): Sourced<string | null> =>
	variable === null || nearer(said.level, 'default') > 0 ? plain(said) : variable;

const orUsual = (said: Sourced<string | null>, usual: string): Sourced<string> =>
	said.value === null ? { value: usual, from: 'default' } : { value: said.value, from: said.from };

const plain = <T>({ value, from }: Sourced<T>): Sourced<T> => ({ value, from });

/**
 * The Cognito user whose id the rows are given: as it is said, else by the dataset that these paths are. Null when they are no dataset with
 * a name; `from` then says so.
 */
export function testUserOf(settings: Settings, choices: SourcePaths): Sourced<string | null> {
	const { value, from, level } = settings.values.testUser;
	if (overrides(level, 'config') > 0) return { value, from };
	const dataset = datasetOf(settings, choices);
	if (dataset !== undefined && dataset.testUser !== null) return { value: dataset.testUser, from: dataset.from };
	if (value !== null) return { value, from };
	if (dataset === undefined) return { value: null, from: 'the sources are no dataset with a name' };
	return { value: usualTestUser(dataset.name), from: 'default' };
}
