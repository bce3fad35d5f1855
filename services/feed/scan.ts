import type { ScanResult } from '../../source/core/ports.js';
import { FindingTally } from './findings.js';
import { JsonTypeTally } from './json-types.js';
import type { RawRecord } from './reader.js';
import { rowEncoder } from './row-encoder.js';
import type { StepPass } from './step-pass.js';
import type { StopSignal } from './stop-signal.js';

/** Ten times a second at most. */
const progressMilliseconds = 100;
const recordsPerClock = 512;
/** Encoded bytes are counted, not kept. */
const forgetBytes = 1024 * 1024;

/**
 * The dry run of one step: every record through its casts and its encoder. A record that is refused is counted once, and each
 * of its refusing columns gets its finding. `onRejected` gets the key of every refused record.
 */
export function scanStep(
	pass: StepPass,
	stop: StopSignal,
	onProgress: (fraction: number) => void,
	onRejected: (key: string) => void,
): ScanResult {
	const started = performance.now();
	const { step, caster } = pass;
	const tally = new FindingTally(step.columns);
	const jsonTypes = new JsonTypeTally(step.columns);
	const encoder = rowEncoder(step);
	const framing = encoder.bytes;
	const clock = new ProgressClock(step.rows, started, onProgress);
	let rows = 0;
	let rejected = 0;
	let bytes = 0;
	for (const record of pass.records(null, stop)) {
		if (++rows % recordsPerClock === 0) clock.tell(rows);
		if (pass.judge(record) === null) {
			tally.countEmpty(caster.values);
			jsonTypes.count(caster.values);
			for (const note of caster.notes) tally.count(note.code, note.column, () => pass.keyOf(record));
			encoder.row(caster.values);
			if (encoder.bytes > forgetBytes) {
				bytes += encoder.bytes - framing;
				encoder.reset();
			}
		} else {
			rejected++;
			onRejected(pass.keyOf(record));
			countRefusals(pass, record, tally);
		}
	}
	onProgress(1);
	return {
		rows,
		rejected,
		bytes: bytes + encoder.bytes - (rows === 0 ? framing : 0),
		findings: tally.findings(),
		notes: tally.notes(rows),
		jsonTypes: jsonTypes.result(),
		milliseconds: Math.round(performance.now() - started),
	};
}

function countRefusals(pass: StepPass, record: RawRecord, tally: FindingTally): void {
	const { caster, step } = pass;
	const key = (): string => pass.keyOf(record);
	const raw = step.columns.map((column) => (column.source === null ? undefined : record.values[caster.fields.indexOf(column.source)]));
	tally.countEmpty(raw);
	for (let refusal = caster.refusal; refusal !== null; refusal = caster.nextRefusal(record.values)) {
		tally.count(refusal.code, refusal.column, key);
	}
	const broken = pass.brokenReference(record);
	if (broken !== null) tally.count(broken.code, broken.column, key);
}

class ProgressClock {
	readonly #total: number;
	readonly #tell: (fraction: number) => void;
	#last: number;

	constructor(total: number, now: number, tell: (fraction: number) => void) {
		this.#total = Math.max(1, total);
		this.#last = now;
		this.#tell = tell;
	}

	tell(done: number): void {
		const now = performance.now();
		if (now - this.#last < progressMilliseconds) return;
		this.#last = now;
		this.#tell(Math.min(1, done / this.#total));
	}
}
