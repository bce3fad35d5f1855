import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ConnectionError, cancelOnAbort } from '../../../services/postgres/driver.js';
import { PgDriver } from '../../../services/postgres/pg-driver.js';

describe('stopping work on a signal', () => {
	it('ends only after the cancel has been sent, so that it cannot hit the next statement', async () => {
		const controller = new AbortController();
		let send = (): void => undefined;
		const sent = new Promise<void>((resolve) => {
			send = resolve;
		});
		const order: string[] = [];
		const work = cancelOnAbort(
			controller.signal,
			() => sent.then(() => void order.push('cancelled')),
			async () => controller.abort(),
		).then(() => order.push('ended'));
		// Work that did not wait would end within these turns.
		for (let turn = 0; turn < 20; turn++) await Promise.resolve();
		send();
		await work;
		expect(order).toEqual(['cancelled', 'ended']);
	});
});

describe('a server that accepts and never answers', () => {
	const silent = async (work: (driver: PgDriver, connected: Promise<unknown>) => Promise<void>): Promise<void> => {
		const sockets: Socket[] = [];
		const server = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
		server.listen(0, '127.0.0.1');
		await once(server, 'listening');
		const { port } = server.address() as AddressInfo;
		const driver = new PgDriver({ url: `postgresql://a:b@127.0.0.1:${port}/d`, label: 'silent', identity: 'silent' });
		try {
			await work(driver, once(server, 'connection'));
		} finally {
			await driver.close();
			for (const socket of sockets) socket.destroy();
			server.close();
		}
	};

	it('does not hold up the end', async () => {
		await silent(async (driver, connected) => {
			const query = driver.query('SELECT 1').catch((error: unknown) => error);
			await connected;
			await driver.close();
			expect(await query).toBeInstanceOf(ConnectionError);
		});
	});

	it('is let go of when the work is called off', async () => {
		await silent(async (driver, connected) => {
			const stop = new AbortController();
			const work = driver.transaction((session) => session.query('SELECT 1'), { signal: stop.signal }).catch((error: unknown) => error);
			await connected;
			stop.abort(new Error('called off'));
			expect(await work).toBeInstanceOf(ConnectionError);
		});
	});
});
