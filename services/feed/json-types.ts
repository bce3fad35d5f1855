import type { ColumnMapping } from '../../source/core/plan/types.js';

const typeOfStart: Readonly<Record<string, string>> = { '{': 'object', '[': 'array', '"': 'string', t: 'boolean', f: 'boolean', n: 'null' };

/** `jsonb_typeof` of a valid JSON text, told from its first character. */
function jsonType(text: string): string {
	const first = text[0] ?? '';
	const start = first <= ' ' ? (text.trimStart()[0] ?? '') : first;
	return typeOfStart[start] ?? 'number';
}

/** Counts the JSON types of the accepted records, per jsonb column. */
export class JsonTypeTally {
	readonly #columns: readonly { readonly name: string; readonly place: number; readonly counts: Record<string, number> }[];

	constructor(columns: readonly ColumnMapping[]) {
		this.#columns = columns.flatMap(({ name, targetType }, place) => (targetType === 'jsonb' ? [{ name, place, counts: {} }] : []));
	}

	count(values: readonly unknown[]): void {
		for (const { place, counts } of this.#columns) {
			const value = values[place];
			if (typeof value !== 'string') continue;
			const type = jsonType(value);
			counts[type] = (counts[type] ?? 0) + 1;
		}
	}

	result(): Record<string, Readonly<Record<string, number>>> {
		return Object.fromEntries(this.#columns.map(({ name, counts }) => [name, counts]));
	}
}
