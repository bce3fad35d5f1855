import { realpathSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { RepotError } from '../core/errors.js';
import {
	embeddedFolder,
	identityOf,
	isSameDatabase,
	isServerUrl,
	openServerUrl,
	placeOf,
	readTypedUrl,
	type ServerVariables,
} from '../core/postgres-url.js';
import { Secret } from '../core/secret.js';
import { showPath } from './paths.js';
import { BadValue, type Parser } from './values.js';

const mask = '********';
const secretParameters = /^(password|pass|sslpassword|token|api[-_]?key)$/i;

/**
 * `postgresql://...`, `postgres://...` or `pglite:DIR`. Forms that SQLAlchemy and libpq write are brought into this one.
 * The message of a refusal repeats nothing of the text, which may hold a password.
 */
export const targetUrl: Parser<Secret> = (value) => {
	const read = readTypedUrl(value);
	if ('refused' in read) throw new BadValue(read.refused);
	return read.url;
};

/** The same for a URL that was read from elsewhere. Throws RepotError (usage) that names the place and repeats nothing of the text. */
export function readTargetUrl(text: string, from: string): Secret {
	try {
		// An embedded database is a folder of this computer, which nobody else can know.
		if (!isServerUrl(text)) throw new BadValue('write postgresql://USER:PASSWORD@HOST:PORT/DATABASE');
		return targetUrl(text);
	} catch (thrown) {
		if (!(thrown instanceof BadValue)) throw thrown;
		throw new RepotError({
			kind: 'usage',
			code: 'NOT_A_URL',
			message: 'What is kept there is no database URL',
			where: from,
			why: thrown.message,
			next: [
				'Write the URL there: postgresql://USER:PASSWORD@HOST:PORT/DATABASE',
				'Or give it outright: --postgres-url, or REPOT_POSTGRES_URL',
			],
		});
	}
}

export const isTargetUrl = (value: string): boolean => /^pglite:/i.test(value) || isServerUrl(value);

const isEmbedded = (value: string): boolean => value.startsWith('pglite:');

/** Null: it cannot be told where its password ends, so that none of it may be shown. A Chroma server has a URL too. */
function opened(value: string): URL | null {
	if (!isServerUrl(value)) return URL.canParse(value) ? new URL(value) : null;
	const server = openServerUrl(value);
	return 'fault' in server ? null : server.url;
}

/** The target as it may be shown: the password and secret parameters are masked. */
export function maskUrl(target: Secret): string {
	const value = target.reveal();
	if (isEmbedded(value)) return value;
	const url = opened(value);
	if (url === null) return masked(value);
	if (url.password !== '') url.password = mask;
	for (const name of [...url.searchParams.keys()]) if (secretParameters.test(name)) url.searchParams.set(name, mask);
	return url.href;
}

/**
 * The URL without its secrets, and whether it had any: what may be written to a file or shown as a command. Of a text that cannot be read the
 * scheme is left, with what leads to no server.
 */
export function withoutPassword(target: Secret): { readonly url: string; readonly had: boolean } {
	const value = target.reveal();
	if (isEmbedded(value)) return { url: value, had: false };
	const server = openServerUrl(value);
	if ('fault' in server) return { url: masked(value), had: true };
	const { url, written } = server;
	const names = [...url.searchParams.keys()].filter((name) => secretParameters.test(name));
	if (url.password === '' && names.length === 0) return { url: written, had: false };
	url.password = '';
	for (const name of names) url.searchParams.delete(name);
	return { url: url.href, had: true };
}

const masked = (value: string): string => `${/^[a-z]+(\+\w+)?:\/\//i.exec(value)?.[0] ?? ''}${mask}`;

/** Every secret part of a URL, in the forms in which it could turn up in a message. */
export function secretsOf(target: Secret): readonly string[] {
	const value = target.reveal();
	if (isEmbedded(value)) return [];
	// Up to the last @: a password may hold any character, also where it should not.
	const written = /^[a-z]+(?:\+\w+)?:\/\/[^:/?#@]*:(.*)@/is.exec(value)?.[1] ?? '';
	const asParameters = value.split(/[?&#]/).flatMap((pair) => {
		const [name = '', ...rest] = pair.split('=');
		return secretParameters.test(name) ? [rest.join('=')] : [];
	});
	const url = opened(value);
	const parts = url === null ? [written, ...asParameters] : [...secretsIn(url), ...(url.password === '' ? [] : [written])];
	return [...new Set(parts.flatMap((part) => [part, decoded(part)]))].filter((part) => part !== '');
}

const secretsIn = (url: URL): readonly string[] => [
	url.password,
	...[...url.searchParams].filter(([name]) => secretParameters.test(name)).map(([, secret]) => secret),
];

/** User, host and database of a URL; none of a text that cannot be read. */
export function namesOf(target: Secret): readonly string[] {
	const value = target.reveal();
	const url = isEmbedded(value) ? null : opened(value);
	if (url === null) return [];
	const others = ['user', 'host', 'dbname'].map((name) => url.searchParams.get(name) ?? '');
	return [decoded(url.username), decoded(url.hostname), decoded(url.pathname.slice(1)), ...others].filter((part) => part !== '');
}

/** `host:port/database` as a plan names it, or `pglite:` with the absolute directory. */
export function targetIdentity(target: Secret, cwd: string, env: ServerVariables = {}): string {
	const value = target.reveal();
	if (isEmbedded(value)) return `pglite:${resolve(cwd, embeddedFolder(value))}`;
	const url = opened(value);
	return url === null ? maskUrl(target) : identityOf(placeOf(url, env));
}

/**
 * Whether two targets are one database, however they are written. What they leave out, the variables of libpq say, as for the driver. Nothing is
 * equal to a text that cannot be read, which no driver takes either.
 */
export function isSameTarget(a: Secret, b: Secret, cwd: string, env: ServerVariables = {}): boolean {
	const [first, second] = [a.reveal(), b.reveal()];
	if (isEmbedded(first) || isEmbedded(second)) {
		return isEmbedded(first) && isEmbedded(second) && realFolder(first, cwd) === realFolder(second, cwd);
	}
	const [one, other] = [opened(first), opened(second)];
	return one !== null && other !== null && isSameDatabase(placeOf(one, env), placeOf(other, env));
}

/** A link to a folder is the folder. */
function realFolder(target: string, cwd: string): string {
	const folder = resolve(cwd, embeddedFolder(target));
	try {
		return realpathSync(folder);
	} catch {
		return folder;
	}
}

/**
 * Whether a run, by the target that its summary names, wrote to this one. A relative directory counts from `cwd`; a server is named whole there,
 * so that no variable counts for it.
 */
export function wroteTo(run: { readonly target: string }, target: Secret, cwd: string, env: ServerVariables = {}): boolean {
	const value = target.reveal();
	const url = isEmbedded(value) ? null : opened(value);
	const label = isEmbedded(run.target) ? null : opened(run.target);
	if (url !== null && label !== null) return isSameDatabase(placeOf(label, {}), placeOf(url, env));
	return isSameTarget(new Secret(run.target), target, cwd);
}

/** A `pglite:` directory written relative to `folder`, told relative to the working directory; other targets stay as they are. */
export function relocated(target: Secret, folder: string, cwd: string): Secret {
	const value = target.reveal();
	if (!isEmbedded(value)) return target;
	const directory = embeddedFolder(value);
	if (isAbsolute(directory)) return target;
	return new Secret(`pglite:${showPath(resolve(folder, directory), cwd)}`);
}

function decoded(value: string): string {
	try {
		return decodeURIComponent(value);
	} catch {
		return value;
	}
}
