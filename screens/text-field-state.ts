/** One line of text with a cursor: a pure reducer over key presses. */

import type { KeyPress } from './key-router.js';

export interface TextFieldState {
	readonly text: string;
	/** Position in code points, 0 .. length. */
	readonly cursor: number;
}

export const emptyField: TextFieldState = { text: '', cursor: 0 };

export const fieldWith = (text: string): TextFieldState => ({ text, cursor: [...text].length });

const editing = new Set(['left', 'right', 'home', 'end', 'backspace', 'ctrl+a', 'ctrl+e', 'ctrl+u', 'ctrl+w', 'ctrl+d', 'ctrl+k']);

/** True for every key that types or edits; the others (enter, esc, tab, up, down) are the screen's. */
export function fieldTakes(press: KeyPress): boolean {
	return press.text !== '' || editing.has(press.name);
}

/**
 * Pasted text enters without its line ends: the first line that holds anything, trimmed. A paste never submits.
 */
function typed(press: KeyPress): string {
	if (press.name !== 'paste') return press.text;
	const first = press.text.split(/[\r\n]+/).find((part) => part.trim() !== '') ?? '';
	return first.replace(/[\u0000-\u001f\u007f]/g, '').trim();
}

export function fieldAfter(field: TextFieldState, press: KeyPress): TextFieldState {
	const points = [...field.text];
	const at = field.cursor;
	const make = (kept: readonly string[], cursor: number): TextFieldState => ({ text: kept.join(''), cursor });
	switch (press.name) {
		case 'left':
			return { ...field, cursor: Math.max(0, at - 1) };
		case 'right':
			return { ...field, cursor: Math.min(points.length, at + 1) };
		case 'home':
		case 'ctrl+a':
			return { ...field, cursor: 0 };
		case 'end':
		case 'ctrl+e':
			return { ...field, cursor: points.length };
		case 'backspace':
			return at === 0 ? field : make([...points.slice(0, at - 1), ...points.slice(at)], at - 1);
		case 'ctrl+d':
			return make([...points.slice(0, at), ...points.slice(at + 1)], at);
		case 'ctrl+u':
			return make(points.slice(at), 0);
		case 'ctrl+k':
			return make(points.slice(0, at), at);
		case 'ctrl+w': {
			const head = points
				.slice(0, at)
				.join('')
				.replace(/\S+\s*$/, '');
			const kept = [...head];
			return make([...kept, ...points.slice(at)], kept.length);
		}
		default: {
			const added = [...typed(press)];
			return make([...points.slice(0, at), ...added, ...points.slice(at)], at + added.length);
		}
	}
}
