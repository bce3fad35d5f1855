import { useState } from 'react';
import { formatCount, formatQuantity } from '../source/core/format.js';
import { allCollections, flagName, shownName } from '../source/core/plan/collection.js';
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
	/** Those that are chosen so far. A single one is where the cursor begins, so that another can simply be taken instead. */
	readonly chosen: readonly ChromaCollection[];
	/** As `--collection` takes them: names, or `all`. */
	readonly onPick: (names: readonly string[]) => void;
	readonly onCancel: () => void;
}

/** One or several collections of a Chroma directory. */
export function CollectionPicker({ place, collections, chosen, onPick, onCancel }: CollectionPickerProps) {
	const canvas = useCanvas();
	const [marked, setMarked] = useState<ReadonlySet<string>>(new Set(chosen.length > 1 ? chosen.map(({ id }) => id) : []));
	const start = Math.max(
		0,
		collections.findIndex(({ id }) => id === chosen[0]?.id),
	);
	const list = useList({ items: collections, height: Math.max(2, canvas.lines - 8), textOf: ({ name }) => name, start });
	const picked = collections.filter(({ id }) => marked.has(id));
	const toggle = (): void => {
		const { selected } = list;
		if (selected === undefined) return;
		setMarked(new Set(marked.has(selected.id) ? [...marked].filter((id) => id !== selected.id) : [...marked, selected.id]));
	};
	const body = [
		line({ text: 'Which collections?', tone: 'strong' }, { text: '   each becomes one of its own in the target', tone: 'dim' }),
		blank,
		...selectListLines({ list, columns, rowOf: (item) => rowOf(item, collections, marked), width: canvas.width, none: 'No collection' }),
		blank,
		line({ text: sumOf(picked, collections), tone: 'dim' }),
	];
	const bindings: readonly Binding[] = [
		...list.bindings,
		{ keys: [' '], label: 'space', does: 'mark', run: toggle },
		{
			keys: ['a'],
			label: 'a',
			does: 'all',
			run: () => setMarked(new Set(picked.length === collections.length ? [] : collections.map(({ id }) => id))),
		},
		{
			keys: ['enter'],
			label: 'enter',
			does: picked.length === 0 ? 'choose' : 'take',
			run: () => {
				const names = namesOf(picked.length > 0 ? picked : list.selected === undefined ? [] : [list.selected], collections);
				if (names.length > 0) onPick(names);
			},
		},
		{ keys: ['esc'], label: 'esc', does: 'back', run: onCancel },
	];
	const filterKeys: readonly Binding[] = [{ keys: [], label: 'enter', does: 'keep the filter', run: () => undefined }];
	return <Frame {...place} body={body} bindings={list.filtering ? filterKeys : bindings} capture={list.capture} />;
}

function namesOf(picked: readonly ChromaCollection[], collections: readonly ChromaCollection[]): readonly string[] {
	if (picked.length > 1 && picked.length === collections.length) return [allCollections];
	return picked.map((collection) => flagName(collection, collections));
}

function sumOf(picked: readonly ChromaCollection[], collections: readonly ChromaCollection[]): string {
	if (picked.length === 0) return 'none marked: enter takes the one under the cursor';
	const records = picked.reduce((sum, collection) => sum + collection.records, 0);
	return `${formatCount(picked.length)} of ${formatCount(collections.length)} marked   ${formatQuantity(records, 'record')}`;
}

const columns = [
	{ title: '' },
	{ title: 'COLLECTION', least: 12, cut: 'middle' as const },
	{ title: 'RECORDS', align: 'right' as const },
	{ title: 'DIMENSION', align: 'right' as const, dropOrder: 2 },
	{ title: 'METRIC', dropOrder: 1 },
];

function rowOf(collection: ChromaCollection, collections: readonly ChromaCollection[], marked: ReadonlySet<string>) {
	const { id, records, dimension, space } = collection;
	return {
		cells: [
			marked.has(id) ? { text: '[x]', tone: 'good' as const } : { text: '[ ]', tone: 'dim' as const },
			shownName(collection, collections),
			formatCount(records),
			dimension === null ? '-' : String(dimension),
			space,
		],
	};
}
