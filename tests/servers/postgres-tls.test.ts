import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PgDriver } from '../../services/postgres/pg-driver.js';
import { createPostgresTarget, type PostgresTargetOptions } from '../../services/postgres/target.js';
import { RepotError } from '../../source/core/errors.js';
import type { Target } from '../../source/core/ports.js';
import { Secret } from '../../source/core/secret.js';
import type { SslMode } from '../../source/core/ssl-mode.js';
import { certificate } from '../fakes/tls-server.js';
import { asUser } from './on-database.js';

const url = process.env.REPOT_TEST_POSTGRES_URL;
const authority = process.env.REPOT_TEST_POSTGRES_CA;
const plainUrl = process.env.REPOT_TEST_POSTGRES_PLAIN_URL;
const required = process.env.REPOT_REQUIRE_SERVERS === '1';
const clock = { now: () => performance.now() };
/** Neither certificates nor passwords of whoever runs the tests count. */
const home = mkdtempSync(join(tmpdir(), 'repot-home-'));
const opened: Target[] = [];

const open = (to: string, options: Partial<PostgresTargetOptions> = {}): Target => {
	const target = createPostgresTarget({ url: new Secret(to), clock, env: { HOME: home }, ...options });
	opened.push(target);
	return target;
};

const errorOf = async (promise: Promise<unknown>): Promise<RepotError> => {
	const thrown = await promise.catch((error: unknown) => error);
	if (thrown instanceof RepotError) return thrown;
	throw new Error(`expected a RepotError, got ${String(thrown)}`);
};

const wish = (mode: SslMode | null, rootCert: string | null = null): Partial<PostgresTargetOptions> => ({ tls: { mode, rootCert } });

afterEach(async () => {
	for (const target of opened.splice(0)) await target.close();
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe.skipIf(url === undefined && !required)('TLS of a PostgreSQL server (skipped without REPOT_TEST_POSTGRES_URL)', () => {
	const server = url ?? '';
	const ca = authority ?? '';
	/** The certificate is for localhost and db.repot.test, not for 127.0.0.1. */
	const named = (host: string): string => `${server.replace('127.0.0.1', host)}?hostaddr=127.0.0.1`;

	beforeAll(() => {
		expect(url, 'REPOT_TEST_POSTGRES_URL').toBeDefined();
		expect(authority, 'REPOT_TEST_POSTGRES_CA').toBeDefined();
	});

	it.each([
		[null, null, '127.0.0.1'],
		['allow', null, '127.0.0.1'],
		['prefer', null, '127.0.0.1'],
		['require', null, '127.0.0.1'],
		['require', ca, '127.0.0.1'],
		['verify-ca', ca, '127.0.0.1'],
		['verify-full', ca, 'localhost'],
		['verify-full', ca, 'db.repot.test'],
	] as const)('%s with %s encrypts the way to %s', async (mode, rootCert, host) => {
		const test = await open(named(host), wish(mode, rootCert)).test();
		expect(test.tls).toEqual({ version: expect.stringMatching(/^TLSv1/), cipher: expect.stringMatching(/^[A-Z0-9_-]+$/) });
	});

	it('begins with TLS at once where the URL asks for it', async () => {
		const { tls } = await open(`${server}?sslmode=require&sslnegotiation=direct`).test();
		expect(tls).not.toBeNull();
	});

	it('disable does not', async () => {
		expect((await open(server, wish('disable')).test()).tls).toBeNull();
		expect((await open(`${server}?sslmode=disable`).test()).tls).toBeNull();
	});

	it('says which names the certificate carries, and the way through a bastion', async () => {
		const error = await errorOf(open(server, wish('verify-full', ca)).test());
		expect(error).toMatchObject({ kind: 'target', code: 'TLS_FAILED', where: server });
		expect(error.why).toContain('does not name the host 127.0.0.1: it is for localhost, db.repot.test');
		expect(error.why).toContain(ca);
		expect(error.next.join('\n')).toContain('--ssl-mode verify-ca');
	});

	it.each(['require', 'verify-ca', 'verify-full', 'prefer'] as const)(
		'%s refuses a server that another authority vouches for',
		async (mode) => {
			const error = await errorOf(open(named('localhost'), wish(mode, certificate('other-authority'))).test());
			expect(error).toMatchObject({ kind: 'target', code: 'TLS_FAILED', message: "The server's certificate could not be verified" });
		},
	);

	it('names a file that is not there', async () => {
		expect(await errorOf(open(server, { ...wish('verify-ca', 'no/such.crt'), baseDir: home }).test())).toMatchObject({
			kind: 'usage',
			code: 'CERT_UNREADABLE',
			where: join(home, 'no/such.crt'),
		});
	});

	it('is a new token at every new connection, also one that replaces a lost one', async () => {
		const admin = new PgDriver({ url: server, label: 'admin', identity: 'admin' });
		const role = `token_${process.pid}`;
		await admin.query(`CREATE ROLE ${role} LOGIN IN ROLE limited`);
		let asked = 0;
		/** As RDS would: what was valid for the last connection is not for the next. */
		const token: NonNullable<PostgresTargetOptions['token']> = async ({ user }) => {
			await admin.query(`ALTER ROLE ${role} PASSWORD 'token_${++asked}'`);
			expect(user).toBe(role);
			return new Secret(`token_${asked}`);
		};
		const target = open(asUser(server, role, 'not used'), { token });
		try {
			expect((await target.test()).tls).not.toBeNull();
			expect(asked).toBe(1);
			await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${role}'`);
			await target.test().catch((error: unknown) => {
				expect(target.isTransient(error)).toBe(true);
				return target.test();
			});
			expect(asked).toBe(2);
			const refused = await errorOf(open(asUser(server, role), { token: async () => new Secret('s3cret') }).test());
			expect(refused).toMatchObject({ kind: 'target', code: 'IAM_LOGIN_REFUSED' });
			expect(refused.next[0]).toContain(`GRANT rds_iam TO "${role}";`);
			expect(refused.next[1]).toContain(`arn:aws:rds-db:REGION:ACCOUNT:dbuser:RESOURCE_ID/${role}`);
			expect(JSON.stringify(refused)).not.toContain('s3cret');
		} finally {
			await target.close();
			await admin.query(`DROP ROLE ${role}`);
			await admin.close();
		}
	});
});

describe.skipIf(plainUrl === undefined && !required)(
	'a PostgreSQL server without TLS (skipped without REPOT_TEST_POSTGRES_PLAIN_URL)',
	() => {
		it('is connected to without by prefer, and refused by require', async () => {
			expect(plainUrl, 'REPOT_TEST_POSTGRES_PLAIN_URL').toBeDefined();
			expect((await open(plainUrl ?? '').test()).tls).toBeNull();
			const error = await errorOf(open(`${plainUrl}?sslmode=require`).test());
			expect(error).toMatchObject({ kind: 'target', code: 'TLS_FAILED' });
			expect(error.next.join('\n')).toContain('--ssl-mode disable');
		});
	},
);
