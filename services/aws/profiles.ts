import { basename } from 'node:path';
import type { AwsProfile, CredentialKind } from '../../source/core/ports/cloud.js';
import type { Section, SharedFiles } from './shared-files.js';

type ProfileKind = Extract<CredentialKind, 'sso' | 'keys' | 'assume-role' | 'process' | 'login' | 'web-identity'>;

/**
 * How a profile comes by credentials, in the SDK's order of precedence (resolveProfileData of credential-provider-ini); null: it holds settings
 * only, as a region.
 */
export function kindOf(section: Section): ProfileKind | null {
	if (section.role_arn && (section.source_profile || section.credential_source)) return 'assume-role';
	if (section.aws_access_key_id && section.aws_secret_access_key) return 'keys';
	if (section.web_identity_token_file && section.role_arn) return 'web-identity';
	if (section.credential_process) return 'process';
	if (section.sso_session || section.sso_start_url || section.sso_account_id || section.sso_role_name) return 'sso';
	if (section.login_session) return 'login';
	return null;
}

/** The command only: its arguments may be secrets. */
const commandName = (command: string): string => basename(/^"([^"]+)"|^\S+/.exec(command.trim())?.[0].replaceAll('"', '') ?? 'a command');

function aboutOf(kind: ProfileKind, section: Section): string | null {
	switch (kind) {
		case 'sso': {
			const parts = [
				section.sso_account_id === undefined ? null : `account ${section.sso_account_id}`,
				section.sso_role_name === undefined ? null : `role ${section.sso_role_name}`,
			];
			return parts.filter((part) => part !== null).join(', ') || null;
		}
		case 'assume-role':
		case 'web-identity':
			return section.role_arn ?? null;
		case 'process':
			return commandName(section.credential_process ?? '');
		case 'login':
			return section.login_session ?? null;
		case 'keys':
			return null;
	}
}

/** Profiles that have credentials, in the files' order. */
export function profilesOf(files: SharedFiles): readonly AwsProfile[] {
	return [...files.profiles].flatMap(([name, section]): AwsProfile[] => {
		const kind = kindOf(section);
		return kind === null ? [] : [{ name, kind, region: section.region ?? null, about: aboutOf(kind, section) }];
	});
}

const kindWords: Readonly<Record<ProfileKind, string>> = {
	sso: 'SSO',
	keys: 'keys',
	'assume-role': 'role',
	process: 'command',
	login: 'login',
	'web-identity': 'web identity',
};

export const fromProfile = (name: string, kind: ProfileKind): string => `profile ${name} (${kindWords[kind]})`;

/** The profile at the root of a chain of roles: whose login the chain stands on. */
export function rootProfile(files: SharedFiles, name: string): string {
	const seen = new Set<string>();
	let current = name;
	for (;;) {
		const source = files.profiles.get(current)?.source_profile;
		if (source === undefined || kindOf(files.profiles.get(current) ?? {}) !== 'assume-role' || seen.has(source) || source === current)
			return current;
		seen.add(current);
		current = source;
	}
}
