import type { CastRecord, ComparedStep, Comparison, Source, Target, UniqueClash } from '../ports.js';
import type { SetAside } from './set-aside.js';

interface Counted {
	count: number;
	sample: string[];
}

/** Records that clash on one unique key with rows that have another step key. */
export interface ClashTally extends Counted, UniqueClash {}

/** How the source's keys stand in the target. */
export interface ConflictTally {
	readonly equal: Counted;
	readonly differing: Counted;
	/** Of `differing`, rows that name no tenant. */
	readonly unowned: Counted;
	readonly otherTenant: Counted;
	readonly otherCollection: Counted;
	/** By unique key, in the order in which they were met. A record may be in several. */
	readonly clashes: Map<string, ClashTally>;
	/** Records that clash with the target's rows on any unique key that it has. */
	readonly clashing: Counted;
	/** Records that refer to records set aside for such a clash. */
	readonly orphaned: Counted;
}

const none = (): Counted => ({ count: 0, sample: [] });

export const noConflicts = (): ConflictTally => ({
	equal: none(),
	differing: none(),
	unowned: none(),
	otherTenant: none(),
	otherCollection: none(),
	clashes: new Map(),
	clashing: none(),
	orphaned: none(),
});

function count(counted: Counted, { key }: Pick<Comparison, 'key'>): void {
	counted.count++;
	if (counted.sample.length < 5) counted.sample.push(key.join(', '));
}

/**
 * Compares every source record of the step with what the target holds under its keys (`target` null: its table holds nothing). Reads
 * both sides, writes neither. Records that `skip` sets aside are added to `aside`, and those that refer to such are not compared.
 */
export async function tallyConflicts(
	step: ComparedStep,
	tenant: string,
	source: Source,
	target: Target | null,
	aside: SetAside,
	signal: AbortSignal | undefined,
	onProgress: (fraction: number) => void,
): Promise<ConflictTally> {
	const tally = noConflicts();
	let seen = 0;
	for await (const records of source.records(step, null, signal)) {
		const orphaned = new Set(aside.concerns(step) ? records.filter((record) => aside.takesAlong(step, record)) : []);
		for (const record of orphaned) {
			count(tally.orphaned, record);
			aside.add(step, record);
		}
		const own = records.filter((record) => !orphaned.has(record));
		if (target !== null) {
			for (const [at, comparison] of (await target.compare(step, tenant, own, signal)).entries())
				tallyOne(tally, step, comparison, own[at], aside);
		}
		seen += records.length;
		onProgress(step.rows === 0 ? 1 : seen / step.rows);
	}
	return tally;
}

function tallyOne(tally: ConflictTally, step: ComparedStep, comparison: Comparison, record: CastRecord | undefined, aside: SetAside): void {
	const slot = {
		equal: tally.equal,
		differs: tally.differing,
		'other-tenant': tally.otherTenant,
		'other-collection': tally.otherCollection,
	};
	const { state, clashes = [] } = comparison;
	if (state !== 'absent') count(slot[state], comparison);
	if (state === 'differs' && comparison.unowned === true) count(tally.unowned, comparison);
	// A record clashes only when it is written: a new one, or under `update` one that overwrites its row.
	const isWritten = state === 'absent' || (state === 'differs' && step.policies.onConflict === 'update');
	if (!isWritten || clashes.length === 0) return;
	if (clashes.some((clash) => clash.planned !== true)) {
		count(tally.clashing, comparison);
		if (step.policies.onConflict === 'skip' && record !== undefined) aside.add(step, record);
	}
	for (const clash of clashes) {
		const counted = tally.clashes.get(clash.name) ?? { ...clash, ...none() };
		tally.clashes.set(clash.name, counted);
		count(counted, comparison);
	}
}
