import { useState } from 'react';
import type { ErrorFact } from '../source/core/errors.js';
import { formatClock } from '../source/core/format.js';
import { wholeTime } from '../source/core/run-progress.js';
import type { RunState } from '../source/core/run-state.js';
import { Frame } from './components/frame.js';
import type { Binding } from './key-router.js';
import { blank, paragraph } from './lines.js';
import type { Place } from './place.js';
import { headlineOf } from './run-words.js';
import { useCanvas, useShell } from './shell-context.js';
import { summaryLines, summaryVerdict } from './summary-lines.js';

interface SummaryScreenProps {
	readonly place: Place;
	readonly state: RunState;
	readonly failure: ErrorFact | null;
	/** The run was undone since. */
	readonly undone: boolean;
	readonly command: readonly string[];
	readonly onQuit: () => void;
	readonly onUndo: () => void;
	readonly onHistory: () => void;
	/** Plans again: resumes what stopped, or starts the next job. */
	readonly onAgain: () => void;
}

/** What happened: the checks with their figures, the verdict, where the report is, how to undo. */
export function SummaryScreen({ place, state, failure, undone, command, onQuit, onUndo, onHistory, onAgain }: SummaryScreenProps) {
	const canvas = useCanvas();
	const { open } = useShell();
	const [opened, setOpened] = useState<'no' | 'asked' | 'failed'>('no');
	const [report] = state.files;
	const openReport = (path: string) => {
		setOpened('asked');
		open(path).then((isOpen) => setOpened(isOpen ? 'asked' : 'failed'));
	};
	const resumable = state.outcome === 'interrupted' || state.outcome === 'failed';
	const bindings: readonly Binding[] = [
		{ keys: ['enter', 'q', 'esc'], label: 'enter/q/esc', does: 'finish', run: onQuit },
		...(resumable ? [{ keys: ['r'], label: 'r', does: state.checksOnly ? 'plan again' : 'resume', run: onAgain }] : []),
		...(state.written > 0 && !undone ? [{ keys: ['u'], label: 'u', does: 'undo', run: onUndo }] : []),
		...(report === undefined ? [] : [{ keys: ['o'], label: 'o', does: 'report', run: () => openReport(report) }]),
		{ keys: ['h'], label: 'h', does: 'history', run: onHistory },
	];
	const said = opened === 'failed' ? 'Nothing here can open it; the report is' : 'Asked to open';
	const [verdictLine = blank, ...others] = summaryLines({ state, failure, undone, command }, canvas.width);
	// Under the verdict: in a low terminal the end of the summary is out of sight.
	const body = [
		verdictLine,
		...(opened === 'no' || report === undefined ? [] : paragraph(`${said} ${report}`, canvas.width, opened === 'failed' ? 'warn' : 'dim')),
		...others,
	];
	const verdict = summaryVerdict(state);
	const mode = state.outcome === null ? null : `run ${state.run ?? ''} ${verdict} in ${formatClock(wholeTime(state))}`;
	const word = headlineOf(state)?.text.split(', ')[0] ?? null;
	return <Frame {...place} mode={mode} ids={word} body={body} namesCommand={true} bindings={bindings} command={command} />;
}
