import type { CastRecord, ComparedStep, Target, UniqueClash } from '../ports.js';

/** What is asked about at once: each question reads the target's table whole. */
const mostCharacters = 8_000_000;
const mostRecords = 100_000;

type Told = (record: CastRecord, clashes: readonly UniqueClash[]) => void;

/** Gathers records and asks of many at once whether they clash on unique indexes that the run would make after the copy. */
export class PlannedClashes {
	readonly #step: ComparedStep;
	readonly #target: Target;
	readonly #tenant: string;
	readonly #told: Told;
	/** Places in a record's values that the indexes read. */
	readonly #places: readonly number[];
	#records: CastRecord[] = [];
	#characters = 0;

	constructor(step: ComparedStep, target: Target, tenant: string, told: Told) {
		this.#step = step;
		this.#target = target;
		this.#tenant = tenant;
		this.#told = told;
		const read = new Set([...step.key, ...(step.plannedUniques ?? []).flatMap(({ columns }) => columns)]);
		this.#places = [...step.columns.keys()].filter((place) => read.has(step.columns[place]?.name ?? ''));
	}

	async add(record: CastRecord, signal: AbortSignal | undefined): Promise<void> {
		if ((this.#step.plannedUniques ?? []).length === 0) return;
		// Of the other values nothing is kept.
		const values: CastRecord['values'][number][] = new Array(this.#step.columns.length).fill(null);
		for (const place of this.#places) {
			values[place] = record.values[place] ?? null;
			this.#characters += values[place]?.length ?? 0;
		}
		this.#records.push({ key: record.key, values });
		if (this.#records.length >= mostRecords || this.#characters >= mostCharacters) await this.ask(signal);
	}

	/** Asks about the records gathered so far. */
	async ask(signal: AbortSignal | undefined): Promise<void> {
		const records = this.#records;
		this.#records = [];
		this.#characters = 0;
		if (records.length === 0) return;
		const found = await this.#target.plannedClashes(this.#step, this.#tenant, records, signal);
		for (const [place, clashes] of [...found].toSorted(([left], [right]) => left - right)) {
			const record = records[place];
			if (record !== undefined) this.#told(record, clashes);
		}
	}
}
