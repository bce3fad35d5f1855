import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { RepotError } from '../../source/core/errors.js';
import { isServerUrl, namesSeveralHosts, plainPostgresUrl } from '../../source/core/postgres-url.js';
import { Secret } from '../../source/core/secret.js';
import { malformed, parametersOf } from './url-parameters.js';

/** Variables of libpq (PostgreSQL 18, 32.15): what the URL leaves out. */
export type Env = Readonly<Record<string, string | undefined>>;

/** What is connected to, and as whom. */
export interface Server {
	/** Name, address (IPv6 without brackets) or folder of a socket: what a certificate must name. */
	readonly host: string;
	/** Address to connect to in place of the host's (`hostaddr`). */
	readonly address: string | null;
	readonly port: number;
	/** Empty where neither URL nor environment nor system names one. */
	readonly user: string;
	/** False: neither URL nor PGUSER names the user, and it is the system's. */
	readonly named: boolean;
	/** Null: none in the URL. */
	readonly password: Secret | null;
	readonly database: string;
	/** Of the key of a client certificate (`sslpassword`). */
	readonly keyPassword: Secret | null;
	/** After the ? of the URL, as libpq names them; without the passwords. */
	readonly parameters: ReadonlyMap<string, string>;
}

export type Connection =
	| {
			readonly kind: 'server';
			readonly server: Server;
			readonly label: string;
			/** `host:port/database` */
			readonly identity: string;
			readonly host: string;
			readonly database: string;
			/** Empty when neither URL nor PGUSER names one. */
			readonly user: string;
	  }
	| { readonly kind: 'embedded'; readonly directory: string; readonly label: string; readonly identity: string };

export const isSocket = (host: string): boolean => host.startsWith('/');

/** Parses without ever quoting the input: a malformed URL may hold a password anywhere. */
function parseServerUrl(value: string): URL {
	if (!isServerUrl(value)) throw malformed('It starts with neither postgresql:// nor pglite:');
	const written = plainPostgresUrl(value);
	if (namesSeveralHosts(written)) {
		throw malformed('It names several hosts', [
			'Name one host: the primary, or the address that leads to it, such as the endpoint of the cluster',
		]);
	}
	refusePort(/^[a-z]+:\/\/(?:[^/?#]*@)?[^/?#@]*:(\d+)(?=[/?]|$)/i.exec(written)?.[1]);
	let url: URL;
	try {
		url = new URL(written);
		for (const part of [url.username, url.password, url.hostname, url.pathname]) decodeURIComponent(part);
	} catch {
		throw malformed('The part after postgresql:// is not a valid address');
	}
	if (url.hash !== '') throw malformed('It holds a # that is not percent-encoded');
	refusePort(url.searchParams.get('port') ?? undefined);
	return url;
}

function refusePort(port: string | undefined): void {
	if (port === undefined || isPort(port)) return;
	throw malformed('The port is not a number from 1 to 65535', [
		'Check the part after the last : before the database; PostgreSQL usually listens on 5432',
	]);
}

const isPort = (port: string): boolean => /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535;

/** A variable that was meant for libpq and cannot be followed. */
const badVariable = (message: string, next: string): RepotError =>
	new RepotError({ kind: 'usage', code: 'BAD_VARIABLE', message, next: [next] });

/**
 * What the URL says, then what the environment says. A parameter takes the place of what stands before the ?, as libpq has it. Without a host
 * it is localhost, where libpq would look for a socket.
 */
function serverOf(url: URL, env: Env): Server {
	const everything = parametersOf(url);
	const parameters = new Map([...everything].filter(([name]) => name !== 'password' && name !== 'sslpassword'));
	const said = (name: string, part: string, variable: string): string => parameters.get(name) || part || env[variable] || '';
	const host = said('host', decodeURIComponent(url.hostname), 'PGHOST').replace(/^\[(.+)\]$/, '$1');
	const address = parameters.get('hostaddr') || (host === '' || host === env.PGHOST ? env.PGHOSTADDR : undefined) || null;
	if (host === '' && address === null && env.PGSERVICE) {
		throw badVariable(
			'PGSERVICE names a service, and service files (pg_service.conf) are not read',
			'Write the host into the URL, or set PGHOST, PGPORT, PGUSER and PGDATABASE',
		);
	}
	if (host.includes(',') || address?.includes(',') === true) throw badVariable('PGHOST names several hosts', 'Name one host: the primary');
	const port = said('port', url.port, 'PGPORT') || '5432';
	if (!isPort(port)) throw badVariable('PGPORT is not a number from 1 to 65535', 'PostgreSQL usually listens on 5432');
	const named = said('user', decodeURIComponent(url.username), 'PGUSER');
	const user = named || env.USER || env.USERNAME || '';
	const secret = (value: string | undefined): Secret | null => (value === undefined || value === '' ? null : new Secret(value));
	return {
		host: host || address || 'localhost',
		address,
		port: Number(port),
		user,
		named: named !== '',
		password: secret(everything.get('password') || decodeURIComponent(url.password)),
		keyPassword: secret(everything.get('sslpassword')),
		database: said('dbname', decodeURIComponent(url.pathname.slice(1)), 'PGDATABASE') || user || 'postgres',
		parameters,
	};
}

const serverLabel = ({ host, port, database, user, named }: Server): string =>
	`postgresql://${named ? `${user}@` : ''}${isSocket(host) ? encodeURIComponent(host) : bracketed(host)}:${port}/${database}`;

const bracketed = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host);

/** A URL for people: no password, no parameters. Never throws. */
export function maskUrl(value: string): string {
	if (value.startsWith('pglite:')) return value;
	try {
		return serverLabel(serverOf(parseServerUrl(value), {}));
	} catch {
		return 'postgresql://(malformed)';
	}
}

/** Reads `--postgres-url`. @throws RepotError usage `MALFORMED_URL` or `BAD_VARIABLE`, which never quote the URL. */
export function parseConnection(secret: Secret, baseDirectory: string, env: Env = process.env): Connection {
	const value = secret.reveal().trim();
	if (value.startsWith('pglite:')) {
		const path = value.slice('pglite:'.length).replace(/^\/\/(?=[^/])/, '');
		if (path === '') throw malformed('pglite: is followed by no directory');
		const directory = resolve(baseDirectory, path);
		return { kind: 'embedded', directory, label: `pglite:${path}`, identity: directory };
	}
	const server = serverOf(parseServerUrl(value), env);
	const host = `${bracketed(server.host)}:${server.port}`;
	return {
		kind: 'server',
		server,
		label: serverLabel(server),
		identity: `${host}/${server.database}`,
		host,
		database: server.database,
		user: server.named ? server.user : '',
	};
}
