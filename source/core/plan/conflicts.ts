import type { Source, Target } from '../ports.js';
import type { CopyStep } from './types.js';

interface Counted {
	count: number;
	sample: string[];
}

/** How the source's keys stand in the target. */
export interface ConflictTally {
	readonly equal: Counted;
	readonly differing: Counted;
	readonly otherTenant: Counted;
	readonly otherCollection: Counted;
}

const none = (): Counted => ({ count: 0, sample: [] });

export const noConflicts = (): ConflictTally => ({ equal: none(), differing: none(), otherTenant: none(), otherCollection: none() });

/** Compares every source record of the step with what the target holds under its key. Reads both sides, writes neither. */
export async function tallyConflicts(
	step: CopyStep,
	tenant: string,
	source: Source,
	target: Target,
	signal: AbortSignal | undefined,
	onProgress: (fraction: number) => void,
): Promise<ConflictTally> {
	const tally = noConflicts();
	const slot = {
		equal: tally.equal,
		differs: tally.differing,
		'other-tenant': tally.otherTenant,
		'other-collection': tally.otherCollection,
	};
	let seen = 0;
	for await (const records of source.records(step, null, signal)) {
		for (const comparison of await target.compare(step, tenant, records, signal)) {
			if (comparison.state === 'absent') continue;
			const counted = slot[comparison.state];
			counted.count++;
			if (counted.sample.length < 5) counted.sample.push(comparison.key.join(', '));
		}
		seen += records.length;
		onProgress(step.rows === 0 ? 1 : seen / step.rows);
	}
	return tally;
}
