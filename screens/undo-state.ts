/** What a rollback did so far, folded from its events. Pure. */

import type { ErrorFact } from '../source/core/errors.js';
import { formatCount } from '../source/core/format.js';
import type { RollbackCount, RollbackEvent } from '../source/core/ports.js';

/** What became of one step's rows: the figures of what happened, which the count before may not have foreseen. */
export interface UndoneStep {
	readonly removed: number;
	readonly restored: number;
	readonly kept: number;
	readonly changed: number;
	readonly referenced: number;
	readonly unrestored: number;
}

export interface UndoState {
	readonly phase: 'idle' | 'running' | 'finished';
	readonly run: string | null;
	readonly tables: readonly RollbackCount[];
	/** By step: what happened to its rows so far. */
	readonly done: Readonly<Record<string, UndoneStep>>;
	/** Newest last. */
	readonly log: readonly string[];
	readonly outcome: 'done' | 'kept-some' | 'failed' | null;
	readonly removed: number;
	readonly restored: number;
	readonly kept: number;
	/** Objects that stay because something of others is in them. */
	readonly stays: number;
	readonly error: ErrorFact | null;
}

export const noUndo: UndoState = {
	phase: 'idle',
	run: null,
	tables: [],
	done: {},
	log: [],
	outcome: null,
	removed: 0,
	restored: 0,
	kept: 0,
	stays: 0,
	error: null,
};

const logLimit = 100;

export function foldUndo(state: UndoState, event: RollbackEvent): UndoState {
	switch (event.type) {
		case 'rollback-started':
			return { ...noUndo, phase: 'running', run: event.run, tables: event.tables };
		case 'rows-removed': {
			const { step, removed, restored, kept, changed = 0, referenced = 0, unrestored = 0 } = event;
			const told = `${step}: ${formatCount(removed)} removed, ${formatCount(restored)} restored, ${formatCount(kept)} kept`;
			return logged({ ...state, done: { ...state.done, [step]: { removed, restored, kept, changed, referenced, unrestored } } }, told);
		}
		case 'object-dropped':
			return logged(state, `dropped ${event.object}`);
		case 'notice':
			return logged(state, event.message);
		case 'rollback-finished': {
			const { outcome, removed, restored, kept, stays = 0 } = event;
			return { ...state, phase: 'finished', run: event.run, outcome, removed, restored, kept, stays, error: event.error ?? null };
		}
	}
}

/** The state after the rollback threw instead of telling. */
export function undoFailed(state: UndoState, error: ErrorFact): UndoState {
	return { ...state, phase: 'finished', outcome: 'failed', error };
}

function logged(state: UndoState, text: string): UndoState {
	return { ...state, log: [...state.log, text].slice(-logLimit) };
}
