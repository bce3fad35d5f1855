import { createConnection, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TLSSocket } from 'node:tls';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { Secret } from '../../source/core/secret.js';
import { parseConnection } from './connection-url.js';
import { Dialer } from './dialer.js';
import { ConnectionError, type QueryResult, type Row, ServerError, type Session, sessionSettings, type Wire } from './driver.js';
import { translate } from './pg-errors.js';
import { QueuedDriver } from './queued-driver.js';

/** For the socket of a CancelRequest. */
const cancelTimeoutMilliseconds = 10_000;
/** Bytes handed to the socket at once: large enough for speed, small enough that keys are answered between two of them. */
const copySliceBytes = 256 * 1024;

/** True when the connection cannot be used any more after this error. */
const endsConnection = (error: unknown): boolean =>
	error instanceof ConnectionError ||
	(error instanceof ServerError &&
		(/^57P0[1-5]$/.test(error.code) || error.code.startsWith('08') || error.code === '25P03' || error.code === '25P04'));

/** A name that was known before and is not now: the network is away, as it is in a lost connection. */
const isUnresolved = (error: unknown): error is ConnectionError =>
	error instanceof ConnectionError && (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN');

function* slices(data: Uint8Array): Generator<Uint8Array> {
	for (let start = 0; start < data.length; start += copySliceBytes) yield data.subarray(start, start + copySliceBytes);
}

const sessionOn = (client: pg.Client): Session => ({
	async query(sql, params): Promise<QueryResult> {
		try {
			const result = await client.query<Record<string, string | null>>(
				params === undefined ? { text: sql } : { text: sql, values: [...params] },
			);
			const last = Array.isArray(result) ? (result.at(-1) as pg.QueryResult<Row>) : (result as pg.QueryResult<Row>);
			return { rows: last.rows, affected: last.rowCount ?? 0 };
		} catch (error) {
			throw translate(error);
		}
	},
	async copyIn(sql, data): Promise<void> {
		try {
			await pipeline(Readable.from(slices(data), { objectMode: true, highWaterMark: 2 }), client.query(copyFrom(sql)));
		} catch (error) {
			throw translate(error);
		}
	},
});

/** What the library knows of a connection and its types do not tell: the socket, and what the server sent for CancelRequest. */
interface Inside {
	readonly connection: { readonly stream: Socket };
	readonly processID: number | null;
	readonly secretKey: number | null;
	readonly host: string;
	readonly port: number;
}

const insideOf = (client: pg.Client): Inside => client as unknown as Inside;

const hangUp = (client: pg.Client): void =>
	void insideOf(client).connection.stream.destroy(new Error('Connection terminated by the client'));

const cancelCode = 80877102;

/**
 * CancelRequest of the protocol (https://www.postgresql.org/docs/current/protocol-message-formats.html): a message in place of a login, so that it
 * needs no free connection. The server answers by closing; whether something was cancelled shows in the statement itself.
 */
async function requestCancel(client: pg.Client): Promise<void> {
	const { processID, secretKey, host, port } = insideOf(client);
	if (processID === null || secretKey === null) return;
	const message = Buffer.alloc(16);
	message.writeInt32BE(16, 0);
	message.writeInt32BE(cancelCode, 4);
	message.writeInt32BE(processID, 8);
	message.writeInt32BE(secretKey, 12);
	await new Promise<void>((resolve) => {
		const socket = host.startsWith('/') ? createConnection(`${host}/.s.PGSQL.${port}`) : createConnection(port, host);
		socket.setTimeout(cancelTimeoutMilliseconds, () => socket.destroy());
		socket.on('error', () => undefined);
		socket.on('close', () => resolve());
		socket.on('connect', () => socket.write(message));
		// The end of the other side has to be read to be noticed.
		socket.resume();
	});
}

/** For a URL that nothing else is said about. */
function dialerTo(url: string, label: string): Dialer {
	const connection = parseConnection(new Secret(url), process.cwd());
	if (connection.kind !== 'server') throw new Error('not the URL of a server');
	return new Dialer(connection.server, label);
}

const closedHere = (): ConnectionError => new ConnectionError('LOST', 'the connection was closed by this program');

type Reached = { readonly dialer: Dialer } | { readonly url: string };

/** A PostgreSQL server through the pg library: one connection that does the work, and short-lived ones beside it. */
export class PgDriver extends QueuedDriver {
	readonly embedded = false;
	readonly #reached: Reached;
	#dialer: Dialer | null = null;
	#client: pg.Client | null = null;
	/** The connection of this driver that is being made. */
	#connecting: pg.Client | null = null;
	#backend: string | null = null;
	#closed = false;

	constructor(connection: Reached & { readonly label: string; readonly identity: string }) {
		super(connection);
		this.#reached = connection;
	}

	async cancel(): Promise<void> {
		const client = this.#client;
		if (client === null) {
			if (this.#connecting !== null) hangUp(this.#connecting);
			return;
		}
		try {
			const side = await this.monitor();
			try {
				await side.query('SELECT pg_cancel_backend($1::int)', [this.#backend]);
			} finally {
				await side.close();
			}
		} catch {
			// The server grants no further connection.
			await requestCancel(client);
		}
	}

	async monitor(): Promise<Session & { close(): Promise<void> }> {
		const client = await this.#dial().dial((made) => made.on('error', () => undefined));
		return { ...sessionOn(client), close: () => client.end() };
	}

	beside(): PgDriver {
		return new PgDriver({ dialer: this.#dial(), label: this.label, identity: this.identity });
	}

	wire(): Wire | null {
		if (this.#client === null) return null;
		const { connection, processID } = insideOf(this.#client);
		const { stream } = connection;
		const tls = stream instanceof TLSSocket ? { version: stream.getProtocol() ?? 'TLS', cipher: stream.getCipher().name } : null;
		return { tls, backend: processID, address: stream.remoteAddress ?? null, chosen: this.#dial().tlsIsChosen };
	}

	async persist(): Promise<void> {}

	async close(): Promise<void> {
		this.#closed = true;
		// A server that accepts and never answers must not hold up the end.
		if (this.#connecting !== null) hangUp(this.#connecting);
		await this.queue.run(async () => {
			const client = this.#client;
			this.#client = null;
			await client?.end().catch(() => undefined);
		});
	}

	protected async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
		const client = this.#client ?? (await this.#open());
		try {
			return await work(sessionOn(client));
		} catch (error) {
			if (endsConnection(error)) this.#drop(client);
			throw error;
		}
	}

	#drop(client: pg.Client): void {
		if (this.#client === client) this.#client = null;
		client.end().catch(() => undefined);
	}

	/** Made when first used; the connections of this driver and of those beside it share what it learns. */
	#dial(): Dialer {
		this.#dialer ??= 'dialer' in this.#reached ? this.#reached.dialer : dialerTo(this.#reached.url, this.label);
		return this.#dialer;
	}

	async #connect(previous: string | null): Promise<pg.Client> {
		try {
			return await this.#dial().dial((client) => {
				if (this.#closed) throw closedHere();
				this.#connecting = client;
				// A listener from the first moment: an error event without one ends the process.
				client.on('error', () => this.#drop(client));
			});
		} catch (error) {
			throw previous !== null && isUnresolved(error) ? new ConnectionError('LOST', error.message, error) : error;
		} finally {
			this.#connecting = null;
		}
	}

	async #open(): Promise<pg.Client> {
		if (this.#closed) throw closedHere();
		const previous = this.#backend;
		const client = await this.#connect(previous);
		const session = sessionOn(client);
		try {
			await session.query(sessionSettings);
			client.on('notice', (notice) => this.tell(notice.message ?? ''));
			const { rows } = await session.query('SELECT pg_backend_pid() AS pid');
			await this.setUp(session, previous);
			this.#backend = rows[0]?.pid ?? null;
			this.#client = client;
			return client;
		} catch (error) {
			client.end().catch(() => undefined);
			throw error;
		}
	}
}
