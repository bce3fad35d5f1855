import { RepotError } from '../core/errors.js';
import type { EnvironmentSummary, Guard, Origin } from '../core/operations.js';
import type { RunSummary } from '../core/ports.js';
import type { Secret } from '../core/secret.js';
import { guardByName, overrides, type Settings } from './settings.js';
import { maskUrl, wroteTo } from './target-url.js';
import { nearest } from './values.js';

/** Name of the environment when the config names none. */
const unnamedEnvironment = 'default';

export interface KnownEnvironment {
	readonly name: string;
	readonly guard: Guard;
	readonly target: Secret | null;
	/** Where the target comes from, or the environment when it has none. */
	readonly from: Origin;
	/** The config's target that a flag or a variable takes the place of. */
	readonly overridden: Origin | null;
}

/** The environments to choose from: those of the config, or one that stands for what flags and variables say. */
export function knownEnvironments(settings: Settings): readonly KnownEnvironment[] {
	const url = settings.values.postgresUrl;
	const outer = url.value !== null && overrides(url.level, 'config') > 0 ? url : null;
	if (settings.environments.length === 0) {
		const name = settings.values.env.value ?? unnamedEnvironment;
		const from = url.value === null ? settings.values.env.from : url.from;
		return [{ name, guard: guardByName(name), target: url.value, from, overridden: null }];
	}
	return settings.environments.map((one) => {
		const found = outer ?? (one.target === null ? url : null);
		return {
			name: one.name,
			guard: one.guard,
			target: found?.value ?? one.target,
			from: found?.value == null ? one.targetFrom : found.from,
			overridden: outer !== null && one.target !== null ? one.targetFrom : null,
		};
	});
}

/** Throws RepotError (usage) when the config names environments and this is none of them: a slip must not lose its protection. */
export function environmentNamed(settings: Settings, name: string): KnownEnvironment {
	const known = knownEnvironments(settings);
	const found = known.find((one) => one.name === name);
	if (found !== undefined) return found;
	if (settings.environments.length === 0) return { ...(known[0] as KnownEnvironment), name, guard: guardByName(name) };
	const near = nearest(
		name,
		known.map((one) => one.name),
	);
	throw new RepotError({
		kind: 'usage',
		code: 'UNKNOWN_ENVIRONMENT',
		message: `There is no environment "${name}"`,
		where: settings.configPath ?? settings.values.env.from,
		why: `the config names ${known.map((one) => one.name).join(', ')}`,
		next: [
			...(near === null ? [] : [`Did you mean --env ${near}?`]),
			`Add "${name}" to "environments" of ${settings.configPath ?? 'the config'}`,
		],
	});
}

/** The guard of an environment that a run of the history names, known or not. */
export function guardOf(settings: Settings, name: string): Guard {
	return settings.environments.find((one) => one.name === name)?.guard ?? guardByName(name);
}

/** The environment when nobody chooses: the one asked for, or the only one. */
export function chosenEnvironment(settings: Settings): string | null {
	if (settings.values.env.value !== null) return settings.values.env.value;
	const known = knownEnvironments(settings);
	return known.length === 1 ? (known[0]?.name ?? null) : null;
}

export function environmentSummaries(settings: Settings, runs: readonly RunSummary[]): readonly EnvironmentSummary[] {
	return knownEnvironments(settings).map((one) => {
		const { target: wanted } = one;
		// A name that no file ties to this target may have gone to another one before.
		const isTied = settings.environments.length > 0 && one.overridden === null;
		const isOwn = (run: RunSummary): boolean => isTied || wanted === null || wroteTo(run, wanted, settings.cwd);
		const own = runs.filter((run) => run.environment === one.name && isOwn(run)).sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
		const last = own[0] ?? null;
		const resumable = last !== null && ['running', 'interrupted', 'failed'].includes(last.status) ? last : null;
		const target = one.target === null ? null : maskUrl(one.target);
		return { name: one.name, guard: one.guard, target, from: one.from, lastRun: last, resumable };
	});
}
