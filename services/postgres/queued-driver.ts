import {
	cancelOnAbort,
	type Driver,
	type Parameter,
	type QueryResult,
	Queue,
	runTransaction,
	type Session,
	type TransactionOptions,
} from './driver.js';

type Setup = (session: Session, previousBackend: string | null) => Promise<void>;

/** What both drivers are: one connection whose users queue. How it is made, kept and ended is theirs. */
export abstract class QueuedDriver implements Driver {
	abstract readonly embedded: boolean;
	readonly label: string;
	readonly identity: string;
	protected readonly queue = new Queue();
	readonly #listeners = new Set<(message: string) => void>();
	readonly #setups: Setup[] = [];

	constructor({ label, identity }: { readonly label: string; readonly identity: string }) {
		this.label = label;
		this.identity = identity;
	}

	query(sql: string, params?: readonly Parameter[]): Promise<QueryResult> {
		return this.queue.run(() => this.use((session) => session.query(sql, params)));
	}

	copyIn(sql: string, data: Uint8Array): Promise<void> {
		return this.queue.run(() => this.use((session) => session.copyIn(sql, data)));
	}

	transaction<T>(work: (session: Session) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
		return this.queue.run(() =>
			cancelOnAbort(
				options.signal,
				() => this.cancel(),
				() => this.use((session) => runTransaction(session, work, options)),
			),
		);
	}

	onNotice(listener: (message: string) => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	onConnect(setup: Setup): void {
		this.#setups.push(setup);
	}

	protected tell(notice: string): void {
		for (const listener of this.#listeners) listener(notice);
	}

	/** To be called once on every new connection, before anything else uses it. */
	protected async setUp(session: Session, previousBackend: string | null): Promise<void> {
		for (const setup of this.#setups) await setup(session, previousBackend);
	}

	/** Runs the work on the connection, which is opened when there is none. Called by one at a time. */
	protected abstract use<T>(work: (session: Session) => Promise<T>): Promise<T>;
	abstract cancel(): Promise<void>;
	abstract monitor(): Promise<(Session & { close(): Promise<void> }) | null>;
	abstract beside(): Driver | null;
	abstract persist(): Promise<void>;
	abstract close(): Promise<void>;
}
