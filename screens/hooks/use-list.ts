import { useReducer } from 'react';
import { type ListWindow, windowAround } from '../components/list-window.js';
import type { Binding, KeyPress } from '../key-router.js';
import { emptyField, fieldAfter, fieldTakes, type TextFieldState } from '../text-field-state.js';

interface ListState {
	readonly cursor: number;
	readonly from: number;
	readonly filter: TextFieldState;
	readonly filtering: boolean;
}

type ListAction =
	| { readonly type: 'move'; readonly by: number; readonly count: number; readonly height: number }
	| { readonly type: 'jump'; readonly to: number; readonly height: number; readonly count: number }
	| { readonly type: 'filter'; readonly open: boolean; readonly keep: boolean }
	| { readonly type: 'filter-key'; readonly press: KeyPress };

function listAfter(state: ListState, action: ListAction): ListState {
	switch (action.type) {
		case 'move':
		case 'jump': {
			const wanted = action.type === 'move' ? state.cursor + action.by : action.to;
			const cursor = Math.max(0, Math.min(action.count - 1, wanted));
			return { ...state, cursor, from: windowAround(action.count, cursor, action.height, state.from).from };
		}
		case 'filter':
			return {
				...state,
				filtering: action.open,
				filter: action.keep ? state.filter : emptyField,
				cursor: action.keep ? state.cursor : 0,
				from: 0,
			};
		case 'filter-key':
			return { ...state, filter: fieldAfter(state.filter, action.press), cursor: 0, from: 0 };
	}
}

export interface List<Item> {
	/** What the filter leaves. */
	readonly items: readonly Item[];
	readonly cursor: number;
	readonly selected: Item | undefined;
	readonly window: ListWindow;
	readonly filter: string;
	readonly filtering: boolean;
	readonly bindings: readonly Binding[];
	/** Set while the filter is being typed. */
	readonly capture: ((press: KeyPress) => boolean) | undefined;
	readonly jump: (to: number) => void;
}

interface ListOptions<Item> {
	readonly items: readonly Item[];
	/** Rows on screen; may depend on what else is said about the row with the cursor. */
	readonly height: number | ((selected: Item | undefined) => number);
	/** Text that the filter looks in; without it there is no filter. */
	readonly textOf?: (item: Item) => string;
	readonly start?: number;
}

/** Cursor, window and filter of a list; the screen draws it and adds its own keys. */
export function useList<Item>({ items, height: rows, textOf, start = 0 }: ListOptions<Item>): List<Item> {
	const [state, dispatch] = useReducer(listAfter, { cursor: start, from: 0, filter: emptyField, filtering: false });
	const wanted = state.filter.text.trim().toLowerCase();
	const left = wanted === '' || textOf === undefined ? items : items.filter((item) => textOf(item).toLowerCase().includes(wanted));
	const cursor = Math.max(0, Math.min(left.length - 1, state.cursor));
	const count = left.length;
	const height = typeof rows === 'number' ? rows : rows(left[cursor]);
	const move = (by: number) => dispatch({ type: 'move', by: by + cursor - state.cursor, count, height });
	const jump = (to: number) => dispatch({ type: 'jump', to, count, height });
	const capture = (press: KeyPress): boolean => {
		if (press.name === 'enter' || press.name === 'esc') dispatch({ type: 'filter', open: false, keep: press.name === 'enter' });
		else if (fieldTakes(press)) dispatch({ type: 'filter-key', press });
		else return false;
		return true;
	};
	return {
		items: left,
		cursor,
		selected: left[cursor],
		window: windowAround(count, cursor, height, state.from),
		filter: state.filter.text,
		filtering: state.filtering,
		bindings: listBindings(
			move,
			jump,
			count,
			height,
			textOf === undefined ? null : () => dispatch({ type: 'filter', open: true, keep: true }),
		),
		capture: state.filtering ? capture : undefined,
		jump,
	};
}

function listBindings(
	move: (by: number) => void,
	jump: (to: number) => void,
	count: number,
	height: number,
	openFilter: (() => void) | null,
): readonly Binding[] {
	const filter: Binding[] = openFilter === null ? [] : [{ keys: ['/'], label: '/', does: 'filter', run: openFilter }];
	return [
		{ keys: ['up', 'k'], label: 'up/down', does: 'move', run: () => move(-1) },
		{ keys: ['down', 'j'], label: 'j/k', does: 'move too', run: () => move(1), bar: false },
		{ keys: ['pageup'], label: 'pgup/pgdn', does: 'move by a page', run: () => move(-height), bar: false },
		{ keys: ['pagedown'], label: '', does: 'a page down', run: () => move(height), bar: false },
		{ keys: ['home', 'g'], label: 'home, g', does: 'first', run: () => jump(0), bar: false },
		{ keys: ['end', 'G'], label: 'end, G', does: 'last', run: () => jump(count - 1), bar: false },
		...filter,
	];
}
