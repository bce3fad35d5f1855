import type { Cursor } from '../../source/core/ports.js';
import type { ScanPart } from './scan-part.js';
import type { StepPass } from './step-pass.js';
import type { StopSignal } from './stop-signal.js';

/** Below this a second thread is not worth its start. */
export const leastPartRecords = 10_000;

/** Cuts the records of a step into at most `wanted` parts of about one length, none shorter than is worth a thread. */
export function cutParts(pass: StepPass, wanted: number, stop: StopSignal): ScanPart[] {
	const total = pass.count(stop);
	const count = Math.max(1, Math.min(wanted, Math.floor(total / leastPartRecords)));
	const walk = pass.walk(stop);
	const parts: ScanPart[] = [];
	let from: Cursor | null = null;
	let done = 0;
	for (let part = 1; part < count; part++) {
		const records = Math.floor((part * total) / count) - done;
		const last = walk(records);
		// A damaged table may give fewer records than it counts.
		if (last === null) break;
		parts.push({ from, records, toEnd: false });
		from = last;
		done += records;
	}
	return [...parts, { from, records: total - done, toEnd: true }];
}
