import { useState } from 'react';
import type { DatasetDescription, DatasetSummary, Operations } from '../source/core/operations.js';
import { CollectionPicker } from './collection-picker.js';
import { errorLines } from './components/error-panel.js';
import { Frame } from './components/frame.js';
import { selectListLines } from './components/select-list.js';
import { useList } from './hooks/use-list.js';
import { type TaskState, useTask } from './hooks/use-task.js';
import type { Binding } from './key-router.js';
import { blank, type LineSpec, line, paragraph, words } from './lines.js';
import { PathFields } from './path-fields.js';
import type { Place } from './place.js';
import { useCanvas } from './shell-context.js';
import { chosenParts, descriptionLines, obstacleTo, type Parts, partsWords, type SourcesAnswer } from './source-words.js';

interface SourcesScreenProps {
	readonly place: Place;
	readonly operations: Operations;
	readonly environment: string;
	/** What was chosen before, or given on the command line. */
	readonly answer: SourcesAnswer | null;
	readonly commandFor: (answer: SourcesAnswer) => readonly string[];
	readonly onChoose: (answer: SourcesAnswer) => void;
	/** With what is chosen so far, when it could be gone on with. */
	readonly onBack: (draft: SourcesAnswer | null) => void;
}

/** Step 2: which data. Every source is opened read-only and described before it can be chosen. */
export function SourcesScreen(props: SourcesScreenProps) {
	const { task, retry } = useTask(`datasets ${props.environment}`, () => props.operations.datasets(props.environment));
	if (task.state === 'ok') return <DatasetList {...props} datasets={withAnswer(task.value, props.answer)} />;
	return <SourcesWait {...props} task={task} retry={retry} />;
}

function SourcesWait({
	place,
	task,
	retry,
	onBack,
}: SourcesScreenProps & { readonly task: TaskState<unknown>; readonly retry: () => void }) {
	const { width } = useCanvas();
	const body = task.state === 'failed' ? errorLines(task.error.toJSON(), width) : [words('Looking for datasets', 'dim')];
	const bindings: readonly Binding[] = [
		...(task.state === 'failed' ? [{ keys: ['r'], label: 'r', does: 'try again', run: retry }] : []),
		{ keys: ['esc'], label: 'esc', does: 'back', run: () => onBack(null) },
	];
	return <Frame {...place} body={body} bindings={bindings} />;
}

const other = 'other...';

/** The datasets that were found, the one chosen before when it is none of them, and the way to type paths. */
function withAnswer(found: readonly DatasetSummary[], answer: SourcesAnswer | null): readonly DatasetSummary[] {
	const typed: DatasetSummary = {
		name: other,
		sqlitePath: null,
		chromaPath: null,
		collections: [],
		from: 'typed',
		...(answer?.name === other ? answer.dataset : {}),
	};
	const isOwn = answer !== null && answer.name !== other && !found.some((dataset) => isSame(dataset, answer));
	return [...(isOwn ? [answer.dataset] : []), ...found, typed];
}

/** Paths that were given may be those of a dataset that has a name. */
function isSame(dataset: DatasetSummary, answer: SourcesAnswer): boolean {
	const { sqlitePath, chromaPath } = answer.dataset;
	return dataset.name === answer.name || (dataset.sqlitePath === sqlitePath && dataset.chromaPath === chromaPath);
}

type View = 'list' | 'paths' | 'collections';

function DatasetList(props: SourcesScreenProps & { readonly datasets: readonly DatasetSummary[] }) {
	const { place, operations, answer, commandFor, onChoose, onBack } = props;
	const canvas = useCanvas();
	const [view, setView] = useState<View>('list');
	const [typed, setTyped] = useState<DatasetSummary | null>(null);
	const [parts, setParts] = useState<Parts>(answer?.parts ?? 'both');
	/** Null: as the dataset says. */
	const [picked, setPicked] = useState<readonly string[] | null>(answer?.collections ?? null);
	const datasets = props.datasets.map((dataset) => (dataset.name === other && typed !== null ? typed : dataset));
	const start = Math.max(
		0,
		datasets.findIndex((dataset) => answer !== null && isSame(dataset, answer)),
	);
	const list = useList({ items: datasets, height: Math.max(2, canvas.lines - 13), textOf: ({ name }) => name, start });
	const selected = list.selected;
	const wanted = selected === undefined ? null : chosenParts(selected, parts, picked);
	const hasPath = wanted !== null && (wanted.sqlitePath !== null || wanted.chromaPath !== null);
	const { task, retry } = useTask(hasPath ? JSON.stringify(wanted) : null, (signal) =>
		operations.describeDataset(wanted ?? { sqlitePath: null, chromaPath: null, collections: [] }, signal),
	);
	const obstacle = task.state === 'ok' ? obstacleTo(task.value) : 'not described yet';
	const [refused, setRefused] = useState<string | null>(null);
	const subject = JSON.stringify(wanted);
	const next = () => {
		if (selected?.name === other && !hasPath) return setView('paths');
		if (task.state !== 'ok' || selected === undefined || wanted === null || obstacle !== null) return setRefused(subject);
		// The only collection stays unnamed, as in a command that does not name it.
		onChoose({ name: selected.name, dataset: selected, parts, ...wanted });
	};
	// Going back never loses an answer that Enter would have taken.
	const draft =
		selected === undefined || wanted === null || obstacle !== null ? null : { name: selected.name, dataset: selected, parts, ...wanted };
	if (view === 'paths') {
		return (
			<PathFields
				place={place}
				initial={datasets.find(({ name }) => name === other) ?? null}
				onCancel={() => setView('list')}
				onDone={(sqlitePath, chromaPath) => {
					setTyped({ name: other, sqlitePath, chromaPath, collections: [], from: 'typed' });
					setPicked(null);
					list.jump(datasets.length - 1);
					setView('list');
				}}
			/>
		);
	}
	const collections = task.state === 'ok' ? (task.value.chroma?.collections ?? []) : [];
	if (view === 'collections') {
		return (
			<CollectionPicker
				place={place}
				collections={collections}
				chosen={task.state === 'ok' ? task.value.collections : []}
				onCancel={() => setView('list')}
				onPick={(names) => {
					setPicked(names);
					setView('list');
				}}
			/>
		);
	}
	const told: readonly LineSpec[] = [
		line({ text: 'What moves?', tone: 'strong' }, { text: '   sources are only read, never written', tone: 'dim' }),
		blank,
		...selectListLines({ list, columns, rowOf, width: canvas.width, none: 'Nothing was found' }),
		blank,
		...(selected === undefined || !hasPath
			? []
			: [
					line(
						{ text: selected.name, tone: 'strong' },
						{ text: selected.from === 'default' ? '   by convention' : `   from ${selected.from}`, tone: 'dim' },
					),
				]),
		...under(task, hasPath, parts, canvas.width),
	];
	// Said until something else is chosen or the obstacle is gone.
	const why = refused === subject && obstacle !== null ? paragraph(refusal(task, hasPath), canvas.width, 'warn') : [];
	const body = withRefusal(told, why, canvas.lines);
	const bindings: readonly Binding[] = [
		...list.bindings,
		{ keys: ['enter'], label: 'enter', does: selected?.name === other && !hasPath ? 'type paths' : 'next', run: next },
		{ keys: ['esc'], label: 'esc', does: 'back', run: () => onBack(draft) },
		...(collections.length > 1 ? [{ keys: ['c'], label: 'c', does: 'collections', run: () => setView('collections') }] : []),
		{ keys: ['p'], label: 'p', does: 'parts', run: () => setParts(nextParts(parts)) },
		{ keys: ['o'], label: 'o', does: 'other files', run: () => setView('paths'), bar: selected?.name === other },
		{ keys: ['r'], label: 'r', does: 'look again', run: retry, bar: false },
	];
	const command =
		selected === undefined || wanted === null ? undefined : commandFor({ name: selected.name, dataset: selected, parts, ...wanted });
	return <Frame {...place} body={body} bindings={list.filtering ? filterKeys : bindings} capture={list.capture} command={command} />;
}

/** Where there is no room below, it takes the place of the second line, a blank one: else the frame would close others and all would move. */
function withRefusal(told: readonly LineSpec[], why: readonly LineSpec[], lines: number): readonly LineSpec[] {
	if (why.length === 0) return told;
	const below = told.length + why.length;
	if (below <= lines) return [...told, ...(below < lines ? [blank] : []), ...why];
	return [...told.slice(0, 1), ...why, ...told.slice(2)];
}

/** Why Enter goes nowhere, and which key helps. */
function refusal(task: TaskState<DatasetDescription>, hasPath: boolean): string {
	if (!hasPath) return '! Not chosen: there is nothing in it to move. p chooses parts, o takes other files.';
	if (task.state === 'working') return '! Not chosen yet: it is still being opened.';
	if (task.state === 'ok' && task.value.problems.length === 0)
		return `! Not chosen: ${obstacleTo(task.value) ?? 'it cannot be moved'}${(task.value.chroma?.collections.length ?? 0) > 1 ? ' (c lists them)' : ''}.`;
	return '! Not chosen: what is marked X must be solved first. r looks again, p chooses parts, o takes other files.';
}

const filterKeys: readonly Binding[] = [{ keys: [], label: 'enter', does: 'keep the filter', run: () => undefined }];

const nextParts = (parts: Parts): Parts => (parts === 'both' ? 'sqlite' : parts === 'sqlite' ? 'chroma' : 'both');

const columns = [
	{ title: 'DATASET', least: 8 },
	{ title: 'SQLITE', least: 14, cut: 'middle' as const },
	{ title: 'CHROMA', least: 14, cut: 'middle' as const },
];

function rowOf(dataset: DatasetSummary) {
	const isEmpty = dataset.name === other && dataset.sqlitePath === null && dataset.chromaPath === null;
	return {
		cells: [
			dataset.name,
			isEmpty ? { text: 'type paths', tone: 'dim' as const } : (dataset.sqlitePath ?? { text: '-', tone: 'dim' as const }),
			dataset.chromaPath ?? { text: isEmpty ? '' : '-', tone: 'dim' as const },
		],
	};
}

function under(task: TaskState<DatasetDescription>, hasPath: boolean, parts: Parts, width: number): readonly LineSpec[] {
	if (!hasPath)
		return [
			words(parts === 'both' ? 'Enter lets you type the paths.' : `This dataset has no ${partsWords[parts]} part. p chooses parts.`, 'dim'),
		];
	if (task.state === 'failed') return errorLines(task.error.toJSON(), width);
	if (task.state !== 'ok') return [line({ text: '-', tone: 'accent', spinner: true }, { text: ' Opening read-only', tone: 'dim' })];
	return descriptionLines(task.value, parts, width);
}
