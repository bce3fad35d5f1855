import { byNearness } from '../../source/core/edit-distance.js';
import type { RepotError } from '../../source/core/errors.js';
import type { AwsAccess, CredentialKind } from '../../source/core/ports/cloud.js';
import { assumeRole, assumeRoleWithToken } from './assume-role.js';
import type { Credentials, Load, Loading } from './credentials.js';
import { loadFromContainer, loadFromInstance, loadFromLogin } from './machine-credentials.js';
import { usageProblem } from './problem.js';
import { noCredentials } from './problems.js';
import { loadFromProcess } from './process-credentials.js';
import { fromProfile, kindOf } from './profiles.js';
import type { Setup } from './setup.js';
import type { Section, SharedFiles } from './shared-files.js';
import { loadSso } from './sso.js';

/** Where credentials come from, before any is loaded. */
export interface Choice {
	readonly profile: string | null;
	readonly kind: CredentialKind;
	readonly from: string;
	readonly load: Load;
}

/**
 * The order of the SDKs ("Standardized credential providers" of the SDKs and Tools reference guide): a profile that is named; keys of the
 * environment; the profile `default`; the token of a web identity; a container's role; an instance's role.
 */
export function choose(setup: Setup, files: SharedFiles, access: AwsAccess): Choice {
	const { env } = setup;
	const named = access.profile ?? (env.AWS_PROFILE || null);
	if (named !== null) {
		const section = files.profiles.get(named);
		if (section === undefined) {
			const instead = access.profile !== null && files.profiles.size === 0 ? environmentGiven(env) : null;
			if (instead !== null) return { ...instead, from: `${instead.from}, as no profile is known here` };
			throw noSuchProfile(files, named, access.profile === null);
		}
		const choice = profileChoice(named, section);
		if (choice !== null) return choice;
		if (access.profile !== null) throw withoutCredentials(files, named);
	}
	const keys = named === null ? environmentKeysGiven(env) : null;
	if (keys !== null) return keys;
	const initial = named === null ? profileChoice('default', files.profiles.get('default') ?? {}) : null;
	return initial ?? machineChoice(setup, files, named);
}

const environmentKeys: Load = async ({ setup: { env }, files }) => {
	const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = env;
	if (!accessKeyId || !secretAccessKey) throw noCredentials(files, 'the profile takes its keys from the environment, which has none');
	return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
};

/**
 * The command that the wizard shows names a profile of the computer it was made on. Where no profile exists at all, as in CI, none can be
 * meant by mistake, and what the environment gives takes its place.
 */
const environmentGiven = (env: Setup['env']): Choice | null => environmentKeysGiven(env) ?? webIdentity(env) ?? container(env);

const environmentKeysGiven = (env: Setup['env']): Choice | null =>
	env.AWS_ACCESS_KEY_ID && env.AWS_SECRET_ACCESS_KEY ? environmentChoice : null;

const environmentChoice: Choice = { profile: null, kind: 'environment', from: 'env AWS_ACCESS_KEY_ID', load: environmentKeys };

function profileChoice(name: string, section: Section): Choice | null {
	const kind = kindOf(section);
	if (kind === null) return null;
	return { profile: name, kind, from: fromProfile(name, kind), load: (loading) => loadProfile(loading, name, []) };
}

function webIdentity(env: Setup['env']): Choice | null {
	const { AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile, AWS_ROLE_ARN: role } = env;
	if (!tokenFile || !role) return null;
	const session = env.AWS_ROLE_SESSION_NAME || undefined;
	const load: Load = (loading) => assumeRoleWithToken(loading, null, { tokenFile, role, session });
	return { profile: null, kind: 'web-identity', from: 'env AWS_WEB_IDENTITY_TOKEN_FILE', load };
}

const container = (env: Setup['env']): Choice | null =>
	env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI || env.AWS_CONTAINER_CREDENTIALS_FULL_URI
		? { profile: null, kind: 'container', from: 'container role', load: loadFromContainer }
		: null;

function machineChoice({ env }: Setup, files: SharedFiles, named: string | null): Choice {
	const given = webIdentity(env) ?? container(env);
	if (given !== null) return given;
	if (isTrue(env.AWS_EC2_METADATA_DISABLED)) {
		const why =
			named === null
				? 'no profile is named, the environment has no keys, and profile default gives none'
				: `profile ${named}, which AWS_PROFILE names, has no credentials`;
		throw noCredentials(files, why);
	}
	return { profile: null, kind: 'instance', from: 'instance role', load: loadFromInstance };
}

/** As the SDK reads it: everything but `false` switches off. */
const isTrue = (value: string | undefined): boolean => value !== undefined && value !== '' && value.toLowerCase() !== 'false';

/** Credentials of a profile. `above`: profiles whose roles stand on this one. */
async function loadProfile(loading: Loading, name: string, above: readonly string[]): Promise<Credentials> {
	const { files } = loading;
	const section = files.profiles.get(name);
	if (section === undefined) throw noSource(files, above.at(-1) ?? name, name);
	// A role may stand on keys of its own profile.
	if (above.includes(name) && !hasKeys(section)) throw cycle(files, [...above, name]);
	const kind = above.length > 0 && hasKeys(section) ? 'keys' : kindOf(section);
	switch (kind) {
		case 'keys':
			return {
				accessKeyId: section.aws_access_key_id ?? '',
				secretAccessKey: section.aws_secret_access_key ?? '',
				...(section.aws_session_token ? { sessionToken: section.aws_session_token } : {}),
			};
		case 'assume-role':
			return await assumeRole(loading, name, section, () => sourceOf(loading, name, section, above));
		case 'sso':
			return await loadSso(loading, name);
		case 'process':
			return await loadFromProcess(loading, name, section.credential_process ?? '');
		case 'login':
			return await loadFromLogin(loading, name);
		case 'web-identity':
			return await assumeRoleWithToken(loading, name, {
				tokenFile: section.web_identity_token_file ?? '',
				role: section.role_arn ?? '',
				session: section.role_session_name,
			});
		case null:
			throw withoutCredentials(files, name);
	}
}

const hasKeys = (section: Section): boolean => Boolean(section.aws_access_key_id && section.aws_secret_access_key);

async function sourceOf(loading: Loading, name: string, section: Section, above: readonly string[]): Promise<Credentials> {
	if (section.source_profile) return await loadProfile(loading, section.source_profile, [...above, name]);
	switch (section.credential_source) {
		case 'Environment':
			return await environmentKeys(loading);
		case 'Ec2InstanceMetadata':
			return await loadFromInstance(loading);
		case 'EcsContainer':
			return await loadFromContainer(loading);
		default:
			throw usageProblem({
				code: 'PROFILE_INCOMPLETE',
				message: `Profile "${name}" names a source of credentials that there is not`,
				where: loading.files.configFile,
				why: `credential_source = ${section.credential_source ?? ''}`,
				next: ['Write Environment, Ec2InstanceMetadata or EcsContainer, or name a source_profile'],
			});
	}
}

function noSuchProfile(files: SharedFiles, name: string, isFromEnvironment: boolean): RepotError {
	const names = byNearness(name, [...files.profiles.keys()]).map((one) => one.name);
	return usageProblem({
		code: 'NO_SUCH_PROFILE',
		message: `There is no AWS profile "${name}"${isFromEnvironment ? ', which AWS_PROFILE names' : ''}`,
		where: `${files.configFile}, ${files.credentialsFile}`,
		next: [
			names.length === 0
				? 'There is none at all: make one with aws configure sso'
				: `There are, nearest first: ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', ...' : ''}`,
			isFromEnvironment ? 'Set AWS_PROFILE to one of them, or unset it' : 'Name one with --aws-profile NAME',
		],
	});
}

const withoutCredentials = (files: SharedFiles, name: string): RepotError =>
	usageProblem({
		code: 'PROFILE_INCOMPLETE',
		message: `AWS profile "${name}" has no credentials`,
		where: `${files.configFile}, ${files.credentialsFile}`,
		why: 'it has neither SSO, keys, a role with its source, a command, nor a login',
		next: [`Set it up: aws configure sso --profile ${name}`, 'Or name another profile with --aws-profile'],
	});

const noSource = (files: SharedFiles, name: string, source: string): RepotError =>
	usageProblem({
		code: 'PROFILE_INCOMPLETE',
		message: `AWS profile "${name}" stands on profile "${source}", which there is not`,
		where: files.configFile,
		next: ['Correct source_profile, or make the profile that it names'],
	});

const cycle = (files: SharedFiles, names: readonly string[]): RepotError =>
	usageProblem({
		code: 'PROFILE_INCOMPLETE',
		message: 'AWS profiles stand on each other in a circle',
		where: files.configFile,
		why: names.join(' -> '),
		next: ['Have the last source_profile name one with SSO, keys or a command'],
	});
