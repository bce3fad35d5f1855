import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { RepotError } from '../../source/core/errors.js';
import type { Secret } from '../../source/core/secret.js';
import type { Env, Server } from './connection-url.js';
import { ConnectionError } from './driver.js';
import { passwordOfFile } from './pass-file.js';
import { offersNoTls, translate } from './pg-errors.js';
import { type TlsRules, type TlsWish, tlsOptions, tlsRules } from './tls.js';
import { tlsFailure } from './tls-failure.js';

const connectTimeoutMilliseconds = 10_000;

/** Gives the password of one new connection: a token of RDS lives for fifteen minutes. */
export type TokenSource = (server: { readonly host: string; readonly port: number; readonly user: string }) => Promise<Secret>;

export interface Access {
	readonly tls?: TlsWish | undefined;
	readonly token?: TokenSource | undefined;
	/** Default: the process's. */
	readonly env?: Env | undefined;
	/** Folder that relative paths start from; default: the working directory. */
	readonly baseDir?: string | undefined;
}

/** Values stay the text that the server sent. */
const verbatim = { getTypeParser: () => (value: string | Buffer) => value };

/**
 * Makes connections to one server: all by the same rules, each with a password of its own where tokens are used. It remembers whether the
 * server offers TLS, so that `prefer` asks once; who was encrypted once is never connected to without.
 */
export class Dialer {
	readonly #server: Server;
	readonly #label: string;
	readonly #rules: TlsRules;
	readonly #token: TokenSource | undefined;
	readonly #env: Env;
	#options: ConnectionOptions | null = null;
	#known: 'plain' | 'encrypted' | null = null;
	/** A connection was made before. */
	#reached = false;

	/** @throws RepotError usage when what was asked for cannot hold together */
	constructor(server: Server, label: string, access: Access = {}) {
		const { tls = { mode: null, rootCert: null }, token, env = process.env, baseDir = process.cwd() } = access;
		if (token !== undefined && !server.named) throw noUser();
		this.#server = server;
		this.#label = label;
		this.#rules = tlsRules(server, tls, env, baseDir, token !== undefined);
		this.#token = token;
		this.#env = env;
	}

	/** Whether somebody said how to encrypt, if only that it need not be. */
	get tlsIsChosen(): boolean {
		return this.#rules.chosen;
	}

	/**
	 * A new connection. `watch` is called with each client before it connects.
	 * @throws RepotError, ServerError or ConnectionError
	 */
	async dial(watch: (client: pg.Client) => void): Promise<pg.Client> {
		const { use } = this.#rules;
		if (use === 'never' || this.#known === 'plain') return this.#connect(false, watch);
		this.#options ??= tlsOptions(this.#rules, this.#server);
		try {
			const client = await this.#connect({ ...this.#options }, watch);
			this.#known = 'encrypted';
			return client;
		} catch (error) {
			if (use !== 'offered' || this.#known === 'encrypted' || !isRefusedTls(error)) throw error;
		}
		const client = await this.#connect(false, watch);
		this.#known = 'plain';
		return client;
	}

	async #connect(ssl: ConnectionOptions | false, watch: (client: pg.Client) => void): Promise<pg.Client> {
		const client = new pg.Client({
			...this.#address(),
			ssl,
			password: await this.#password(),
			keepAlive: true,
			keepAliveInitialDelayMillis: 10_000,
			connectionTimeoutMillis: this.#patience(),
			types: verbatim,
		});
		watch(client);
		try {
			await client.connect();
			this.#reached = true;
			return client;
		} catch (error) {
			client.end().catch(() => undefined);
			throw tlsFailure(error, this.#server, this.#rules, this.#label) ?? translate(error);
		}
	}

	/** Everything is given, because the library would look for what is missing in the environment by rules of its own. */
	#address(): pg.ClientConfig {
		const { host, address, port, user, database, parameters } = this.#server;
		const options = parameters.get('options') ?? this.#env.PGOPTIONS;
		const patience = Number(parameters.get('query_timeout'));
		return {
			...(options === undefined ? {} : { options }),
			...(patience > 0 ? { query_timeout: patience } : {}),
			host: address ?? host,
			port,
			user,
			database,
			application_name: parameters.get('application_name') ?? 'repot',
			// Not in the types of the library.
			...{ sslnegotiation: this.#rules.direct ? 'direct' : 'postgres' },
		};
	}

	/** A token is asked for before connecting, because it may take longer than a server waits. The rest is looked for when the server asks. */
	async #password(): Promise<string | (() => Promise<string>)> {
		const { host, port, user, password } = this.#server;
		if (this.#token !== undefined) {
			try {
				return (await this.#token({ host, port, user })).reveal();
			} catch (error) {
				if (!this.#reached || !isPassing(error)) throw error;
				throw new ConnectionError('TOKEN', error.message, error);
			}
		}
		return async () => {
			const found = password?.reveal() || this.#env.PGPASSWORD || (await passwordOfFile(this.#server, this.#env));
			if (found === null || found === '') throw new ConnectionError('PASSWORD', 'the server asked for a password');
			return found;
		};
	}

	/** Milliseconds. libpq waits two seconds at least. */
	#patience(): number {
		const seconds = Number(this.#server.parameters.get('connect_timeout') ?? this.#env.PGCONNECT_TIMEOUT ?? 0);
		return seconds > 0 ? Math.max(seconds, 2) * 1000 : connectTimeoutMilliseconds;
	}
}

const passing = new Set(['AWS_UNREACHABLE', 'AWS_THROTTLED', 'AWS_FAILED']);

/** What gave tokens before and gives none now may do so again. */
const isPassing = (error: unknown): error is RepotError => error instanceof RepotError && error.kind === 'aws' && passing.has(error.code);

const isRefusedTls = (error: unknown): boolean => error instanceof RepotError && offersNoTls(error.cause);

const noUser = (): RepotError =>
	new RepotError({
		kind: 'usage',
		code: 'IAM_NEEDS_USER',
		message: 'IAM authentication needs the name of a database user',
		next: ['Write it into the URL: postgresql://USER@HOST:PORT/DATABASE, or set PGUSER'],
	});
