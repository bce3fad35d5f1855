import { printable, textWidth } from '../../source/core/text-width.js';
import type { Part } from '../lines.js';
import type { TextFieldState } from '../text-field-state.js';

interface FieldProps {
	readonly field: TextFieldState;
	readonly width: number;
	readonly active: boolean;
	/** Each character as a star: for what must not be read over a shoulder or recorded. */
	readonly masked?: boolean;
	/** Without colour the cursor cannot be drawn inverse: it becomes a bar between the characters. */
	readonly colour: boolean;
}

/** The text with its cursor, scrolled so that the cursor is in sight. */
export function fieldParts({ field, width, active, masked = false, colour }: FieldProps): readonly Part[] {
	const points = [...field.text].map((point) => (masked ? '*' : printable(point)));
	if (!active) return [{ text: points.join(''), cut: 'middle' }];
	const room = Math.max(3, width - 1);
	let from = 0;
	while (textWidth(points.slice(from, field.cursor).join('')) >= room) from += 1;
	const before = points.slice(from, field.cursor).join('');
	if (!colour) return [{ text: before }, { text: '|' }, { text: points.slice(field.cursor).join('') }];
	return [{ text: before }, { text: points[field.cursor] ?? ' ', tone: 'cursor' }, { text: points.slice(field.cursor + 1).join('') }];
}
