import { inspect } from 'node:util';

const mask = '********';

/** A value that must never be shown: its string, JSON and inspected forms are masked. */
export class Secret {
	readonly #value: string;

	constructor(value: string) {
		this.#value = value;
	}

	/** The plain value. Call it only where a driver needs it. */
	reveal(): string {
		return this.#value;
	}

	toString(): string {
		return mask;
	}

	toJSON(): string {
		return mask;
	}

	[inspect.custom](): string {
		return mask;
	}
}
