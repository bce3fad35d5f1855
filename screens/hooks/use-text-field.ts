import { useState } from 'react';
import type { KeyPress } from '../key-router.js';
import { fieldAfter, fieldTakes, fieldWith, type TextFieldState } from '../text-field-state.js';

export interface TextField {
	readonly state: TextFieldState;
	readonly text: string;
	readonly capture: (press: KeyPress) => boolean;
	readonly set: (text: string) => void;
}

/** Text and cursor of one field; enter, esc and tab stay with the screen. */
export function useTextField(initial = ''): TextField {
	const [state, setState] = useState(() => fieldWith(initial));
	const capture = (press: KeyPress): boolean => {
		if (!fieldTakes(press)) return false;
		setState((before) => fieldAfter(before, press));
		return true;
	};
	return { state, text: state.text, capture, set: (text) => setState(fieldWith(text)) };
}
