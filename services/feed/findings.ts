import { formatCount, formatQuantity } from '../../source/core/format.js';
import type { ColumnMapping } from '../../source/core/plan/types.js';
import type { Finding } from '../../source/core/ports.js';
import { type FindingCode, findingWords, isRefusal } from './finding-words.js';

const sampleSize = 5;
/** Records that have lost their vector are named one by one, as far as a plan stays a document that can be opened. */
const namedSize = 10_000;
const named: ReadonlySet<FindingCode> = new Set<FindingCode>(['MISSING_VECTOR', 'MISSING_VECTOR_NULLED']);
const mostKeys = (code: FindingCode): number => (named.has(code) ? namedSize : sampleSize);

/** One kind of finding in one column. Travels between threads. */
export interface FindingCount {
	readonly code: FindingCode;
	/** Place of the column in the step. */
	readonly column: number;
	count: number;
	/** Keys of the first ones: see `mostKeys`. */
	readonly sample: string[];
}

/** What was counted: findings in the order in which they first occurred, and per column the records that hold NULL or empty text. */
export interface Tally {
	readonly findings: readonly FindingCount[];
	readonly empty: readonly number[];
}

/** Counts what a scan finds, by code and column. */
export class FindingTally {
	readonly #counts = new Map<string, FindingCount>();
	readonly #empty: Float64Array;

	constructor(columns: number) {
		this.#empty = new Float64Array(columns);
	}

	/** `key` is asked for only while samples are wanted. */
	count(code: FindingCode, column: number, key: () => string): void {
		const name = `${code}/${column}`;
		let entry = this.#counts.get(name);
		if (entry === undefined) {
			entry = { code, column, count: 0, sample: [] };
			this.#counts.set(name, entry);
		}
		entry.count++;
		if (entry.sample.length < mostKeys(code)) entry.sample.push(key());
	}

	/** Counts the empty ones among a record's values, which stand in the order of the columns. */
	countEmpty(values: readonly unknown[]): void {
		for (let column = 0; column < values.length; column++) {
			const value = values[column];
			if (value === null || value === '') (this.#empty[column] as number)++;
		}
	}

	result(): Tally {
		return { findings: [...this.#counts.values()], empty: [...this.#empty] };
	}
}

/** The tally of a step that was counted in parts, given in the order of its records. */
export function addTallies(parts: readonly Tally[]): Tally {
	const counts = new Map<string, FindingCount>();
	for (const { findings } of parts) {
		for (const { code, column, count, sample } of findings) {
			const name = `${code}/${column}`;
			const before = counts.get(name) ?? { code, column, count: 0, sample: [] };
			counts.set(name, { code, column, count: before.count + count, sample: [...before.sample, ...sample].slice(0, mostKeys(code)) });
		}
	}
	const columns = parts[0]?.empty.length ?? 0;
	const empty = Array.from({ length: columns }, (_, column) => parts.reduce((sum, part) => sum + (part.empty[column] ?? 0), 0));
	return { findings: [...counts.values()], empty };
}

export function findingsOf(columns: readonly ColumnMapping[], tally: Tally): Finding[] {
	return tally.findings.map(({ code, column, count, sample }) => {
		const name = columns[column]?.name ?? null;
		const words = findingWords[code];
		return {
			code: words.hazard ?? code,
			severity: words.severity,
			column: name,
			count,
			sample,
			message: `${formatQuantity(count, 'record')}: ${words.message(name ?? 'the record')}`,
			...(words.hint === undefined ? {} : { hint: words.hint }),
		};
	});
}

/** One short text a column for the preview, for columns that something is to be said about. */
export function notesOf(columns: readonly ColumnMapping[], tally: Tally, rows: number): Record<string, string> {
	const notes: Record<string, string> = {};
	if (rows === 0) return notes;
	columns.forEach((column, place) => {
		const note = noteOf(column, place, tally, rows);
		if (note !== null) notes[column.name] = note;
	});
	return notes;
}

function noteOf(column: ColumnMapping, place: number, { findings, empty: emptyRows }: Tally, rows: number): string | null {
	if (column.source === null) return null;
	const rank = (entry: FindingCount): number => (isRefusal(entry.code) ? rows : 0) + entry.count;
	const [worst] = findings.filter((entry) => entry.column === place).sort((a, b) => rank(b) - rank(a));
	if (worst !== undefined) return `${formatCount(worst.count)} of ${formatCount(rows)} ${findingWords[worst.code].note}`;
	const empty = emptyRows[place] ?? 0;
	if (empty === rows) return `empty in all ${formatCount(rows)} rows`;
	const rest = empty === 0 ? '' : `, ${formatCount(empty)} empty`;
	if (column.cast === 'json-text') return `${formatCount(rows - empty)} valid${rest}`;
	if (column.cast === 'iso-timestamp') return `${formatCount(rows - empty)} ISO 8601${rest}`;
	return null;
}
