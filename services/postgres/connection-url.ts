import { resolve } from 'node:path';
import { RepotError } from '../../source/core/errors.js';
import {
	bracketed,
	embeddedFolder,
	identityOf,
	isPort,
	isSocket,
	openServerUrl,
	placeOf,
	type ServerVariables,
	type UrlFault,
} from '../../source/core/postgres-url.js';
import { Secret } from '../../source/core/secret.js';
import { malformed, parametersOf } from './url-parameters.js';

export type Env = ServerVariables;

export { isSocket };

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

/** Parses without ever quoting the input: a malformed URL may hold a password anywhere. */
function parseServerUrl(value: string): URL {
	const opened = openServerUrl(value);
	if (!('fault' in opened)) return opened.url;
	const [why, ...next] = faults[opened.fault];
	throw malformed(why, next.length === 0 ? undefined : next);
}

const faults: Readonly<Record<UrlFault, readonly [why: string, ...next: string[]]>> = {
	scheme: ['It starts with neither postgresql:// nor pglite:'],
	hosts: ['It names several hosts', 'Name one host: the primary, or the address that leads to it, such as the endpoint of the cluster'],
	port: [
		'The port is not a number from 1 to 65535',
		'Check the part after the last : before the database; PostgreSQL usually listens on 5432',
	],
	hash: ['It holds a # that is not percent-encoded'],
	syntax: ['The part after postgresql:// is not a valid address'],
};

/** A variable that was meant for libpq and cannot be followed. */
const badVariable = (message: string, next: string): RepotError =>
	new RepotError({ kind: 'usage', code: 'BAD_VARIABLE', message, next: [next] });

/** Throws RepotError (usage) for a parameter or a variable that cannot be followed. */
function serverOf(url: URL, env: Env): Server {
	const everything = parametersOf(url);
	const parameters = new Map([...everything].filter(([name]) => name !== 'password' && name !== 'sslpassword'));
	const { host, address, port, user, named, database } = placeOf(url, env);
	if (host === '' && address === null && env.PGSERVICE) {
		throw badVariable(
			'PGSERVICE names a service, and service files (pg_service.conf) are not read',
			'Write the host into the URL, or set PGHOST, PGPORT, PGUSER and PGDATABASE',
		);
	}
	if (host.includes(',') || address?.includes(',') === true) throw badVariable('PGHOST names several hosts', 'Name one host: the primary');
	if (!isPort(port)) throw badVariable('PGPORT is not a number from 1 to 65535', 'PostgreSQL usually listens on 5432');
	const secret = (value: string | undefined): Secret | null => (value === undefined || value === '' ? null : new Secret(value));
	return {
		host: host || address || 'localhost',
		address,
		port: Number(port),
		user,
		named,
		password: secret(everything.get('password') || decodeURIComponent(url.password)),
		keyPassword: secret(everything.get('sslpassword')),
		database,
		parameters,
	};
}

const serverLabel = ({ host, port, database, user, named }: Server): string =>
	`postgresql://${named ? `${user}@` : ''}${isSocket(host) ? encodeURIComponent(host) : bracketed(host)}:${port}/${database}`;

/** Reads `--postgres-url`. @throws RepotError usage `MALFORMED_URL` or `BAD_VARIABLE`, which never quote the URL. */
export function parseConnection(secret: Secret, baseDirectory: string, env: Env = process.env): Connection {
	const value = secret.reveal().trim();
	if (value.startsWith('pglite:')) {
		const path = embeddedFolder(value);
		if (path === '') throw malformed('pglite: is followed by no directory');
		const directory = resolve(baseDirectory, path);
		return { kind: 'embedded', directory, label: `pglite:${path}`, identity: directory };
	}
	const server = serverOf(parseServerUrl(value), env);
	return {
		kind: 'server',
		server,
		label: serverLabel(server),
		identity: identityOf(server),
		host: `${bracketed(server.host)}:${server.port}`,
		database: server.database,
		user: server.named ? server.user : '',
	};
}
