import { RepotError } from '../core/errors.js';
import type { Origin } from '../core/operations.js';
import type { AwsAccess, RunSummary } from '../core/ports.js';
import type { Secret } from '../core/secret.js';
import { usualEnvironments, usualParameter, usualParameterFolder } from './conventions.js';
import { guardOf } from './environments.js';
import type { Settings } from './settings.js';
import { isSameTarget, maskUrl, wroteTo } from './target-url.js';

/** A database that is known to be a protected environment's from elsewhere than the config. */
export interface ReadTarget {
	readonly environment: string;
	readonly url: Secret;
}

/** What was seen of protected environments besides what the config says. */
export interface Seen {
	/** URLs that this program read for them. */
	readonly read: readonly ReadTarget[];
	/** All runs of this computer. */
	readonly runs: readonly RunSummary[];
}

const nothingSeen: Seen = { read: [], runs: [] };

interface Claim {
	readonly owner: string;
	readonly why: string;
	readonly next: readonly string[];
}

/**
 * An open environment must not write into a protected one's database, by whatever name it got there: `DATABASE_URL` of production would be
 * written to without the word that protects it. Throws RepotError (usage).
 */
export function refuseForeignTarget(settings: Settings, name: string, target: Secret, seen: Seen = nothingSeen): void {
	if (guardOf(settings, name) === 'protected') return;
	const claim = claimOfConfig(settings, target) ?? claimOfRead(settings, target, seen.read) ?? claimOfRun(settings, target, seen.runs);
	if (claim === null) return;
	const { owner, why, next } = claim;
	throw new RepotError({
		kind: 'usage',
		code: 'TARGET_IS_PROTECTED',
		message: `The target belongs to the protected environment "${owner}", not to "${name}"`,
		where: maskUrl(target),
		why,
		next: [`Use --env ${owner}`, 'Or give the target that is meant by --postgres-url', ...next],
	});
}

function claimOfConfig(settings: Settings, target: Secret): Claim | null {
	const { cwd, server, environments, ofConfig } = settings;
	for (const { name, guard, target: own, targetFrom, own: keys } of environments) {
		if (guard === 'open') continue;
		const said = own !== null ? { value: own, from: targetFrom } : keys.urlParameter === undefined ? ofConfig.postgresUrl : null;
		// Whoever wrote the file may not have had these variables.
		const isSame =
			said !== null && (isSameTarget(said.value, target, cwd, server) || wroteTo({ target: said.value.reveal() }, target, cwd, server));
		if (isSame) return { owner: name, why: `${said.from} names the same database`, next: [] };
	}
	return null;
}

function claimOfRead({ cwd, server }: Settings, target: Secret, read: readonly ReadTarget[]): Claim | null {
	const found = read.find(({ url }) => isSameTarget(url, target, cwd, server));
	return found === undefined
		? null
		: { owner: found.environment, why: `what was read for ${found.environment} names the same database`, next: [] };
}

function claimOfRun(settings: Settings, target: Secret, runs: readonly RunSummary[]): Claim | null {
	const isClaim = (run: RunSummary): boolean =>
		guardOf(settings, run.environment) === 'protected' && wroteTo(run, target, settings.cwd, settings.server);
	const found = runs.find(isClaim);
	if (found === undefined) return null;
	return {
		owner: found.environment,
		why: `run ${found.id} of ${found.environment} went to the same database`,
		next: [`If that is ${found.environment}'s database no more, move the record of the run away: ${found.folder}`],
	};
}

/** The same for the parameter that a target would be read from, before it is read by `access`. */
export function refuseForeignParameter(settings: Settings, name: string, parameter: string, access: AwsAccess): void {
	if (guardOf(settings, name) === 'protected') return;
	const claim = parameterByConvention(settings, parameter) ?? parameterOfConfig(settings, name, parameter, access);
	if (claim === null) return;
	const { owner, why } = claim;
	throw new RepotError({
		kind: 'usage',
		code: 'TARGET_IS_PROTECTED',
		message: `The parameter belongs to the protected environment "${owner}", not to "${name}"`,
		where: `ssm ${parameter}`,
		why,
		next: [`Use --env ${owner}`, 'Or name the parameter that is meant: --url-parameter'],
	});
}

function parameterByConvention(settings: Settings, parameter: string): Omit<Claim, 'next'> | null {
	const wanted = plainName(parameter);
	const configured = settings.environments.map((one) => one.name);
	const between = /^\/collections\/([^/]+)\/database(?:-url|\/.*)?$/.exec(wanted)?.[1];
	const names = new Set([...configured, ...usualEnvironments, ...(between === undefined ? [] : [between])]);
	const owner = [...names].find(
		(one) =>
			guardOf(settings, one) === 'protected' && (wanted === usualParameter(one) || `${wanted}/`.startsWith(usualParameterFolder(one))),
	);
	return owner === undefined ? null : { owner, why: `by convention ${owner} has its database URL there` };
}

function parameterOfConfig(settings: Settings, name: string, parameter: string, access: AwsAccess): Omit<Claim, 'next'> | null {
	const { environments, ofConfig } = settings;
	const mine = environments.find((one) => one.name === name)?.own.urlParameter;
	for (const { name: owner, guard, target, own } of environments) {
		const said = target === null ? (own.urlParameter ?? (ofConfig.postgresUrl === null ? ofConfig.urlParameter : null)) : null;
		if (guard === 'open' || said === null || said.value === null || plainName(said.value) !== plainName(parameter)) continue;
		const theirs = {
			profile: (own.awsProfile ?? ofConfig.awsProfile)?.value ?? null,
			region: (own.region ?? ofConfig.region)?.value ?? null,
		};
		// Accounts of their own often use one name in each; only what the config itself says of both counts.
		const isBoth = mine?.value != null && plainName(mine.value) === plainName(parameter);
		if (isBoth && (differs(access.profile, theirs.profile) || differs(access.region, theirs.region))) continue;
		return { owner, why: whySame(said.from) };
	}
	return null;
}

const whySame = (from: Origin): string => `${from} names the same parameter`;

const differs = (a: string | null, b: string | null): boolean => a !== null && b !== null && a !== b;

/** Parameter Store also takes an ARN, and a version or a label after a colon. */
const plainName = (parameter: string): string =>
	parameter
		.replace(/^arn:[^:]*:ssm:[^:]*:[^:]*:parameter\/?/, '/')
		.replace(/:[^/:]*$/, '')
		.replace(/(?<=.)\/+$/, '');
