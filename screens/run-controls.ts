import type { ErrorFact } from '../source/core/errors.js';
import type { RunStore } from '../source/core/run-store.js';
import type { Observable } from './observable.js';
import type { UndoState } from './undo-state.js';

/** What a screen may ask of the one run; the session behind it outlives every screen. */
export interface RunControls {
	readonly store: RunStore;
	/** What `migrate` threw instead of ending as an event. */
	readonly failure: Observable<ErrorFact | null>;
	readonly undo: Observable<UndoState>;
	pause(paused: boolean): void;
	/** Ends after the batch in flight. */
	stop(): void;
}
