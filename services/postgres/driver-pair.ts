import type { Driver } from './driver.js';

/**
 * A driver and, when it is busy, a second connection beside it. Where no second one can be had (embedded, or the server has no
 * connection to spare) the work waits for the first. Only the first one holds the run's lock: should it be lost, what the second has
 * under way still ends, and the table locks of PostgreSQL make whoever comes next wait for that.
 */
export class DriverPair {
	readonly #first: Driver;
	#busy = false;
	#second: Promise<Driver | null> | null = null;

	constructor(first: Driver) {
		this.#first = first;
	}

	async use<T>(work: (driver: Driver) => Promise<T>): Promise<T> {
		if (this.#busy) {
			this.#second ??= this.#open();
			return work((await this.#second) ?? this.#first);
		}
		this.#busy = true;
		try {
			return await work(this.#first);
		} finally {
			this.#busy = false;
		}
	}

	async close(): Promise<void> {
		const second = await this.#second;
		this.#second = null;
		await Promise.all([second?.close(), this.#first.close()]);
	}

	async #open(): Promise<Driver | null> {
		const second = this.#first.beside();
		try {
			await second?.query('SELECT 1');
			return second;
		} catch {
			// One connection is enough, only slower.
			await second?.close();
			return null;
		}
	}
}
