import { describe, expect, it } from 'vitest';
import { cancelOnAbort } from '../../../services/postgres/driver.js';

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
