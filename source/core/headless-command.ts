import { isServerUrl, openServerUrl } from './postgres-url.js';

/** What one headless command says; `undefined` is left to the config and the environment, `''` unsets what they give. */
export interface HeadlessChoice {
	readonly config?: string | undefined;
	readonly environment: string;
	readonly dataset?: string | undefined;
	readonly sqlitePath?: string | undefined;
	readonly chromaPath?: string | undefined;
	readonly chromaUrl?: string | undefined;
	/** One flag each; none: as without the flag; `['']` unsets. */
	readonly collections?: readonly string[] | undefined;
	/** The target without its password: a command line is read by others. */
	readonly target?: string | undefined;
	readonly tenant?: string | undefined;
	readonly awsProfile?: string | undefined;
	readonly userPool?: string | undefined;
	/** Further flags with their values; `true` for a switch. */
	readonly settings: readonly (readonly [flag: string, value: string | true])[];
}

/** Flags that say where settings, state and target are; every further command about the same run needs them again. In the order in which they are told. */
export const placingFlags = [
	...(['--config', '--state-dir', '--postgres-url', '--aws-profile', '--region', '--url-parameter'] as const),
	...(['--iam-auth', '--ssl-mode', '--ssl-root-cert'] as const),
] as const;

export type HeadlessVerb = 'plan' | 'migrate' | 'verify';

/**
 * The argument list (without `repot`) that repeats a choice. Flags come in a fixed order, so that equal choices print equal commands.
 * `formatCommand` of format.ts quotes it for a shell.
 */
export function headlessArguments(verb: HeadlessVerb, choice: HeadlessChoice): readonly string[] {
	const named: readonly (readonly [string, string | true | undefined])[] = [
		['--config', choice.config],
		['--env', choice.environment],
		['--dataset', choice.dataset],
		['--sqlite-db', choice.sqlitePath],
		['--chroma-path', choice.chromaPath],
		['--chroma-url', choice.chromaUrl],
		...(choice.collections ?? []).map((one) => ['--collection', one] as const),
		['--postgres-url', choice.target],
		['--aws-profile', choice.awsProfile],
		['--user-pool-id', choice.userPool],
		['--user-id', choice.tenant],
		...choice.settings,
	];
	return [verb, ...named.flatMap(([flag, value]) => (value === undefined ? [] : flagWords(flag, value)))];
}

/**
 * What has to be said beside a command whose URL names a user and no password: it was left out, if there was one. Null when the command
 * names no such URL. A flag wins over REPOT_POSTGRES_URL, so that the variable takes the place of --postgres-url. Fits one line of a screen.
 */
export function passwordNote(command: readonly string[]): string | null {
	const at = command.indexOf('--postgres-url');
	const url = at < 0 ? undefined : command[at + 1];
	if (url === undefined || !isServerUrl(url)) return null;
	const opened = openServerUrl(url);
	// Of what cannot be read nothing was left in.
	const names = 'fault' in opened || opened.url.username !== '' || (opened.url.searchParams.get('user') ?? '') !== '';
	if (!names || ('url' in opened && (opened.url.password !== '' || opened.url.searchParams.has('password')))) return null;
	return 'No password in it: set REPOT_POSTGRES_URL instead, or PGPASSWORD.';
}

function flagWords(flag: string, value: string | true): readonly string[] {
	if (value === true) return [flag];
	// A value that is empty or begins with a dash would be read as missing or as the next flag.
	return value === '' || value.startsWith('-') ? [`${flag}=${value}`] : [flag, value];
}
