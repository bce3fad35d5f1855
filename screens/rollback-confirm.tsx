import { useState } from 'react';
import { formatQuantity } from '../source/core/format.js';
import type { RollbackPreview } from '../source/core/ports.js';
import { Frame } from './components/frame.js';
import { fieldParts } from './components/text-field.js';
import { useTextField } from './hooks/use-text-field.js';
import type { Binding } from './key-router.js';
import { blank, line, paragraph } from './lines.js';
import type { Place } from './place.js';
import { useCanvas } from './shell-context.js';

/** The run to undo. */
export interface UndoSubject {
	readonly run: string;
	readonly environment: string;
	readonly protected: boolean;
}

interface RollbackConfirmProps {
	readonly place: Place;
	readonly subject: UndoSubject;
	readonly preview: RollbackPreview;
	readonly onConfirm: (reason: string | null) => void;
	readonly onCancel: () => void;
}

/** Asks for a reason, kept in the history, and for a typed word: removing rows is never one key. */
export function RollbackConfirm({ place, subject, preview, onConfirm, onCancel }: RollbackConfirmProps) {
	const canvas = useCanvas();
	const [active, setActive] = useState<0 | 1>(0);
	const [refused, setRefused] = useState(false);
	const reason = useTextField();
	const typed = useTextField();
	const word = subject.protected ? subject.environment : 'undo';
	const removed = preview.tables.reduce((sum, table) => sum + table.removable, 0);
	const restored = preview.tables.reduce((sum, table) => sum + table.restorable, 0);
	const restore = restored > 0 ? ` and restore ${formatQuantity(restored, 'row')}` : '';
	const labels = ['Reason', `Type ${word} to go on`];
	const labelWidth = Math.max(...labels.map((label) => label.length)) + 3;
	const body = [
		line({ text: `Remove ${formatQuantity(removed, 'row')}${restore} in ${subject.environment}?`, tone: 'strong' }),
		blank,
		...[reason, typed].map((field, index) =>
			line(
				{ text: index === active ? '> ' : '  ', tone: 'accent' },
				{ text: labels[index] ?? '', width: labelWidth, tone: index === active ? 'strong' : 'dim' },
				...fieldParts({ field: field.state, width: canvas.width - labelWidth - 4, active: index === active, colour: canvas.colour }),
			),
		),
		blank,
		...(refused
			? paragraph(`The second line must say ${word}, nothing else. Nothing was removed.`, canvas.width, 'bad')
			: paragraph('The reason may stay empty; it is kept in the history.', canvas.width, 'dim')),
	];
	const accept = () => {
		if (active === 0) return setActive(1);
		if (typed.text !== word) return setRefused(true);
		onConfirm(reason.text.trim() === '' ? null : reason.text.trim());
	};
	const bindings: readonly Binding[] = [
		{ keys: ['enter'], label: 'enter', does: active === 0 ? 'next field' : 'undo', run: accept },
		{ keys: ['tab', 'up', 'down', 'shift+tab'], label: 'tab', does: 'other field', run: () => setActive(active === 0 ? 1 : 0) },
		{ keys: ['esc'], label: 'esc', does: 'back', run: onCancel },
	];
	return (
		<Frame
			{...place}
			mode="ROLLBACK - nothing has been removed"
			ids={`run ${subject.run}`}
			body={body}
			bindings={bindings}
			capture={(active === 0 ? reason : typed).capture}
		/>
	);
}
