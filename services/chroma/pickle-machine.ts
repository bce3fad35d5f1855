import { type PickleInput, UnexpectedEnd } from './pickle-input.js';

type Value = string | number | boolean | null | Dictionary | Marker;

/** `class` stands for the one class that Chroma pickles; nothing is ever imported or called. */
type Marker = { readonly marker: 'mark' | 'tuple' | 'class' };

interface Dictionary {
	readonly marker: 'dictionary';
	/** The key under which the outer dictionary will hold this one; null for the outermost. */
	readonly name: string | null;
}

const mark: Marker = { marker: 'mark' };
const emptyTuple: Marker = { marker: 'tuple' };
const persistentData: Marker = { marker: 'class' };
const allowedModule = 'chromadb.segment.impl.vector.local_persistent_hnsw';
const allowedClass = 'PersistentData';
const maximumDepth = 32;
/** Pairs leave the stack as they are complete, so a real pickle never comes near this. */
const maximumStack = 4096;

/** The pickle holds what Chroma never writes, or more than can be read. */
export class Refused extends Error {
	override readonly name = 'Refused';
}

/**
 * Runs the opcodes that Chroma's pickles consist of and no others: a plain dict of protocol 3 (Rust, 1.x) or an instance of PersistentData of
 * protocol 4 or 5 (Python, 0.x). Opcodes: CPython Lib/pickletools.py. What was read until it throws UnexpectedEnd or Refused is kept.
 */
export class PickleMachine {
	/** Record id to hnswlib label; negative until `label_to_id` confirms it. */
	readonly labels = new Map<string, number>();
	confirmations = 0;
	readonly #input: PickleInput;
	readonly #stack: Value[] = [];
	readonly #marks: number[] = [];
	readonly #memo: Value[] = [];
	/** True when the value on top of the stack has its place in the memo. */
	#memoised = false;
	readonly #facts = new Map<string, number>();
	readonly #mostLabels: number;

	constructor(input: PickleInput, mostLabels: number) {
		this.#input = input;
		this.#mostLabels = mostLabels;
	}

	number(name: string): number | null {
		return this.#facts.get(name) ?? null;
	}

	run(): void {
		if (this.#input.remaining === 0) throw new UnexpectedEnd('the file is empty');
		try {
			for (let opcode = this.#input.byte(); opcode !== 0x2e; opcode = this.#input.byte()) this.#step(opcode);
		} finally {
			// The last pair before a cut is whole too.
			this.#flush();
		}
	}

	#step(opcode: number): void {
		const input = this.#input;
		switch (opcode) {
			case 0x80: // PROTO
				if (input.byte() > 5) throw new Refused('its pickle protocol is unknown');
				break;
			case 0x95: // FRAME: a hint for buffering only
				input.take(8);
				break;
			case 0x28: // MARK
				if (this.#marks.length >= maximumDepth) throw new Refused('it is nested deeper than Chroma nests');
				this.#marks.push(this.#stack.length);
				this.#stack.push(mark);
				break;
			case 0x7d: // EMPTY_DICT
				this.#push({ marker: 'dictionary', name: this.#pendingKey() });
				break;
			case 0x29: // EMPTY_TUPLE
				this.#push(emptyTuple);
				break;
			case 0x4e: // NONE
				this.#push(null);
				break;
			case 0x88: // NEWTRUE
				this.#push(true);
				break;
			case 0x89: // NEWFALSE
				this.#push(false);
				break;
			case 0x73: // SETITEM
				this.#setItem();
				break;
			case 0x75: // SETITEMS
				this.#setItems();
				break;
			case 0x93: // STACK_GLOBAL
				this.#stackGlobal();
				break;
			case 0x63: // GLOBAL
				this.#global(input.line(), input.line());
				break;
			case 0x81: // NEWOBJ
				this.#newObject();
				break;
			case 0x62: // BUILD
				this.#build();
				break;
			default:
				this.#scalarOrMemo(opcode);
		}
	}

	#scalarOrMemo(opcode: number): void {
		const input = this.#input;
		switch (opcode) {
			case 0x58: // BINUNICODE
				this.#push(input.text(input.take(4).readUInt32LE(0)));
				break;
			case 0x8c: // SHORT_BINUNICODE
				this.#push(input.text(input.byte()));
				break;
			case 0x8d: // BINUNICODE8
				this.#push(input.text(this.#bounded(input.take(8).readBigUInt64LE(0))));
				break;
			case 0x4a: // BININT
				this.#push(input.take(4).readInt32LE(0));
				break;
			case 0x4b: // BININT1
				this.#push(input.byte());
				break;
			case 0x4d: // BININT2
				this.#push(input.take(2).readUInt16LE(0));
				break;
			case 0x8a: // LONG1
				this.#push(littleEndianInteger(input.take(input.byte())));
				break;
			case 0x94: // MEMOIZE
				this.#remember(this.#memo.length);
				break;
			case 0x71: // BINPUT
				this.#remember(input.byte());
				break;
			case 0x72: // LONG_BINPUT
				this.#remember(input.take(4).readUInt32LE(0));
				break;
			case 0x68: // BINGET
				this.#recall(input.byte());
				break;
			case 0x6a: // LONG_BINGET
				this.#recall(input.take(4).readUInt32LE(0));
				break;
			default:
				throw new Refused(`it holds the opcode 0x${opcode.toString(16).padStart(2, '0')}, which Chroma never writes`);
		}
	}

	#bounded(length: bigint): number {
		if (length > BigInt(this.#input.remaining)) throw new UnexpectedEnd('the file ends inside a value');
		return Number(length);
	}

	/**
	 * Pushes a value. A complete pair below it goes into its dictionary now rather than at SETITEMS, so that a million pairs never wait on the stack
	 * and a truncated file still gives what it holds.
	 */
	#push(value: Value): void {
		this.#flush();
		if (this.#stack.length >= maximumStack) throw new Refused('its values belong to no dictionary');
		this.#stack.push(value);
		this.#memoised = false;
	}

	/** Values on the stack above the innermost mark, or 0 when there is none. */
	get #open(): number {
		const start = this.#marks.at(-1);
		return start === undefined ? 0 : this.#stack.length - start - 1;
	}

	#flush(): void {
		const open = this.#open;
		if (open < 2 || open % 2 !== 0) return;
		const dictionary = this.#stack[(this.#marks.at(-1) as number) - 1];
		// An inner dictionary stays: its own pairs may still follow.
		if (!isDictionary(dictionary) || isDictionary(this.#stack.at(-1))) return;
		const value = this.#stack.pop() as Value;
		this.#put(dictionary, this.#stack.pop() as Value, value);
	}

	/** The key that waits for a value on top of the stack, when it is a string. */
	#pendingKey(): string | null {
		this.#flush();
		const key = this.#open % 2 === 1 ? this.#stack.at(-1) : null;
		return typeof key === 'string' ? key : null;
	}

	#put(dictionary: Dictionary, key: Value, value: Value): void {
		if (dictionary.name === 'id_to_label') {
			if (typeof key === 'string' && isLabel(value)) this.#label(key, value);
		} else if (dictionary.name === 'label_to_id') {
			if (typeof value !== 'string' || !isLabel(key)) return;
			if (this.labels.get(value) === -key) {
				this.labels.set(value, key);
				this.confirmations += 1;
			}
		} else if (typeof key === 'string' && typeof value === 'number') {
			// id_to_seq_id also arrives here under its own name; only the outer dictionary's numbers are facts.
			if (dictionary.name === null) this.#facts.set(key, value);
		}
	}

	#label(id: string, label: number): void {
		if (this.labels.size >= this.#mostLabels && !this.labels.has(id))
			throw new Refused(`it holds more than ${this.#mostLabels} ids, which is all that can be read`);
		this.labels.set(id, -label);
	}

	#setItem(): void {
		const value = this.#stack.pop();
		const key = this.#stack.pop();
		const dictionary = this.#stack.at(-1);
		if (value === undefined || key === undefined || !isDictionary(dictionary)) throw new Refused('a pair belongs to no dictionary');
		this.#put(dictionary, key, value);
	}

	#setItems(): void {
		this.#flush();
		const start = this.#marks.pop();
		if (start === undefined || (this.#stack.length - start) % 2 !== 1 || !isDictionary(this.#stack[start - 1])) {
			throw new Refused('its pairs do not fit together');
		}
		this.#stack.length = start;
	}

	#stackGlobal(): void {
		const name = this.#stack.pop();
		const module = this.#stack.pop();
		this.#global(typeof module === 'string' ? module : '', typeof name === 'string' ? name : '');
	}

	#global(module: string, name: string): void {
		if (module !== allowedModule || name !== allowedClass)
			throw new Refused(`it names the class ${module.slice(0, 80)}.${name.slice(0, 80)}, which Chroma never writes`);
		this.#push(persistentData);
	}

	#newObject(): void {
		const tuple = this.#stack.pop();
		if (tuple !== emptyTuple || this.#stack.pop() !== persistentData) throw new Refused('it makes an object that Chroma never makes');
		this.#push({ marker: 'dictionary', name: null });
	}

	#build(): void {
		const state = this.#stack.pop();
		if (!isDictionary(state) || !isDictionary(this.#stack.at(-1))) throw new Refused('an object has no state');
	}

	#remember(index: number): void {
		const value = this.#stack.at(-1);
		if (value === undefined || index > this.#memo.length) throw new Refused('its memo has a gap');
		// Python stores each value once; more would let a small file fill the memory.
		if (this.#memoised) throw new Refused('it stores a value twice');
		this.#memo[index] = value;
		this.#memoised = true;
	}

	#recall(index: number): void {
		const value = this.#memo[index];
		if (value === undefined) throw new Refused('it refers to a value that is not there');
		this.#push(value);
	}
}

const isDictionary = (value: Value | undefined): value is Dictionary =>
	typeof value === 'object' && value !== null && value.marker === 'dictionary';
const isLabel = (value: Value): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value > 0;

function littleEndianInteger(bytes: Uint8Array): number | null {
	let value = 0n;
	for (let index = bytes.length - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index] as number);
	const signed = bytes.length > 0 && ((bytes[bytes.length - 1] as number) & 0x80) !== 0 ? value - (1n << BigInt(8 * bytes.length)) : value;
	return signed >= BigInt(Number.MIN_SAFE_INTEGER) && signed <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(signed) : null;
}
