import { useState } from 'react';
import { formatTimeOfDay } from '../source/core/format.js';
import { timePaused } from '../source/core/run-store.js';
import { errorLines } from './components/error-panel.js';
import { Frame } from './components/frame.js';
import { useNow } from './hooks/use-now.js';
import { useStore } from './hooks/use-store.js';
import type { Binding } from './key-router.js';
import { blank, line } from './lines.js';
import type { Place } from './place.js';
import type { RunControls } from './run-controls.js';
import { type RunDetail, runLines } from './run-lines.js';
import { useCanvas } from './shell-context.js';

interface RunScreenProps {
	readonly place: Place;
	readonly controls: RunControls;
	readonly plan: string;
	/** The target is an embedded database that this run makes. */
	readonly startsNewDatabase: boolean;
	/** Nothing is written: what is there already is checked again. */
	readonly checksOnly: boolean;
	readonly command: readonly string[];
	/** After the run could not begin or broke off: plan again from the preview. */
	readonly onReplan: () => void;
	readonly onQuit: () => void;
}

/** What Ctrl+C does while something is written or undone. */
export const stopsSafely = 'stop safely; again: stop now';

/** Step 6: what is happening. The run itself lives in the session; this only watches it. */
export function RunScreen({ place, controls, plan, startsNewDatabase, checksOnly, command, onReplan, onQuit }: RunScreenProps) {
	const canvas = useCanvas();
	const { state, control } = useStore(controls.store);
	const failure = useStore(controls.failure);
	const [detail, setDetail] = useState<RunDetail>('overview');
	const { now } = useNow(500, failure === null);
	const ids =
		state.startedAt === null
			? `plan ${plan.slice(0, 8)}`
			: `run ${state.run ?? ''}   plan ${plan.slice(0, 8)}   started ${formatTimeOfDay(state.startedAt, false)}`;
	if (failure !== null) {
		const bindings: readonly Binding[] = [
			{ keys: ['r', 'enter'], label: 'enter', does: 'plan again', run: onReplan },
			{ keys: ['q', 'esc'], label: 'q', does: 'quit', run: onQuit },
		];
		const body = [
			checksOnly
				? line({ text: 'The checks broke off. Nothing was written.', tone: 'warn' })
				: line({ text: 'The run broke off. What was committed stays; the same command resumes.', tone: 'warn' }),
			blank,
			...errorLines(failure, canvas.width),
		];
		return <Frame {...place} mode="STOPPED" ids={ids} body={body} bindings={bindings} command={command} />;
	}
	const show = (wanted: RunDetail) => () => setDetail(detail === wanted ? 'overview' : wanted);
	const bindings: readonly Binding[] = [
		...(checksOnly
			? [{ keys: ['s'], label: 's', does: 'stop', run: () => controls.stop() }]
			: [
					{ keys: ['p'], label: 'p', does: control.paused ? 'go on' : 'pause', run: () => controls.pause(!control.paused) },
					{ keys: ['s'], label: 's', does: 'stop after batch', run: () => controls.stop() },
				]),
		{ keys: ['l'], label: 'l', does: detail === 'log' ? 'overview' : 'log', run: show('log') },
		...(checksOnly ? [] : [{ keys: ['e'], label: 'e', does: detail === 'rejects' ? 'overview' : 'set aside', run: show('rejects') }]),
		...(detail === 'overview' ? [] : [{ keys: ['esc'], label: 'esc', does: 'overview', run: () => setDetail('overview') }]),
	];
	const mode = checksOnly
		? control.stopping === 'no'
			? 'CHECKING - nothing is written'
			: 'STOPPING'
		: control.stopping === 'abort'
			? 'STOPPING NOW'
			: control.stopping === 'stop'
				? 'STOPPING after this batch'
				: control.paused
					? 'PAUSED'
					: state.phase === 'verifying'
						? 'CHECKING'
						: 'WRITING';
	const body = runLines({ state, control, now, idle: timePaused(control, now), detail, canvas, startsNewDatabase, checksOnly });
	return <Frame {...place} mode={mode} ids={ids} body={body} bindings={bindings} command={command} interrupt={stopsSafely} />;
}
