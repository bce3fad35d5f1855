import type { Cursor, Reject, SourceBatch } from '../../source/core/ports.js';
import type { RawRecord } from '../reader.js';
import { rowEncoder } from './row-encoder.js';
import type { StepPass } from './step-pass.js';
import { latest, type StopSignal } from './stop-signal.js';

/**
 * Encoded batches of a step after `from`. A batch ends with the record that reaches `batchRecords` (refused ones count) or `batchBytes`.
 * `on.batch` hears of each batch where its reading began, `on.rejected` the keys of refused records, `on.end` that the last record was read.
 * `spares` are buffers of earlier batches that may be filled again.
 */
export function* encodeBatches(
	pass: StepPass,
	from: Cursor | null,
	stop: () => StopSignal,
	spares: ArrayBuffer[],
	on: {
		readonly batch: (first: Cursor, from: Cursor | null) => void;
		readonly rejected: (key: string) => void;
		readonly end: () => void;
	},
): Generator<SourceBatch & { readonly data: Uint8Array<ArrayBuffer> }, void, undefined> {
	const { step, caster } = pass;
	const encoder = rowEncoder(step);
	let before = from;
	let first: RawRecord | null = null;
	let last: RawRecord | null = null;
	let rows = 0;
	let rejects: Reject[] = [];
	const finish = (): SourceBatch & { readonly data: Uint8Array<ArrayBuffer> } => {
		const firstCursor = first?.cursor ?? '';
		const lastCursor = last?.cursor ?? '';
		on.batch(firstCursor, before);
		const batch = { data: encoder.take(spares.pop()), rows, first: firstCursor, last: lastCursor, rejects };
		before = lastCursor;
		first = null;
		rows = 0;
		rejects = [];
		return batch;
	};
	for (const record of pass.records(from, latest(stop))) {
		first ??= record;
		last = record;
		const refusal = pass.judge(record);
		if (refusal === null) {
			encoder.row(caster.values);
			rows++;
		} else {
			const reject = pass.reject(record, refusal);
			on.rejected(reject.key);
			rejects.push(reject);
		}
		if (rows + rejects.length >= step.batchRecords || encoder.bytes >= step.batchBytes) yield finish();
	}
	if (first !== null) yield finish();
	on.end();
}
