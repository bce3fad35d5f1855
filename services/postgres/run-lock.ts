import { RepotError } from '../../source/core/errors.js';
import type { Driver, Session } from './driver.js';
import { runningRun } from './ledger.js';
import { boolean, text } from './sql-text.js';

/** Key of the advisory lock that one run holds in its target database: the bytes of `repot`, 0x7265706f74. */
const lockKey = 0x7265706f74n;

async function tryLock(session: Session): Promise<boolean> {
	const { rows } = await session.query('SELECT pg_try_advisory_lock($1::bigint) AS taken', [String(lockKey)]);
	return boolean(rows[0], 'taken');
}

async function lockedError(session: Session): Promise<RepotError> {
	const run = await runningRun(session);
	const { rows } = await session.query(
		`SELECT l.pid::text AS pid, coalesce(a.client_addr::text, 'local') AS address FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
		WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND ((l.classid::bigint << 32) | l.objid::bigint) = $1::bigint AND l.objsubid = 1`,
		[String(lockKey)],
	);
	const [holder] = rows;
	const who = holder === undefined ? '' : ` It is held by connection ${text(holder, 'pid')} from ${text(holder, 'address')}.`;
	return new RepotError({
		kind: 'locked',
		code: 'TARGET_LOCKED',
		message: run === null ? 'Another repot is working on this target' : `Run ${run.id} is working on this target`,
		why: `One run at a time holds the target's lock.${who}${run === null ? '' : ` ${run.operator} started it at ${run.startedAt}.`}`,
		next: ['Wait until it has ended and run the command again'],
	});
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
