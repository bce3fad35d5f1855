import { resolve } from 'node:path';
import { RepotError } from '../../source/core/errors.js';
import type { Secret } from '../../source/core/secret.js';

export type Connection =
	| {
			readonly kind: 'server';
			/** For the driver only: holds the password. */
			readonly url: string;
			readonly label: string;
			/** `host:port/database` */
			readonly identity: string;
			readonly host: string;
			readonly database: string;
			/** Empty when the URL names none. */
			readonly user: string;
	  }
	| { readonly kind: 'embedded'; readonly directory: string; readonly label: string; readonly identity: string };

const malformed = (why: string, next?: readonly string[]): RepotError =>
	new RepotError({
		kind: 'usage',
		code: 'MALFORMED_URL',
		message: 'The target URL cannot be read',
		why,
		next: next ?? [
			'Write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE, or pglite:DIRECTORY for the embedded PostgreSQL',
			'Percent-encode special characters of the password: @ as %40, : as %3A, / as %2F, # as %23, % as %25',
		],
	});

/** Parses without ever quoting the input: a malformed URL may hold a password anywhere. */
function parseServerUrl(value: string): URL {
	if (!/^postgres(ql)?:\/\//i.test(value)) throw malformed('It starts with neither postgresql:// nor pglite:');
	refusePort(/^[a-z]+:\/\/(?:[^/?#]*@)?[^/?#@]*:(\d+)(?=[/?]|$)/i.exec(value)?.[1]);
	let url: URL;
	try {
		url = new URL(value);
		for (const part of [url.username, url.password, url.hostname, url.pathname]) decodeURIComponent(part);
	} catch {
		throw malformed('The part after postgresql:// is not a valid address');
	}
	if (url.hash !== '') throw malformed('It holds a # that is not percent-encoded');
	refusePort(url.searchParams.get('port') ?? undefined);
	refuseParameters(url);
	return url;
}

function refusePort(port: string | undefined): void {
	if (port === undefined || (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) return;
	throw malformed('The port is not a number from 1 to 65535', [
		'Check the part after the last : before the database; PostgreSQL usually listens on 5432',
	]);
}

/** As the pg library reads them; `prefer` and what follows are told apart in `driverUrl`. */
const sslModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];

/** What the pg library takes from a URL, and what libpq takes besides and providers write into theirs (PostgreSQL 18, 32.1.2). */
const parameters = new Set(
	`host hostaddr port dbname user password passfile application_name fallback_application_name client_encoding options replication
	connect_timeout statement_timeout lock_timeout idle_in_transaction_session_timeout query_timeout keepalives keepalives_idle
	keepalives_interval keepalives_count tcp_user_timeout target_session_attrs load_balance_hosts channel_binding require_auth gssencmode
	krbsrvname gsslib gssdelegation ssl sslmode sslnegotiation sslcompression sslcert sslkey sslpassword sslcertmode sslrootcert sslcrl
	sslcrldir sslsni requirepeer ssl_min_protocol_version ssl_max_protocol_version min_protocol_version max_protocol_version service
	servicefile sslkeylogfile uselibpqcompat`.split(/\s+/),
);

function refuseParameters(url: URL): void {
	// A name that is no plain word may be a part of a password.
	const shown = (text: string): string => (/^[A-Za-z][\w-]{0,40}$/.test(text) ? `"${text}"` : 'one of them');
	for (const name of url.searchParams.keys()) {
		if (parameters.has(name)) continue;
		throw malformed(`It has a parameter that PostgreSQL does not know: ${shown(name)}`, ['Take it out of the part after the ? of the URL']);
	}
	const mode = url.searchParams.get('sslmode');
	if (mode === null || sslModes.includes(mode)) return;
	throw malformed(`sslmode ${shown(mode)} is not known`.replace(' one of them', ''), [`Write sslmode as one of ${sslModes.join(', ')}`]);
}

const hostOf = (url: URL): string => decodeURIComponent(url.hostname) || url.searchParams.get('host') || process.env.PGHOST || 'localhost';
const portOf = (url: URL): string => url.port || url.searchParams.get('port') || process.env.PGPORT || '5432';
const userOf = (url: URL): string => decodeURIComponent(url.username) || url.searchParams.get('user') || process.env.PGUSER || '';
const databaseOf = (url: URL): string => decodeURIComponent(url.pathname.slice(1)) || process.env.PGDATABASE || userOf(url) || 'postgres';

/**
 * `sslmode` means what the pg library makes of it: none given or `disable`: no TLS; `prefer`, `require`, `verify-ca` and
 * `verify-full`: TLS with the certificate and host name checked; `no-verify`: TLS unchecked. `uselibpqcompat=true` asks for libpq's
 * weaker reading. The weaker names are rewritten to what they do, because the library would print a warning over the screen.
 */
function driverUrl(url: URL): string {
	const copy = new URL(url);
	const mode = copy.searchParams.get('sslmode');
	if (copy.searchParams.get('uselibpqcompat') === null && mode !== null && ['prefer', 'require', 'verify-ca'].includes(mode)) {
		copy.searchParams.set('sslmode', 'verify-full');
	}
	return copy.href;
}

const serverLabel = (url: URL): string => {
	const user = userOf(url);
	return `postgresql://${user === '' ? '' : `${user}@`}${hostOf(url)}:${portOf(url)}/${databaseOf(url)}`;
};

/** A URL for people: no password, no parameters. Never throws. */
export function maskUrl(value: string): string {
	if (value.startsWith('pglite:')) return value;
	try {
		return serverLabel(parseServerUrl(value));
	} catch {
		return 'postgresql://(malformed)';
	}
}

/** Reads `--postgres-url`. @throws RepotError usage `MALFORMED_URL`, which never quotes the URL. */
export function parseConnection(secret: Secret, baseDirectory: string): Connection {
	const value = secret.reveal().trim();
	if (value.startsWith('pglite:')) {
		const path = value.slice('pglite:'.length).replace(/^\/\/(?=[^/])/, '');
		if (path === '') throw malformed('pglite: is followed by no directory');
		const directory = resolve(baseDirectory, path);
		return { kind: 'embedded', directory, label: `pglite:${path}`, identity: directory };
	}
	const url = parseServerUrl(value);
	return {
		kind: 'server',
		url: driverUrl(url),
		label: serverLabel(url),
		identity: `${hostOf(url)}:${portOf(url)}/${databaseOf(url)}`,
		host: `${hostOf(url)}:${portOf(url)}`,
		database: databaseOf(url),
		user: userOf(url),
	};
}
