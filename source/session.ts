import { Observable } from '../screens/observable.js';
import type { Planned } from '../screens/planned.js';
import type { RunControls } from '../screens/run-controls.js';
import { foldUndo, noUndo, type UndoState, undoFailed } from '../screens/undo-state.js';
import { asRepotError, type ErrorFact, RepotError } from './core/errors.js';
import type { MigrationEvent } from './core/events.js';
import type { Operations, TargetAccess } from './core/operations.js';
import { runToCheck } from './core/outcome-words.js';
import type { Clock } from './core/ports.js';
import { RunStore } from './core/run-store.js';

export type Interruption = 'idle' | 'stopping' | 'aborting' | 'leaving';

interface SessionOptions {
	readonly operations: Operations;
	readonly clock: Clock;
	/** Milliseconds between two tellings of the run store; screen readers get fewer. */
	readonly intervalMilliseconds?: number;
}

/**
 * Owns the one run and the signals that end it. It outlives every screen: a screen that goes, or breaks, never takes the run with it.
 */
export class Session implements RunControls {
	readonly store: RunStore;
	readonly failure = new Observable<ErrorFact | null>(null);
	readonly undo = new Observable<UndoState>(noUndo);
	/** The last rollback that ended, for the closing lines. */
	lastUndo: UndoState | null = null;
	/** The headless command of the last run that was started. */
	command: readonly string[] = [];
	readonly #operations: Operations;
	#stop = new AbortController();
	#abort = new AbortController();
	#paused = false;
	#presses = 0;
	#told = false;
	#work: Promise<void> | null = null;

	constructor({ operations, clock, intervalMilliseconds }: SessionOptions) {
		this.#operations = operations;
		this.store = new RunStore({ clock, ...(intervalMilliseconds === undefined ? {} : { intervalMilliseconds }) });
	}

	/** True while a run or a rollback goes on. */
	get active(): boolean {
		return this.#work !== null;
	}

	/** True when the work has said how it ended and only gives back its lock and files. */
	get ending(): boolean {
		return this.active && this.#told;
	}

	/** Resolves when nothing runs any more. */
	async settled(): Promise<void> {
		await this.#work;
	}

	/** Starts the run; a second start while one goes on does nothing. `command` repeats it headless. */
	start(planned: Planned, command: readonly string[] = []): void {
		this.#begin(() => {
			this.command = command;
			this.store.reset();
			return this.#follow(this.#migrate(planned));
		});
	}

	/** Runs the checks of what is there already; nothing is written. */
	startChecks(planned: Planned, command: readonly string[] = []): void {
		this.#begin(() => {
			this.command = command;
			this.store.reset();
			return this.#follow(this.#checks(planned));
		});
	}

	/** Starts the rollback of one run. */
	startUndo(run: string, target: TargetAccess, reason: string | null): void {
		this.#begin(() => {
			this.undo.set({ ...noUndo, phase: 'running', run });
			return this.#rollback(run, target, reason);
		});
	}

	/** Forgets the last rollback, so that the next preview is a fresh one. */
	forgetUndo(): void {
		if (!this.active) this.undo.set(noUndo);
	}

	pause(paused: boolean): void {
		this.#paused = paused;
		this.store.setPaused(paused);
	}

	stop(): void {
		if (this.active && this.#presses === 0) this.interrupt();
	}

	/** Ctrl+C or a signal: the first stops after the batch in flight, the second stops now, the third leaves whatever hangs. */
	interrupt(): Interruption {
		if (!this.active) return 'idle';
		this.#presses += 1;
		// A held run must come round to its end.
		this.#paused = false;
		if (this.#presses === 1) {
			this.store.setStopping('stop');
			this.#stop.abort();
			return 'stopping';
		}
		this.store.setStopping('abort');
		this.#abort.abort();
		return this.#presses === 2 ? 'aborting' : 'leaving';
	}

	#begin(work: () => Promise<void>): void {
		if (this.active) return;
		this.#stop = new AbortController();
		this.#abort = new AbortController();
		this.#paused = false;
		this.#presses = 0;
		this.#told = false;
		this.failure.set(null);
		this.#work = work().finally(() => {
			this.#work = null;
		});
	}

	#migrate({ plan, request }: Planned): AsyncIterable<MigrationEvent> {
		const signals = { stop: this.#stop.signal, abort: this.#abort.signal, paused: () => this.#paused };
		return this.#operations.migrate(plan, request, signals);
	}

	async *#checks({ plan, request }: Planned): AsyncGenerator<MigrationEvent, void, void> {
		// The first press ends it: there is no batch to finish.
		const { signal } = this.#stop;
		try {
			for await (const event of this.#operations.verify(request, runToCheck(plan), signal)) {
				// What the run wrote at its time is not what was written now.
				if (event.type === 'run-finished') yield { ...event, written: 0, skipped: plan.totals.records - event.quarantined };
				else yield event;
			}
		} catch (thrown) {
			if (!signal.aborted) throw thrown;
			throw new RepotError({ kind: 'interrupted', code: 'INTERRUPTED', message: 'the checks were stopped as asked' });
		}
	}

	async #follow(events: AsyncIterable<MigrationEvent>): Promise<void> {
		try {
			for await (const event of events) {
				this.#told = event.type === 'run-finished';
				this.store.fold(event);
			}
			if (this.store.current().phase !== 'finished') throw new Error('The run ended without saying how');
		} catch (thrown) {
			this.failure.set(asRepotError(thrown).toJSON());
		} finally {
			this.store.setPaused(false);
			this.store.setStopping('no');
		}
	}

	async #rollback(run: string, target: TargetAccess, reason: string | null): Promise<void> {
		try {
			// Both presses mean the same here: tables are undone one transaction at a time.
			const signal = AbortSignal.any([this.#stop.signal, this.#abort.signal]);
			for await (const event of this.#operations.rollback(run, target, reason, signal)) {
				this.#told = event.type === 'rollback-finished';
				this.undo.set(foldUndo(this.undo.getSnapshot(), event));
			}
			if (this.undo.getSnapshot().phase !== 'finished') throw new Error('The rollback ended without saying how');
		} catch (thrown) {
			this.undo.set(undoFailed(this.undo.getSnapshot(), asRepotError(thrown).toJSON()));
		}
		this.lastUndo = this.undo.getSnapshot();
	}
}
