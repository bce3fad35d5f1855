import type { CastRecord, ComparedStep, Comparison, Source, Target, UniqueClash } from '../ports.js';
import type { LateParents } from './late-parents.js';
import { OtherRuleSearch, type OtherRules } from './other-rules.js';
import { PlannedClashes } from './planned-clashes.js';
import type { SetAside } from './set-aside.js';

interface Counted {
	count: number;
	sample: string[];
}

/** Records that clash on one unique key with rows that have another step key. */
export interface ClashTally extends Counted, UniqueClash {
	/** Of them, by whose row holds the value, as far as that is known. */
	readonly held: Record<NonNullable<UniqueClash['holder']>, number>;
}

/** How the source's keys stand in the target. */
export interface ConflictTally {
	readonly equal: Counted;
	readonly differing: Counted;
	/** Of `differing`, rows that name no tenant. */
	readonly unowned: Counted;
	readonly otherTenant: Counted;
	readonly otherCollection: Counted;
	/** Vectors: records that are absent under their id and there under that of another rule. */
	otherRules: OtherRules;
	/** By unique key, in the order in which they were met. A record may be in several. */
	readonly clashes: Map<string, ClashTally>;
	/** Records that clash with the target's rows on any unique key that it has. */
	readonly clashing: Counted;
	/** Records that refer to records set aside for such a clash. */
	readonly orphaned: Counted;
	/** Records that refer to records of their own table which are set aside for such a clash. */
	readonly beneath: Counted;
}

const none = (): Counted => ({ count: 0, sample: [] });

export const noConflicts = (): ConflictTally => ({
	equal: none(),
	differing: none(),
	unowned: none(),
	otherTenant: none(),
	otherCollection: none(),
	otherRules: {},
	clashes: new Map(),
	clashing: none(),
	orphaned: none(),
	beneath: none(),
});

function count(counted: Counted, { key }: Pick<Comparison, 'key'>): void {
	counted.count++;
	if (counted.sample.length < 5) counted.sample.push(key.join(', '));
}

/** What a comparison works with. */
export interface ComparisonPorts {
	readonly tenant: string;
	readonly source: Source;
	/** Null: the step's table holds nothing. */
	readonly target: Target | null;
	/** Records that `skip` sets aside are added, and those that refer to such are not compared. */
	readonly aside: SetAside;
	/** Hears of every record, when the target's table refers to itself. */
	readonly late: LateParents | null;
	readonly signal: AbortSignal | undefined;
}

/** Compares every source record of the step with what the target holds under its keys. Reads both sides, writes neither. */
export async function tallyConflicts(
	step: ComparedStep,
	ports: ComparisonPorts,
	onProgress: (fraction: number) => void,
): Promise<ConflictTally> {
	const { tenant, source, target, aside, late, signal } = ports;
	const tally = noConflicts();
	const planned =
		target === null
			? null
			: new PlannedClashes(step, target, tenant, (record, clashes) => {
					for (const clash of clashes) countClash(tally, clash, record);
				});
	const otherRules = target === null ? null : new OtherRuleSearch(step, tenant, target);
	let seen = 0;
	for await (const records of source.records(step, null, signal)) {
		const orphaned = new Set(aside.concerns(step) ? records.filter((record) => aside.takesAlong(step, record)) : []);
		for (const record of orphaned) {
			count(tally.orphaned, record);
			aside.add(step, record);
		}
		const own = records.filter((record) => !orphaned.has(record));
		const compared = target === null ? [] : await target.compare(step, tenant, own, signal);
		await otherRules?.look(
			own.filter((_, at) => compared[at]?.state === 'absent'),
			signal,
		);
		for (const [at, record] of own.entries()) {
			const comparison: Comparison = compared[at] ?? { key: record.key, state: 'absent', differences: [] };
			const isWritten = tallyOne(tally, step, comparison, record, aside);
			late?.add(record, comparison.state !== 'absent', isWritten);
			if (isWritten) await planned?.add(record, signal);
		}
		seen += records.length;
		onProgress(step.rows === 0 ? 1 : seen / step.rows);
	}
	await planned?.ask(signal);
	tally.otherRules = otherRules?.found() ?? {};
	if (step.policies.onConflict === 'skip' && tally.clashing.count > 0) await countBeneath(tally, step, source, aside, signal);
	return tally;
}

/** In a table that refers to itself, a child may come before the record that is set aside: who refers to one shows when all are known. */
async function countBeneath(
	tally: ConflictTally,
	step: ComparedStep,
	source: Source,
	aside: SetAside,
	signal: AbortSignal | undefined,
): Promise<void> {
	const itself = { ...step, foreignKeys: step.foreignKeys.filter(({ parent }) => parent === step.id) };
	if (!aside.concerns(itself)) return;
	for await (const records of source.records(step, null, signal)) {
		for (const record of records) if (aside.takesAlong(itself, record)) count(tally.beneath, record);
	}
}

/** Whether the run writes the record, as far as its keys tell. A record clashes only when it is written: a new one, or under `update` one that overwrites its row. */
function tallyOne(tally: ConflictTally, step: ComparedStep, comparison: Comparison, record: CastRecord, aside: SetAside): boolean {
	const slot = {
		equal: tally.equal,
		differs: tally.differing,
		'other-tenant': tally.otherTenant,
		'other-collection': tally.otherCollection,
	};
	const { state, clashes = [] } = comparison;
	if (state !== 'absent') count(slot[state], comparison);
	if (state === 'differs' && comparison.unowned === true) count(tally.unowned, comparison);
	const isWritten = state === 'absent' || (state === 'differs' && step.policies.onConflict === 'update');
	if (!isWritten || clashes.length === 0) return isWritten;
	count(tally.clashing, comparison);
	for (const clash of clashes) countClash(tally, clash, comparison);
	if (step.policies.onConflict !== 'skip') return true;
	aside.add(step, record);
	return false;
}

function countClash(tally: ConflictTally, clash: UniqueClash, record: Pick<Comparison, 'key'>): void {
	const counted = tally.clashes.get(clash.name) ?? { ...clash, ...none(), held: { own: 0, other: 0, nobody: 0 } };
	tally.clashes.set(clash.name, counted);
	count(counted, record);
	if (clash.holder !== undefined) counted.held[clash.holder]++;
}
