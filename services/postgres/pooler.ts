import type { Driver } from './driver.js';
import { text } from './sql-text.js';

/**
 * Whether a pooler stands before the server, and whether it was seen to give one connection of the server to two clients at a time. A
 * pooler tells its clients process numbers of its own; with transaction pooling a second client, in a transaction, gets the connection that the
 * first one has between two of its own. Session pooling never does that.
 */
export async function poolerBefore(driver: Driver): Promise<'none' | 'some' | 'by-transaction'> {
	const told = driver.wire?.()?.backend ?? null;
	const own = await backendOf(driver);
	if (told === null || String(told) === own) return 'none';
	const side = await driver.monitor();
	if (side === null) return 'some';
	try {
		const before = await backendOf(driver);
		await side.query('BEGIN READ ONLY');
		const theirs = await backendOf(side);
		await side.query('COMMIT');
		return theirs === before ? 'by-transaction' : 'some';
	} finally {
		await side.close();
	}
}

async function backendOf(session: Pick<Driver, 'query'>): Promise<string> {
	const { rows } = await session.query('SELECT pg_backend_pid() AS pid');
	return text(rows[0], 'pid');
}
