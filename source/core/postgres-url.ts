import { isIP } from 'node:net';
import { Secret } from './secret.js';

/**
 * Settings of Python's drivers that SQLAlchemy takes from a URL and that say nothing about what is connected to
 * (https://docs.sqlalchemy.org/en/20/dialects/postgresql.html).
 */
const driverSettings = new Set([
	'async_fallback',
	'autocommit',
	'command_timeout',
	'max_cacheable_statement_size',
	'max_cached_statement_lifetime',
	'prepare_threshold',
	'prepared_statement_cache_size',
	'statement_cache_size',
	'tcp_keepalive',
	'timeout',
]);

const dialect = /^(postgres(?:ql)?)\+\w+:\/\//i;

/** Whether the text is a URL of a PostgreSQL server, also as SQLAlchemy writes it. */
export const isServerUrl = (value: string): boolean => /^postgres(ql)?(\+\w+)?:\/\//i.test(value);

/**
 * Brings the forms in which a server's URL is written into the one that a URL parser reads: `postgresql+psycopg://` loses the driver with the
 * settings of that driver, `host=NAME:PORT` becomes two parameters, and `USER@/DATABASE` (libpq, SQLAlchemy: no host, or the one after the ?)
 * moves what stands at the wrong place. Anything else stays as it is; a URL that is in order is returned as written.
 */
function plainPostgresUrl(value: string): string {
	const hasDriver = dialect.test(value);
	const written = value.replace(dialect, '$1://');
	const [address = '', ...rest] = written.split('?');
	const query = rest.length === 0 ? [] : rest.join('?').split('&');
	const plain = hasDriver ? query.filter((pair) => !driverSettings.has(nameOf(pair))).flatMap(splitHost) : query;
	return withHost(address, plain) ?? joined(address, plain);
}

/** Several hosts, as libpq takes them one after the other: `host1,host2`, `host1:5432,host2:5432` or `host=` more than once. */
function namesSeveralHosts(value: string): boolean {
	const [address = '', ...rest] = value.split('?');
	const hosts = rest
		.join('?')
		.split('&')
		.filter((pair) => /^host(addr)?$/.test(nameOf(pair)));
	const authority = /^[a-z+\d]+:\/\/(?:[^/#]*@)?([^/#@]*)/i.exec(address)?.[1] ?? '';
	const repeated = hosts.filter((pair) => nameOf(pair) === 'host').length > 1;
	return repeated || authority.includes(',') || hosts.some((pair) => /,|%2c/i.test(textOf(pair)));
}

const nameOf = (pair: string): string => pair.split('=', 1)[0] ?? '';
const textOf = (pair: string): string => pair.slice(nameOf(pair).length + 1);

function splitHost(pair: string): readonly string[] {
	const match = nameOf(pair) === 'host' ? /^([^/:,[\]]+)(?::|%3a)(\d+)$/i.exec(textOf(pair)) : null;
	return match === null ? [pair] : [`host=${match[1]}`, `port=${match[2]}`];
}

const joined = (address: string, query: readonly string[]): string => (query.length === 0 ? address : `${address}?${query.join('&')}`);

/** For an address with a user or a port, but no host: null when it is none, or when a part cannot be read. */
function withHost(address: string, query: readonly string[]): string | null {
	const match = /^(postgres(?:ql)?:\/\/)(?:([^/#]*)@)?(?::(\d+))?(\/[^#]*)?$/i.exec(address);
	const [, scheme = '', login, port, path = ''] = match ?? [];
	if (match === null || (login === undefined && port === undefined)) return null;
	const hosts = query.filter((pair) => nameOf(pair) === 'host');
	const others = query.filter((pair) => !hosts.includes(pair));
	try {
		if (hosts.length > 1 || hosts.some((pair) => textOf(pair) === '')) return null;
		const [host] = hosts;
		const before = login === undefined ? '' : `${login}@`;
		const after = port === undefined ? '' : `:${port}`;
		if (host !== undefined)
			return joined(`${scheme}${before}${encodeURIComponent(decodeURIComponent(textOf(host)))}${after}${path}`, others);
		const [user = '', ...password] = (login ?? '').split(':');
		const moved = [
			...(user === '' ? [] : [`user=${encodeURIComponent(decodeURIComponent(user))}`]),
			...(password.length === 0 ? [] : [`password=${encodeURIComponent(decodeURIComponent(password.join(':')))}`]),
			...(port === undefined ? [] : [`port=${port}`]),
		];
		return joined(`${scheme}${path}`, [...moved, ...others]);
	} catch {
		return null;
	}
}

/** Variables of libpq (PostgreSQL 18, 32.15) and the system's user: what a URL leaves out. */
export type ServerVariables = Readonly<Record<string, string | undefined>>;

/** Those that say which database is meant; no password is among them. */
export const placeVariables = ['PGHOST', 'PGHOSTADDR', 'PGPORT', 'PGUSER', 'PGDATABASE', 'USER', 'USERNAME'] as const;

/** Why a text is no URL that is followed. */
export type UrlFault = 'scheme' | 'hosts' | 'port' | 'hash' | 'syntax';

/**
 * A server's URL in any of the forms above, opened. A text in which it cannot be told where a password ends is a fault: an `@`, `/`, `?` or `#`
 * that is not percent-encoded would show the rest of it as host, database or parameter.
 */
export function openServerUrl(text: string): { readonly url: URL; readonly written: string } | { readonly fault: UrlFault } {
	if (!isServerUrl(text)) return { fault: 'scheme' };
	const written = plainPostgresUrl(text);
	if (namesSeveralHosts(written)) return { fault: 'hosts' };
	// The part after the last @ holds no password.
	const port = /^[a-z]+:\/\/(?:[^/?#]*@)?[^/?#@]*:(\d+)(?=[/?#]|$)/i.exec(written)?.[1];
	if (port !== undefined && !isPort(port)) return { fault: 'port' };
	if (!URL.canParse(written)) return { fault: 'syntax' };
	const url = new URL(written);
	if (url.hash !== '' || written.endsWith('#')) return { fault: 'hash' };
	// What was masked for the eye is no host.
	if (/^\*+$/.test(url.hostname)) return { fault: 'syntax' };
	const named = [...url.searchParams.keys()];
	if (url.pathname.includes('@') || named.some((name) => name.includes('@'))) return { fault: 'syntax' };
	if ([url.username, url.password, url.hostname, url.pathname].some((part) => decoded(part) === null)) return { fault: 'syntax' };
	const other = url.searchParams.get('port');
	return other !== null && !isPort(other) ? { fault: 'port' } : { url, written };
}

export const isPort = (port: string): boolean => /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535;

const refusals: Readonly<Record<UrlFault, string>> = {
	scheme: 'write postgresql://USER@HOST:PORT/DATABASE or pglite:DIR',
	hosts: 'it names several hosts; name the primary alone',
	port: 'the port must be from 1 to 65535',
	hash: 'it is not a URL; characters like @ : / # in a password must be percent-encoded (@ is %40)',
	syntax: 'it is not a URL; characters like @ : / # in a password must be percent-encoded (@ is %40)',
};

/**
 * A target as somebody wrote it, in the form in which everything else takes it: `postgresql://...` as a URL parser reads it, or `pglite:DIR`.
 * `refused` says what is wrong and repeats nothing of the text, which may hold a password.
 */
export function readTypedUrl(text: string): { readonly url: Secret } | { readonly refused: string } {
	if (text.startsWith('pglite:')) {
		if (text.slice('pglite:'.length).trim() === '') return { refused: 'pglite: needs a directory, like pglite:./pg' };
		return { url: new Secret(text) };
	}
	const opened = openServerUrl(text.trim());
	return 'fault' in opened ? { refused: refusals[opened.fault] } : { url: new Secret(opened.written) };
}

/** The folder of `pglite:DIR`, as written; `pglite://DIR` is the same. */
export const embeddedFolder = (target: string): string => target.slice('pglite:'.length).replace(/^\/\/(?=[^/])/, '');

/** What is connected to, and as whom; nothing is checked. */
export interface ServerPlace {
	/** Name, address (IPv6 without brackets) or folder of a socket; empty: none is named. */
	readonly host: string;
	/** Address to connect to in place of the host's (`hostaddr`). */
	readonly address: string | null;
	readonly port: string;
	/** Empty where neither URL nor environment nor system names one. */
	readonly user: string;
	/** False: neither URL nor PGUSER names the user, and it is the system's. */
	readonly named: boolean;
	readonly database: string;
}

/** What the URL says, then what the environment says. A parameter takes the place of what stands before the ?, as libpq has it. */
export function placeOf(url: URL, env: ServerVariables): ServerPlace {
	// The last of a name counts.
	const parameters = new Map(url.searchParams);
	const said = (name: string, part: string, variable: string): string =>
		parameters.get(name) || (decoded(part) ?? part) || env[variable] || '';
	const host = said('host', url.hostname, 'PGHOST').replace(/^\[(.+)\]$/, '$1');
	const address = parameters.get('hostaddr') || (host === '' || host === env.PGHOST ? env.PGHOSTADDR : undefined) || null;
	const named = said('user', url.username, 'PGUSER');
	const user = named || env.USER || env.USERNAME || '';
	return {
		host,
		address,
		port: said('port', url.port, 'PGPORT') || '5432',
		user,
		named: named !== '',
		database: said('dbname', url.pathname.slice(1), 'PGDATABASE') || user || 'postgres',
	};
}

/** `host:port/database`, as plans and runs name a database. Without a host it is localhost, where libpq would look for a socket. */
export const identityOf = ({
	host,
	address,
	port,
	database,
}: Pick<ServerPlace, 'host' | 'address' | 'database'> & { port: string | number }) =>
	`${bracketed(host || address || 'localhost')}:${Number(port)}/${database}`;

export const bracketed = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host);

export const isSocket = (host: string): boolean => host.startsWith('/');

/**
 * Whether two places are one database, whatever they are called: by the host's name or by the address that is connected to, this computer by
 * any of its own names or by a socket of the same port. Two names that only a name server knows to be one are two.
 */
export function isSameDatabase(a: ServerPlace, b: ServerPlace): boolean {
	if (Number(a.port) !== Number(b.port) || a.database !== b.database) return false;
	const [ours, theirs] = [hostsOf(a), hostsOf(b)];
	const isHere = (hosts: readonly string[]): boolean => hosts.includes(thisComputer);
	const isMet = (one: string): boolean => theirs.includes(one) || (isSocket(one) && isHere(theirs));
	return ours.some(isMet) || (isHere(ours) && theirs.some(isSocket));
}

const thisComputer = 'localhost';

const hostsOf = ({ host, address }: ServerPlace): readonly string[] =>
	[host || (address === null ? thisComputer : ''), address ?? ''].filter((one) => one !== '').map(plainHost);

function plainHost(host: string): string {
	if (isSocket(host)) return host.replace(/(?<=.)\/+$/, '');
	const lower = host.toLowerCase().replace(/\.$/, '');
	// A web address has one form of each number: 127.1 is 127.0.0.1, 0:0:0:0:0:0:0:1 is ::1.
	const web = `http://${bracketed(lower)}/`;
	const one = URL.canParse(web) ? new URL(web).hostname : lower;
	const [, high = '', low = ''] = /^\[::ffff:([\da-f]{1,4}):([\da-f]{1,4})\]$/.exec(one) ?? [];
	const four = [high, low].flatMap((half) => [Number.parseInt(half, 16) >> 8, Number.parseInt(half, 16) & 255]).join('.');
	const name = high === '' ? one : four;
	return isLoopback(name) ? thisComputer : name;
}

const isLoopback = (name: string): boolean =>
	/^(localhost(\.localdomain)?|ip6-localhost|ip6-loopback|.+\.localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1?\])$/.test(name);

function decoded(text: string): string | null {
	try {
		return decodeURIComponent(text);
	} catch {
		return null;
	}
}
