import type { ColumnRefusal, RecordCaster } from '../../source/core/mapping/cast-record.js';
import { rewritesKey } from '../../source/core/mapping/id-casts.js';
import type { CopyStep } from '../../source/core/plan/types.js';
import type { Cursor, Reject } from '../../source/core/ports.js';
import type { RawRecord, Reader } from '../reader.js';
import type { ForeignKeyGuard } from './foreign-keys.js';
import type { StopSignal } from './stop-signal.js';

/** Records between two looks at the stop flag: a fraction of a millisecond. */
const recordsPerCheck = 256;

/** One reading of a step: its records, judged by its casts and its foreign keys. */
export class StepPass {
	readonly step: CopyStep;
	readonly caster: RecordCaster;
	readonly #reader: Reader;
	readonly #guards: readonly ForeignKeyGuard[];

	constructor(step: CopyStep, reader: Reader, caster: RecordCaster, guards: readonly ForeignKeyGuard[]) {
		this.step = step;
		this.caster = caster;
		this.#reader = reader;
		this.#guards = guards;
	}

	/** Whether the casts give records other keys than the source has. */
	get rewritesKeys(): boolean {
		return this.step.columns.some((column) => this.step.key.includes(column.name) && rewritesKey(column));
	}

	/** Records after `from`. Leaving the loop early ends the reading. */
	*records(from: Cursor | null, stop: StopSignal): Generator<RawRecord, void, undefined> {
		let untilCheck = 1;
		for (const record of this.#reader.read(this.step, this.caster.fields, from)) {
			if (--untilCheck === 0) {
				stop.check();
				untilCheck = recordsPerCheck;
			}
			yield record;
		}
	}

	/** Records of the step. */
	count(stop: StopSignal): number {
		const positions = this.#reader.positions?.(this.step);
		if (positions !== undefined) return positions.count();
		let total = 0;
		for (const _cursor of this.#cursors(stop)) total++;
		return total;
	}

	/** Goes ahead from the start of the step, by `places` (1 or more) at each call. Gives the cursor of the record arrived at, or null past the end. */
	walk(stop: StopSignal): (places: number) => Cursor | null {
		const positions = this.#reader.positions?.(this.step);
		let at: Cursor | null = null;
		if (positions !== undefined) {
			return (places) => {
				stop.check();
				at = positions.ahead(at, places);
				return at;
			};
		}
		const cursors = this.#cursors(stop);
		return (places) => {
			for (let left = places; left > 0; left--) at = cursors.next().value ?? null;
			return at;
		};
	}

	/** Cursors alone, which is far quicker than the records. */
	*#cursors(stop: StopSignal): Generator<Cursor, void, undefined> {
		let untilCheck = 1;
		for (const record of this.#reader.read(this.step, [], null)) {
			if (--untilCheck === 0) {
				stop.check();
				untilCheck = recordsPerCheck;
			}
			yield record.cursor;
		}
	}

	/** Null: accepted, and `caster.values` holds its cast values until the next call. */
	judge(record: RawRecord): ColumnRefusal | null {
		if (!this.caster.run(record.values)) return this.caster.refusal;
		return this.#guards.length === 0 ? null : this.brokenReference(record);
	}

	brokenReference(record: RawRecord): ColumnRefusal | null {
		for (const guard of this.#guards) {
			const refusal = guard.check(record);
			if (refusal !== null) return refusal;
		}
		return null;
	}

	/** Whether the record, cast, has this key in the target. */
	hasKey(record: RawRecord, key: readonly string[]): boolean {
		if (!this.caster.run(record.values)) return false;
		return this.caster.targetKey().every((part, place) => part === key[place]);
	}

	keyOf(record: RawRecord): string {
		return this.caster.sourceKey(record.values, record.cursor);
	}

	reject(record: RawRecord, refusal: { readonly column: number | null; readonly code: string; readonly reason: string }): Reject {
		return this.caster.reject(record.values, record.cursor, refusal);
	}
}
