/**
 * The whole job from an AWS profile and a file of CDK outputs: headless, in the wizard, and by the wizard's own command with keys of the
 * environment. What is secret is planted in every place that holds secrets, and looked for in everything that the program wrote.
 */

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
	AdminCreateUserCommand,
	CognitoIdentityProviderClient,
	CreateUserPoolCommand,
	ListUsersCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PgDriver } from '../../services/postgres/pg-driver.js';
import { keys, openTerminal, root, type TerminalHandle } from '../terminal/pty.js';
import { onDatabase } from './on-database.js';

const server = process.env.REPOT_TEST_POSTGRES_URL;
const endpoint = process.env.REPOT_TEST_AWS_ENDPOINT;
const missing = [server === undefined ? 'REPOT_TEST_POSTGRES_URL' : null, endpoint === undefined ? 'REPOT_TEST_AWS_ENDPOINT' : null];
const skipped = missing.filter((name) => name !== null).join(' and ');

it.runIf(process.env.REPOT_REQUIRE_SERVERS === '1')('has both servers', () => {
	expect(skipped).toBe('');
});

/** Long enough to stand nowhere by chance; characters that URLs, JSON and shells write in other ways. */
const plant = (name: string): string => `pl4nted-${name}-${randomBytes(9).toString('base64url')}`;
const secrets = {
	password: `${plant('password')}@/%"é`,
	secretKey: plant('secret-key'),
	sessionToken: `${plant('session-token')}+/=`,
	voyageKey: plant('voyage-key'),
	libpqPassword: plant('libpq-password'),
};

/** Every way in which a secret could have been written. */
const forms = Object.values(secrets).flatMap((secret) => [
	secret,
	encodeURIComponent(secret),
	JSON.stringify(secret).slice(1, -1),
	Buffer.from(secret).toString('base64').replace(/=+$/, '').slice(0, -2),
]);

interface Ended {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

describe.skipIf(skipped !== '')(`an AWS profile and a file of outputs (skipped without ${skipped})`, () => {
	let folder: string;
	let home: string;
	let app: string;
	let database: string;
	let pool: string;
	let admin: PgDriver;
	let voyage: Server;
	let terminal: TerminalHandle | null = null;
	/** Everything that was said, by any of the tests. */
	let said = '';

	const client = { endpoint: endpoint ?? '', region: 'us-east-1', credentials: { accessKeyId: 'setup', secretAccessKey: 'setup' } };

	beforeAll(async () => {
		admin = new PgDriver({ url: server ?? '', label: 'admin', identity: 'admin' });
		// A service that repeats what it was sent is where a key gets into messages.
		voyage = createServer((request, response) => {
			response.writeHead(401, { 'content-type': 'application/json' });
			response.end(JSON.stringify({ detail: `the key ${request.headers.authorization ?? ''} is not valid` }));
		});
		await new Promise<void>((resolve) => voyage.listen(0, '127.0.0.1', resolve));
	});

	afterAll(async () => {
		voyage.close();
		await admin.close();
	});

	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'repot-aws-job-'));
		[home, app] = [join(folder, 'home'), join(folder, 'app')];
		database = `repot_job_${process.pid}_${randomBytes(4).toString('hex')}`;
		await admin.query(`CREATE ROLE ${database} LOGIN PASSWORD '${secrets.password}'`);
		await admin.query(`CREATE DATABASE ${database} OWNER ${database}`);
		const owned = new PgDriver({ url: onDatabase(server ?? '', database), label: 'owned', identity: 'owned' });
		await owned.query('CREATE EXTENSION vector');
		await owned.close();
		await fillAws();
		await mkdir(join(home, '.aws'), { recursive: true });
		await writeFile(join(home, '.aws', 'config'), '[profile migrator]\nregion = us-east-1\n');
		await writeFile(
			join(home, '.aws', 'credentials'),
			`[migrator]\naws_access_key_id = ASIAPLANTED0EXAMPLE0\naws_secret_access_key = ${secrets.secretKey}\naws_session_token = ${secrets.sessionToken}\n`,
		);
		await mkdir(join(app, 'data'), { recursive: true });
		await cp(join(root, 'source/demo/data/collections_demo.db'), join(app, 'data/collections_golden.db'));
		await cp(join(root, 'source/demo/data/chroma_demo'), join(app, 'data/chroma_golden'), { recursive: true });
		await writeFile(join(app, '.aws-outputs-dev.json'), JSON.stringify({ AuthStack: { UserPoolId: pool, UserPoolClientId: 'x' } }));
	});

	afterEach(async () => {
		terminal?.close();
		await terminal?.exited;
		if (terminal !== null) said += terminal.raw() + terminal.everything().join('\n');
		terminal = null;
		await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
		await admin.query(`DROP ROLE ${database}`);
		try {
			await expectNothingPlanted();
		} finally {
			said = '';
			await rm(folder, { recursive: true, force: true });
		}
	});

	/** The parameter that SQLAlchemy's users keep, and a pool whose user is not on the first page. */
	async function fillAws(): Promise<void> {
		const url = new URL(onDatabase(server ?? '', database));
		const value = `postgresql+psycopg://${database}:${encodeURIComponent(secrets.password)}@${url.host}/${database}`;
		const ssm = new SSMClient(client);
		await ssm.send(new PutParameterCommand({ Name: '/collections/dev/database-url', Value: value, Type: 'SecureString', Overwrite: true }));
		const cognito = new CognitoIdentityProviderClient(client);
		const made = await cognito.send(new CreateUserPoolCommand({ PoolName: 'collections' }));
		pool = made.UserPool?.Id ?? '';
		const names = [...Array.from({ length: 62 }, (_, index) => `somebody-${index}`), 'migration-test-golden'];
		for (const Username of names) await cognito.send(new AdminCreateUserCommand({ UserPoolId: pool, Username, MessageAction: 'SUPPRESS' }));
	}

	async function subOf(username: string): Promise<string> {
		const cognito = new CognitoIdentityProviderClient(client);
		const { Users = [] } = await cognito.send(new ListUsersCommand({ UserPoolId: pool, Filter: `username = "${username}"` }));
		return Users[0]?.Attributes?.find(({ Name }) => Name === 'sub')?.Value ?? '';
	}

	const surroundings = (more: Readonly<Record<string, string>>): Record<string, string> => ({
		PATH: process.env.PATH ?? '',
		HOME: home,
		LANG: 'C.UTF-8',
		AWS_ENDPOINT_URL: endpoint ?? '',
		AWS_EC2_METADATA_DISABLED: 'true',
		PGPASSWORD: secrets.libpqPassword,
		...more,
	});

	const ofProfile = { AWS_PROFILE: 'migrator' };

	function run(argv: readonly string[], env: Readonly<Record<string, string>> = ofProfile): Promise<Ended> {
		return new Promise((resolve) => {
			const child = spawn(process.execPath, [join(root, 'dist', 'cli.js'), ...argv], { cwd: app, env: surroundings(env) });
			let [stdout, stderr] = ['', ''];
			child.stdout.on('data', (chunk: Buffer) => {
				stdout += chunk.toString();
			});
			child.stderr.on('data', (chunk: Buffer) => {
				stderr += chunk.toString();
			});
			child.on('close', (code) => {
				said += stdout + stderr;
				resolve({ code, stdout, stderr });
			});
		});
	}

	/** In every file but the one that holds the keys, and in all that was printed or drawn. */
	async function expectNothingPlanted(): Promise<void> {
		const own = join(home, '.aws', 'credentials');
		const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
		const texts = await Promise.all(
			files
				.map((file) => join(file.parentPath, file.name))
				.filter((path) => path !== own)
				.map(async (path) => [path, await readFile(path, 'latin1')] as const),
		);
		// Long text is wrapped on screens: a secret that a line break parts is one all the same.
		const all = [...texts, ['what was said', Buffer.from(said).toString('latin1')] as const];
		for (const [place, text] of all) {
			const joined = text.replace(/\s+/g, '');
			for (const form of forms.map((one) => Buffer.from(one).toString('latin1')))
				expect(text.includes(form) || joined.includes(form), `a planted secret in ${place}`).toBe(false);
		}
	}

	async function expectMigrated(sub: string): Promise<void> {
		const owned = new PgDriver({ url: onDatabase(server ?? '', database), label: 'owned', identity: 'owned' });
		try {
			const { rows } = await owned.query('SELECT count(*) AS rows, count(DISTINCT user_id) AS users, min(user_id) AS who FROM items');
			expect(rows[0]).toEqual({ rows: '240', users: '1', who: sub });
		} finally {
			await owned.close();
		}
	}

	it('repot migrate does the whole job, and says whose identity, which database and which user before it plans', async () => {
		const ended = await run(['migrate', '--env', 'dev', '--dataset', 'golden', '--yes', '--log-level', 'debug']);
		expect(ended.code, ended.stderr).toBe(0);
		const sub = await subOf('migration-test-golden');
		const [identity, target, user, first] = ['AWS identity', 'PostgreSQL  ', 'User id', 'Dry run'].map((text) =>
			ended.stderr.indexOf(text),
		);
		expect(identity).toBeGreaterThan(-1);
		expect(ended.stderr).toContain('account 123456789012, us-east-1');
		expect(ended.stderr).toContain('ssm /collections/dev/database-url v');
		for (const later of [target, user]) expect(later).toBeGreaterThan(identity ?? 0);
		expect(first).toBeGreaterThan(Math.max(target ?? 0, user ?? 0));
		await expectMigrated(sub);
		const doctor = await run(['doctor', '--env', 'dev', '--dataset', 'golden']);
		expect(doctor.code, doctor.stdout).toBe(0);
		for (const line of [/ok {4}AWS +arn:aws/, /ok {4}Target/, /ok {4}User id/]) expect(doctor.stdout).toMatch(line);
		for (const argv of [['config', '--env', 'dev', '--json'], ['runs'], ['verify', '--env', 'dev', '--dataset', 'golden', '--json']])
			expect((await run(argv)).code, argv.join(' ')).toBe(0);
	});

	it('the wizard does the same, and its command does it again with keys of the environment alone', async () => {
		terminal = openTerminal({
			command: process.execPath,
			args: [join(root, 'dist', 'cli.js')],
			cwd: app,
			columns: 120,
			rows: 40,
			// Nobody said which profile: it is picked.
			env: surroundings({}),
			patience: 60_000,
		});
		await terminal.until('ssm /collections/dev/database-url');
		terminal.send(keys.enter);
		await terminal.until('240 x 256');
		terminal.send(keys.enter);
		await terminal.until('NO_AWS_CREDENTIALS');
		terminal.send('p');
		await terminal.until('> migrator');
		terminal.send(keys.enter);
		await terminal.until(/ok AWS identity +arn:aws/);
		await terminal.until(/ok PostgreSQL[\s\S]*ok pgvector[\s\S]*ok User id/);
		await terminal.until(await subOf('migration-test-golden'));
		terminal.send(keys.enter);
		await terminal.until('960 records');
		terminal.send(keys.enter);
		await terminal.until('Press Enter to start writing.');
		const command = /repot (migrate --env dev --dataset golden[^\n]*--yes)/.exec(terminal.screen().join('\n'))?.[1];
		expect(command).toBe('migrate --env dev --dataset golden --aws-profile migrator --yes');
		terminal.send(keys.enter);
		await terminal.until('ALL CHECKS PASS');
		terminal.send(keys.enter);
		expect(await terminal.exited).toBe(0);
		await expectMigrated(await subOf('migration-test-golden'));

		// A computer that knows no profile: another home, and keys in the environment.
		await rm(join(home, '.aws'), { recursive: true });
		const again = await run((command ?? '').split(' '), {
			AWS_ACCESS_KEY_ID: 'ASIAPLANTED0EXAMPLE0',
			AWS_SECRET_ACCESS_KEY: secrets.secretKey,
			AWS_SESSION_TOKEN: secrets.sessionToken,
			AWS_REGION: 'us-east-1',
		});
		expect(again.code, again.stderr).toBe(0);
		expect(again.stderr).toContain('Nothing to do');
	});

	it('names what is missing, a line each, and creates the user only when asked', async () => {
		const other = ['migrate', '--env', 'dev', '--dataset', 'golden', '--yes', '--test-user', 'nobody-yet'];
		const refused = await run(other);
		expect(refused.code).toBe(2);
		expect(refused.stderr).toContain('User nobody-yet does not exist');
		expect(refused.stderr).toContain('--create-user');
		expect(await subOf('nobody-yet')).toBe('');
		const made = await run([...other, '--create-user']);
		expect(made.code, made.stderr).toBe(0);
		await expectMigrated(await subOf('nobody-yet'));
		const elsewhere = await run(['plan', '--env', 'test', '--dataset', 'golden']);
		expect(elsewhere.code).toBe(2);
		expect(elsewhere.stderr).toContain('Parameter Store has no /collections/test/database-url');
		expect(elsewhere.stderr).toContain('--url-parameter /collections/dev/database-url');
		expect(elsewhere.stderr).toContain('--user-id');
		const unreachable = await run(['plan', '--env', 'dev', '--dataset', 'golden'], {
			...ofProfile,
			AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
		});
		expect(unreachable.code).toBe(8);
	});

	it('keeps the key of a service to itself that repeats what it was sent', async () => {
		const ended = await run(['migrate', '--env', 'dev', '--dataset', 'golden', '--yes', '--json', '--log-level', 'debug'], {
			...ofProfile,
			VOYAGE_API_KEY: secrets.voyageKey,
			VOYAGE_BASE_URL: `http://127.0.0.1:${(voyage.address() as AddressInfo).port}`,
		});
		// The text queries cannot be embedded, which is told as a failed check.
		expect(ended.code, ended.stderr).toBe(5);
		expect(ended.stderr).toContain('VOYAGE_API_KEY');
	});
});
