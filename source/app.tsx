import { Box, Static, Text, useApp, useInput } from 'ink';
import { useCallback, useEffect, useLayoutEffect, useReducer, useState } from 'react';
import { ErrorBoundary } from '../screens/components/error-boundary.js';
import { Line } from '../screens/components/line.js';
import { useStore } from '../screens/hooks/use-store.js';
import { KeyReader, KeyRouter } from '../screens/key-router.js';
import type { Observable } from '../screens/observable.js';
import { leastColumns, leastRows, type Shell, ShellContext } from '../screens/shell-context.js';
import type { Operations } from './core/operations.js';
import type { Clock } from './core/ports.js';
import type { Session } from './session.js';
import { railOf, type WizardState, wizardAfter } from './wizard.js';
import { type Leaving, WizardScreen } from './wizard-screen.js';

export interface WindowSize {
	readonly columns: number;
	readonly rows: number;
}

export interface AppProps {
	readonly operations: Operations;
	readonly session: Session;
	readonly start: WizardState;
	readonly version: string;
	readonly clock: Clock;
	readonly unicode: boolean;
	readonly colour: boolean;
	/** Of the terminal that is drawn on; told again when it changes. */
	readonly size: Observable<WindowSize>;
	/** Set from outside (a signal) when the wizard is to close. */
	readonly leaveRequest: Observable<Leaving | null>;
	readonly copy: (text: string) => void;
	/** Opens a file outside the terminal; false, or absent: nothing can. */
	readonly open?: (path: string) => Promise<boolean>;
	/** Told once, just before the one exit. */
	readonly onLeave: (why: Leaving) => void;
}

/** The shell around the screens: the one key hook, the too-small guard, the error boundary, the single exit. */
export function App(props: AppProps) {
	const { operations, session, version, clock, unicode, colour, copy, open = cannotOpen } = props;
	const [state, dispatch] = useReducer(wizardAfter, props.start);
	const [keys] = useState(() => new KeyRouter());
	const { columns, rows } = useStore(props.size);
	const tooSmall = columns < leastColumns || rows < leastRows;
	const { closing, leave } = useSingleExit(props);
	useKeyboard(keys, session, tooSmall, () => leave(state.screen === 'summary' ? 'finished' : 'cancelled'));
	useRunEnd(session, () => dispatch({ type: 'run-ended' }));
	useLayoutEffect(() => {
		// Keys typed ahead were meant for the screen before.
		if (state.screen === 'confirm' || state.screen === 'run') keys.dropTypedAhead();
	}, [keys, state.screen]);

	const shell: Shell = { version, columns, rows, unicode, colour, clock, keys, copy, open, quit: () => leave('left') };
	const place = { environment: null, rail: railOf(state) };
	return (
		<ShellContext value={shell}>
			<Static items={[...state.finished]}>
				{({ key, label, said }) => (
					<Line
						key={key}
						parts={[
							{ text: ' ok ', tone: 'good' },
							{ text: label, width: 13 },
							{ text: said, tone: 'dim' },
						]}
					/>
				)}
			</Static>
			{closing ? null : (
				<>
					{tooSmall ? <TooSmall columns={columns} rows={rows} running={session.active} /> : null}
					{/* Hidden, not unmounted: what was typed and chosen is there again when the terminal is large enough. */}
					<Box display={tooSmall ? 'none' : 'flex'} flexDirection="column">
						<ErrorBoundary place={place} onQuit={() => leave('cancelled')}>
							<WizardScreen state={state} dispatch={dispatch} operations={operations} session={session} onLeave={leave} />
						</ErrorBoundary>
					</Box>
				</>
			)}
		</ShellContext>
	);
}

const cannotOpen = () => Promise.resolve(false);

function TooSmall({ columns, rows, running }: WindowSize & { readonly running: boolean }) {
	const still = running ? 'The run goes on.' : 'Nothing is lost.';
	const text = ` repot needs ${leastColumns} x ${leastRows}; this is ${columns} x ${rows}. Make the terminal larger. ${still}`;
	// A line for each that fits: at most two of the rows there are, whatever the width.
	return rows < 5 ? (
		<Text wrap="truncate-end">{text}</Text>
	) : (
		<Text wrap={columns * (rows - 2) > text.length ? 'wrap' : 'truncate-end'}>{text}</Text>
	);
}

/** The only place that exits: the last frame is cleared first, so that the closing lines stand alone. */
function useSingleExit({ leaveRequest, onLeave }: AppProps): { readonly closing: boolean; readonly leave: (why: Leaving) => void } {
	const { exit } = useApp();
	const requested = useStore(leaveRequest);
	const closing = requested !== null;
	useEffect(() => {
		if (requested === null) return;
		onLeave(requested);
		exit();
	}, [requested, onLeave, exit]);
	const leave = useCallback(
		(why: Leaving) => {
			if (leaveRequest.getSnapshot() === null) leaveRequest.set(why);
		},
		[leaveRequest],
	);
	return { closing, leave };
}

/** One key hook that is always active; everything else is routed. */
function useKeyboard(keys: KeyRouter, session: Session, tooSmall: boolean, quit: () => void): void {
	const [reader] = useState(() => new KeyReader());
	useLayoutEffect(() => {
		keys.global = (press) => {
			if (press.name !== 'ctrl+c') return tooSmall;
			const interrupted = session.interrupt();
			if (interrupted === 'idle' || interrupted === 'leaving') quit();
			return true;
		};
	});
	const onInput = useCallback(
		(input: string, key: Parameters<KeyReader['read']>[1]) => {
			keys.push(reader.read(input, key));
		},
		[keys, reader],
	);
	useInput(onInput);
}

/** Moves on when the run ended as an event; a run that threw stays on its screen with the reason. */
function useRunEnd(session: Session, onEnd: () => void): void {
	const { state } = useStore(session.store);
	const ended = state.phase === 'finished';
	useEffect(() => {
		if (ended) onEnd();
	});
}
