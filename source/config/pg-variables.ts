import { Secret } from '../core/secret.js';

/** The target that libpq's own variables name (PostgreSQL 18, 32.15), without the password, which the driver takes from PGPASSWORD; null without PGHOST. */
export function urlFromVariables(env: Readonly<Record<string, string | undefined>>): Secret | null {
	const host = env.PGHOST ?? '';
	if (host === '') return null;
	const user = env.PGUSER === undefined || env.PGUSER === '' ? '' : `${encodeURIComponent(env.PGUSER)}@`;
	const port = env.PGPORT === undefined || env.PGPORT === '' ? '' : `:${env.PGPORT}`;
	const address = host.startsWith('/') ? encodeURIComponent(host) : host;
	return new Secret(`postgresql://${user}${address}${port}/${encodeURIComponent(env.PGDATABASE ?? '')}`);
}
