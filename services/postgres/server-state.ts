import { readFile, statfs } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { TargetConnections, TargetRights, TargetTest } from '../../source/core/ports.js';
import type { Driver, Session } from './driver.js';
import { boolean, number, quoteName, text, textOrNull } from './sql-text.js';

/** This session, one beside it for a second index, one that reads the progress of a build. */
const connectionsOfRun = 3;

/** Found: `problems` stand in the way of a run, `looks` do not. */
export interface State {
	readonly problems: readonly string[];
	readonly looks: readonly string[];
	readonly facts: Pick<TargetTest, 'connections' | 'role' | 'readOnly' | 'replicationRole' | 'freeBytes'>;
}

type Finding = NonNullable<TargetRights['unguarded']>;

/** Whether changes are taken at present, and whether what guards them is on. */
export interface Openness {
	readonly standby: boolean;
	readonly readOnly: boolean;
	readonly replicationRole: string;
	readonly frozen: readonly Finding[];
	readonly unguarded: Finding | null;
}

/** By the settings of new transactions: the one that asks is read-only itself. */
export async function openness(session: Session): Promise<Openness> {
	const { rows } = await session.query(
		"SELECT pg_is_in_recovery() AS standby, current_setting('default_transaction_read_only') AS read_only, current_setting('session_replication_role') AS role",
	);
	const standby = boolean(rows[0], 'standby');
	const readOnly = text(rows[0], 'read_only') === 'on';
	const replicationRole = text(rows[0], 'role');
	const frozen: Finding[] = [];
	if (standby) frozen.push({ why: 'the server is a read-only standby', mend: 'give the URL of the primary' });
	if (readOnly)
		frozen.push({ why: 'transactions are read-only by default', mend: await mendOf(session, 'default_transaction_read_only', 'off') });
	// Under `local` ordinary triggers, of which foreign keys are made, fire as under `origin`.
	const unguarded =
		replicationRole === 'replica'
			? {
					why: 'session_replication_role is replica, so that neither foreign keys nor triggers fire',
					mend: await mendOf(session, 'session_replication_role', 'origin'),
				}
			: null;
	return { standby, readOnly, replicationRole, frozen, unguarded };
}

/** A sentence, but for the name of a setting at its head. */
const inWords = ({ why, mend }: Finding): string => `${why.includes('_') ? why : why.charAt(0).toUpperCase() + why.slice(1)}: ${mend}`;

/** Whether the server takes changes now, from this user, and how many connections it has for them. */
export async function serverState(driver: Driver, session: Session, host: string | undefined): Promise<State> {
	const { standby, readOnly, replicationRole, frozen, unguarded } = await openness(session);
	const problems = frozen.map(inWords);
	const looks = unguarded === null ? [] : [inWords(unguarded)];
	const role = standby ? ('standby' as const) : ('primary' as const);
	if (driver.embedded) return { problems, looks, facts: { role, readOnly, replicationRole } };
	const { connections, look } = await connectionsLeft(session);
	if (look !== null) looks.push(look);
	return { problems, looks, facts: { role, readOnly, replicationRole, connections, freeBytes: await freeBytes(session, host) } };
}

/** The statement that undoes a setting where it was made (`pg_settings.source`). */
async function mendOf(session: Session, setting: string, value: string): Promise<string> {
	const { rows } = await session.query(
		'SELECT source, session_user AS user, current_database() AS database FROM pg_settings WHERE name = $1',
		[setting],
	);
	const user = quoteName(text(rows[0], 'user'));
	const database = quoteName(text(rows[0], 'database'));
	switch (text(rows[0], 'source')) {
		case 'user':
			return `ALTER ROLE ${user} RESET ${setting};`;
		case 'database':
			return `ALTER DATABASE ${database} RESET ${setting};`;
		case 'database user':
			return `ALTER ROLE ${user} IN DATABASE ${database} RESET ${setting};`;
		case 'global':
			return `ALTER ROLE ALL RESET ${setting};`;
		case 'client':
			return `take ${setting} out of options in the URL, or out of PGOPTIONS`;
		default:
			return `ALTER SYSTEM SET ${setting} = ${value}; SELECT pg_reload_conf(); (with a provider: in the parameter group)`;
	}
}

interface Limit {
	readonly free: number;
	readonly whose: string;
	readonly mend: string;
}

/** What is kept for administrators is not counted as free for others. Of a role that others have, `pg_stat_activity` shows that it is there. */
async function connectionsLeft(session: Session): Promise<{ readonly connections: TargetConnections; readonly look: string | null }> {
	const { rows } = await session.query(
		`SELECT current_setting('max_connections') AS max, r.rolsuper AS super, r.rolconnlimit AS of_role, d.datconnlimit AS of_database,
			session_user AS user, current_database() AS database, s.used, s.by_role, s.by_database,
			CASE WHEN r.rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::int
				+ CASE WHEN EXISTS (SELECT 1 FROM pg_roles p WHERE p.rolname = 'pg_use_reserved_connections' AND pg_has_role(r.oid, p.oid, 'USAGE')) THEN 0
					ELSE coalesce(current_setting('reserved_connections', true), '0')::int END END AS reserved
		FROM pg_roles r, pg_database d, (SELECT count(*) AS used, count(*) FILTER (WHERE usename = session_user) AS by_role,
				count(*) FILTER (WHERE datname = current_database()) AS by_database
			FROM pg_stat_activity WHERE backend_type = 'client backend' OR (backend_type IS NULL AND datid IS NOT NULL)) s
		WHERE r.rolname = session_user AND d.datname = current_database()`,
	);
	const [row] = rows;
	const [max, reserved, used] = [number(row, 'max'), number(row, 'reserved'), number(row, 'used')];
	const limits: Limit[] = [{ free: max - reserved - used, whose: 'the server', mend: 'close others, or raise max_connections' }];
	const limit = (name: 'role' | 'database', of: string): void => {
		const most = number(row, `of_${name}`);
		if (most < 0 || boolean(row, 'super')) return;
		const what = `${name === 'role' ? 'ROLE' : 'DATABASE'} ${quoteName(of)}`;
		limits.push({ free: most - number(row, `by_${name}`), whose: `the ${name} ${of}`, mend: `ALTER ${what} CONNECTION LIMIT -1;` });
	};
	limit('role', text(row, 'user'));
	limit('database', text(row, 'database'));
	const tightest = limits.reduce((least, one) => (one.free < least.free ? one : least));
	const free = Math.max(0, tightest.free);
	const look =
		free >= connectionsOfRun - 1
			? null
			: `${tightest.whose} has ${free === 0 ? 'no connection' : 'one connection'} left beside this one, and a run uses up to ${connectionsOfRun}: ${tightest.mend}`;
	return { connections: { max, reserved, used, free }, look };
}

/**
 * Space on the disk of the data, where the server tells this user its directory and that directory is seen to be the server's: its
 * `postmaster.pid` holds the time at which this server began (line 3, seconds), and the way to it leads to this computer.
 */
async function freeBytes(session: Session, host: string | undefined): Promise<number | null> {
	if (host === undefined || !isHere(host)) return null;
	const { rows } = await session.query(
		`SELECT (SELECT setting FROM pg_settings WHERE name = 'data_directory') AS directory, extract(epoch FROM pg_postmaster_start_time()) AS started`,
	);
	const directory = textOrNull(rows[0], 'directory');
	if (directory === null) return null;
	try {
		const [, , began] = (await readFile(join(directory, 'postmaster.pid'), 'utf8')).split('\n');
		if (Math.abs(Number(began) - number(rows[0], 'started')) > 5) return null;
		const { bavail, bsize } = await statfs(directory);
		return bavail * bsize;
	} catch {
		return null;
	}
}

const isHere = (host: string): boolean => {
	const name = host.replace(/:\d+$/, '').replace(/^\[(.+)\]$/, '$1');
	return name.startsWith('/') || name === 'localhost' || isLoopback(name);
};

/** An address that no network is crossed to. */
export const isLoopback = (address: string): boolean => {
	const plain = address.replace(/^::ffff:/i, '');
	return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
};
