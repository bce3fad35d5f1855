import { formatAgo, formatQuantity } from '../source/core/format.js';
import type { EnvironmentSummary, Operations } from '../source/core/operations.js';
import type { RunSummary } from '../source/core/ports.js';
import { commandFacts } from './command-facts.js';
import type { TableRow } from './components/data-table.js';
import { errorLines } from './components/error-panel.js';
import { Frame } from './components/frame.js';
import { selectListLines } from './components/select-list.js';
import { useList } from './hooks/use-list.js';
import { useTask } from './hooks/use-task.js';
import type { Binding } from './key-router.js';
import { blank, facts, type LineSpec, line, paragraph, words } from './lines.js';
import type { Place } from './place.js';
import { statusWords } from './run-words.js';
import { useCanvas, useShell } from './shell-context.js';

interface EnvironmentScreenProps {
	readonly place: Place;
	readonly operations: Operations;
	/** Chosen before, or asked for on the command line. */
	readonly chosen: string | null;
	/** Esc was pressed: nothing happens before the answer. */
	readonly leaving: boolean;
	readonly commandFor: (environment: string) => readonly string[];
	readonly onChoose: (environment: EnvironmentSummary, restart: boolean) => void;
	readonly onHistory: () => void;
	readonly onBack: () => void;
	readonly onLeave: (leave: boolean) => void;
}

/** Step 1: where to. */
export function EnvironmentScreen(props: EnvironmentScreenProps) {
	const { task, retry } = useTask('environments', () => props.operations.environments());
	if (task.state === 'ok') return <EnvironmentList {...props} environments={task.value.map(ownRuns)} />;
	return <EnvironmentWait {...props} error={task.state === 'failed' ? task.error.toJSON() : null} retry={retry} />;
}

/** Without a target nobody knows where the runs of this name wrote to: they are not this environment's. */
function ownRuns(environment: EnvironmentSummary): EnvironmentSummary {
	return environment.target === null ? { ...environment, lastRun: null, resumable: null } : environment;
}

function EnvironmentWait({
	place,
	error,
	retry,
	leaving,
	onBack,
	onLeave,
}: EnvironmentScreenProps & { readonly error: Parameters<typeof errorLines>[0] | null; readonly retry: () => void }) {
	const { width } = useCanvas();
	const body = error === null ? [words('Reading the configuration', 'dim')] : errorLines(error, width);
	const bindings: Binding[] = [
		...(error === null ? [] : [{ keys: ['r'], label: 'r', does: 'try again', run: retry }]),
		{ keys: ['esc'], label: 'esc', does: 'leave', run: onBack },
	];
	return <Frame {...place} body={leaving ? leaveLines : body} bindings={leaving ? leaveBindings(onLeave) : bindings} />;
}

const leaveLines: readonly LineSpec[] = [
	blank,
	words('Leave repot? Nothing has been written.', 'strong'),
	blank,
	words('y  leave      n  stay'),
];

function leaveBindings(onLeave: (leave: boolean) => void): readonly Binding[] {
	return [
		{ keys: ['y'], label: 'y', does: 'leave', run: () => onLeave(true) },
		{ keys: ['n', 'esc'], label: 'n', does: 'stay', run: () => onLeave(false) },
	];
}

/** The title and the titles of the columns. */
const aroundList = 2;

function EnvironmentList(props: EnvironmentScreenProps & { readonly environments: readonly EnvironmentSummary[] }) {
	const { place, environments, chosen, leaving, commandFor, onChoose, onHistory, onBack, onLeave } = props;
	const canvas = useCanvas();
	const { clock } = useShell();
	const start = Math.max(
		0,
		environments.findIndex(({ name }) => name === chosen),
	);
	// The list shares the body with a title, the details of one environment and the headless line.
	// The list shares the body with what is said of one environment; blank lines give way.
	const height = (item: EnvironmentSummary | undefined): number => {
		const said = item === undefined ? [] : details(item, clock.now(), canvas.width, commandFor(item.name));
		const room = canvas.lines - aroundList - said.filter((spec) => spec !== blank).length;
		// A list that is cut needs a line to say so.
		return Math.max(2, environments.length <= room ? room : room - 1);
	};
	const list = useList({ items: environments, height, textOf: ({ name }) => name, start });
	const selected = list.selected;
	const now = clock.now();
	const body = [
		line({ text: 'Where to?', tone: 'strong' }, { text: `   ${formatQuantity(environments.length, 'environment')}`, tone: 'dim' }),
		blank,
		...selectListLines({
			list,
			columns,
			rowOf: (item) => rowOf(item, now),
			width: canvas.width,
			none: 'No environment is configured: run repot init',
		}),
		blank,
		...(selected === undefined ? [] : details(selected, now, canvas.width, commandFor(selected.name))),
	];
	const choose = (restart: boolean) => () => {
		if (selected !== undefined) onChoose(selected, restart);
	};
	const resumable = selected !== undefined && selected.resumable !== null;
	const bindings: readonly Binding[] = [
		...list.bindings,
		{ keys: ['enter'], label: 'enter', does: resumable ? 'resume' : 'next', run: choose(false) },
		...(resumable
			? [
					{ keys: ['r'], label: 'r', does: 'resume', run: choose(false), bar: false },
					{ keys: ['n'], label: 'n', does: 'new run', run: choose(true) },
				]
			: []),
		{ keys: ['h'], label: 'h', does: 'history', run: onHistory },
		{ keys: ['esc'], label: 'esc', does: 'leave', run: onBack, bar: false },
	];
	const filterKeys: readonly Binding[] = [{ keys: [], label: 'enter', does: 'keep the filter', run: () => undefined }];
	return (
		<Frame
			{...place}
			body={leaving ? leaveLines : body}
			bindings={leaving ? leaveBindings(onLeave) : list.filtering ? filterKeys : bindings}
			capture={leaving ? undefined : list.capture}
			command={selected === undefined ? undefined : commandFor(selected.name)}
		/>
	);
}

const columns = [
	{ title: 'NAME', least: 8 },
	{ title: 'GUARD' },
	{ title: 'TARGET', least: 12, cut: 'middle' as const },
	{ title: 'LAST RUN', least: 8, dropOrder: 1 },
];

function rowOf(environment: EnvironmentSummary, now: number): TableRow {
	const { lastRun } = environment;
	const last = lastRun === null ? null : statusWords[lastRun.status];
	return {
		cells: [
			environment.guard === 'protected' ? `${environment.name} !` : environment.name,
			environment.guard === 'protected' ? { text: 'PROTECTED', tone: 'bad' } : { text: 'open', tone: 'dim' },
			environment.target === null ? { text: 'no target yet', tone: 'warn' } : environment.target,
			lastRun === null || last === null
				? { text: 'never', tone: 'dim' }
				: { text: `${formatAgo(lastRun.startedAt, now)}  ${last.text}`, tone: last.tone },
		],
	};
}

function details(environment: EnvironmentSummary, now: number, width: number, command: readonly string[]): readonly LineSpec[] {
	const { resumable } = environment;
	return [
		line(
			{ text: environment.name, tone: 'strong' },
			{
				text: environment.from === 'default' ? '   by convention: no configuration names one' : `   from ${environment.from}`,
				tone: 'dim',
			},
		),
		...(environment.guard === 'protected' ? paragraph('PROTECTED: writing or undoing here takes its name, typed.', width, 'warn') : []),
		...(resumable === null
			? []
			: [
					...paragraph(
						`! Run ${resumable.id} ${resumable.status === 'running' ? 'was killed or still runs:' : 'stopped safely'} ${stoppedWords(resumable, now)}: enter resumes it, n begins a new run.`,
						width,
						'warn',
					),
				]),
		blank,
		...facts(commandFacts('Headless', command, 'dim'), width),
	];
}

function stoppedWords({ status, startedAt, written }: RunSummary, now: number): string {
	if (status !== 'running') return `${formatAgo(startedAt, now)} after ${formatQuantity(written, 'record')}`;
	const records = written === 0 ? '' : ` and wrote at least ${formatQuantity(written, 'record')}`;
	return `began ${formatAgo(startedAt, now)}${records}`;
}
