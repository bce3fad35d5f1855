import { errorLines } from './components/error-panel.js';
import { Frame } from './components/frame.js';
import { selectListLines } from './components/select-list.js';
import { useList } from './hooks/use-list.js';
import { useTask } from './hooks/use-task.js';
import type { Binding } from './key-router.js';
import { blank, line, words } from './lines.js';
import type { Place } from './place.js';
import { useCanvas } from './shell-context.js';

/** One line of the list: what is taken, and what is said beside it. */
export interface Pickable {
	readonly value: string;
	readonly about: readonly string[];
}

interface PickOneProps {
	readonly place: Place;
	readonly title: string;
	/** Titles of the columns: of the value, and of what is said beside it. */
	readonly columns: readonly string[];
	readonly load: (signal: AbortSignal) => Promise<readonly Pickable[]>;
	/** Said when there is nothing to pick. */
	readonly none: string;
	readonly start: string | null;
	readonly onPick: (value: string) => void;
	readonly onCancel: () => void;
}

/** One of a list that has to be fetched first. */
export function PickOne(props: PickOneProps) {
	const { task, retry } = useTask(props.title, props.load);
	const { width } = useCanvas();
	if (task.state === 'ok') return <PickList {...props} items={task.value} />;
	const failed = task.state === 'failed' ? task.error : null;
	const bindings: readonly Binding[] = [
		...(failed === null ? [] : [{ keys: ['r'], label: 'r', does: 'try again', run: retry }]),
		{ keys: ['esc'], label: 'esc', does: 'back', run: props.onCancel },
	];
	const body = failed === null ? [words('Looking ...', 'dim')] : errorLines(failed.toJSON(), width);
	return <Frame {...props.place} body={body} bindings={bindings} />;
}

function PickList({ place, title, columns, none, start, items, onPick, onCancel }: PickOneProps & { readonly items: readonly Pickable[] }) {
	const canvas = useCanvas();
	const at = Math.max(
		0,
		items.findIndex(({ value }) => value === start),
	);
	const list = useList({
		items,
		height: Math.max(2, canvas.lines - 5),
		textOf: ({ value, about }) => [value, ...about].join(' '),
		start: at,
	});
	const body = [
		line({ text: title, tone: 'strong' }),
		blank,
		...selectListLines({
			list,
			columns: columns.map((column, index) => ({
				title: column,
				least: 8,
				cut: 'middle' as const,
				...(index === 0 ? {} : { dropOrder: index }),
			})),
			rowOf: ({ value, about }) => ({ cells: [value, ...about.map((text) => ({ text, tone: 'dim' as const }))] }),
			width: canvas.width,
			none,
		}),
	];
	const bindings: readonly Binding[] = [
		...list.bindings,
		{
			keys: ['enter'],
			label: 'enter',
			does: 'take',
			run: () => {
				if (list.selected !== undefined) onPick(list.selected.value);
			},
		},
		{ keys: ['esc'], label: 'esc', does: 'back', run: onCancel },
	];
	const filterKeys: readonly Binding[] = [{ keys: [], label: 'enter', does: 'keep the filter', run: () => undefined }];
	return <Frame {...place} body={body} bindings={list.filtering ? filterKeys : bindings} capture={list.capture} />;
}
