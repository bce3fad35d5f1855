import type { CopyStep } from '../plan/types.js';
import type { Cursor, Reject } from '../ports.js';
import { type CastValue, type NoteCode, Noted, type RefusalCode, Refused } from './cast-result.js';
import { compileCasts, verbatimCasts } from './casts.js';
import { rawOf, recordJson } from './record-json.js';

/** A column, by its place in the step, and what was noted or refused there. */
export interface ColumnNote {
	readonly column: number;
	readonly code: NoteCode;
}

export interface ColumnRefusal {
	readonly column: number;
	readonly code: RefusalCode;
	readonly reason: string;
}

/**
 * Runs the casts of one step over one record at a time. It owns its output (`values`, `notes`, `refusal`) and overwrites it with every
 * record, so that a record that is accepted costs no allocation beyond its values.
 */
export class RecordCaster {
	/** Source fields to ask the reader for; records hold their values in this order. */
	readonly fields: readonly string[];
	/** Cast values of the last record, in the order of the step's columns; valid when `run` returned true. */
	readonly values: CastValue[];
	/** Notes of the last record; only those of accepted records count. */
	readonly notes: ColumnNote[] = [];
	/** Why the last record was refused: its first refusing column. */
	refusal: ColumnRefusal | null = null;

	readonly #step: Pick<CopyStep, 'columns' | 'key'>;
	readonly #casts: ReturnType<typeof compileCasts>;
	/** Per column: its field's place in a record, or -1 for a constant. */
	readonly #places: readonly number[];
	/** The same for the other field that it keeps. */
	readonly #keptPlaces: readonly number[];
	readonly #notNull: readonly boolean[];
	readonly #keyPlaces: readonly number[];
	readonly #keyColumns: readonly number[];
	/** Columns whose cast refused or noted a value so far. */
	readonly #troubled = new Set<number>();

	/** `judged`: see `compileCasts`. */
	constructor(step: Pick<CopyStep, 'source' | 'columns' | 'key' | 'policies'>, judged?: ReadonlySet<number>) {
		this.#step = step;
		this.#casts = compileCasts(step, judged);
		this.fields = [
			...new Set(
				step.columns.flatMap(({ source, keeps }) => [...(source === null ? [] : [source]), ...(keeps === undefined ? [] : [keeps.field])]),
			),
		];
		this.#places = step.columns.map((column) => (column.source === null ? -1 : this.fields.indexOf(column.source)));
		this.#keptPlaces = step.columns.map(({ keeps }) => (keeps === undefined ? -1 : this.fields.indexOf(keeps.field)));
		this.#notNull = step.columns.map((column) => !column.nullable);
		this.#keyColumns = step.key.map((name) => step.columns.findIndex((column) => column.name === name)).filter((column) => column >= 0);
		this.#keyPlaces = this.#keyColumns.map((column) => this.#places[column] ?? -1).filter((place) => place >= 0);
		this.values = step.columns.map(() => null);
	}

	/** Casts a record. False: refused, see `refusal`. */
	run(record: readonly unknown[]): boolean {
		this.refusal = null;
		if (this.notes.length > 0) this.notes.length = 0;
		return this.#from(0, record);
	}

	/** Goes on after the column that refused, to find what else is wrong with the same record. Null: nothing more. */
	nextRefusal(record: readonly unknown[]): ColumnRefusal | null {
		if (this.refusal === null) return null;
		const after = this.refusal.column + 1;
		this.refusal = null;
		this.#from(after, record);
		return this.refusal;
	}

	#from(first: number, record: readonly unknown[]): boolean {
		const casts = this.#casts;
		const places = this.#places;
		for (let column = first; column < casts.length; column++) {
			const place = places[column] as number;
			const kept = this.#keptPlaces[column] as number;
			const result = (casts[column] as (typeof casts)[number])(place < 0 ? null : record[place], kept < 0 ? undefined : record[kept]);
			if (typeof result === 'string') {
				this.values[column] = result;
			} else if (result === null) {
				if (!this.#put(column, null)) return false;
			} else if (result instanceof Refused) {
				this.#troubled.add(column);
				this.refusal = { column, code: result.code, reason: result.reason };
				return false;
			} else if (result instanceof Noted) {
				this.#troubled.add(column);
				this.notes.push({ column, code: result.code });
				if (!this.#put(column, result.value)) return false;
			} else {
				this.values[column] = result;
			}
		}
		return true;
	}

	#put(column: number, value: CastValue): boolean {
		if (value === null && this.#notNull[column] === true) {
			this.refusal = { column, code: 'NULL_IN_NOT_NULL', reason: 'NULL in a column that allows none' };
			return false;
		}
		this.values[column] = value;
		return true;
	}

	/**
	 * Places of the columns whose casts gave back every value so far as it was. Says something of a whole source only when every record went
	 * through `run`, and every refused one through `nextRefusal` until nothing more came.
	 */
	unchanged(): number[] {
		return [...this.#step.columns.keys()].filter((place) => {
			const cast = this.#step.columns[place]?.cast;
			return cast !== undefined && verbatimCasts.has(cast) && !this.#troubled.has(place);
		});
	}

	/** The record's key as the source spells it, for people and for the quarantine; the cursor when the step has no key. */
	sourceKey(record: readonly unknown[], cursor: Cursor): string {
		const parts = this.#keyPlaces.map((place) => rawOf(record[place]).raw ?? 'NULL');
		const [only] = parts;
		if (only === undefined) return cursor;
		return parts.length === 1 ? only : JSON.stringify(parts);
	}

	/** The target's key of the last accepted record, constants included. */
	targetKey(): string[] {
		return this.#keyColumns.map((column) => String(this.values[column] ?? ''));
	}

	/** A refused record, whole. `column` is the place in the step, or null when the record as such is at fault. */
	reject(record: readonly unknown[], cursor: Cursor, refusal: { column: number | null; code: string; reason: string }): Reject {
		const mapping = refusal.column === null ? undefined : this.#step.columns[refusal.column];
		const place = refusal.column === null ? -1 : (this.#places[refusal.column] ?? -1);
		return {
			key: this.sourceKey(record, cursor),
			column: mapping?.name ?? null,
			code: refusal.code,
			reason: refusal.reason,
			...rawOf(place < 0 ? null : record[place]),
			record: recordJson(this.fields, record),
		};
	}
}
