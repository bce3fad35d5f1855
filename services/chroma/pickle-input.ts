import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The file ended inside a value. */
export class UnexpectedEnd extends Error {
	override readonly name = 'UnexpectedEnd';
}

const windowBytes = 1 << 20;
/** Far beyond any id. */
const maximumText = 16 << 20;

/** Reads a file forwards through a small window, so that the size of a pickle costs no memory. A length beyond the end of the file is refused before anything is allocated. */
export class PickleInput {
	readonly #file: number;
	#left: number;
	#window = Buffer.alloc(0);
	#at = 0;

	constructor(path: string) {
		this.#file = openSync(path, 'r');
		this.#left = fstatSync(this.#file).size;
	}

	/** Bytes not yet taken. */
	get remaining(): number {
		return this.#left + this.#window.length - this.#at;
	}

	byte(): number {
		if (this.#at === this.#window.length) this.#fill(1);
		return this.#window[this.#at++] as number;
	}

	/** The next `count` bytes; valid until the next call. */
	take(count: number): Buffer {
		if (this.#window.length - this.#at < count) this.#fill(count);
		const taken = this.#window.subarray(this.#at, this.#at + count);
		this.#at += count;
		return taken;
	}

	text(count: number): string {
		if (count > maximumText && count <= this.remaining) throw new UnexpectedEnd(`it holds a text of ${count} bytes`);
		return this.take(count).toString('utf8');
	}

	/** Text up to a newline, which is taken and left out; at most 1024 bytes, enough for a module's name. */
	line(): string {
		const bytes: number[] = [];
		for (let byte = this.byte(); byte !== 0x0a; byte = this.byte()) {
			if (bytes.push(byte) > 1024) throw new UnexpectedEnd('a name without end');
		}
		return Buffer.from(bytes).toString('utf8');
	}

	close(): void {
		closeSync(this.#file);
	}

	#fill(count: number): void {
		const kept = this.#window.length - this.#at;
		const wanted = Math.min(Math.max(count - kept, windowBytes), this.#left);
		if (kept + wanted < count) throw new UnexpectedEnd('the file ends inside a value');
		const next = Buffer.allocUnsafe(kept + wanted);
		this.#window.copy(next, 0, this.#at);
		let filled = kept;
		while (filled < next.length) {
			const read = readSync(this.#file, next, filled, next.length - filled, null);
			if (read === 0) throw new UnexpectedEnd('the file became shorter while it was read');
			filled += read;
		}
		this.#left -= wanted;
		this.#window = next;
		this.#at = 0;
	}
}
