import { readFileSync } from 'node:fs';
import { RepotError } from '../../source/core/errors.js';
import type { Driver, Session } from './driver.js';
import { runningRun } from './ledger.js';
import { boolean, text, textOrNull } from './sql-text.js';

/** Key of the advisory lock that one run holds in its target database: the bytes of `repot`, 0x7265706f74. */
const lockKey = 0x7265706f74n;

async function tryLock(session: Session): Promise<boolean> {
	const { rows } = await session.query('SELECT pg_try_advisory_lock($1::bigint) AS taken', [String(lockKey)]);
	return boolean(rows[0], 'taken');
}

/** The other connection that holds the lock: `connection 4711 from 10.0.0.7`. Its address is told to its own role and to administrators. */
async function otherConnection(session: Session): Promise<string | null> {
	const { rows } = await session.query(
		`SELECT l.pid::text AS pid, host(a.client_addr) AS address FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
		WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND ((l.classid::bigint << 32) | l.objid::bigint) = $1::bigint AND l.objsubid = 1 AND l.pid <> pg_backend_pid()`,
		[String(lockKey)],
	);
	if (rows.length === 0) return null;
	const address = textOrNull(rows[0], 'address');
	return `connection ${text(rows[0], 'pid')}${address === null ? '' : ` from ${address}`}`;
}

async function lockedError(session: Session): Promise<RepotError> {
	const holder = await otherConnection(session);
	const run = await runningRun(session);
	const who = holder === null ? '' : ` It is held by ${holder}.`;
	return new RepotError({
		kind: 'locked',
		code: 'TARGET_LOCKED',
		message: run === null ? 'Another repot is working on this target' : `Run ${run.id} is working on this target`,
		why: `One run at a time holds the target's lock.${who}${run === null ? '' : ` ${run.operator} started it at ${run.startedAt}.`}`,
		next: ['Wait until it has ended and run the command again'],
	});
}

/** Another process that has the directory open, by the lock file beside it (`pglite-lock.ts`). A process that is gone holds nothing. */
function otherProcess(directory: string): string | null {
	try {
		const { pid, since } = JSON.parse(readFileSync(`${directory}.lock`, 'utf8')) as { readonly pid: number; readonly since: string };
		if (pid === process.pid || !isAlive(pid)) return null;
		return `process ${pid}, which opened the directory at ${since}`;
	} catch {
		return null;
	}
}

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		// EPERM: it exists and belongs to somebody else.
		return (error as NodeJS.ErrnoException).code === 'EPERM';
	}
}

/**
 * The lock of one run per database: a session-level advisory lock, which the server drops with the connection. It is taken again
 * on every new connection, so a run whose connection was lost goes on only when no other run came in between. A connection pooler
 * must be in session mode.
 */
export class RunLock {
	readonly #driver: Driver;
	#holders = 0;

	constructor(driver: Driver) {
		this.#driver = driver;
		driver.onConnect(async (session, previousBackend) => {
			if (this.#holders > 0 && !(await this.#retake(session, previousBackend))) throw await lockedError(session);
		});
	}

	/** @throws RepotError locked `TARGET_LOCKED`; nested calls of one process share the lock. */
	async take(): Promise<() => Promise<void>> {
		await this.#driver.persist();
		if (this.#holders === 0) {
			await this.#driver.transaction(async (session) => {
				if (!(await tryLock(session))) throw await lockedError(session);
			});
		}
		this.#holders++;
		let released = false;
		return async () => {
			if (released) return;
			released = true;
			this.#holders--;
			// A connection that is gone took the lock with it.
			if (this.#holders === 0) await this.#driver.query('SELECT pg_advisory_unlock($1::bigint)', [String(lockKey)]).catch(() => undefined);
		};
	}

	/**
	 * Who else holds the lock, for people; null: nobody. Takes nothing, writes nothing, and makes no embedded database: that one has no
	 * second connection, only other processes.
	 */
	async holder(signal: AbortSignal | undefined): Promise<string | null> {
		if (this.#driver.embedded) return otherProcess(this.#driver.identity);
		return this.#driver.transaction(
			async (session) => {
				const other = await otherConnection(session);
				if (other === null) return null;
				const run = await runningRun(session);
				return run === null ? other : `${other}; run ${run.id} of ${run.operator} is under way`;
			},
			{ readOnly: true, signal },
		);
	}

	/** The server may not have noticed yet that our former connection is dead: that one is ended first. */
	async #retake(session: Session, previousBackend: string | null): Promise<boolean> {
		if (await tryLock(session)) return true;
		if (previousBackend === null) return false;
		await session.query(
			`SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
			WHERE a.pid = $1::int AND a.application_name = 'repot' AND l.locktype = 'advisory' AND l.granted AND l.objid::bigint = $2::bigint & 4294967295`,
			[previousBackend, String(lockKey)],
		);
		for (let attempt = 0; attempt < 20; attempt++) {
			if (await tryLock(session)) return true;
			await session.query('SELECT pg_sleep(0.1)');
		}
		return false;
	}
}
