import { useState } from 'react';
import { credentialLine } from '../source/core/credentials/row-words.js';
import type { CredentialRow } from '../source/core/credentials/rows.js';
import { formatCount, formatQuantity } from '../source/core/format.js';
import type { Operations, TargetAccess } from '../source/core/operations.js';
import type { RollbackPreview } from '../source/core/ports.js';
import { errorLines } from './components/error-panel.js';
import { Frame } from './components/frame.js';
import { hiddenRows, windowAround } from './components/list-window.js';
import { useStore } from './hooks/use-store.js';
import { useTask } from './hooks/use-task.js';
import type { Binding } from './key-router.js';
import { blank, line, paragraph, words } from './lines.js';
import type { Place } from './place.js';
import { RollbackConfirm, type UndoSubject } from './rollback-confirm.js';
import { rollbackLines, undoLines } from './rollback-lines.js';
import { stopsSafely } from './run.js';
import type { RunControls } from './run-controls.js';
import { rollbackCommand } from './same-flags.js';
import { useCanvas, useShell } from './shell-context.js';

interface RollbackScreenProps {
	readonly place: Place;
	readonly operations: Operations;
	readonly subject: UndoSubject;
	readonly controls: RunControls;
	/** The headless command of the run's environment. */
	readonly environmentCommand: readonly string[];
	/** Where the run wrote to, with whose identity it was found; throws a RepotError naming what is missing. */
	readonly findTarget: (onRow: (row: CredentialRow) => void, signal: AbortSignal) => Promise<TargetAccess>;
	readonly onUndo: (target: TargetAccess, reason: string | null) => void;
	readonly onBack: () => void;
}

const previewMode = 'ROLLBACK PREVIEW - nothing has been removed';

/** Undo in four steps: preview, confirm, undo, result. */
export function RollbackScreen(props: RollbackScreenProps) {
	const { place, operations, subject, controls, findTarget, onBack } = props;
	const canvas = useCanvas();
	const undo = useStore(controls.undo);
	const { clock } = useShell();
	const [found, setFound] = useState<readonly CredentialRow[]>([]);
	const { task, retry } = useTask(`rollback ${subject.run}`, async (signal) => {
		const tell = (row: CredentialRow) => {
			if (!signal.aborted) setFound((before) => [...before.filter(({ name }) => name !== row.name), row]);
		};
		const target = await findTarget(tell, signal);
		return { target, preview: await operations.rollbackPreview(subject.run, target) };
	});
	if (undo.phase !== 'idle' && (undo.run === subject.run || undo.run === null)) return <Undoing {...props} />;
	if (task.state === 'ok') return <Preview {...props} preview={task.value.preview} target={task.value.target} />;
	const failed = task.state === 'failed';
	const bindings: readonly Binding[] = [
		...(failed ? [{ keys: ['r'], label: 'r', does: 'try again', run: retry }] : []),
		{ keys: ['esc'], label: 'esc', does: 'back', run: onBack },
	];
	const said = found.flatMap((row) => credentialLine(row, clock.now()) ?? []).flatMap((text) => paragraph(text, canvas.width, 'dim'));
	const body = failed
		? errorLines(task.error.toJSON(), canvas.width)
		: [
				...said,
				line(
					{ text: '-', tone: 'accent', spinner: true },
					{ text: ` Counting what run ${subject.run} wrote and what changed since`, tone: 'dim' },
				),
			];
	return <Frame {...place} mode={previewMode} ids={`run ${subject.run}`} body={body} bindings={bindings} />;
}

function Preview(props: RollbackScreenProps & { readonly preview: RollbackPreview; readonly target: TargetAccess }) {
	const { place, subject, preview, target, environmentCommand, onUndo, onBack } = props;
	const canvas = useCanvas();
	const [confirming, setConfirming] = useState(false);
	const [from, setFrom] = useState(0);
	if (confirming) {
		return (
			<RollbackConfirm
				place={place}
				subject={subject}
				preview={preview}
				onCancel={() => setConfirming(false)}
				onConfirm={(reason) => onUndo(target, reason)}
			/>
		);
	}
	const all = rollbackLines(preview, canvas.width);
	const height = canvas.lines - 3;
	const window = windowAround(all.length, from, height, from);
	const hidden = hiddenRows(window);
	const removable = preview.tables.reduce((sum, table) => sum + table.removable + table.restorable, 0);
	const body = [
		line(
			{ text: `Undo run ${subject.run}?`, tone: 'strong' },
			{ text: `   ${formatQuantity(removable, 'row')} to remove or restore`, tone: 'dim' },
		),
		blank,
		...all.slice(window.from, window.to),
		...(hidden === null ? [] : [words(hidden, 'dim')]),
	];
	const scroll = (by: number) => () => setFrom(Math.max(0, Math.min(Math.max(0, all.length - height), window.from + by)));
	const bindings: readonly Binding[] = [
		...(all.length > height
			? [
					{ keys: ['up', 'k'], label: 'up/down', does: 'scroll', run: scroll(-1) },
					{ keys: ['down', 'j'], label: 'j/k', does: 'scroll too', run: scroll(1), bar: false },
				]
			: []),
		{ keys: ['enter'], label: 'enter', does: 'go on to confirm', run: () => setConfirming(true) },
		{ keys: ['esc'], label: 'esc', does: 'back', run: onBack },
	];
	const command = [...rollbackCommand(subject.run, environmentCommand), '--dry-run'];
	return <Frame {...place} mode={previewMode} ids={`run ${subject.run}`} body={body} bindings={bindings} command={command} />;
}

function Undoing({ place, subject, controls, onBack }: RollbackScreenProps) {
	const canvas = useCanvas();
	const undo = useStore(controls.undo);
	const finished = undo.phase === 'finished';
	const kept = undo.kept > 0 ? `, ${formatCount(undo.kept)} kept` : '';
	const mode = finished
		? `${undo.outcome === 'kept-some' ? 'partly undone' : 'undone'}: ${formatCount(undo.removed)} removed, ${formatCount(undo.restored)} restored${kept}`
		: 'UNDOING';
	const bindings: readonly Binding[] = finished ? [{ keys: ['enter', 'esc', 'q'], label: 'enter', does: 'close', run: onBack }] : [];
	return (
		<Frame
			{...place}
			mode={undo.outcome === 'failed' ? 'UNDO FAILED' : mode}
			ids={`run ${subject.run}`}
			body={undoLines(undo, canvas)}
			bindings={bindings}
			{...(finished ? {} : { interrupt: stopsSafely })}
		/>
	);
}
