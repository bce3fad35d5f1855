/** A home, an application's folder, a database and what AWS keeps of them: the whole job from the outside, and the sweep after it. */

import { spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
	AdminCreateUserCommand,
	CognitoIdentityProviderClient,
	CreateUserPoolCommand,
	ListUsersCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { DeleteParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { expect } from 'vitest';
import { PgDriver } from '../../services/postgres/pg-driver.js';
import { openTerminal, root, type TerminalHandle } from '../terminal/pty.js';
import { onDatabase } from './on-database.js';

const server = process.env.REPOT_TEST_POSTGRES_URL;
const endpoint = process.env.REPOT_TEST_AWS_ENDPOINT;
const missing = [server === undefined ? 'REPOT_TEST_POSTGRES_URL' : null, endpoint === undefined ? 'REPOT_TEST_AWS_ENDPOINT' : null];

/** Variables that are not set; empty: the suite can run. */
export const missingServers = missing.filter((name) => name !== null).join(' and ');

/** Long enough to stand nowhere by chance; characters that URLs, JSON and shells write in other ways. */
const plant = (name: string): string => `pl4nted-${name}-${randomBytes(9).toString('base64url')}`;

export const secrets = {
	password: `${plant('password')}@/%"é`,
	secretKey: plant('secret-key'),
	sessionToken: `${plant('session-token')}+/=`,
	voyageKey: plant('voyage-key'),
	libpqPassword: plant('libpq-password'),
	passFilePassword: plant('pass-file-password'),
	variablePassword: plant('variable-password'),
	typedPassword: plant('typed-password'),
	processKey: plant('process-key'),
	processToken: plant('process-token'),
	ssoToken: plant('sso-token'),
	ssoRefresh: plant('sso-refresh'),
	ssoClient: plant('sso-client'),
	/** Digits, as of a device, and more of them than stand anywhere by chance. */
	mfaCode: Array.from({ length: 20 }, () => randomInt(10)).join(''),
};

/** Every way in which a secret could have been written. A token of RDS, which is made while the program runs, ends with its signature. */
const forms = [
	...Object.values(secrets).flatMap((secret) => [
		secret,
		encodeURIComponent(secret),
		JSON.stringify(secret).slice(1, -1),
		Buffer.from(secret).toString('base64').replace(/=+$/, '').slice(0, -2),
	]),
	'X-Amz-Signature',
];

/** Fails when the text holds one; text that is wrapped on a screen is looked through without its line breaks as well. */
export function expectNoSecret(place: string, text: string): void {
	const joined = text.replace(/\s+/g, '');
	for (const form of forms.map((one) => Buffer.from(one).toString('latin1')))
		expect(text.includes(form) || joined.includes(form), `a planted secret in ${place}`).toBe(false);
}

export interface Ended {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

type Variables = Readonly<Record<string, string>>;

const client = { endpoint: endpoint ?? '', region: 'us-east-1', credentials: { accessKeyId: 'setup', secretAccessKey: 'setup' } };
const ofProfile = { AWS_PROFILE: 'migrator' };

/** One job, made anew for each test. */
export class AwsJob {
	readonly environment: string;
	home = '';
	app = '';
	/** The database and the role that owns it, which the server asks for its password. */
	database = '';
	pool = '';
	terminal: TerminalHandle | null = null;
	#folder = '';
	/** Everything that was said. */
	#said = '';
	/** Files that hold secrets by right. */
	#own: string[] = [];
	readonly #admin = new PgDriver({ url: server ?? '', label: 'admin', identity: 'admin' });

	/** Suites that run at the same time share Parameter Store: each has an environment of its own. */
	constructor(environment: string) {
		this.environment = environment;
	}

	/** `HOST:PORT` of the database. */
	get place(): string {
		return new URL(server ?? '').host;
	}

	async begin(): Promise<void> {
		this.#folder = await mkdtemp(join(tmpdir(), 'repot-aws-job-'));
		[this.home, this.app] = [join(this.#folder, 'home'), join(this.#folder, 'app')];
		this.database = `repot_job_${process.pid}_${randomBytes(4).toString('hex')}`;
		await this.#admin.query(`CREATE ROLE ${this.database} LOGIN IN ROLE limited PASSWORD '${secrets.password}'`);
		await this.#admin.query(`CREATE DATABASE ${this.database} OWNER ${this.database}`);
		const owned = this.#owned();
		await owned.query('CREATE EXTENSION vector');
		await owned.close();
		await this.#fillAws();
		await this.writeHome('.aws/config', '[profile migrator]\nregion = us-east-1\n');
		await this.writeHome(
			'.aws/credentials',
			`[migrator]\naws_access_key_id = ASIAPLANTED0EXAMPLE0\naws_secret_access_key = ${secrets.secretKey}\naws_session_token = ${secrets.sessionToken}\n`,
		);
		await mkdir(join(this.app, 'data'), { recursive: true });
		await cp(join(root, 'source/demo/data/collections_demo.db'), join(this.app, 'data/collections_golden.db'));
		await cp(join(root, 'source/demo/data/chroma_demo'), join(this.app, 'data/chroma_golden'), { recursive: true });
		const outputs = JSON.stringify({ AuthStack: { UserPoolId: this.pool, UserPoolClientId: 'x' } });
		await writeFile(join(this.app, `.aws-outputs-${this.environment}.json`), outputs);
	}

	/** Ends what was begun, and looks for secrets in all that was written, printed or drawn. */
	async end(): Promise<void> {
		this.terminal?.close();
		await this.terminal?.exited;
		if (this.terminal !== null) this.#said += this.terminal.raw() + this.terminal.everything().join('\n');
		this.terminal = null;
		await this.#admin.query(`DROP DATABASE ${this.database} WITH (FORCE)`);
		await this.#admin.query(`DROP ROLE ${this.database}`);
		try {
			await this.#expectNothingPlanted();
		} finally {
			this.#said = '';
			this.#own = [];
			await rm(this.#folder, { recursive: true, force: true });
		}
	}

	async close(): Promise<void> {
		await this.#admin.close();
	}

	/** Writes a file of the home that nobody else may read. One with secrets is not swept. */
	async writeHome(path: string, content: string): Promise<void> {
		const file = join(this.home, path);
		await mkdir(dirname(file), { recursive: true });
		await writeFile(file, content, { mode: 0o600 });
		if (forms.some((form) => content.includes(form))) this.#own.push(file);
	}

	async setPassword(password: string): Promise<void> {
		await this.#admin.query(`ALTER ROLE ${this.database} PASSWORD '${password}'`);
	}

	async putParameter(name: string, value: string): Promise<void> {
		const ssm = new SSMClient(client);
		await ssm.send(new PutParameterCommand({ Name: name, Value: value, Type: 'SecureString', Overwrite: true }));
	}

	/** Parts in place of the whole URL. */
	async splitParameter(): Promise<void> {
		const folder = `/collections/${this.environment}`;
		const [host = '', port = ''] = this.place.split(':');
		const parts = { host, port, name: this.database, username: this.database, password: secrets.password };
		for (const [part, value] of Object.entries(parts)) await this.putParameter(`${folder}/database/${part}`, value);
		await new SSMClient(client).send(new DeleteParameterCommand({ Name: `${folder}/database-url` }));
	}

	/** The parameter that SQLAlchemy's users keep, and a pool whose user is not on the first page. */
	async #fillAws(): Promise<void> {
		const value = `postgresql+psycopg://${this.database}:${encodeURIComponent(secrets.password)}@${this.place}/${this.database}`;
		await this.putParameter(`/collections/${this.environment}/database-url`, value);
		const cognito = new CognitoIdentityProviderClient(client);
		const made = await cognito.send(new CreateUserPoolCommand({ PoolName: 'collections' }));
		this.pool = made.UserPool?.Id ?? '';
		const names = [...Array.from({ length: 62 }, (_, index) => `somebody-${index}`), 'migration-test-golden'];
		for (const Username of names)
			await cognito.send(new AdminCreateUserCommand({ UserPoolId: this.pool, Username, MessageAction: 'SUPPRESS' }));
	}

	async subOf(username: string): Promise<string> {
		const cognito = new CognitoIdentityProviderClient(client);
		const { Users = [] } = await cognito.send(new ListUsersCommand({ UserPoolId: this.pool, Filter: `username = "${username}"` }));
		return Users[0]?.Attributes?.find(({ Name }) => Name === 'sub')?.Value ?? '';
	}

	#surroundings(more: Variables): Record<string, string> {
		return {
			PATH: process.env.PATH ?? '',
			HOME: this.home,
			LANG: 'C.UTF-8',
			AWS_ENDPOINT_URL: endpoint ?? '',
			AWS_EC2_METADATA_DISABLED: 'true',
			PGPASSWORD: secrets.libpqPassword,
			...more,
		};
	}

	run(argv: readonly string[], env: Variables = ofProfile): Promise<Ended> {
		return new Promise((resolve) => {
			const program = join(root, 'dist', 'cli.js');
			const child = spawn(process.execPath, [program, ...argv], { cwd: this.app, env: this.#surroundings(env) });
			let [stdout, stderr] = ['', ''];
			child.stdout.on('data', (chunk: Buffer) => {
				stdout += chunk.toString();
			});
			child.stderr.on('data', (chunk: Buffer) => {
				stderr += chunk.toString();
			});
			child.on('close', (code) => {
				this.#said += stdout + stderr;
				resolve({ code, stdout, stderr });
			});
		});
	}

	openWizard(env: Variables, args: readonly string[] = []): TerminalHandle {
		this.terminal = openTerminal({
			command: process.execPath,
			args: [join(root, 'dist', 'cli.js'), ...args],
			cwd: this.app,
			columns: 120,
			rows: 40,
			env: this.#surroundings(env),
			patience: 40_000,
		});
		return this.terminal;
	}

	/** In every file but those that hold secrets by right, and in all that was printed or drawn. */
	async #expectNothingPlanted(): Promise<void> {
		const files = (await readdir(this.#folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
		for (const path of files.map((file) => join(file.parentPath, file.name)))
			if (!this.#own.includes(path)) expectNoSecret(path, await readFile(path, 'latin1'));
		expectNoSecret('what was said', Buffer.from(this.#said).toString('latin1'));
	}

	#owned(): PgDriver {
		return new PgDriver({ url: onDatabase(server ?? '', this.database), label: 'owned', identity: 'owned' });
	}

	async expectMigrated(sub: string): Promise<void> {
		const owned = this.#owned();
		try {
			const { rows } = await owned.query('SELECT count(*) AS rows, count(DISTINCT user_id) AS users, min(user_id) AS who FROM items');
			expect(rows[0]).toEqual({ rows: '240', users: '1', who: sub });
		} finally {
			await owned.close();
		}
	}
}
