import { createConnection, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { ConnectionError, type QueryResult, type Row, ServerError, type Session, sessionSettings } from './driver.js';
import { QueuedDriver } from './queued-driver.js';

const connectTimeoutMilliseconds = 10_000;
/** Bytes handed to the socket at once: large enough for speed, small enough that keys are answered between two of them. */
const copySliceBytes = 256 * 1024;

/** Values stay the text that the server sent. */
const verbatim = { getTypeParser: () => (value: string | Buffer) => value };

const hasCode = (error: unknown): error is Error & { code: string } =>
	error instanceof Error && typeof (error as { code?: unknown }).code === 'string';

/** Gives what the pg library throws one of the two error classes of the seam. */
function translate(error: unknown): unknown {
	if (error instanceof pg.DatabaseError) {
		const { detail, hint, where, table, column, constraint } = error;
		return new ServerError(
			{ code: error.code ?? 'XX000', message: error.message, detail, hint, context: where, table, column, constraint },
			error,
		);
	}
	if (error instanceof AggregateError && error.errors.length > 0) return translate(error.errors[0]);
	if (!(error instanceof Error)) return error;
	const tls = /SSL|TLS|certificate|CERT_|self.signed|altname/i;
	if (hasCode(error) && tls.test(error.code)) return new ConnectionError('TLS', error.message, error);
	if (hasCode(error) && /^E[A-Z]+$/.test(error.code)) return new ConnectionError(error.code, error.message, error);
	if (/timeout expired|connection timeout/i.test(error.message)) return new ConnectionError('TIMEOUT', error.message, error);
	if (/password must be a string|no password|SASL/i.test(error.message)) return new ConnectionError('PASSWORD', error.message, error);
	if (tls.test(error.message)) return new ConnectionError('TLS', error.message, error);
	if (/Connection terminated|not queryable|Client has encountered|Connection ended|closed/i.test(error.message)) {
		return new ConnectionError('LOST', error.message, error);
	}
	return error;
}

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

async function connect(client: pg.Client): Promise<void> {
	try {
		await client.connect();
	} catch (error) {
		client.end().catch(() => undefined);
		throw translate(error);
	}
}

/** What the library knows of a connection and its types do not tell: the socket, and what the server sent for CancelRequest. */
interface Wire {
	readonly connection: { readonly stream: Socket };
	readonly processID: number | null;
	readonly secretKey: number | null;
	readonly host: string;
	readonly port: number;
}

const wireOf = (client: pg.Client): Wire => client as unknown as Wire;

const hangUp = (client: pg.Client): void => void wireOf(client).connection.stream.destroy(new Error('Connection terminated by the client'));

const cancelCode = 80877102;

/**
 * CancelRequest of the protocol (https://www.postgresql.org/docs/current/protocol-message-formats.html): a message in place of a login, so that it
 * needs no free connection. The server answers by closing; whether something was cancelled shows in the statement itself.
 */
async function requestCancel(client: pg.Client): Promise<void> {
	const { processID, secretKey, host, port } = wireOf(client);
	if (processID === null || secretKey === null) return;
	const message = Buffer.alloc(16);
	message.writeInt32BE(16, 0);
	message.writeInt32BE(cancelCode, 4);
	message.writeInt32BE(processID, 8);
	message.writeInt32BE(secretKey, 12);
	await new Promise<void>((resolve) => {
		const socket = host.startsWith('/') ? createConnection(`${host}/.s.PGSQL.${port}`) : createConnection(port, host);
		socket.setTimeout(connectTimeoutMilliseconds, () => socket.destroy());
		socket.on('error', () => undefined);
		socket.on('close', () => resolve());
		socket.on('connect', () => socket.write(message));
		// The end of the other side has to be read to be noticed.
		socket.resume();
	});
}

/** A PostgreSQL server through the pg library: one connection that does the work, and short-lived ones beside it. */
export class PgDriver extends QueuedDriver {
	readonly embedded = false;
	readonly #url: string;
	#client: pg.Client | null = null;
	/** The connection of this driver that is being made. */
	#connecting: pg.Client | null = null;
	#backend: string | null = null;
	#closed = false;

	constructor(connection: { readonly url: string; readonly label: string; readonly identity: string }) {
		super(connection);
		this.#url = connection.url;
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
		const client = this.#newClient();
		client.on('error', () => undefined);
		await connect(client);
		return { ...sessionOn(client), close: () => client.end() };
	}

	beside(): PgDriver {
		return new PgDriver({ url: this.#url, label: this.label, identity: this.identity });
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

	#newClient(): pg.Client {
		const client = new pg.Client({
			connectionString: this.#url,
			application_name: 'repot',
			keepAlive: true,
			keepAliveInitialDelayMillis: 10_000,
			connectionTimeoutMillis: connectTimeoutMilliseconds,
			types: verbatim,
		});
		// A listener from the first moment: an error event without one ends the process.
		client.on('error', () => this.#drop(client));
		return client;
	}

	async #open(): Promise<pg.Client> {
		if (this.#closed) throw new ConnectionError('LOST', 'the connection was closed by this program');
		const previous = this.#backend;
		const client = this.#newClient();
		this.#connecting = client;
		try {
			await connect(client);
		} catch (error) {
			throw previous !== null && isUnresolved(error) ? new ConnectionError('LOST', error.message, error) : error;
		} finally {
			this.#connecting = null;
		}
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
