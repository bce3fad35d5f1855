/** A value that tells its listeners when it is replaced. */
export class Observable<Value> {
	#value: Value;
	readonly #listeners = new Set<() => void>();

	constructor(value: Value) {
		this.#value = value;
	}

	set(value: Value): void {
		this.#value = value;
		for (const listener of [...this.#listeners]) listener();
	}

	readonly subscribe = (listener: () => void): (() => void) => {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	};

	readonly getSnapshot = (): Value => this.#value;
}
