import type { CastRecord } from '../ports.js';
import type { CopyStep } from './types.js';

/** Values of columns as one text; null when one of them is NULL, which refers to nothing. */
export function valuesOf(step: CopyStep, record: CastRecord, columns: readonly string[]): string | null {
	const values = columns.map((name) => record.values[step.columns.findIndex((column) => column.name === name)] ?? null);
	return values.includes(null) ? null : JSON.stringify(values);
}

/** Records that the casts accept and the plan sets aside all the same, by the values with which other steps refer to them. */
export class SetAside {
	readonly #steps: readonly CopyStep[];
	readonly #values = new Map<string, Set<string>>();

	constructor(steps: readonly CopyStep[]) {
		this.#steps = steps;
	}

	add(step: CopyStep, record: CastRecord): void {
		const references = this.#steps.flatMap(({ foreignKeys }) => foreignKeys).filter(({ parent }) => parent === step.id);
		for (const { parentColumns } of references) {
			const values = valuesOf(step, record, parentColumns);
			if (values !== null) this.#of(step.id, parentColumns).add(values);
		}
	}

	/** Whether the step may hold records that refer to some of these. */
	concerns(step: CopyStep): boolean {
		return step.foreignKeys.some(({ parent, parentColumns }) => this.#of(parent, parentColumns).size > 0);
	}

	/** Whether the record refers to one of these, and so cannot go to the target either. */
	takesAlong(step: CopyStep, record: CastRecord): boolean {
		return step.foreignKeys.some(({ columns, parent, parentColumns }) => {
			const values = valuesOf(step, record, columns);
			return values !== null && this.#of(parent, parentColumns).has(values);
		});
	}

	#of(step: string, columns: readonly string[]): Set<string> {
		const name = JSON.stringify([step, columns]);
		const known = this.#values.get(name) ?? new Set<string>();
		this.#values.set(name, known);
		return known;
	}
}
