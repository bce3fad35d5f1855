/** Keys by name, independent of the library that reads them, and one place that hands them to whoever is on screen. */

export interface KeyPress {
	/** `up`, `enter`, `esc`, `ctrl+c` ..., or the character itself. */
	readonly name: string;
	/** Typed or pasted text; empty for keys that type nothing. */
	readonly text: string;
}

export interface Binding {
	readonly keys: readonly string[];
	/** As the key bar shows it, e.g. `up/down`. */
	readonly label: string;
	/** What it does, in as few words as the key bar allows. */
	readonly does: string;
	readonly run: () => void;
	/** False: listed under `?` only. */
	readonly bar?: boolean;
}

export interface KeyLayer {
	readonly bindings: readonly Binding[];
	/** Sees every key first; a text field takes all that types or edits, so that letters are inert while it is open. */
	readonly capture?: (press: KeyPress) => boolean;
}

/** The part of Ink's key object that matters here. */
export interface RawKey {
	readonly upArrow: boolean;
	readonly downArrow: boolean;
	readonly leftArrow: boolean;
	readonly rightArrow: boolean;
	readonly pageUp: boolean;
	readonly pageDown: boolean;
	readonly home: boolean;
	readonly end: boolean;
	readonly return: boolean;
	readonly escape: boolean;
	readonly tab: boolean;
	readonly backspace: boolean;
	readonly delete: boolean;
	readonly ctrl: boolean;
	readonly shift: boolean;
	readonly meta: boolean;
}

const pasteStart = '[200~';
const pasteEnd = '[201~';

/** Turns what Ink reports into key presses. A bracketed paste becomes one press named `paste`, whatever it holds. */
export class KeyReader {
	#pasted: string | null = null;

	read(input: string, key: RawKey): readonly KeyPress[] {
		if (input === pasteStart) {
			this.#pasted = '';
			return [];
		}
		if (this.#pasted !== null) {
			if (input !== pasteEnd) {
				this.#pasted += key.return ? '\n' : input;
				return [];
			}
			const text = this.#pasted;
			this.#pasted = null;
			return text === '' ? [] : [{ name: 'paste', text }];
		}
		return pressesOf(input, key);
	}
}

function pressesOf(input: string, key: RawKey): readonly KeyPress[] {
	// Esc and Ctrl+C that arrive together are read as one unknown key: stopping must work all the same.
	if (input === '\u0003') return [{ name: 'ctrl+c', text: '' }];
	// Alt and a key, or Esc and a key that arrived together: nobody can tell which, so neither acts.
	if (key.meta && !key.escape) return [];
	const named = nameOf(key);
	if (named !== null) return [{ name: named, text: '' }];
	if (key.ctrl) return input === '' ? [] : [{ name: `ctrl+${input}`, text: '' }];
	if (input === '') return [];
	return burstOf(input);
}

const erasing = /[\u0008\u007f]/;
const lineEnd = /[\r\n]/;
/** Text, or one control character. */
const burstParts = /[^\u0000-\u001f\u007f]+|[\u0000-\u001f\u007f]/g;

/**
 * Several characters that arrived at once: a held key, fast typing over a slow line, or text pasted without marks. Control characters are
 * the keys they stand for. Text becomes one press that a field takes and that acts as no key, unless it is one key held. A line end
 * beside text acts only where something was erased, too: no pasted text holds that.
 */
function burstOf(input: string): readonly KeyPress[] {
	if (/^[\r\n]+$/.test(input)) return [{ name: 'enter', text: '' }];
	if (lineEnd.test(input) && !erasing.test(input)) return [{ name: 'paste', text: input }];
	const typed = new Set([...input].filter((character) => !/[\u0000-\u001f\u007f]/.test(character)));
	return (input.match(burstParts) ?? []).flatMap((part): readonly KeyPress[] => {
		const control = controlNames.get(part) ?? controlLetter(part);
		if (control !== null) return [{ name: control, text: '' }];
		if (part < ' ') return [];
		return typed.size === 1 ? [...part].map((character) => ({ name: character, text: character })) : [{ name: 'text', text: part }];
	});
}

const controlNames: ReadonlyMap<string, string> = new Map([
	['\u0008', 'backspace'],
	['\u007f', 'backspace'],
	['\t', 'tab'],
	['\r', 'enter'],
	['\n', 'enter'],
]);

/** `ctrl+a` for U+0001 and so on, or null. */
function controlLetter(part: string): string | null {
	if (part < '\u0001' || part > '\u001a' || part.length > 1) return null;
	return `ctrl+${String.fromCharCode(part.charCodeAt(0) + 96)}`;
}

function nameOf(key: RawKey): string | null {
	if (key.upArrow) return 'up';
	if (key.downArrow) return 'down';
	if (key.leftArrow) return 'left';
	if (key.rightArrow) return 'right';
	if (key.pageUp) return 'pageup';
	if (key.pageDown) return 'pagedown';
	if (key.home) return 'home';
	if (key.end) return 'end';
	if (key.return) return 'enter';
	if (key.escape) return 'esc';
	if (key.tab) return key.shift ? 'shift+tab' : 'tab';
	// Most terminals send DEL for the backspace key, which Ink reports as `delete`; forward delete is not told apart.
	if (key.backspace || key.delete) return 'backspace';
	return null;
}

/** A frame is drawn within a few milliseconds; after this long the key is taken to have changed nothing. */
const unansweredMilliseconds = 30;

/**
 * Holds the layer of the screen that is shown and gives it one key at a time. A key waits until the screen has answered the one before:
 * two keys that arrive together must not both act on what was shown before the first.
 */
export class KeyRouter {
	#layer: KeyLayer | null = null;
	#queue: KeyPress[] = [];
	/** Set while the screen has not answered the last key. */
	#unanswered: (() => void) | null = null;
	/** Sees every key before any screen; true: taken. */
	global: (press: KeyPress) => boolean = () => false;

	show(layer: KeyLayer): void {
		this.#layer = layer;
		this.#unanswered?.();
	}

	/** Drops the layer when it is still the one shown. */
	hide(layer: KeyLayer): void {
		if (this.#layer === layer) this.#layer = null;
	}

	/** Forgets keys typed ahead: they were meant for another screen. */
	dropTypedAhead(): void {
		this.#queue = [];
	}

	push(presses: readonly KeyPress[]): void {
		this.#queue.push(...presses);
		if (this.#unanswered === null) this.#next();
	}

	#next(): void {
		const press = this.#queue.shift();
		if (press === undefined) return;
		// The screen answers by showing its keys anew; a key that changes nothing is never answered.
		const answered = () => {
			clearTimeout(timer);
			this.#unanswered = null;
			if (this.#queue.length > 0) setImmediate(() => this.#unanswered === null && this.#next());
		};
		const timer = setTimeout(answered, unansweredMilliseconds);
		this.#unanswered = answered;
		this.#deliver(press);
	}

	#deliver(press: KeyPress): void {
		if (this.global(press)) return;
		const layer = this.#layer;
		if (layer === null || layer.capture?.(press) === true) return;
		layer.bindings.find((binding) => binding.keys.includes(press.name))?.run();
	}
}
