import { describe, expect, it } from 'vitest';
import { parseConnection } from '../../../services/postgres/connection-url.js';
import { urlFromVariables } from '../../../source/config/pg-variables.js';

describe('the target that the variables of libpq name', () => {
	it('is none without a host', () => {
		expect(urlFromVariables({})).toBeNull();
		expect(urlFromVariables({ PGHOST: '', PGUSER: 'ana', PGPORT: '1' })).toBeNull();
	});

	it.each([
		[{ PGHOST: 'h' }, 'postgresql://h'],
		[{ PGHOST: 'h', PGPORT: '6543', PGUSER: 'a@b', PGDATABASE: 'd/e', PGPASSWORD: 's3cret' }, 'postgresql://a%40b@h:6543/d%2Fe'],
		[{ PGHOST: '/var/run/postgresql', PGDATABASE: 'd' }, 'postgresql://%2Fvar%2Frun%2Fpostgresql/d'],
		[{ PGHOSTADDR: '::1', PGUSER: 'ana' }, 'postgresql://ana@[::1]'],
		[{ PGHOST: 'h', PGHOSTADDR: '127.0.0.1' }, 'postgresql://h/?hostaddr=127.0.0.1'],
	] as readonly (readonly [Readonly<Record<string, string>>, string])[])('%j', (env, url) => {
		const found = urlFromVariables(env);
		expect(found?.reveal()).toBe(url);
		if (found === null) throw new Error('none');
		const read = parseConnection(found, '/', { USER: 'ana' });
		expect(read).toMatchObject({ kind: 'server', server: { host: env.PGHOST ?? env.PGHOSTADDR, port: Number(env.PGPORT ?? 5432) } });
		// The variables stay set when the URL is read.
		expect(parseConnection(found, '/', { ...env, USER: 'ana' })).toMatchObject({ label: read.label });
	});
});
