/** A JSON value with every number exact: an integer literal is a bigint, one with a fraction or an exponent a number. Objects are Maps. */
export type ExactJson = null | boolean | string | bigint | number | readonly ExactJson[] | ExactObject;
export type ExactObject = ReadonlyMap<string, ExactJson>;

export class JsonFault extends Error {
	override readonly name = 'JsonFault';
}

/** What a server sends is never nested deeper; a text that is must not exhaust the stack. */
const deepest = 64;
const numberAt = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;

/**
 * Parses JSON (RFC 8259) without rounding: JSON.parse makes 9007199254740993 another number and cannot tell 1.0 from 1.
 * Members of the outermost object that `raw` names are given as their own JSON text, for a caller that parses them by other means.
 * Throws JsonFault.
 */
export function parseExact(text: string, raw: readonly string[] = []): ExactJson {
	const scanner = new Scanner(text, new Set(raw));
	const value = scanner.value(0);
	scanner.end();
	return value;
}

class Scanner {
	readonly #text: string;
	readonly #raw: ReadonlySet<string>;
	#at = 0;

	constructor(text: string, raw: ReadonlySet<string>) {
		this.#text = text;
		this.#raw = raw;
	}

	value(depth: number): ExactJson {
		if (depth > deepest) throw this.#fault('it is nested too deeply');
		this.#space();
		switch (this.#text[this.#at]) {
			case '{':
				return this.#object(depth);
			case '[':
				return this.#array(depth);
			case '"':
				return this.#string();
			case 't':
				return this.#word('true', true);
			case 'f':
				return this.#word('false', false);
			case 'n':
				return this.#word('null', null);
			default:
				return this.#number();
		}
	}

	end(): void {
		this.#space();
		if (this.#at !== this.#text.length) throw this.#fault('there is something behind its end');
	}

	#object(depth: number): ExactObject {
		const members = new Map<string, ExactJson>();
		this.#at += 1;
		if (this.#next('}')) return members;
		do {
			this.#space();
			const key = this.#string();
			this.#expect(':');
			members.set(key, depth === 0 && this.#raw.has(key) ? this.#rawValue() : this.value(depth + 1));
		} while (this.#next(','));
		this.#expect('}');
		return members;
	}

	#array(depth: number): ExactJson[] {
		const elements: ExactJson[] = [];
		this.#at += 1;
		if (this.#next(']')) return elements;
		do elements.push(this.value(depth + 1));
		while (this.#next(','));
		this.#expect(']');
		return elements;
	}

	#string(): string {
		const start = this.#at;
		this.#skipString();
		const literal = this.#text.slice(start, this.#at);
		// JSON.parse unescapes, and refuses a control character that is not escaped.
		return /[\0-\x1f\\]/.test(literal) ? this.#unescaped(literal) : literal.slice(1, -1);
	}

	#unescaped(literal: string): string {
		try {
			return JSON.parse(literal) as string;
		} catch {
			throw this.#fault('a string is not valid');
		}
	}

	/** Goes behind the string that begins here. */
	#skipString(): void {
		if (this.#text[this.#at] !== '"') throw this.#fault('a string is expected');
		let at = this.#at + 1;
		for (;;) {
			const quote = this.#text.indexOf('"', at);
			if (quote < 0) throw this.#fault('a string has no end');
			let slashes = 0;
			while (this.#text[quote - 1 - slashes] === '\\') slashes += 1;
			at = quote + 1;
			if (slashes % 2 === 0) break;
		}
		this.#at = at;
	}

	/** The text of the value that begins here; brackets are counted, nothing else is looked at. */
	#rawValue(): string {
		this.#space();
		const start = this.#at;
		if (!/[[{]/.test(this.#text[start] ?? '')) {
			this.value(1);
			return this.#text.slice(start, this.#at);
		}
		let open = 0;
		for (;;) {
			const code = this.#text.charCodeAt(this.#at);
			if (Number.isNaN(code)) throw this.#fault('a value has no end');
			if (code === 0x22) {
				this.#skipString();
				continue;
			}
			this.#at += 1;
			if (code === 0x5b || code === 0x7b) open += 1;
			else if ((code === 0x5d || code === 0x7d) && --open === 0) return this.#text.slice(start, this.#at);
		}
	}

	#number(): bigint | number {
		numberAt.lastIndex = this.#at;
		const match = numberAt.exec(this.#text);
		if (match === null) throw this.#fault('a value is expected');
		this.#at = numberAt.lastIndex;
		return match[1] === undefined && match[2] === undefined ? BigInt(match[0]) : Number(match[0]);
	}

	#word<Value>(word: string, value: Value): Value {
		if (!this.#text.startsWith(word, this.#at)) throw this.#fault('a value is expected');
		this.#at += word.length;
		return value;
	}

	#space(): void {
		for (;;) {
			const code = this.#text.charCodeAt(this.#at);
			if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
			this.#at += 1;
		}
	}

	#next(mark: string): boolean {
		this.#space();
		if (this.#text[this.#at] !== mark) return false;
		this.#at += 1;
		return true;
	}

	#expect(mark: string): void {
		if (!this.#next(mark)) throw this.#fault(`"${mark}" is expected`);
	}

	#fault(what: string): JsonFault {
		return new JsonFault(`${what} (character ${this.#at})`);
	}
}
