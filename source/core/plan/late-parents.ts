import type { CastRecord, TargetTable } from '../ports.js';
import { valuesOf } from './set-aside.js';
import type { CopyStep } from './types.js';

const shownKeys = 5;

type OwnKey = TargetTable['foreignKeys'][number];

/** Children that wait for the same parent: how many of `batch`, the last that had one, and how many of earlier batches. */
interface Waiting {
	batch: number;
	inBatch: number;
	earlier: number;
	readonly sample: { readonly batch: number; readonly key: string }[];
}

export interface LateTally {
	readonly constraint: string;
	count: number;
	readonly sample: string[];
}

/** Foreign keys by which a table of the target refers to itself, over columns that the step sends. */
export const ownForeignKeys = (step: CopyStep, table: TargetTable): OwnKey[] =>
	table.foreignKeys.filter(
		({ parent, columns, parentColumns }) =>
			parent === table.name && [...columns, ...parentColumns].every((name) => step.columns.some((column) => column.name === name)),
	);

/**
 * Finds the records that would be written in an earlier batch than the record of the same table that they refer to. The target's foreign
 * key refuses them, also a deferred one: every batch is a transaction of its own. Batches are cut as the reading cuts them, by records and by
 * bytes, the latter as the values' lengths.
 */
export class LateParents {
	readonly #step: CopyStep;
	readonly #keys: readonly { readonly key: OwnKey; readonly waiting: Map<string, Waiting>; readonly tally: LateTally }[];
	#batch = 0;
	#records = 0;
	#characters = 0;

	constructor(step: CopyStep, keys: readonly OwnKey[]) {
		this.#step = step;
		this.#keys = keys.map((key) => ({ key, waiting: new Map<string, Waiting>(), tally: { constraint: key.name, count: 0, sample: [] } }));
	}

	/** The next record of the step. `isThere`: the target holds its key. `isWritten`: the run writes it. */
	add(record: CastRecord, isThere: boolean, isWritten: boolean): void {
		for (const { key, waiting, tally } of this.#keys) {
			const own = valuesOf(this.#step, record, key.parentColumns);
			const children = own === null ? undefined : waiting.get(own);
			if (own !== null && children !== undefined) {
				waiting.delete(own);
				if (!isThere) this.#count(tally, children);
			}
			const parent = valuesOf(this.#step, record, key.columns);
			if (isWritten && parent !== null && parent !== own) this.#wait(waiting, parent, record.key.join(', '));
		}
		this.#records++;
		this.#characters += record.values.reduce<number>((sum, value) => sum + (value?.length ?? 2) + 1, 0);
		if (this.#records < this.#step.batchRecords && this.#characters < this.#step.batchBytes) return;
		this.#batch++;
		this.#records = 0;
		this.#characters = 0;
	}

	found(): LateTally[] {
		return this.#keys.flatMap(({ tally }) => (tally.count === 0 ? [] : [tally]));
	}

	#count(tally: LateTally, { batch, inBatch, earlier, sample }: Waiting): void {
		tally.count += earlier + (batch < this.#batch ? inBatch : 0);
		const late = sample.filter((child) => child.batch < this.#batch).map(({ key }) => key);
		tally.sample.push(...late.slice(0, shownKeys - tally.sample.length));
	}

	#wait(waiting: Map<string, Waiting>, parent: string, key: string): void {
		const children = waiting.get(parent) ?? { batch: this.#batch, inBatch: 0, earlier: 0, sample: [] };
		waiting.set(parent, children);
		if (children.batch < this.#batch) {
			children.earlier += children.inBatch;
			children.inBatch = 0;
			children.batch = this.#batch;
		}
		children.inBatch++;
		if (children.sample.length < shownKeys) children.sample.push({ batch: this.#batch, key });
	}
}
