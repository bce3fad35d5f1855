import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Setup } from './setup.js';

export type Section = Readonly<Record<string, string | undefined>>;

/**
 * The shared config and credentials files ("Configuration and credential file settings" of the AWS CLI user guide). A profile that stands in
 * both is one: the credentials file wins, as in the SDK.
 */
export interface SharedFiles {
	readonly profiles: ReadonlyMap<string, Section>;
	readonly ssoSessions: ReadonlyMap<string, Section>;
	/** Sections `[services NAME]`, their keys as `ssm.endpoint_url`. */
	readonly services: ReadonlyMap<string, Section>;
	readonly configFile: string;
	readonly credentialsFile: string;
}

export const homeOf = (env: Setup['env']): string => env.HOME || env.USERPROFILE || homedir();

const expanded = (path: string, home: string): string => (path.startsWith('~/') ? join(home, path.slice(2)) : path);

/** A file that is absent or cannot be read counts as empty. */
export async function readSharedFiles(env: Setup['env']): Promise<SharedFiles> {
	const { loadSharedConfigFiles, CONFIG_PREFIX_SEPARATOR } = await import('./sdk/files.js');
	const home = homeOf(env);
	const configFile = expanded(env.AWS_CONFIG_FILE || join(home, '.aws', 'config'), home);
	const credentialsFile = expanded(env.AWS_SHARED_CREDENTIALS_FILE || join(home, '.aws', 'credentials'), home);
	// Otherwise the loader gives what it read first, however the file was edited since.
	const files = await loadSharedConfigFiles({ configFilepath: configFile, filepath: credentialsFile, ignoreCache: true });
	const profiles = new Map<string, Section>();
	const ssoSessions = new Map<string, Section>();
	const services = new Map<string, Section>();
	for (const [name, section] of Object.entries(files.configFile)) {
		const [prefix, ...rest] = name.split(CONFIG_PREFIX_SEPARATOR);
		const own = rest.join(CONFIG_PREFIX_SEPARATOR);
		if (prefix === 'sso-session' && own !== '') ssoSessions.set(own, section);
		else if (prefix === 'services' && own !== '') services.set(own, section);
		else profiles.set(name, section);
	}
	for (const [name, section] of Object.entries(files.credentialsFile)) profiles.set(name, { ...profiles.get(name), ...section });
	return { profiles, ssoSessions, services, configFile, credentialsFile };
}
