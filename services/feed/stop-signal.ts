/** Thrown inside the worker when the main thread asked it to stop. */
export class Stopped extends Error {
	override readonly name = 'Stopped';
}

/** Looked at between records. */
export interface StopSignal {
	/** Throws `Stopped` once the call was aborted. */
	check(): void;
	/** For asynchronous work. */
	readonly signal: AbortSignal;
}

/** A stream is pulled by one call after another, each with a signal of its own, while one reading goes on under all of them. */
export const latest = (stop: () => StopSignal): StopSignal => ({
	check: () => stop().check(),
	get signal() {
		return stop().signal;
	},
});
