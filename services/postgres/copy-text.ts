import type { CastName } from '../../source/core/mapping/cast-names.js';
import type { CastValue } from '../../source/core/mapping/cast-result.js';
import { batchBuffer, type RowEncoder } from './row-encoder.js';

// The text format of COPY: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
// Columns end with a tab, rows with a newline, NULL is \N, and control characters and the backslash are escaped.

/** Also escapes what only the documentation asks for (\b \f \v), so that a batch shows no control character but tab and newline. */
const special = /[\b\t\n\v\f\r\\]/;
const everySpecial = /[\b\t\n\v\f\r\\]/g;
const controls = ['\n', '\t', '\r', '\b', '\f', '\v'] as const;
const escapes: Readonly<Record<string, string>> = {
	'\b': '\\b',
	'\t': '\\t',
	'\n': '\\n',
	'\v': '\\v',
	'\f': '\\f',
	'\r': '\\r',
	'\\': '\\\\',
};

/** From here on seven searches for one character each (memchr inside) beat one for a class of characters. */
const longText = 120;

function escapeCopyText(text: string): string {
	if (text.length < longText) return special.test(text) ? escapeAll(text) : text;
	if (controls.some((control) => text.includes(control))) return escapeAll(text);
	// JSON has backslashes and no control character.
	return text.includes('\\') ? text.replaceAll('\\', '\\\\') : text;
}

const escapeAll = (text: string): string => text.replace(everySpecial, (character) => escapes[character] as string);

/** Casts whose results hold nothing to escape. */
const plainCasts: ReadonlySet<CastName> = new Set(['bigint', 'double', 'numeric', 'boolean', 'uuid', 'iso-timestamp']);

const firstBytes = 1024 * 1024;
/** A UTF-16 unit takes at most three bytes of UTF-8. */
const bytesPerUnit = 3;

/** Encodes rows as COPY text in UTF-8. Strings must be well-formed and free of NUL, as the casts leave them. */
export class CopyTextEncoder implements RowEncoder {
	#buffer: Buffer = Buffer.allocUnsafeSlow(firstBytes);
	#used = 0;
	readonly #plain: readonly boolean[];

	constructor(columns: readonly { readonly cast: CastName }[]) {
		this.#plain = columns.map(({ cast }) => plainCasts.has(cast));
	}

	get bytes(): number {
		return this.#used;
	}

	row(values: readonly CastValue[]): void {
		let line = '';
		for (let column = 0; column < values.length; column++) {
			const value = values[column] as CastValue;
			if (column > 0) line += '\t';
			if (typeof value === 'string') line += this.#plain[column] === true ? value : escapeCopyText(value);
			else line += value === null ? '\\N' : vectorText(value);
		}
		line += '\n';
		this.#reserve(line.length * bytesPerUnit);
		this.#used += this.#buffer.write(line, this.#used, 'utf8');
	}

	take(spare?: ArrayBuffer): Uint8Array<ArrayBuffer> {
		const batch = batchBuffer(this.#used, spare);
		batch.set(this.#buffer.subarray(0, this.#used));
		this.reset();
		return batch;
	}

	reset(): void {
		this.#used = 0;
	}

	#reserve(bytes: number): void {
		if (this.#used + bytes <= this.#buffer.length) return;
		const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#used + bytes));
		this.#buffer.copy(larger, 0, 0, this.#used);
		this.#buffer = larger;
	}
}

/** pgvector's text form; the shortest decimal of a float32 reads back to the same bits. */
function vectorText(bytes: Uint8Array): string {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const components: string[] = [];
	for (let at = 0; at < bytes.byteLength; at += 4) components.push(String(view.getFloat32(at, true)));
	return `[${components.join(',')}]`;
}
