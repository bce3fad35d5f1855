import { RepotError } from '../../source/core/errors.js';

export const malformed = (why: string, next?: readonly string[]): RepotError =>
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

/** What libpq takes from a URL (PostgreSQL 18, 32.1.2), what the pg library takes besides, and what providers write into theirs. */
const known = new Set(
	`host hostaddr port dbname user password passfile application_name fallback_application_name client_encoding options replication
	connect_timeout statement_timeout lock_timeout idle_in_transaction_session_timeout query_timeout keepalives keepalives_idle
	keepalives_interval keepalives_count tcp_user_timeout target_session_attrs load_balance_hosts channel_binding require_auth gssencmode
	krbsrvname gsslib gssdelegation ssl sslmode sslnegotiation sslcompression sslcert sslkey sslpassword sslcertmode sslrootcert sslcrl
	sslsni requirepeer ssl_min_protocol_version ssl_max_protocol_version min_protocol_version max_protocol_version sslkeylogfile
	uselibpqcompat`.split(/\s+/),
);

/** What libpq knows and this driver cannot do, which would otherwise be passed over without a word. */
const refused: Readonly<Record<string, string>> = {
	service: 'Service files (pg_service.conf) are not read: write host, database and user into the URL',
	servicefile: 'Service files (pg_service.conf) are not read: write host, database and user into the URL',
	sslcrldir: 'Folders of revocation lists are not read: name one file with sslcrl',
};

/** A name as it may be shown: one that is no plain word may be a part of a password. */
export const shownName = (text: string): string | null => (/^[A-Za-z][\w-]{0,40}$/.test(text) ? `"${text}"` : null);

/** The parameters after the ?, of which the last of a name counts. @throws RepotError usage `MALFORMED_URL`, which quotes no value. */
export function parametersOf(url: URL): ReadonlyMap<string, string> {
	for (const name of url.searchParams.keys()) {
		const instead = refused[name];
		if (instead !== undefined) throw malformed(`It has the parameter "${name}", which is not supported`, [instead]);
		if (known.has(name)) continue;
		throw malformed(`It has a parameter that PostgreSQL does not know: ${shownName(name) ?? 'one of them'}`, [
			'Take it out of the part after the ? of the URL',
		]);
	}
	return new Map(url.searchParams);
}
