import type { Cursor } from '../../source/core/ports.js';
import type { RawRecord } from '../reader.js';
import { FindingTally, type Tally } from './findings.js';
import { JsonTypeTally } from './json-types.js';
import { rowEncoder } from './row-encoder.js';
import type { StepPass } from './step-pass.js';
import type { StopSignal } from './stop-signal.js';

/** A stretch of a step's records, in the order in which they are read. */
export interface ScanPart {
	/** The cursor before the first record; null: from the start. */
	readonly from: Cursor | null;
	/** How many records these are. */
	readonly records: number;
	/** The part goes to the end of the step, whatever `records` says, which then only serves the progress. */
	readonly toEnd: boolean;
}

/** What the dry run of a part found. Parts add up (see `addParts`). */
export interface PartScan {
	readonly rows: number;
	readonly rejected: number;
	/** Bytes as they would be sent, without what stands around all rows of a step. */
	readonly bytes: number;
	readonly framing: number;
	readonly tally: Tally;
	readonly jsonTypes: Readonly<Record<string, Readonly<Record<string, number>>>>;
	readonly milliseconds: number;
	/** Source keys of the refused records. */
	readonly refused: readonly string[];
	/** Places of the columns whose casts gave back every value as it was, unnoted. */
	readonly unchanged: readonly number[];
}

/** Ten times a second at most. */
const progressMilliseconds = 100;
const recordsPerClock = 512;
/** Encoded bytes are counted, not kept. */
const forgetBytes = 1024 * 1024;

/**
 * The dry run of a part: every record through its casts and its encoder. A record that is refused is counted once, and each
 * of its refusing columns gets its finding.
 */
export function scanPart(pass: StepPass, part: ScanPart, stop: StopSignal, onProgress: (fraction: number) => void): PartScan {
	const started = performance.now();
	const { step, caster } = pass;
	const tally = new FindingTally(step.columns.length);
	const jsonTypes = new JsonTypeTally(step.columns);
	const encoder = rowEncoder(step);
	const framing = encoder.bytes;
	const clock = new ProgressClock(part.records, started, onProgress);
	const refused: string[] = [];
	let rows = 0;
	let bytes = 0;
	for (const record of pass.records(part.from, stop)) {
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
			refused.push(pass.keyOf(record));
			countRefusals(pass, record, tally);
		}
		if (!part.toEnd && rows === part.records) break;
	}
	onProgress(1);
	return {
		rows,
		rejected: refused.length,
		bytes: bytes + encoder.bytes - framing,
		framing,
		tally: tally.result(),
		jsonTypes: jsonTypes.result(),
		milliseconds: Math.round(performance.now() - started),
		refused,
		unchanged: caster.unchanged(),
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
