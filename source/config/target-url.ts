import { isAbsolute, resolve } from 'node:path';
import { RepotError } from '../core/errors.js';
import { isServerUrl, namesSeveralHosts, plainPostgresUrl } from '../core/postgres-url.js';
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
	if (value.startsWith('pglite:')) {
		if (value.slice('pglite:'.length).trim() === '') throw new BadValue('pglite: needs a directory, like pglite:./pg');
		return new Secret(value);
	}
	if (!isServerUrl(value)) throw new BadValue('write postgresql://USER@HOST:PORT/DATABASE or pglite:DIR');
	const written = plainPostgresUrl(value);
	if (namesSeveralHosts(written)) throw new BadValue('it names several hosts; name the primary alone');
	// The part after the last @ holds no password.
	const port = /^[a-z]+:\/\/(?:[^/?#]*@)?[^/?#@]*:(\d+)(?=[/?#]|$)/i.exec(written)?.[1];
	if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) throw new BadValue('the port must be from 1 to 65535');
	if (!URL.canParse(written)) {
		throw new BadValue('it is not a URL; characters like @ : / # in a password must be percent-encoded (@ is %40)');
	}
	return new Secret(written);
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

/** The target as it may be shown: the password and secret parameters are masked. */
export function maskUrl(target: Secret): string {
	const value = target.reveal();
	if (value.startsWith('pglite:')) return value;
	if (!URL.canParse(value)) return `${/^[a-z]+:\/\//i.exec(value)?.[0] ?? ''}${mask}`;
	const url = new URL(value);
	if (url.password !== '') url.password = mask;
	for (const name of [...url.searchParams.keys()]) if (secretParameters.test(name)) url.searchParams.set(name, mask);
	return url.href;
}

/** The URL without its secrets, and whether it had any: what may be written to a file or shown as a command. */
export function withoutPassword(target: Secret): { readonly url: string; readonly had: boolean } {
	const value = target.reveal();
	if (value.startsWith('pglite:') || !URL.canParse(value)) return { url: value, had: false };
	const url = new URL(value);
	const names = [...url.searchParams.keys()].filter((name) => secretParameters.test(name));
	if (url.password === '' && names.length === 0) return { url: value, had: false };
	url.password = '';
	for (const name of names) url.searchParams.delete(name);
	return { url: url.href, had: true };
}

/** Every secret part of a URL, in the forms in which it could turn up in a message. */
export function secretsOf(target: Secret): readonly string[] {
	const value = target.reveal();
	if (value.startsWith('pglite:') || !URL.canParse(value)) return [];
	const url = new URL(value);
	const parameters = [...url.searchParams].filter(([name]) => secretParameters.test(name)).map(([, secret]) => secret);
	const written = /^[a-z]+:\/\/[^:/?#@]*:(.*)@/i.exec(value)?.[1] ?? '';
	return [url.password, decoded(url.password), written, ...parameters].filter((part) => part !== '');
}

/** User, host and database of a URL. */
export function namesOf(target: Secret): readonly string[] {
	const value = target.reveal();
	if (value.startsWith('pglite:') || !URL.canParse(value)) return [];
	const url = new URL(value);
	const others = ['user', 'host', 'dbname'].map((name) => url.searchParams.get(name) ?? '');
	return [decoded(url.username), url.hostname, decoded(url.pathname.slice(1)), ...others].filter((part) => part !== '');
}

/** host:port/database or the absolute directory: equal for the same database. */
export function targetIdentity(target: Secret, cwd: string): string {
	const value = target.reveal();
	if (value.startsWith('pglite:')) return `pglite:${resolve(cwd, value.slice('pglite:'.length))}`;
	if (!URL.canParse(value)) return value;
	const url = new URL(value);
	// A parameter takes the place of what stands before the ?, as the driver has it.
	const said = (name: string, part: string): string => url.searchParams.get(name) || part;
	const host = said('host', decoded(url.hostname)) || 'localhost';
	const database = said('dbname', decoded(url.pathname.slice(1))) || said('user', decoded(url.username));
	return `${host.toLowerCase()}:${said('port', url.port) || '5432'}/${database}`;
}

/** Whether a run, by the target that its summary names, wrote to this one. A relative directory counts from `cwd`. */
export const wroteTo = (run: { readonly target: string }, target: Secret, cwd: string): boolean =>
	targetIdentity(new Secret(run.target), cwd) === targetIdentity(target, cwd);

/** A `pglite:` directory written relative to `folder`, told relative to the working directory; other targets stay as they are. */
export function relocated(target: Secret, folder: string, cwd: string): Secret {
	const value = target.reveal();
	if (!value.startsWith('pglite:')) return target;
	const directory = value.slice('pglite:'.length);
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
