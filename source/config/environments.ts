import { RepotError } from '../core/errors.js';
import type { EnvironmentSummary, Guard, Origin } from '../core/operations.js';
import type { RunSummary } from '../core/ports.js';
import type { Secret } from '../core/secret.js';
import { type ConfiguredEnvironment, guardByName } from './configured.js';
import { usualEnvironments } from './conventions.js';
import { environmentAccess, nearer, nearestSaid } from './environment-access.js';
import { type Level, overrides, type Setting, type Settings } from './settings.js';
import { maskUrl, wroteTo } from './target-url.js';
import { nearest } from './values.js';

/** Name of the environment when only a URL is given. */
const unnamedEnvironment = 'default';

export interface KnownEnvironment {
	readonly name: string;
	readonly guard: Guard;
	/** Null: Parameter Store has it, under the parameter of `environmentAccess`. */
	readonly target: Secret | null;
	/** Where the target comes from, or the parameter when there is no target. */
	readonly from: Origin;
	/** What the config says of the target, where a flag or a variable takes its place. */
	readonly overridden: Origin | null;
}

/**
 * The environments to choose from: those of the config; without any, one that stands for the URL that is given, else dev, test and prod,
 * whose URLs Parameter Store has. What PGHOST names is the target of whichever of them is chosen: it chooses none.
 */
export function knownEnvironments(settings: Settings): readonly KnownEnvironment[] {
	if (settings.environments.length > 0) return settings.environments.map((one) => configured(settings, one));
	const url = givenUrl(settings);
	const { env, urlParameter } = settings.values;
	if (url !== null && !isAmbient(url)) {
		const name = env.value ?? unnamedEnvironment;
		return [{ name, guard: guardByName(name), target: url.value, from: url.from, overridden: null }];
	}
	const asked = env.value !== null && (urlParameter.value !== null || url !== null) ? [env.value] : [];
	return [...new Set([...usualEnvironments, ...asked])].map((name) =>
		url === null
			? ofParameter(settings, name, guardByName(name))
			: { name, guard: guardByName(name), target: url.value, from: url.from, overridden: null },
	);
}

/** The variables of libpq are set for other programs as well. */
const isAmbient = ({ level }: { readonly level: Level }): boolean => level === 'default';

const ofParameter = (settings: Settings, name: string, guard: Guard): KnownEnvironment => ({
	name,
	guard,
	target: null,
	from: environmentAccess(settings, name).parameter.from,
	overridden: null,
});

/** The URL of the settings, unless a parameter is said nearer: a flag goes before a variable. */
function givenUrl({ values: { postgresUrl, urlParameter } }: Settings): Setting<Secret> | null {
	if (postgresUrl.value === null) return null;
	return urlParameter.value !== null && overrides(urlParameter.level, postgresUrl.level) > 0
		? null
		: { ...postgresUrl, value: postgresUrl.value };
}

/** The nearest word counts; said equally near, a URL goes before a parameter. */
function configured(settings: Settings, one: ConfiguredEnvironment): KnownEnvironment {
	const { name, guard } = one;
	const { value: url, level, from } = settings.values.postgresUrl;
	const parameter = nearestSaid(settings, name, 'urlParameter');
	const own = one.target !== null && nearer('environment', level) > 0;
	const target = own ? one.target : url;
	const isParameter = target === null || (parameter.value !== null && nearer(parameter.level, own ? 'environment' : level) > 0);
	const saidInConfig = one.target !== null ? one.targetFrom : (one.own.urlParameter?.from ?? null);
	const nearness = isParameter ? parameter.level : own ? 'environment' : level;
	return {
		...(isParameter ? ofParameter(settings, name, guard) : { name, guard, target, from: own ? one.targetFrom : from }),
		overridden: saidInConfig !== null && nearer(nearness, 'environment') > 0 ? saidInConfig : null,
	};
}

/**
 * Throws RepotError (usage) when there is no environment of this name: a slip must not lose its protection. Without any in the config every
 * name will do where it is also said where to: by a URL, `typed` or in the settings, or by a parameter.
 */
export function environmentNamed(settings: Settings, name: string, typed = false): KnownEnvironment {
	const known = knownEnvironments(settings);
	const found = known.find((one) => one.name === name);
	if (found !== undefined) return found;
	// Of a variable that others set, too: the name is what was said.
	const isSaid = givenUrl(settings) !== null || settings.values.urlParameter.value !== null;
	if (settings.environments.length === 0 && (typed || isSaid)) return { ...(known[0] as KnownEnvironment), name, guard: guardByName(name) };
	const names = known.map((one) => one.name);
	const near = nearest(name, names);
	const meant = near === null ? [] : [`Did you mean --env ${near}?`];
	if (settings.environments.length === 0) {
		throw unknown(settings, name, `${listed(names)} exist by convention, and no URL is given`, [
			...meant,
			'--postgres-url URL or --url-parameter NAME says where it is',
			'repot init writes it to repot.config.json',
		]);
	}
	throw unknown(settings, name, `the config names ${names.join(', ')}`, [
		...meant,
		`Add "${name}" to "environments" of ${settings.configPath ?? 'the config'}`,
	]);
}

const unknown = (settings: Settings, name: string, why: string, next: readonly string[]): RepotError =>
	new RepotError({
		kind: 'usage',
		code: 'UNKNOWN_ENVIRONMENT',
		message: `There is no environment "${name}"`,
		where: settings.configPath ?? settings.values.env.from,
		why,
		next,
	});

/** `dev, test and prod`. */
const listed = (names: readonly string[]): string => `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

/** What a headless command says when no environment is chosen. */
export function missingEnvironment(settings: Settings): string {
	const names = knownEnvironments(settings).map((one) => one.name);
	const known = settings.environments.length > 0 ? `the config names ${names.join(', ')}` : `${listed(names)} exist by convention`;
	return `--env NAME: where to; ${known}`;
}

/** The guard of an environment that a run of the history names, known or not. */
export function guardOf(settings: Settings, name: string): Guard {
	return settings.environments.find((one) => one.name === name)?.guard ?? guardByName(name);
}

/** The environment when nobody chooses: the one asked for, or the only one, unless only PGHOST says where it is. */
export function chosenEnvironment(settings: Settings): string | null {
	if (settings.values.env.value !== null) return settings.values.env.value;
	const [only, ...others] = knownEnvironments(settings);
	const isMeant = only !== undefined && others.length === 0 && (only.target === null || only.from !== 'env PGHOST');
	return isMeant ? only.name : null;
}

export function environmentSummaries(settings: Settings, runs: readonly RunSummary[]): readonly EnvironmentSummary[] {
	return knownEnvironments(settings).map((one) => {
		const isOwn = ownRuns(settings, one);
		const own = runs.filter((run) => run.environment === one.name && isOwn(run)).sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
		const last = own[0] ?? null;
		const resumable = last !== null && ['running', 'interrupted', 'failed'].includes(last.status) ? last : null;
		return { name: one.name, guard: one.guard, target: shownTarget(settings, one), from: placeOf(settings, one), lastRun: last, resumable };
	});
}

/** Where the target is said, or the environment when nothing says it. */
const placeOf = (settings: Settings, { name, from }: KnownEnvironment): Origin =>
	from === 'default' ? (settings.environments.find((one) => one.name === name)?.from ?? from) : from;

/** `postgresql://app:********@host/db`, `ssm /collections/dev/database-url`. */
export const shownTarget = (settings: Settings, { name, target }: KnownEnvironment): string =>
	target === null ? `ssm ${environmentAccess(settings, name).parameter.value}` : maskUrl(target);

/**
 * Which runs of an environment's name are its own. A name that neither a file nor the convention ties to this target may have gone to
 * another one before; where a flag or a variable says a parameter, whose URL is not known yet, none is.
 */
function ownRuns(settings: Settings, { name, target, overridden }: KnownEnvironment): (run: RunSummary) => boolean {
	const isSaidOutside = nearer(nearestSaid(settings, name, 'urlParameter').level, 'environment') > 0;
	if (target === null) return () => !isSaidOutside;
	const isTied = settings.environments.length > 0 && overridden === null;
	return (run) => isTied || wroteTo(run, target, settings.cwd, settings.server);
}
