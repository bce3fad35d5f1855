import { useState } from 'react';
import { formatAgo, formatClock, formatCount, formatDateTime } from '../source/core/format.js';
import type { Operations } from '../source/core/operations.js';
import { writtenWords } from '../source/core/outcome-words.js';
import type { RunSummary } from '../source/core/ports.js';
import { commandFacts } from './command-facts.js';
import { errorLines } from './components/error-panel.js';
import { Frame } from './components/frame.js';
import { selectListLines } from './components/select-list.js';
import { useList } from './hooks/use-list.js';
import { useTask } from './hooks/use-task.js';
import type { Binding } from './key-router.js';
import { blank, facts, type LineSpec, line, words } from './lines.js';
import type { Place } from './place.js';
import { isUndoable, statusWords } from './run-words.js';
import { rollbackCommand } from './same-flags.js';
import { useCanvas, useShell } from './shell-context.js';
import type { Tone } from './theme.js';

interface HistoryScreenProps {
	readonly place: Place;
	readonly operations: Operations;
	/** The headless command of a run's environment. */
	readonly commandFor: (run: RunSummary) => readonly string[];
	readonly onUndo: (run: RunSummary) => void;
	readonly onBack: () => void;
}

/** What was done from this computer: runs, newest first, and one of them in detail. */
export function HistoryScreen(props: HistoryScreenProps) {
	const canvas = useCanvas();
	const { task, retry } = useTask('runs', () => props.operations.runs());
	if (task.state === 'ok') return <RunList {...props} runs={task.value} />;
	const failed = task.state === 'failed';
	const bindings: readonly Binding[] = [
		...(failed ? [{ keys: ['r'], label: 'r', does: 'try again', run: retry }] : []),
		{ keys: ['esc'], label: 'esc', does: 'back', run: props.onBack },
	];
	const body = failed ? errorLines(task.error.toJSON(), canvas.width) : [words('Reading the history', 'dim')];
	return <Frame {...props.place} mode="HISTORY" body={body} bindings={bindings} />;
}

function RunList({ place, runs, commandFor, onUndo, onBack }: HistoryScreenProps & { readonly runs: readonly RunSummary[] }) {
	const canvas = useCanvas();
	const { clock } = useShell();
	const [detail, setDetail] = useState(false);
	const list = useList({
		items: runs,
		height: Math.max(2, canvas.lines - 5),
		textOf: (run) => `${run.id} ${run.environment} ${run.operator} ${run.status}`,
	});
	const { selected } = list;
	const now = clock.now();
	const body =
		detail && selected !== undefined
			? detailOf(selected, commandFor(selected), canvas.width)
			: [
					line({ text: 'Runs', tone: 'strong' }, { text: '   newest first', tone: 'dim' }),
					blank,
					...selectListLines({ list, columns, rowOf: (run) => rowOf(run, now), width: canvas.width, none: 'No run yet' }),
				];
	const undo: readonly Binding[] =
		selected !== undefined && isUndoable(selected.status)
			? [{ keys: ['u'], label: 'u', does: 'undo (preview first)', run: () => onUndo(selected) }]
			: [];
	const bindings: readonly Binding[] = [
		...(detail ? [] : list.bindings),
		{
			keys: ['enter'],
			label: detail ? 'enter/esc' : 'enter',
			does: detail ? 'list' : 'detail',
			run: () => setDetail(!detail && selected !== undefined),
		},
		...undo,
		{ keys: ['esc'], label: detail ? '' : 'esc', does: 'back', bar: !detail, run: () => (detail ? setDetail(false) : onBack()) },
	];
	const filterKeys: readonly Binding[] = [{ keys: [], label: 'enter', does: 'keep the filter', run: () => undefined }];
	return <Frame {...place} mode="HISTORY" body={body} bindings={list.filtering ? filterKeys : bindings} capture={list.capture} />;
}

const columns = [
	{ title: 'RUN' },
	{ title: 'ENVIRONMENT', least: 8 },
	{ title: 'WHEN' },
	{ title: 'TIME', align: 'right' as const, dropOrder: 2 },
	{ title: 'RECORDS', align: 'right' as const },
	{ title: 'OPERATOR', least: 6, dropOrder: 3, tone: 'dim' as const },
	{ title: 'VERDICT', least: 6 },
];

function rowOf(run: RunSummary, now: number) {
	return {
		cells: [
			run.id,
			run.environment,
			formatAgo(run.startedAt, now),
			run.seconds === null ? '-' : formatClock(run.seconds * 1000),
			writtenWords(run),
			run.operator,
			statusWords[run.status],
		],
	};
}

function detailOf(run: RunSummary, command: readonly string[], width: number): readonly LineSpec[] {
	const status = statusWords[run.status];
	const pairs: (readonly [string, string, Tone?])[] = [
		['Verdict', status.text, status.tone],
		['Environment', run.environment],
		['Target', run.target],
		['Tenant', run.tenant],
		['Operator', run.operator],
		['Started', formatDateTime(run.startedAt)],
		[
			'Finished',
			run.finishedAt === null
				? '-'
				: `${formatDateTime(run.finishedAt)}${run.seconds === null ? '' : `   ${formatClock(run.seconds * 1000)}`}`,
		],
		['Written', writtenWords(run)],
		['Set aside', formatCount(run.quarantined)],
		['Plan', run.plan],
		['Folder', run.folder],
		...(run.reason === null ? [] : [['Reason', run.reason] as const]),
		...(isUndoable(run.status) ? commandFacts('Undo', rollbackCommand(run.id, command)) : []),
	];
	return [line({ text: `Run ${run.id}`, tone: 'strong' }), blank, ...facts(pairs, width)];
}
