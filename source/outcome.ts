import { plainText } from '../screens/lines.js';
import { undoVerdict } from '../screens/rollback-lines.js';
import { closingLines } from '../screens/summary-lines.js';
import type { UndoState } from '../screens/undo-state.js';
import { type ErrorFact, type ExitCode, exitCodes, RepotError } from './core/errors.js';
import { formatQuantity } from './core/format.js';
import type { RunState } from './core/run-state.js';
import type { Session } from './session.js';
import type { Leaving } from './wizard-screen.js';

export interface WizardOutcome {
	readonly exitCode: ExitCode;
	/** Plain-text closing lines for stderr. */
	readonly summary: readonly string[];
}

const codeOfOutcome: Record<NonNullable<RunState['outcome']>, ExitCode> = {
	done: exitCodes.done,
	'nothing-to-do': exitCodes.done,
	quarantined: exitCodes.quarantined,
	'verification-failed': exitCodes.verificationFailed,
	failed: exitCodes.internal,
	interrupted: exitCodes.interrupted,
};

/** What the wizard ended in: the exit code and the lines that stay on the terminal, the verdict of the run first. */
export function outcomeOf(session: Session, why: Leaving, width: number): WizardOutcome {
	const run = session.store.current();
	const failure = session.failure.getSnapshot();
	const { lastUndo } = session;
	if (session.active && !session.ending) {
		const left = 'It did not answer and was left. What was committed stays; the same command goes on where it stopped.';
		return { exitCode: exitCodes.interrupted, summary: [left] };
	}
	const undone = lastUndo === null ? [] : undoLines(lastUndo);
	if (run.outcome === null && failure === null) {
		if (lastUndo !== null) return { exitCode: undoCode(lastUndo), summary: undone };
		return { exitCode: why === 'cancelled' ? exitCodes.interrupted : exitCodes.done, summary: ['Nothing was written.'] };
	}
	const isUndone = lastUndo?.run === run.run && lastUndo.outcome === 'done';
	return {
		exitCode: runCode(run, failure),
		summary: [...closingLines({ state: run, failure, undone: isUndone, command: session.command }, width), ...undone],
	};
}

function runCode(run: RunState, failure: ErrorFact | null): ExitCode {
	const error = failure ?? (run.outcome === 'failed' ? run.error : null);
	if (error !== null) return new RepotError(error).exitCode;
	return run.outcome === null ? exitCodes.internal : codeOfOutcome[run.outcome];
}

function undoCode(undo: UndoState): ExitCode {
	if (undo.outcome !== 'failed') return exitCodes.done;
	return undo.error === null ? exitCodes.internal : new RepotError(undo.error).exitCode;
}

function undoLines(undo: UndoState): readonly string[] {
	const { run, removed, restored, kept, error } = undo;
	return [
		plainText([undoVerdict(undo)]),
		` run ${run ?? ''}: ${formatQuantity(removed, 'row')} removed, ${restored} restored, ${kept} kept`,
		...(error === null ? [] : [` ${error.message}`]),
	];
}
