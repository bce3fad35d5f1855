import { Secret } from '../core/secret.js';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The target that libpq's variables name (PostgreSQL 18, 32.15), for where nothing else names one: null without PGHOST and PGHOSTADDR.
 * PGPASSWORD, PGSSLMODE and the like stay where they are, because the driver takes them from there itself.
 */
export function urlFromVariables(env: Env): Secret | null {
	const host = env.PGHOST || env.PGHOSTADDR;
	if (host === undefined || host === '') return null;
	const user = env.PGUSER ? `${encodeURIComponent(env.PGUSER)}@` : '';
	const place = host.includes(':') && !host.startsWith('/') ? `[${host}]` : encodeURIComponent(host).replaceAll('%2C', ',');
	const port = env.PGPORT ? `:${env.PGPORT}` : '';
	const database = env.PGDATABASE ? `/${encodeURIComponent(env.PGDATABASE)}` : '';
	const address = env.PGHOST && env.PGHOSTADDR ? `${database === '' ? '/' : ''}?hostaddr=${encodeURIComponent(env.PGHOSTADDR)}` : '';
	return new Secret(`postgresql://${user}${place}${port}${database}${address}`);
}
