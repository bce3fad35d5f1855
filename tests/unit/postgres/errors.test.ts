import { describe, expect, it } from 'vitest';
import { ConnectionError, ServerError } from '../../../services/postgres/driver.js';
import { isTransient, refusesValues, toRepotError } from '../../../services/postgres/errors.js';
import { RepotError } from '../../../source/core/errors.js';

const place = { label: 'postgresql://ana@h:5432/app', host: 'h:5432', database: 'app', user: 'ana' };
const mapped = (error: unknown): RepotError => {
	const result = toRepotError(error, place);
	if (!(result instanceof RepotError)) throw new Error('not mapped');
	return result;
};
const server = (code: string, message = 'refused'): RepotError => mapped(new ServerError({ code, message }));

describe('errors of the target', () => {
	it.each([
		['28P01', 'WRONG_PASSWORD', false],
		['28000', 'LOGIN_REFUSED', false],
		['3D000', 'NO_DATABASE', false],
		['53300', 'TOO_MANY_CONNECTIONS', true],
		['53100', 'DISK_FULL', false],
		['57P01', 'CONNECTION_LOST', true],
		['25P04', 'CONNECTION_LOST', true],
		['57P03', 'SERVER_STARTING', true],
		['40001', 'SERIALIZATION', true],
		['40P01', 'SERIALIZATION', true],
		['08006', 'CONNECTION_LOST', true],
		['XX000', 'SERVER_XX000', false],
	])('puts SQLSTATE %s into words as %s (transient: %s)', (sqlstate, code, transient) => {
		const error = server(sqlstate);
		expect(error).toMatchObject({ kind: 'target', code, why: expect.stringContaining('refused') });
		expect(isTransient(error)).toBe(transient);
	});

	it.each([
		['ECONNREFUSED', 'TARGET_UNREACHABLE'],
		['ENOTFOUND', 'HOST_NOT_FOUND'],
		['TIMEOUT', 'TARGET_TIMEOUT'],
		['TLS', 'TLS_FAILED'],
		['PASSWORD', 'WRONG_PASSWORD'],
		['LOST', 'CONNECTION_LOST'],
	])('puts the connection error %s into words as %s', (code, words) => {
		const error = mapped(new ConnectionError(code, 'no'));
		expect(error).toMatchObject({ kind: 'target', code: words });
		expect(error.next.length).toBeGreaterThan(0);
	});

	it('tells a role that is missing from a server that lets nobody in', () => {
		expect(server('28000', 'role "bob" does not exist')).toMatchObject({
			code: 'NO_ROLE',
			next: expect.arrayContaining([expect.stringContaining('"bob"')]),
		});
		expect(server('28000', 'role "bob" does not exist').next.join()).not.toContain('pg_hba');
		expect(server('28000', 'role "bob" is not permitted to log in').next[0]).toContain('ALTER ROLE "bob" LOGIN;');
		expect(server('28000', 'no pg_hba.conf entry for host').next[0]).toContain('pg_hba.conf');
	});

	it('says what a token of RDS needs, with the resource of the policy', () => {
		const iam = { ...place, iam: true, host: 'app.abc.eu-west-1.rds.amazonaws.com:5432' };
		for (const [code, message] of [
			['28000', 'PAM authentication failed for user "app_user"'],
			['28P01', 'password authentication failed for user "app_user"'],
		] as const) {
			const error = toRepotError(new ServerError({ code, message }), iam);
			expect(error).toMatchObject({ kind: 'target', code: 'IAM_LOGIN_REFUSED', message: expect.stringContaining('app_user') });
			const next = (error as RepotError).next.join('\n');
			expect(next).toContain('GRANT rds_iam TO "app_user";');
			expect(next).toContain('rds-db:connect on arn:aws:rds-db:eu-west-1:ACCOUNT:dbuser:RESOURCE_ID/app_user');
		}
		expect(server('28P01').code).toBe('WRONG_PASSWORD');
	});

	it('sends to the way of encryption that the server lets in', () => {
		expect(server('28000', 'no pg_hba.conf entry for host "h", user "ana", database "app", no encryption').next.join()).toContain(
			'--ssl-mode require',
		);
		expect(server('28000', 'no pg_hba.conf entry for host "h", user "ana", database "app", SSL encryption').next.join()).toContain(
			'--ssl-mode disable',
		);
	});

	it('says where a missing password goes', () => {
		const error = mapped(new ConnectionError('PASSWORD', 'client password must be a string'));
		expect(error.message).toBe('The server asks for a password and the URL has none');
		expect(error.next[0]).toMatch(/REPOT_POSTGRES_URL.*PGPASSWORD/);
	});

	it('gives the statement that mends a missing privilege', () => {
		expect(server('42501', 'permission denied for schema public').next[0]).toContain('GRANT USAGE, CREATE ON SCHEMA "public" TO "ana";');
		expect(server('42501', 'permission denied for database app').next[0]).toContain('GRANT CREATE ON DATABASE "app" TO "ana";');
		expect(server('42501', 'permission denied for table items').next[0]).toContain('ON TABLE "items" TO "ana";');
		expect(server('42501', 'permission denied for table run').next[0]).toContain('ON ALL TABLES IN SCHEMA repot TO "ana";');
		expect(server('42501', 'permission denied for schema repot').next[0]).toContain('ON ALL TABLES IN SCHEMA repot TO "ana";');
		expect(server('42501', 'must be owner of table items').next[0]).toContain('ALTER TABLE "items" OWNER TO "ana";');
		expect(server('42501', 'permission denied to create extension "vector"').next[0]).toContain('CREATE EXTENSION vector;');
		expect(server('0A000', 'extension "vector" is not available')).toMatchObject({ code: 'NO_PGVECTOR' });
	});

	it('leaves its own errors and defects alone', () => {
		const own = new RepotError({ kind: 'usage', code: 'X', message: 'x' });
		const defect = new TypeError('x');
		expect(toRepotError(own, place)).toBe(own);
		expect(toRepotError(defect, place)).toBe(defect);
		expect(isTransient(defect)).toBe(false);
	});

	it('tells a refused value from refused work', () => {
		for (const code of ['22P02', '22021', '23502', '23514', '54000', '54001'])
			expect(refusesValues(new ServerError({ code, message: '' }))).toBe(true);
		for (const code of ['23505', '42501', '53100', '40001', '0A000'])
			expect(refusesValues(new ServerError({ code, message: '' }))).toBe(false);
	});
});
