/** A JSON value with the line of every key, so that an error can name the place. */
export interface LocatedJson {
	readonly value: unknown;
	/** 1-based line of each key and element, by its path joined with `/`; the document itself is `''`. */
	readonly lines: ReadonlyMap<string, number>;
}

export class JsonFault extends Error {
	override readonly name = 'JsonFault';
	readonly line: number;
	readonly column: number;

	constructor(message: string, line: number, column: number) {
		super(message);
		this.line = line;
		this.column = column;
	}
}

/** Keys that would reach an object's prototype are refused by the schema, not here: values are built without setters. */
export function parseLocatedJson(text: string): LocatedJson {
	const scanner = new Scanner(text.replace(/^\ufeff/, ''));
	const value = scanner.value('');
	scanner.end();
	return { value, lines: scanner.lines };
}

/** A recursive-descent reader of RFC 8259; the engine's own parser does not tell where a key stands. */
class Scanner {
	readonly lines = new Map<string, number>();
	readonly #text: string;
	#at = 0;

	constructor(text: string) {
		this.#text = text;
	}

	value(path: string): unknown {
		this.#space();
		if (!this.lines.has(path)) this.lines.set(path, this.#place().line);
		const character = this.#text[this.#at];
		if (character === '{') return this.#object(path);
		if (character === '[') return this.#array(path);
		if (character === '"') return this.#string();
		return this.#word();
	}

	end(): void {
		this.#space();
		if (this.#at < this.#text.length) this.#fail('there is more text after the end');
	}

	#object(path: string): Record<string, unknown> {
		const members: [string, unknown][] = [];
		const seen = new Set<string>();
		this.#at += 1;
		this.#space();
		while (this.#text[this.#at] !== '}') {
			if (members.length > 0) this.#take(',', 'a comma or } is missing');
			this.#space();
			if (this.#text[this.#at] === '}') this.#fail('remove the comma before }');
			if (this.#text[this.#at] !== '"') this.#fail('a key in double quotes is expected');
			const line = this.#place().line;
			const key = this.#string();
			if (seen.has(key)) this.#fail(`the key "${key}" is there twice`);
			seen.add(key);
			const inner = `${path}/${key}`;
			this.lines.set(inner, line);
			this.#space();
			this.#take(':', 'a colon is missing after the key');
			members.push([key, this.value(inner)]);
			this.#space();
		}
		this.#at += 1;
		return Object.fromEntries(members);
	}

	#array(path: string): unknown[] {
		const elements: unknown[] = [];
		this.#at += 1;
		this.#space();
		while (this.#text[this.#at] !== ']') {
			if (elements.length > 0) this.#take(',', 'a comma or ] is missing');
			this.#space();
			if (this.#text[this.#at] === ']') this.#fail('remove the comma before ]');
			elements.push(this.value(`${path}/${elements.length}`));
			this.#space();
		}
		this.#at += 1;
		return elements;
	}

	#string(): string {
		const end = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
		end.lastIndex = this.#at;
		const found = end.exec(this.#text)?.[0];
		if (found === undefined) return this.#fail('this text in quotes does not end, or holds a wrong escape');
		this.#at += found.length;
		return JSON.parse(found) as string;
	}

	#word(): unknown {
		const literal = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
		literal.lastIndex = this.#at;
		const found = literal.exec(this.#text)?.[0];
		if (found !== undefined) {
			this.#at += found.length;
			return JSON.parse(found) as unknown;
		}
		const character = this.#text[this.#at];
		if (character === undefined) return this.#fail('the file ends too early');
		if (character === '/' || character === '#') return this.#fail('JSON has no comments');
		return this.#fail(character === "'" ? 'use double quotes' : 'a value is expected');
	}

	#take(character: string, message: string): void {
		if (this.#text[this.#at] !== character) this.#fail(this.#at >= this.#text.length ? 'the file ends too early' : message);
		this.#at += 1;
	}

	#space(): void {
		while (/^[ \t\r\n]$/.test(this.#text[this.#at] ?? '')) this.#at += 1;
	}

	#place(): { readonly line: number; readonly column: number } {
		const before = this.#text.slice(0, this.#at);
		return { line: before.split('\n').length, column: this.#at - before.lastIndexOf('\n') };
	}

	#fail(message: string): never {
		const { line, column } = this.#place();
		throw new JsonFault(message, line, column);
	}
}
