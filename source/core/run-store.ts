import type { MigrationEvent } from './events.js';
import type { Clock } from './ports.js';
import { emptyRun, foldEvent, type RunState } from './run-state.js';

/** What the operator asked of the run, beside what the engine reports. */
export interface RunControl {
	readonly paused: boolean;
	/** `stop`: after the batch in flight; `abort`: now. */
	readonly stopping: 'no' | 'stop' | 'abort';
	/** When the present pause began. */
	readonly pausedAt: number | null;
	/** Milliseconds of earlier pauses. */
	readonly pausedFor: number;
}

export interface RunView {
	readonly state: RunState;
	readonly control: RunControl;
}

/** Runs a function once after a delay; returns what cancels it. */
export type Schedule = (run: () => void, milliseconds: number) => () => void;

const withTimer: Schedule = (run, milliseconds) => {
	const timer = setTimeout(run, milliseconds);
	return () => clearTimeout(timer);
};

/** Events that change what the screen is about, told at once; everything else waits for the next beat. */
const urgent: ReadonlySet<MigrationEvent['type']> = new Set([
	'run-started',
	'step-started',
	'step-finished',
	'check-finished',
	'run-finished',
]);

const idleControl: RunControl = { paused: false, stopping: 'no', pausedAt: null, pausedFor: 0 };

/**
 * Folds every event the moment it arrives and tells listeners at most every `intervalMilliseconds`: React never sees the event rate.
 * The snapshot only changes when listeners are told, as `useSyncExternalStore` requires.
 */
export class RunStore {
	readonly #clock: Clock;
	readonly #interval: number;
	readonly #schedule: Schedule;
	readonly #listeners = new Set<() => void>();
	#state: RunState = emptyRun;
	#control: RunControl = idleControl;
	#view: RunView = { state: emptyRun, control: idleControl };
	#toldAt = Number.NEGATIVE_INFINITY;
	#cancelPending: (() => void) | null = null;

	constructor(options: { readonly clock: Clock; readonly intervalMilliseconds?: number; readonly schedule?: Schedule }) {
		this.#clock = options.clock;
		this.#interval = options.intervalMilliseconds ?? 100;
		this.#schedule = options.schedule ?? withTimer;
	}

	fold(event: MigrationEvent): void {
		this.#state = foldEvent(this.#state, event);
		if (urgent.has(event.type)) this.#tell();
		else this.#tellSoon();
	}

	/** Forgets the last run, before the next one. */
	reset(): void {
		this.#state = emptyRun;
		this.#control = idleControl;
		this.#tell();
	}

	setPaused(paused: boolean): void {
		if (paused === this.#control.paused) return;
		const now = this.#clock.now();
		const { pausedAt, pausedFor } = this.#control;
		this.#control = {
			...this.#control,
			paused,
			pausedAt: paused ? now : null,
			pausedFor: paused || pausedAt === null ? pausedFor : pausedFor + (now - pausedAt),
		};
		this.#tell();
	}

	setStopping(stopping: RunControl['stopping']): void {
		this.#control = { ...this.#control, stopping };
		this.#tell();
	}

	/** The state as folded, ahead of what listeners were told. */
	current(): RunState {
		return this.#state;
	}

	readonly subscribe = (listener: () => void): (() => void) => {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	};

	readonly getSnapshot = (): RunView => this.#view;

	#tellSoon(): void {
		if (this.#cancelPending !== null) return;
		const wait = this.#toldAt + this.#interval - this.#clock.now();
		if (wait <= 0) this.#tell();
		else this.#cancelPending = this.#schedule(() => this.#tell(), Math.min(wait, this.#interval));
	}

	#tell(): void {
		this.#cancelPending?.();
		this.#cancelPending = null;
		this.#toldAt = this.#clock.now();
		this.#view = { state: this.#state, control: this.#control };
		for (const listener of [...this.#listeners]) listener();
	}
}

/** Milliseconds that the operator held the run for, the present pause included. */
export function timePaused(control: RunControl, now: number): number {
	return control.pausedFor + (control.pausedAt === null ? 0 : Math.max(0, now - control.pausedAt));
}
