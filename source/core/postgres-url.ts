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
export function plainPostgresUrl(value: string): string {
	const hasDriver = dialect.test(value);
	const written = value.replace(dialect, '$1://');
	const [address = '', ...rest] = written.split('?');
	const query = rest.length === 0 ? [] : rest.join('?').split('&');
	const plain = hasDriver ? query.filter((pair) => !driverSettings.has(nameOf(pair))).flatMap(splitHost) : query;
	return withHost(address, plain) ?? joined(address, plain);
}

/** Several hosts, as libpq takes them one after the other: `host1,host2`, `host1:5432,host2:5432` or `host=` more than once. */
export function namesSeveralHosts(value: string): boolean {
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
