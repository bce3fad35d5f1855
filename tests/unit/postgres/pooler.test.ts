import { describe, expect, it } from 'vitest';
import type { Driver, Session } from '../../../services/postgres/driver.js';
import { poolerBefore } from '../../../services/postgres/pooler.js';

/** A driver whose statements are served by one process, and those of a second connection by another. */
function driver(told: number | null, own: string, beside: string): Driver & { readonly closed: () => number } {
	let closed = 0;
	const served =
		(pid: string): Session['query'] =>
		async (sql) => ({ rows: sql.includes('pg_backend_pid') ? [{ pid }] : [], affected: 0 });
	const absent = (): never => {
		throw new Error('not used');
	};
	return {
		embedded: false,
		label: 'test',
		identity: 'test',
		query: served(own),
		copyIn: absent,
		transaction: absent,
		onNotice: absent,
		onConnect: absent,
		cancel: absent,
		monitor: async () => ({
			query: served(beside),
			copyIn: absent,
			close: async () => {
				closed++;
			},
		}),
		beside: absent,
		persist: absent,
		close: absent,
		wire: () => ({ tls: null, backend: told, address: null, chosen: true }),
		closed: () => closed,
	};
}

describe('a pooler before the server', () => {
	it('is none where the process is the one that was told at the login, or none was told', async () => {
		expect(await poolerBefore(driver(7, '7', '8'))).toBe('none');
		expect(await poolerBefore(driver(null, '7', '8'))).toBe('none');
	});

	it('is seen by the process that it makes up, and by what it shares', async () => {
		const session = driver(1, '7', '8');
		expect(await poolerBefore(session)).toBe('some');
		const transaction = driver(1, '7', '7');
		expect(await poolerBefore(transaction)).toBe('by-transaction');
		expect([session.closed(), transaction.closed()]).toEqual([1, 1]);
	});
});
