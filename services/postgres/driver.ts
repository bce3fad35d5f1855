/** One row as the server's text forms: `null` is SQL NULL, a boolean is `t` or `f`. Nothing is parsed, so nothing is rounded. */
export type Row = Readonly<Record<string, string | null>>;

export interface QueryResult {
	readonly rows: readonly Row[];
	/** Rows of the command tag: inserted, updated, deleted. */
	readonly affected: number;
}

/** A parameter in the server's text form; arrays as `{..}` literals (`arrayLiteral`). */
export type Parameter = string | null;

/** Something that runs statements one after another on one connection. */
export interface Session {
	/** Without parameters `sql` may hold several statements; the last result is returned. */
	query(sql: string, params?: readonly Parameter[]): Promise<QueryResult>;
	/** Feeds a `COPY .. FROM STDIN` statement. `sql` is written with `STDIN`; drivers adapt it. */
	copyIn(sql: string, data: Uint8Array): Promise<void>;
}

export interface TransactionOptions {
	readonly readOnly?: boolean;
	/** Aborting cancels the running statement and rolls back. */
	readonly signal?: AbortSignal | undefined;
}

/**
 * The thin seam below which a server and the embedded PostgreSQL differ. Statements of different callers are queued, so a
 * transaction is never interleaved. A lost connection is opened again by the next use; `onConnect` then runs first.
 */
export interface Driver extends Session {
	readonly embedded: boolean;
	/** Masked, for people. */
	readonly label: string;
	/** Equal for the same database; holds no secret. */
	readonly identity: string;
	transaction<T>(work: (session: Session) => Promise<T>, options?: TransactionOptions): Promise<T>;
	/** Listener for server notices and warnings; returns its removal. */
	onNotice(listener: (message: string) => void): () => void;
	/** Runs on every new connection before anything else, e.g. to take the advisory lock again. */
	onConnect(setup: (session: Session, previousBackend: string | null) => Promise<void>): void;
	/** Stops the statement that is running; it fails with SQLSTATE 57014 (embedded: the connection is lost). */
	cancel(): Promise<void>;
	/** A second connection, or null where only one can exist. */
	monitor(): Promise<(Session & { close(): Promise<void> }) | null>;
	/** A driver of its own connection to the same database, for work beside this one; null where only one connection can exist. */
	beside(): Driver | null;
	/** What is known of the connection from this side; null before there is one. Left out: there is none. */
	wire?(): Wire | null;
	/** Embedded only: from now on changes must reach the directory (before, an absent one is stood in for by memory). */
	persist(): Promise<void>;
	close(): Promise<void>;
}

export interface Wire {
	/** Null: not encrypted. */
	readonly tls: { readonly version: string; readonly cipher: string } | null;
	/** The process that serves it, by what was said at the login; null: nothing was. */
	readonly backend: number | null;
	/** Where the connection leads; null: to a socket of this computer, or nowhere any more. */
	readonly address: string | null;
	/** Somebody said whether it is to be encrypted: a flag, the URL or a variable. */
	readonly chosen: boolean;
}

export interface ServerErrorFields {
	/** SQLSTATE. */
	readonly code: string;
	readonly message: string;
	readonly detail?: string | undefined;
	readonly hint?: string | undefined;
	readonly context?: string | undefined;
	readonly table?: string | undefined;
	readonly column?: string | undefined;
	readonly constraint?: string | undefined;
}

/** What the server refused, the same for both drivers. */
export class ServerError extends Error {
	override readonly name = 'ServerError';
	readonly code: string;
	readonly detail: string | undefined;
	readonly hint: string | undefined;
	readonly context: string | undefined;
	readonly table: string | undefined;
	readonly column: string | undefined;
	readonly constraint: string | undefined;

	constructor(fields: ServerErrorFields, cause?: unknown) {
		super(fields.message, cause === undefined ? undefined : { cause });
		this.code = fields.code;
		this.detail = fields.detail;
		this.hint = fields.hint;
		this.context = fields.context;
		this.table = fields.table;
		this.column = fields.column;
		this.constraint = fields.constraint;
	}
}

/** The connection could not be made, or ended; `code` is an errno (`ECONNREFUSED`), `TIMEOUT`, `TLS`, `PASSWORD` or `LOST`. */
export class ConnectionError extends Error {
	override readonly name = 'ConnectionError';
	readonly code: string;

	constructor(code: string, message: string, cause?: unknown) {
		super(message, cause === undefined ? undefined : { cause });
		this.code = code;
	}
}

/** Runs tasks one at a time in the order they were asked for. */
export class Queue {
	#tail: Promise<unknown> = Promise.resolve();

	run<T>(task: () => Promise<T>): Promise<T> {
		const result = this.#tail.then(task);
		this.#tail = result.then(
			() => undefined,
			() => undefined,
		);
		return result;
	}
}

/**
 * The transaction protocol of both drivers: BEGIN, the work, COMMIT; ROLLBACK when anything threw. A failed ROLLBACK is not
 * reported, because the first error is the one that matters and a lost connection rolls back by itself.
 */
export async function runTransaction<T>(session: Session, work: (session: Session) => Promise<T>, options: TransactionOptions): Promise<T> {
	options.signal?.throwIfAborted();
	await session.query(options.readOnly ? 'BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY' : 'BEGIN');
	try {
		const result = await work(session);
		options.signal?.throwIfAborted();
		await session.query('COMMIT');
		return result;
	} catch (error) {
		await session.query('ROLLBACK').catch(() => undefined);
		throw error;
	}
}

/** Calls `cancel` when the signal is aborted while `work` runs, and waits for it, so that it cannot hit what runs next. */
export async function cancelOnAbort<T>(signal: AbortSignal | undefined, cancel: () => Promise<void>, work: () => Promise<T>): Promise<T> {
	signal?.throwIfAborted();
	let cancelled: Promise<void> | undefined;
	const onAbort = (): void => {
		cancelled = cancel().catch(() => undefined);
	};
	signal?.addEventListener('abort', onAbort, { once: true });
	try {
		return await work();
	} finally {
		signal?.removeEventListener('abort', onAbort);
		await cancelled;
	}
}

/** Settings that make text forms predictable whatever the role's or the database's defaults are. */
export const sessionSettings = [
	"SET DateStyle = 'ISO, YMD'",
	"SET IntervalStyle = 'postgres'",
	"SET TimeZone = 'UTC'",
	"SET bytea_output = 'hex'",
	'SET extra_float_digits = 1',
	'SET standard_conforming_strings = on',
	'SET client_min_messages = notice',
	'SET statement_timeout = 0',
	'SET lock_timeout = 0',
	'SET idle_in_transaction_session_timeout = 0',
	// Not every version knows these (14 and 17 brought them).
	"SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('idle_session_timeout', 'transaction_timeout')",
].join('; ');
