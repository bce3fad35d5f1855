import type { ColumnMapping } from '../../source/core/plan/types.js';
import type { Finding } from '../../source/core/ports.js';
import { type FindingCode, findingWords, isRefusal } from './finding-words.js';

const sampleSize = 5;

interface Entry {
	readonly code: FindingCode;
	readonly column: number;
	count: number;
	readonly sample: string[];
}

/** Counts what a scan finds, by code and column, and tells it as findings and as notes of the preview. */
export class FindingTally {
	readonly #columns: readonly ColumnMapping[];
	readonly #entries = new Map<string, Entry>();
	/** Per column: records that hold NULL or empty text. */
	readonly #empty: Float64Array;

	constructor(columns: readonly ColumnMapping[]) {
		this.#columns = columns;
		this.#empty = new Float64Array(columns.length);
	}

	/** `key` is asked for only while samples are wanted. */
	count(code: FindingCode, column: number, key: () => string): void {
		const name = `${code}/${column}`;
		let entry = this.#entries.get(name);
		if (entry === undefined) {
			entry = { code, column, count: 0, sample: [] };
			this.#entries.set(name, entry);
		}
		entry.count++;
		if (entry.sample.length < sampleSize) entry.sample.push(key());
	}

	/** Counts the empty ones among a record's values, which stand in the order of the columns. */
	countEmpty(values: readonly unknown[]): void {
		for (let column = 0; column < values.length; column++) {
			const value = values[column];
			if (value === null || value === '') (this.#empty[column] as number)++;
		}
	}

	findings(): Finding[] {
		return [...this.#entries.values()].map(({ code, column, count, sample }) => {
			const name = this.#columns[column]?.name ?? null;
			const words = findingWords[code];
			return {
				code,
				severity: words.severity,
				column: name,
				count,
				sample,
				message: `${count === 1 ? '1 record' : `${count} records`}: ${words.message(name ?? 'the record')}`,
				...(words.hint === undefined ? {} : { hint: words.hint }),
			};
		});
	}

	/** One short text a column, for columns that something is to be said about. */
	notes(rows: number): Record<string, string> {
		const notes: Record<string, string> = {};
		if (rows === 0) return notes;
		this.#columns.forEach((column, place) => {
			const note = this.#note(column, place, rows);
			if (note !== null) notes[column.name] = note;
		});
		return notes;
	}

	#note(column: ColumnMapping, place: number, rows: number): string | null {
		if (column.source === null) return null;
		const rank = (entry: Entry): number => (isRefusal(entry.code) ? rows : 0) + entry.count;
		const troubles = [...this.#entries.values()].filter((entry) => entry.column === place).sort((a, b) => rank(b) - rank(a));
		const [worst] = troubles;
		if (worst !== undefined) return `${worst.count} of ${rows} ${findingWords[worst.code].note}`;
		const empty = this.#empty[place] as number;
		if (empty === rows) return `empty in all ${rows} rows`;
		const rest = empty === 0 ? '' : `, ${empty} empty`;
		if (column.cast === 'json-text') return `${rows - empty} valid${rest}`;
		if (column.cast === 'iso-timestamp') return `${rows - empty} ISO 8601${rest}`;
		return null;
	}
}
