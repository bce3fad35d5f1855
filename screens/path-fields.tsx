import { useState } from 'react';
import type { DatasetSummary } from '../source/core/operations.js';
import { Frame } from './components/frame.js';
import { fieldParts } from './components/text-field.js';
import { useTextField } from './hooks/use-text-field.js';
import type { Binding } from './key-router.js';
import { blank, line, words } from './lines.js';
import type { Place } from './place.js';
import { useCanvas } from './shell-context.js';

interface PathFieldsProps {
	readonly place: Place;
	readonly initial: DatasetSummary | null;
	readonly onDone: (sqlitePath: string | null, chromaPath: string | null) => void;
	readonly onCancel: () => void;
}

/** Types the two paths of a dataset that was not found by itself; either may stay empty. */
export function PathFields({ place, initial, onDone, onCancel }: PathFieldsProps) {
	const canvas = useCanvas();
	const [active, setActive] = useState<0 | 1>(0);
	const sqlite = useTextField(initial?.sqlitePath ?? '');
	const chroma = useTextField(initial?.chromaPath ?? '');
	const fields = [
		{ label: 'SQLite file', field: sqlite },
		{ label: 'Chroma dir or URL', field: chroma },
	];
	const pathOf = (text: string) => (text.trim() === '' ? null : text.trim());
	const isEmpty = pathOf(sqlite.text) === null && pathOf(chroma.text) === null;
	const labelWidth = 20;
	const body = [
		line({ text: 'Which files?', tone: 'strong' }, { text: '   either may stay empty', tone: 'dim' }),
		blank,
		...fields.map(({ label, field }, index) =>
			line(
				{ text: index === active ? '> ' : '  ', tone: 'accent' },
				{ text: label, width: labelWidth, tone: index === active ? 'strong' : 'dim' },
				...fieldParts({ field: field.state, width: canvas.width - labelWidth - 4, active: index === active, colour: canvas.colour }),
			),
		),
		blank,
		...(isEmpty ? [words('Type at least one path.', 'dim')] : []),
	];
	const bindings: readonly Binding[] = [
		{ keys: ['tab', 'down', 'up', 'shift+tab'], label: 'tab', does: 'other field', run: () => setActive(active === 0 ? 1 : 0) },
		{
			keys: ['enter'],
			label: 'enter',
			does: active === 0 ? 'next field' : 'done',
			run: () => {
				if (active === 0) setActive(1);
				else if (!isEmpty) onDone(pathOf(sqlite.text), pathOf(chroma.text));
			},
		},
		{ keys: ['esc'], label: 'esc', does: 'back', run: onCancel },
	];
	return <Frame {...place} body={body} bindings={bindings} capture={(active === 0 ? sqlite : chroma).capture} />;
}
