import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type Env, parseConnection } from '../../../services/postgres/connection-url.js';
import { type Access, Dialer } from '../../../services/postgres/dialer.js';
import { isTransient, toRepotError } from '../../../services/postgres/errors.js';
import { RepotError } from '../../../source/core/errors.js';
import { Secret } from '../../../source/core/secret.js';
import type { SslMode } from '../../../source/core/ssl-mode.js';
import { certificate, startTlsServer, type TlsServer } from '../../fakes/tls-server.js';

const home = mkdtempSync(join(tmpdir(), 'repot-tls-'));
const started: TlsServer[] = [];
afterEach(async () => {
	for (const server of started.splice(0)) await server.close();
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const start = async (...args: Parameters<typeof startTlsServer>): Promise<TlsServer> => {
	const server = await startTlsServer(...args);
	started.push(server);
	return server;
};

const dialer = (url: string, access: Access = {}, env: Env = {}): Dialer => {
	const everything = { HOME: home, USER: 'ana', ...env };
	const connection = parseConnection(new Secret(url), home, everything);
	if (connection.kind !== 'server') throw new Error('no server');
	return new Dialer(connection.server, connection.label, { baseDir: home, env: everything, ...access });
};

const dial = async (made: Dialer): Promise<void> => {
	const client = await made.dial((watched) => watched.on('error', () => undefined));
	await client.end();
};

const refusal = async (work: () => Promise<void> | Dialer): Promise<RepotError> => {
	try {
		await work();
	} catch (error) {
		if (error instanceof RepotError) return error;
		throw error;
	}
	throw new Error('it was not refused');
};

const wish = (mode: SslMode | null, rootCert: string | null = null): Access => ({ tls: { mode, rootCert } });

describe('what a mode does', () => {
	it.each([
		['nothing', '', {}, 'encrypted-session'],
		['prefer', '?sslmode=prefer', {}, 'encrypted-session'],
		['allow', '?sslmode=allow', {}, 'encrypted-session'],
		['require', '?sslmode=require', {}, 'encrypted-session'],
		['no-verify', '?sslmode=no-verify', {}, 'encrypted-session'],
		['ssl=require, as asyncpg writes it,', '?ssl=require', {}, 'encrypted-session'],
		['ssl=true', '?ssl=true', {}, 'encrypted-session'],
		['PGSSLMODE=require', '', { PGSSLMODE: 'require' }, 'encrypted-session'],
		['disable', '?sslmode=disable', {}, 'plain-session'],
		['PGSSLMODE=disable', '', { PGSSLMODE: 'disable' }, 'plain-session'],
		['the URL before PGSSLMODE', '?sslmode=require', { PGSSLMODE: 'disable' }, 'encrypted-session'],
	])('%s with a certificate that nobody vouches for', async (_, parameters, env, session) => {
		const server = await start('self-signed');
		await dial(dialer(`postgresql://ana@127.0.0.1:${server.port}/app${parameters}`, {}, env));
		expect(server.acts).toEqual(session === 'plain-session' ? [session] : ['asks-for-tls', session]);
	});

	it('takes the setting before the URL', async () => {
		const server = await start('self-signed');
		await dial(dialer(`postgresql://ana@127.0.0.1:${server.port}/app?sslmode=verify-full`, wish('disable')));
		expect(server.acts).toEqual(['plain-session']);
	});

	it('prefer goes on without TLS where the server offers none, and asks once', async () => {
		const server = await start('no');
		const made = dialer(`postgresql://ana@127.0.0.1:${server.port}/app`);
		await dial(made);
		await dial(made);
		expect(server.acts).toEqual(['asks-for-tls', 'plain-session', 'plain-session']);
	});

	it.each(['error', 'hang-up'] as const)('prefer never goes on without TLS after another answer (%s)', async (answer) => {
		const server = await start(answer);
		await expect(dial(dialer(`postgresql://ana@127.0.0.1:${server.port}/app`))).rejects.toThrow();
		expect(server.acts).toEqual(['asks-for-tls']);
	});

	it('prefer does not go back to plain once it was encrypted', async () => {
		const server = await start('server');
		const made = dialer(`postgresql://ana@127.0.0.1:${server.port}/app`);
		await dial(made);
		server.answer('no');
		expect(await refusal(() => dial(made))).toMatchObject({ code: 'TLS_FAILED' });
		expect(server.acts).toEqual(['asks-for-tls', 'encrypted-session', 'asks-for-tls']);
	});

	it.each(['require', 'verify-ca', 'verify-full'] as const)('%s refuses a server without TLS', async (mode) => {
		const server = await start('no');
		const error = await refusal(() => dial(dialer(`postgresql://ana@127.0.0.1:${server.port}/app`, wish(mode))));
		expect(error).toMatchObject({ kind: 'target', code: 'TLS_FAILED', why: expect.stringContaining('does not support SSL') });
		expect(error.next.join('\n')).toContain('--ssl-mode disable');
		expect(server.acts).toEqual(['asks-for-tls']);
	});

	it.each([
		['a flag', wish('prefer'), '', {}, true],
		['the URL', {}, '?sslmode=prefer', {}, true],
		['a variable', {}, '', { PGSSLMODE: 'prefer' }, true],
		['nobody', {}, '', {}, false],
	] as const)('%s has chosen it', (_, access, parameters, env, chosen) => {
		expect(dialer(`postgresql://ana@h/app${parameters}`, access, env).tlsIsChosen).toBe(chosen);
	});

	it('a socket is never encrypted, and a token is not sent over one', async () => {
		expect(
			await refusal(() => dialer('postgresql://ana@%2Fno%2Fsuch/app', { ...wish(null), token: async () => new Secret('t') })),
		).toMatchObject({
			code: 'IAM_NEEDS_TLS',
		});
		// Nothing listens: the certificate that cannot be read is not looked at.
		await expect(dial(dialer('postgresql://ana@%2Fno%2Fsuch/app', wish('verify-full', 'missing.crt')))).rejects.toMatchObject({
			code: 'ENOENT',
		});
	});
});

describe('what is checked', () => {
	const authority = certificate('authority');
	const at = (server: TlsServer, host = 'localhost', parameters = '?hostaddr=127.0.0.1'): string =>
		`postgresql://ana@${host}:${server.port}/app${parameters}`;

	it.each([
		['verify-full', 'localhost'],
		['verify-full', 'db.repot.test'],
		['verify-ca', 'elsewhere.test'],
		['require', 'elsewhere.test'],
		[null, 'elsewhere.test'],
	] as const)('%s accepts the right authority for %s', async (mode, host) => {
		const server = await start('server');
		await dial(dialer(at(server, host), wish(mode, authority)));
		expect(server.acts).toEqual(['asks-for-tls', 'encrypted-session']);
	});

	it.each(['verify-full', 'verify-ca', 'require', 'prefer', null] as const)(
		'%s refuses another authority, whichever way it is named',
		async (mode) => {
			const other = certificate('other-authority');
			const server = await start('server');
			const url = `${at(server)}&sslrootcert=${encodeURIComponent(other)}`;
			for (const made of [
				() => dialer(at(server), wish(mode, other)),
				() => dialer(url, wish(mode)),
				() => dialer(at(server), wish(mode), { PGSSLROOTCERT: other }),
			]) {
				const error = await refusal(() => dial(made()));
				expect(error).toMatchObject({ kind: 'target', code: 'TLS_FAILED', message: "The server's certificate could not be verified" });
				expect(error.why).toContain(other);
				expect(error.why).toMatch(/authority that is not among those/);
			}
			expect(server.acts).not.toContain('plain-session');
			expect(server.acts).not.toContain('encrypted-session');
		},
	);

	it('the certificates of Node vouch where none are named', async () => {
		const server = await start('server');
		const error = await refusal(() => dial(dialer(at(server), wish('verify-full'))));
		expect(error.why).toContain('Node.js');
		expect(error.next[0]).toContain('--ssl-root-cert FILE');
	});

	it('system is the certificates of Node, by verify-full', async () => {
		const server = await start('server');
		const error = await refusal(() => dial(dialer(`${at(server)}&sslrootcert=system`)));
		expect(error.why).toContain('Node.js');
		expect(server.acts).toEqual(['asks-for-tls']);
	});

	it('the usual file of libpq counts under require and beyond, not under prefer', async () => {
		const other = join(home, 'with-root');
		await mkdir(join(other, '.postgresql'), { recursive: true });
		writeFileSync(join(other, '.postgresql', 'root.crt'), 'not a certificate');
		const server = await start('server');
		for (const mode of ['require', 'verify-ca'] as const)
			expect(await refusal(() => dial(dialer(at(server), wish(mode), { HOME: other })))).toMatchObject({
				kind: 'usage',
				code: 'CERT_UNREADABLE',
			});
		await dial(dialer(at(server), wish('prefer'), { HOME: other }));
		expect(server.acts).toEqual(['asks-for-tls', 'encrypted-session']);
	});

	it('verify-full names the host and the names that the certificate carries', async () => {
		const server = await start('server');
		const error = await refusal(() => dial(dialer(at(server, 'elsewhere.test'), wish('verify-full', authority))));
		expect(error.why).toContain('does not name the host elsewhere.test: it is for localhost, db.repot.test');
		expect(error.next.join('\n')).toContain('--ssl-mode verify-ca');
		expect(server.acts).toEqual(['asks-for-tls']);
	});

	it('tells a certificate that has expired and one that vouches for itself', async () => {
		const server = await start('expired');
		expect((await refusal(() => dial(dialer(at(server), wish('verify-ca', authority))))).why).toContain('has expired');
		server.answer('self-signed');
		expect((await refusal(() => dial(dialer(at(server), wish('verify-ca', authority))))).why).toContain('is self-signed');
		await dial(dialer(at(server, 'db.repot.test'), wish('verify-full', certificate('self-signed'))));
	});

	it('sends to the certificates of RDS under a name of RDS', async () => {
		const server = await start('server');
		for (const end of ['rds.amazonaws.com', 'rds.amazonaws.com.cn']) {
			const host = `app.abc123.eu-west-1.${end}`;
			const error = await refusal(() => dial(dialer(at(server, host), wish('verify-full'))));
			expect(error.next[0]).toMatch(/global-bundle\.pem.*--ssl-root-cert/);
		}
	});

	it('names a file that cannot be read or holds no certificate, before it connects', async () => {
		const server = await start('server');
		const garbage = join(home, 'garbage.crt');
		writeFileSync(garbage, 'nothing');
		for (const file of ['missing.crt', garbage, home]) {
			const error = await refusal(() => dial(dialer(at(server), wish('verify-ca', file))));
			expect(error).toMatchObject({ kind: 'usage', code: 'CERT_UNREADABLE', where: expect.stringContaining(home) });
		}
		expect(server.acts).toEqual([]);
	});

	it('shows the client certificate that the URL or the variables name', async () => {
		const server = await start('server', { asksCertificate: true });
		const [cert, key] = [certificate('server'), certificate('server').replace(/crt$/, 'test-key')];
		await dial(dialer(`${at(server)}&sslmode=require&sslcert=${encodeURIComponent(cert)}&sslkey=${encodeURIComponent(key)}`));
		await dial(dialer(at(server), {}, { PGSSLCERT: cert, PGSSLKEY: key }));
		expect(server.acts.filter((act) => act.startsWith('certificate'))).toEqual(['certificate db.repot.test', 'certificate db.repot.test']);
	});

	it('refuses what cannot hold together', async () => {
		const refused = (parameters: string, env: Env = {}) => refusal(() => dialer(`postgresql://ana@h/app${parameters}`, {}, env));
		expect(await refused('?sslmode=require&sslrootcert=system')).toMatchObject({ code: 'WEAK_TLS' });
		expect(await refusal(() => dial(dialer('postgresql://ana@h/app', wish('require', 'system'))))).toMatchObject({
			code: 'CERT_UNREADABLE',
			where: join(home, 'system'),
		});
		expect(await refused('?sslnegotiation=direct')).toMatchObject({ code: 'WEAK_TLS' });
		expect(await refused('?sslmode=maybe')).toMatchObject({ code: 'MALFORMED_URL', why: expect.stringContaining('"maybe"') });
		expect(await refused('', { PGSSLMODE: 'maybe' })).toMatchObject({ code: 'BAD_VARIABLE' });
		expect(await refusal(() => dial(dialer('postgresql://ana@h/app?sslmode=require&sslcert=a.crt')))).toMatchObject({
			code: 'NO_CLIENT_KEY',
		});
	});
});

describe('the password', () => {
	it('is that of the URL, of PGPASSWORD, of the password file, in this order', async () => {
		const server = await start('no', { asksPassword: true });
		const file = join(home, 'passwords');
		writeFileSync(file, `# mine\nother:*:*:*:wrong\n127.0.0.1:${server.port}:app:ana:of\\:file\n`, { mode: 0o600 });
		const to = (login: string) => `postgresql://${login}@127.0.0.1:${server.port}/app`;
		await dial(dialer(to('ana:of%20url'), {}, { PGPASSWORD: 'of variable', PGPASSFILE: file }));
		await dial(dialer(to('ana'), {}, { PGPASSWORD: 'of variable', PGPASSFILE: file }));
		await dial(dialer(to('ana'), {}, { PGPASSFILE: file }));
		await expect(dial(dialer(to('bob'), {}, { PGPASSFILE: file }))).rejects.toMatchObject({ code: 'PASSWORD' });
		expect(server.acts.filter((act) => act.startsWith('password'))).toEqual([
			'password of url',
			'password of variable',
			'password of:file',
		]);
	});

	it('is a new token for every connection, which is encrypted, and the one of the URL is not used', async () => {
		const server = await start('server', { asksPassword: true });
		let asked = 0;
		const token: NonNullable<Access['token']> = async (of) => {
			expect(of).toEqual({ host: 'db.repot.test', port: server.port, user: 'ana' });
			return new Secret(`token ${++asked}`);
		};
		const make = (): Dialer =>
			dialer(`postgresql://ana:unused@db.repot.test:${server.port}/app?hostaddr=127.0.0.1&sslmode=prefer`, { token });
		const made = make();
		await dial(made);
		await dial(made);
		expect(server.acts.filter((act) => act.startsWith('password'))).toEqual(['password token 1', 'password token 2']);
		server.answer('no');
		// Not one that knows the server as encrypted.
		expect(await refusal(() => dial(make()))).toMatchObject({ code: 'TLS_FAILED' });
		expect(server.acts).not.toContain('plain-session');
	});

	it('a token needs a user and TLS', async () => {
		const token = async () => new Secret('t');
		expect(await refusal(() => dialer('postgresql://h/app', { token }))).toMatchObject({ kind: 'usage', code: 'IAM_NEEDS_USER' });
		expect(await refusal(() => dialer('postgresql://ana@h/app', { token, ...wish('disable') }))).toMatchObject({
			kind: 'usage',
			code: 'IAM_NEEDS_TLS',
		});
	});

	it.each([
		['AWS_UNREACHABLE', true],
		['AWS_THROTTLED', true],
		['AWS_FAILED', true],
		['SSO_EXPIRED', false],
		['AWS_ACCESS_DENIED', false],
	])('%s, where AWS gave tokens before, is worth another try: %s', async (code, passes) => {
		const server = await start('server', { asksPassword: true });
		const place = { label: 'postgresql://ana@db.repot.test/app' };
		const aws = new RepotError({
			kind: 'aws',
			code,
			message: 'AWS does not answer',
			where: 'STS in region eu-west-1',
			why: 'ENOTFOUND: getaddrinfo',
			next: ['Check the network'],
		});
		let given: Secret | null = new Secret('token');
		const token = async (): Promise<Secret> => {
			if (given === null) throw aws;
			return given;
		};
		const made = dialer(`postgresql://ana@db.repot.test:${server.port}/app?hostaddr=127.0.0.1`, { token });
		const again = async (): Promise<unknown> =>
			await dial(made).then(
				() => null,
				(error: unknown) => toRepotError(error, place),
			);
		given = null;
		// A run that cannot begin is not kept waiting.
		expect(await again()).toBe(aws);
		given = new Secret('token');
		expect(await again()).toBeNull();
		given = null;
		const ended = await again();
		expect(isTransient(ended)).toBe(passes);
		if (!passes) expect(ended).toBe(aws);
		else {
			expect(ended).toMatchObject({
				kind: 'target',
				code: 'CONNECTION_LOST',
				message: 'The connection to the server was lost, and AWS gives no token for a new one',
				where: place.label,
				why: 'AWS does not answer: STS in region eu-west-1: ENOTFOUND: getaddrinfo',
				next: ['Check the network', 'Run the same command again: it resumes'],
			});
		}
	});

	it('what the token cannot be had for is told as it is', async () => {
		const server = await start('server');
		const expired = new RepotError({ kind: 'aws', code: 'SSO_EXPIRED', message: 'x' });
		const made = dialer(`postgresql://ana@127.0.0.1:${server.port}/app`, { token: () => Promise.reject(expired) });
		expect(await refusal(() => dial(made))).toBe(expired);
		expect(server.acts).toEqual([]);
	});
});
