import { describe, expect, it } from 'vitest';
import type { Driver, Row, Session, Wire } from '../../../services/postgres/driver.js';
import { testTarget } from '../../../services/postgres/test-target.js';

/** One row that answers every question of the test: a healthy server as its owner sees it, but for what is told. */
const row = (told: Row): Row => {
	const known: Row = {
		...{ major: '17', server_version: '17.5', installed: '0.8.0', role: 'origin', read_only: 'off', standby: 'f', pid: '7' },
		...told,
	};
	return new Proxy(known, { get: (_, name) => known[String(name)] ?? (/^(max|used|by_|of_|reserved)/.test(String(name)) ? '100' : 't') });
};

/** A session over a wire that is made up. */
function driver(wire: Partial<Wire>, told: Row = {}): Driver {
	const session: Session = { query: async () => ({ rows: [row(told)], affected: 1 }), copyIn: async () => undefined };
	const absent = (): never => {
		throw new Error('not used');
	};
	return {
		...session,
		embedded: false,
		label: 'test',
		identity: 'test',
		transaction: (work) => work(session),
		onNotice: absent,
		onConnect: absent,
		cancel: absent,
		monitor: absent,
		beside: absent,
		persist: absent,
		close: absent,
		wire: () => ({ tls: null, backend: 7, address: '10.0.0.5', chosen: false, ...wire }),
	};
}

const words = 'the connection is not encrypted: passwords and data cross the network as they are; --ssl-mode require refuses that';

const isTold = async (wire: Partial<Wire>): Promise<boolean> => {
	const { looks = [] } = await testTarget(driver(wire), { now: () => 0 }, { label: 'test', host: 'db.example:5432' }, undefined);
	return looks.includes(words);
};

describe('a connection that is not encrypted', () => {
	it.each(['10.0.0.5', '::ffff:10.0.0.5', 'fd00::1', '128.0.0.1'])('is told where it leads to %s and nobody chose it', async (address) => {
		expect(await isTold({ address })).toBe(true);
	});

	it.each(['127.0.0.1', '127.8.0.1', '::1', '::ffff:127.0.0.1', null])('is not where it leads to %s, on this computer', async (address) => {
		expect(await isTold({ address })).toBe(false);
	});

	it('is not where somebody chose it, nor where it is encrypted', async () => {
		expect(await isTold({ chosen: true })).toBe(false);
		expect(await isTold({ tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' } })).toBe(false);
	});
});

it('a standby is told, and refused', async () => {
	const test = await testTarget(driver({}, { standby: 't' }), { now: () => 0 }, { label: 'test' }, undefined);
	expect(test.role).toBe('standby');
	expect(test.problems).toContainEqual({ about: 'server', words: 'The server is a read-only standby: give the URL of the primary' });
	expect((await testTarget(driver({}), { now: () => 0 }, { label: 'test' }, undefined)).role).toBe('primary');
});
