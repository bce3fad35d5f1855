import { isChromaServer } from '../core/chroma-address.js';
import type { Guard, Origin } from '../core/operations.js';
import type { Secret } from '../core/secret.js';
import { openChromaUrl } from './chroma-values.js';
import type { ConfigFile } from './config-file.js';
import type { OptionKey, OptionValues } from './option-values.js';
import { options } from './options.js';
import { parseSetting } from './parse-setting.js';
import { pathFrom } from './paths.js';
import { relocated, targetUrl } from './target-url.js';
import type { Parser } from './values.js';

/** Settings that an environment of the config may give itself; they win over the same keys of the whole file. */
export const environmentKeys = [
	'awsProfile',
	'region',
	'urlParameter',
	'cdkOutputs',
	'userPoolId',
	'iamAuth',
	'sslMode',
	'sslRootCert',
] as const satisfies readonly OptionKey[];
export type EnvironmentKey = (typeof environmentKeys)[number];

/** A value and where it came from. */
export interface Sourced<T> {
	readonly value: T;
	readonly from: Origin;
}

export interface ConfiguredEnvironment {
	readonly name: string;
	readonly guard: Guard;
	/** `default`: by its name. */
	readonly guardFrom: Origin;
	readonly target: Secret | null;
	readonly from: Origin;
	/** Line of the target, or of the environment when it has none. */
	readonly targetFrom: Origin;
	/** Its own values of settings. Paths are relative to the working directory, or absolute. */
	readonly own: { readonly [K in EnvironmentKey]?: Sourced<OptionValues[K]> };
}

export interface ConfiguredDataset {
	readonly name: string;
	readonly sqlitePath: string | null;
	readonly chromaPath: string | null;
	readonly collections: readonly string[];
	/** Null: not named. */
	readonly pgvectorCollection: readonly string[] | null;
	/** Null: not named. */
	readonly testUser: string | null;
	/** It exists by convention: no config names any. */
	readonly isConventional: boolean;
	/** Of a conventional one: some of its files are there. Whether those of a configured one are, its reader tells. */
	readonly isPresent: boolean;
	readonly from: Origin;
}

export function configuredEnvironments(config: ConfigFile | null, cwd: string): readonly ConfiguredEnvironment[] {
	if (config === null) return [];
	return Object.entries(config.content.environments ?? {}).map(([name, one]) => {
		const from = config.origin(`/environments/${name}`);
		const targetFrom = config.origin(`/environments/${name}/target`);
		const target =
			one.target === undefined
				? null
				: relocated(parseSetting(targetUrl, one.target, targetFrom, `environments.${name}.target`), config.folder, cwd);
		const given = environmentKeys.filter((key) => one[key] !== undefined);
		const own = Object.fromEntries(given.map((key) => [key, ownValue(config, cwd, name, key, String(one[key]))]));
		const guard = one.guard ?? guardByName(name);
		const guardFrom = one.guard === undefined ? 'default' : config.origin(`/environments/${name}/guard`);
		return { name, guard, guardFrom, target, from, targetFrom, own };
	});
}

function ownValue(config: ConfigFile, cwd: string, environment: string, key: EnvironmentKey, text: string): Sourced<unknown> {
	const from = config.origin(`/environments/${environment}/${key}`);
	const value = parseSetting<unknown>(options[key].parse as Parser<unknown>, text, from, `environments.${environment}.${key}`);
	return { value: options[key].path && typeof value === 'string' ? pathFrom(value, config.folder, cwd) : value, from };
}

export function configuredDatasets(config: ConfigFile | null, cwd: string): readonly ConfiguredDataset[] {
	if (config === null) return [];
	const placed = (path: string | undefined): string | null => (path === undefined ? null : pathFrom(path, config.folder, cwd));
	const chromaOf = (name: string, given: string | undefined): string | null =>
		given !== undefined && isChromaServer(given)
			? parseSetting(openChromaUrl, given, config.origin(`/datasets/${name}/chroma`), `datasets.${name}.chroma`)
			: placed(given);
	return Object.entries(config.content.datasets ?? {}).map(([name, one]) => ({
		name,
		sqlitePath: placed(one.sqlite),
		chromaPath: chromaOf(name, one.chroma),
		collections: one.collection === undefined ? [] : several(one.collection),
		pgvectorCollection: one.pgvectorCollection === undefined ? null : several(one.pgvectorCollection),
		testUser: one.testUser ?? null,
		isConventional: false,
		isPresent: true,
		from: config.origin(`/datasets/${name}`),
	}));
}

const several = (given: string | readonly string[]): readonly string[] => (typeof given === 'string' ? [given] : given);

/** `prod`, `production`, `prod-eu` and `eu.prod` are protected unless the config says otherwise. */
export function guardByName(name: string): Guard {
	return name
		.toLowerCase()
		.split(/[-_.]/)
		.some((word) => word === 'prod' || word === 'production')
		? 'protected'
		: 'open';
}
