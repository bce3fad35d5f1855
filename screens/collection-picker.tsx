import { formatCount } from '../source/core/format.js';
import type { ChromaCollection } from '../source/core/ports.js';
import { Frame } from './components/frame.js';
import { selectListLines } from './components/select-list.js';
import { useList } from './hooks/use-list.js';
import type { Binding } from './key-router.js';
import { blank, line } from './lines.js';
import type { Place } from './place.js';
import { useCanvas } from './shell-context.js';

interface CollectionPickerProps {
	readonly place: Place;
	readonly collections: readonly ChromaCollection[];
	readonly onPick: (name: string) => void;
	readonly onCancel: () => void;
}

/** One of several collections of a Chroma directory. */
export function CollectionPicker({ place, collections, onPick, onCancel }: CollectionPickerProps) {
	const canvas = useCanvas();
	const list = useList({ items: collections, height: Math.max(2, canvas.lines - 6), textOf: ({ name }) => name });
	const body = [
		line({ text: 'Which collection?', tone: 'strong' }),
		blank,
		...selectListLines({ list, columns, rowOf, width: canvas.width, none: 'No collection' }),
	];
	const bindings: readonly Binding[] = [
		...list.bindings,
		{
			keys: ['enter'],
			label: 'enter',
			does: 'choose',
			run: () => {
				if (list.selected !== undefined) onPick(list.selected.name);
			},
		},
		{ keys: ['esc'], label: 'esc', does: 'back', run: onCancel },
	];
	const filterKeys: readonly Binding[] = [{ keys: [], label: 'enter', does: 'keep the filter', run: () => undefined }];
	return <Frame {...place} body={body} bindings={list.filtering ? filterKeys : bindings} capture={list.capture} />;
}

const columns = [
	{ title: 'COLLECTION', least: 12, cut: 'middle' as const },
	{ title: 'RECORDS', align: 'right' as const },
	{ title: 'DIMENSION', align: 'right' as const, dropOrder: 2 },
	{ title: 'METRIC', dropOrder: 1 },
];

function rowOf(collection: ChromaCollection) {
	const { name, records, dimension, space } = collection;
	return { cells: [name, formatCount(records), dimension === null ? '-' : String(dimension), space] };
}
