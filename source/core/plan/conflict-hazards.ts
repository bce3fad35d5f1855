import { formatCount } from '../format.js';
import { collectionsProfile as profile } from '../mapping/profile.js';
import type { ClashTally, ConflictTally } from './conflicts.js';
import { idChoices } from './id-hazards.js';
import { embeddingTable } from './langchain-tables.js';
import type { LateTally } from './late-parents.js';
import { ownerIndexWords } from './owner-index.js';
import type { CopyStep, Hazard, Policies } from './types.js';

/** A server of Chroma multiplies what a directory holds as it was given (docs/formats.md). */
const cosineNote = ({ source }: CopyStep): string =>
	source.kind === 'chroma' && source.space === 'cosine'
		? '. In a cosine collection a server and its directory give vectors that differ in the last bit: where the other way wrote these rows, skip loses nothing'
		: '';

/** Keys that source and target both hold. Equal rows are no conflict: they are there already. */
export function conflictHazards(step: CopyStep, tally: ConflictTally, policies: Policies): Hazard[] {
	const hazards: Hazard[] = [];
	const add = (
		code: string,
		severity: Hazard['severity'],
		count: number,
		sample: readonly string[],
		message: string,
		hint?: string,
	): void => {
		if (count > 0) hazards.push({ code, severity, step: step.id, count, sample, message, ...(hint === undefined ? {} : { hint }) });
	};
	const noun = (count: number): string => (count === 1 ? '1 key' : `${formatCount(count)} keys`);
	const verb = (count: number, one: string, many: string): string => (count === 1 ? one : many);
	const { differing, unowned, otherTenant, otherCollection, equal } = tally;
	if (policies.onConflict === 'fail') {
		add(
			'CONFLICT',
			'block',
			differing.count,
			differing.sample,
			`${noun(differing.count)} of ${step.table} ${verb(differing.count, 'exists', 'exist')} in the target with other values`,
			`Choose --on-conflict skip to leave the rows of the target, or --on-conflict update to overwrite them (they are saved first and a rollback restores them)${cosineNote(step)}`,
		);
	} else if (policies.onConflict === 'skip') {
		add(
			'CONFLICT_SKIPPED',
			'warn',
			differing.count,
			differing.sample,
			`${noun(differing.count)} of ${step.table} in the target ${verb(differing.count, 'has other values and stays as it is', 'have other values and stay as they are')} there`,
		);
	} else {
		add(
			'CONFLICT_UPDATED',
			'warn',
			differing.count,
			differing.sample,
			`${noun(differing.count)} of ${step.table} in the target ${verb(differing.count, 'has other values; its row is', 'have other values; their rows are')} saved and overwritten${unowned.count === 0 ? '' : `; ${formatCount(unowned.count)} of them ${verb(unowned.count, 'belongs', 'belong')} to nobody and ${verb(unowned.count, 'becomes', 'become')} this user's`}`,
		);
	}
	add(
		'KEY_OF_OTHER_TENANT',
		'block',
		otherTenant.count,
		otherTenant.sample,
		`${noun(otherTenant.count)} of ${step.table} ${verb(otherTenant.count, 'belongs', 'belong')} to another user in the target`,
		'A key is unique over all users; rows of others are never overwritten. Is --user-id right?',
	);
	add(
		'ID_IN_OTHER_COLLECTION',
		'block',
		otherCollection.count,
		otherCollection.sample,
		`${noun(otherCollection.count)} ${verb(otherCollection.count, 'belongs', 'belong')} to another collection of ${embeddingTable}, where an id is unique over all collections`,
		`Choose the collection that holds them with --pgvector-collection, or remove them there first.${policies.onIdCollision === undefined ? ` Or ${idChoices}` : ' Or give the collection that moves another name, which is a part of its ids'}`,
	);
	add(
		'ALREADY_THERE',
		'info',
		equal.count,
		[],
		`${noun(equal.count)} of ${step.table} ${verb(equal.count, 'is', 'are')} already there with the same values`,
	);
	return hazards;
}

/**
 * Records that another unique key of the target refuses, because a row with another key holds their value. Neither leaving nor
 * overwriting the row under their own key helps: under `skip` they are set aside, otherwise the plan is blocked.
 */
export function clashHazards(
	step: CopyStep,
	{ clashes, orphaned, beneath }: ConflictTally,
	policies: Policies,
	steps: readonly CopyStep[],
): Hazard[] {
	const hazards = [...clashes.values()].map((clash): Hazard => {
		const records = `${clash.count === 1 ? '1 record' : `${formatCount(clash.count)} records`} of ${step.id} ${clash.count === 1 ? 'has' : 'have'}`;
		const unique = `${clash.name} (${clash.columns.join(', ')})`;
		const place = { step: step.id, count: clash.count, sample: clash.sample };
		if (clash.planned === true)
			return { code: 'UNIQUE_INDEX_IMPOSSIBLE', severity: 'block', ...place, ...indexWords(step, clash, records, steps) };
		if (policies.onConflict === 'skip') {
			return {
				code: 'UNIQUE_CONFLICT_SET_ASIDE',
				severity: 'warn',
				...place,
				message: `${records} a value of the unique key ${unique} that ${holderWords(clash)}, and will be set aside`,
				hint: 'quarantine.jsonl will hold them; records that refer to them go there as well',
			};
		}
		return {
			code: 'UNIQUE_CONFLICT',
			severity: 'block',
			...place,
			message: `${records} a value of the unique key ${unique} that ${holderWords(clash)}, so the target refuses to have both`,
			hint: `Choose --on-conflict skip, which sets the records aside and leaves the rows, or change ${clash.held.other > 0 ? 'these records of the source' : 'those rows of the target or these records of the source'}`,
		};
	});
	if (beneath.count > 0) hazards.push(beneathHazard(step, beneath));
	if (orphaned.count === 0) return hazards;
	const words = orphaned.count === 1 ? '1 record refers' : `${formatCount(orphaned.count)} records refer`;
	const message = `${words} to records that are set aside for a unique key, and will be set aside with them`;
	return [...hazards, { code: 'ORPHAN_OF_REJECTED', severity: 'warn', step: step.id, ...orphaned, message }];
}

/** Children of records that are set aside, in the same table: they may come first, and then be written without their parent. */
function beneathHazard(step: CopyStep, beneath: ConflictTally['beneath']): Hazard {
	const words = beneath.count === 1 ? '1 record refers' : `${formatCount(beneath.count)} records refer`;
	return {
		code: 'SELF_REFERENCE_SET_ASIDE',
		severity: 'block',
		step: step.id,
		...beneath,
		message: `${step.id} refers to itself, and ${words} to records that would be set aside for a unique key; what stands below those would be left without its parent`,
		hint: 'Change or remove the rows of the target that hold the unique values, or change these records in the source; then nothing has to be set aside',
	};
}

/** Records that an existing foreign key of the table to itself would refuse, because their parents are written later. */
export const lateHazards = (step: CopyStep, late: readonly LateTally[]): Hazard[] =>
	late.map(({ constraint, count, sample }) => ({
		code: 'PARENT_WRITTEN_LATER',
		severity: 'block',
		step: step.id,
		count,
		sample,
		message: `${count === 1 ? '1 record' : `${formatCount(count)} records`} of ${step.id} would be written in an earlier batch than the record that ${count === 1 ? 'it refers' : 'they refer'} to, and the foreign key ${constraint} of the target refuses that`,
		hint: `Drop ${constraint} for the load and add it again afterwards, or put parents and children into one batch with a larger --batch-size. Making it DEFERRABLE is not enough: every batch is a transaction of its own`,
	}));

/** Whose rows hold the values of a clash: what somebody may do about them depends on it. */
function holderWords({ count, held }: ClashTally): string {
	const parts = [
		...(held.other > 0 ? [`${formatCount(held.other)} of other users`] : []),
		...(held.nobody > 0 ? [`${formatCount(held.nobody)} of nobody`] : []),
		...(held.own > 0 ? [`${formatCount(held.own)} of this user`] : []),
	];
	if (count > 1) return `other rows of the target hold${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`;
	return `another row of the target${held.other > 0 ? ', of another user,' : held.nobody > 0 ? ', of nobody,' : held.own > 0 ? ', of this user,' : ''} holds`;
}

/** No row of the target needs to change for an index that the target does not have; rows of other users are not this run's to change at all. */
function indexWords(step: CopyStep, clash: ClashTally, records: string, steps: readonly CopyStep[]): Pick<Hazard, 'message' | 'hint'> {
	const rows = clash.held.other > 0 ? "this user's records in the source" : `those rows of ${step.table} or these records of the source`;
	return {
		message: `${records} a value of (${clash.columns.join(', ')}) that ${holderWords(clash)}, so the unique index ${clash.name} could not be made after the copy`,
		hint: `${ownerIndexWords(clash.name, { table: step.table, columns: clash.columns }, profile.tenantColumn, steps)} Or change ${rows}`,
	};
}
