import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnWidths, tableLines } from '../../../screens/components/data-table.js';
import { errorLines } from '../../../screens/components/error-panel.js';
import { hiddenRows, windowAround } from '../../../screens/components/list-window.js';
import { barText, sparkText, walkingBar } from '../../../screens/components/progress-bar.js';
import { fieldParts } from '../../../screens/components/text-field.js';
import { KeyReader, KeyRouter, type RawKey } from '../../../screens/key-router.js';
import { plainText } from '../../../screens/lines.js';
import { emptyField, fieldAfter, fieldTakes, fieldWith } from '../../../screens/text-field-state.js';
import { glyphsFor } from '../../../screens/theme.js';
import { textWidth } from '../../../source/core/text-width.js';

const ascii = glyphsFor(false);

describe('bars', () => {
	it('is full only when everything is done and shows the first of anything', () => {
		expect(barText(0, 10, ascii)).toBe('..........');
		expect(barText(0.001, 10, ascii)).toBe('#.........');
		expect(barText(0.999, 10, ascii)).toBe('#########.');
		expect(barText(1, 10, ascii)).toBe('##########');
		expect(barText(Number.NaN, 4, ascii)).toBe('....');
	});

	it('always has the same width', () => {
		for (let tick = 0; tick < 50; tick += 1) expect(walkingBar(tick, 17, ascii)).toHaveLength(17);
	});

	it('scales a spark line to its highest value', () => {
		expect(sparkText([0, 5, 10], ascii)).toBe('_+@');
		expect(sparkText([0, 0], ascii)).toBe('__');
		expect(sparkText([], ascii)).toBe('');
	});
});

describe('windows of lists', () => {
	it('keeps the cursor in sight and moves no more than it must', () => {
		expect(windowAround(20, 0, 5, 0)).toMatchObject({ from: 0, to: 5, above: 0, below: 15 });
		expect(windowAround(20, 5, 5, 0)).toMatchObject({ from: 1, to: 6 });
		expect(windowAround(20, 3, 5, 1)).toMatchObject({ from: 1, to: 6 });
		expect(windowAround(20, 19, 5, 0)).toMatchObject({ from: 15, to: 20, below: 0 });
		expect(windowAround(3, 2, 5, 7)).toMatchObject({ from: 0, to: 3 });
	});

	it('says what is hidden', () => {
		expect(hiddenRows(windowAround(20, 5, 5, 5))).toBe('+5 above  +10 more');
		expect(hiddenRows(windowAround(3, 0, 5, 0))).toBeNull();
	});
});

describe('tables', () => {
	const columns = [{ title: 'NAME' }, { title: 'PATH', least: 6, cut: 'middle' as const }, { title: 'WHEN', dropOrder: 1 }];
	const rows = [{ cells: ['a', 'data/collections_golden.db', '2 h ago'] }, { cells: ['longer', 'x', 'never'] }];

	it('gives every column what it needs when there is room', () => {
		expect(columnWidths(columns, rows, 80)).toEqual([6, 26, 7]);
	});

	it('narrows first and drops last', () => {
		expect(columnWidths(columns, rows, 30)).toEqual([6, 13, 7]);
		expect(columnWidths(columns, rows, 18)).toEqual([6, 6, 0]);
	});

	it('lines up, whatever is selected', () => {
		const text = plainText(tableLines({ columns, rows, width: 40, cursor: 1 }));
		expect(text.split('\n')).toEqual([
			'   NAME    PATH                  WHEN',
			'   a       data/coll…_golden.db  2 h ago',
			' > longer  x                     never',
		]);
	});
});

describe('text fields', () => {
	const key = (name: string, text = '') => ({ name, text });
	const type = (field = emptyField, ...presses: ReturnType<typeof key>[]) => presses.reduce(fieldAfter, field);

	it('types, moves and deletes by characters, not by bytes', () => {
		const field = type(fieldWith('añ😀'), key('left'), key('backspace'), key('x', 'x'));
		expect(field).toEqual({ text: 'ax😀', cursor: 2 });
		expect(type(fieldWith('one two'), key('ctrl+w'))).toEqual({ text: 'one ', cursor: 4 });
		expect(type(fieldWith('abc'), key('home'), key('ctrl+d'))).toEqual({ text: 'bc', cursor: 0 });
		expect(type(fieldWith('abc'), key('ctrl+u')).text).toBe('');
	});

	it('takes the first line of a paste, trimmed, and never submits it', () => {
		expect(type(emptyField, key('paste', '\n postgresql://u:p@h/db \nrm -rf\n')).text).toBe('postgresql://u:p@h/db');
		expect(type(emptyField, key('paste', 'prod\r')).text).toBe('prod');
	});

	it('leaves enter, esc and tab to the screen', () => {
		expect(['enter', 'esc', 'tab', 'up', 'ctrl+c'].map((name) => fieldTakes(key(name)))).toEqual([false, false, false, false, false]);
		expect(fieldTakes(key('q', 'q'))).toBe(true);
	});

	it('shows stars for a secret and keeps the cursor in sight', () => {
		const secret = fieldParts({ field: fieldWith('s3cret'), width: 20, active: true, masked: true, colour: true });
		expect(secret.map((part) => part.text).join('')).toBe('****** ');
		const long = fieldParts({ field: fieldWith('x'.repeat(100)), width: 20, active: true, colour: true });
		expect(textWidth(long.map((part) => part.text).join(''))).toBeLessThanOrEqual(20);
		expect(
			fieldParts({ field: fieldWith('ab'), width: 20, active: true, colour: false })
				.map((part) => part.text)
				.join(''),
		).toBe('ab|');
	});
});

describe('error panels', () => {
	it('says what, where, why and what to do next', () => {
		const text = plainText(
			errorLines(
				{
					kind: 'target',
					code: 'TARGET_REFUSED',
					message: 'The password is wrong',
					where: 'db:5432',
					why: 'FATAL 28P01',
					next: ['Type another', 'Ask'],
				},
				60,
			),
		);
		expect(text.split('\n')).toEqual([
			' X  The password is wrong',
			'',
			' Where   db:5432',
			' Why     FATAL 28P01',
			' Next    Type another',
			'         Ask',
			' Code    TARGET_REFUSED',
		]);
	});
});

describe('keys', () => {
	const none: RawKey = {
		upArrow: false,
		downArrow: false,
		leftArrow: false,
		rightArrow: false,
		pageUp: false,
		pageDown: false,
		home: false,
		end: false,
		return: false,
		escape: false,
		tab: false,
		backspace: false,
		delete: false,
		ctrl: false,
		shift: false,
		meta: false,
	};

	it('names keys and tells a paste from typing', () => {
		const reader = new KeyReader();
		const names = (input: string, key: Partial<RawKey> = {}) => reader.read(input, { ...none, ...key }).map(({ name }) => name);
		expect(names('', { downArrow: true })).toEqual(['down']);
		expect(names('j')).toEqual(['j']);
		expect(names('jjj')).toEqual(['j', 'j', 'j']);
		expect(names('c', { ctrl: true })).toEqual(['ctrl+c']);
		expect(names('yes\r')).toEqual(['paste']);
		expect(names('', { delete: true })).toEqual(['backspace']);
		expect(names('x', { meta: true })).toEqual([]);
	});

	it('splits what arrives at once into its keys', () => {
		const read = (input: string) => new KeyReader().read(input, none).map(({ name, text }) => (text === '' ? name : `${name} ${text}`));
		expect(read('\u007f\u007f')).toEqual(['backspace', 'backspace']);
		expect(read('\b\b\b')).toEqual(['backspace', 'backspace', 'backspace']);
		expect(read('abc\u007f\u007f')).toEqual(['text abc', 'backspace', 'backspace']);
		expect(read('abc\tde')).toEqual(['text abc', 'tab', 'text de']);
		expect(read('ab\u0003')).toEqual(['text ab', 'ctrl+c']);
		expect(read('\r\r\r')).toEqual(['enter']);
		expect(read('ab\u007f\r')).toEqual(['text ab', 'backspace', 'enter']);
	});

	it('gives the same text however typing is cut into chunks', () => {
		const typed = fc.array(fc.constantFrom('a', 'b', ' ', 'ñ', '😀', '/', '\u007f', '\b'), { maxLength: 40 });
		fc.assert(
			fc.property(typed, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 }), (characters, sizes) => {
				const expected: string[] = [];
				for (const character of characters) {
					if (character === '\u007f' || character === '\b') expected.pop();
					else expected.push(character);
				}
				const reader = new KeyReader();
				let field = emptyField;
				for (let from = 0, turn = 0; from < characters.length; turn += 1) {
					const size = sizes[turn % sizes.length] ?? 1;
					const chunk = characters.slice(from, from + size).join('');
					from += size;
					// A single one is told by the library that reads the keys.
					const erases = chunk === '\u007f' || chunk === '\b';
					for (const press of reader.read(erases ? '' : chunk, { ...none, delete: erases })) {
						if (fieldTakes(press)) field = fieldAfter(field, press);
					}
				}
				expect(field.text).toBe(expected.join(''));
			}),
		);
	});

	it('takes everything between the marks of a bracketed paste as text', () => {
		const reader = new KeyReader();
		expect(reader.read('[200~', none)).toEqual([]);
		expect(reader.read('one', none)).toEqual([]);
		expect(reader.read('\r', { ...none, return: true })).toEqual([]);
		expect(reader.read('[201~', none)).toEqual([{ name: 'paste', text: 'one\n' }]);
		expect(reader.read('q', none)).toEqual([{ name: 'q', text: 'q' }]);
	});

	it('gives the next key only after the screen has answered the one before', async () => {
		const router = new KeyRouter();
		const seen: string[] = [];
		const layer = (name: string) => ({
			bindings: [{ keys: ['enter'], label: 'enter', does: 'go', run: () => seen.push(name) }],
		});
		router.show(layer('first'));
		router.push([
			{ name: 'enter', text: '' },
			{ name: 'enter', text: '' },
		]);
		expect(seen).toEqual(['first']);
		router.show(layer('second'));
		await new Promise((resolve) => setImmediate(resolve));
		expect(seen).toEqual(['first', 'second']);
	});

	it('forgets keys typed ahead when told to, and lets a text field take letters first', () => {
		const router = new KeyRouter();
		const seen: string[] = [];
		router.show({
			bindings: [{ keys: ['q', 'enter'], label: 'q', does: 'quit', run: () => seen.push('bound') }],
			capture: (press) => press.text !== '' && seen.push(`typed ${press.text}`) > 0,
		});
		router.push([
			{ name: 'q', text: 'q' },
			{ name: 'enter', text: '' },
		]);
		router.dropTypedAhead();
		expect(seen).toEqual(['typed q']);
	});
});
