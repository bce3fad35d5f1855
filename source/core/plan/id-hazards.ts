import { formatCount } from '../format.js';
import { rewritesKey } from '../mapping/id-casts.js';
import type { SharedKeys, Source } from '../ports.js';
import { leavesNothing } from './empty-steps.js';
import { embeddingTable, keptIdKey, vectorStepId } from './langchain-tables.js';
import type { OtherRules } from './other-rules.js';
import type { CopyStep, Hazard, IdCollisionPolicy, Plan, Policies } from './types.js';

/** What may be done about an id that two collections have. */
export const idChoices = `--on-id-collision prefix makes every id COLLECTION/ID, uuid a UUID of collection and id; either keeps the original in cmetadata under ${keptIdKey}`;

const isVectors = (step: CopyStep): boolean => step.collection !== undefined;

/**
 * Ids in langchain's table are unique over all collections. Counts those that occur in two of the collections that move, under whatever rule,
 * and tells which rule gives them. What the target holds, in this collection or another, shows in the comparison with it.
 */
export async function idHazards(
	steps: readonly CopyStep[],
	policies: Policies,
	source: Source,
	signal: AbortSignal | undefined,
): Promise<Hazard[]> {
	const vectors = steps.filter(isVectors);
	const shared = vectors.length > 1 ? await source.sharedKeys(vectors, signal) : { count: 0, sample: [] };
	return [...(shared.count === 0 ? [] : [sharedHazard(shared, policies)]), ...ruleHazards(vectors, policies), ...emptyHazards(vectors)];
}

function sharedHazard({ count, sample }: SharedKeys, { onIdCollision }: Policies): Hazard {
	const where = [...new Set(sample.flatMap(({ steps }) => steps.map((step) => step.replace(`${vectorStepId}:`, ''))))].join(', ');
	return {
		code: 'ID_IN_SEVERAL_COLLECTIONS',
		severity: 'block',
		step: null,
		count,
		sample: sample.map(({ key }) => key),
		message: `${count === 1 ? '1 id occurs' : `${formatCount(count)} ids occur`} in more than one of the chosen collections (${where}), and in ${embeddingTable} an id is unique over all collections`,
		hint:
			onIdCollision === undefined
				? `${idChoices}. Or move these collections one by one into databases or schemas of their own`
				: 'Give one of these collections another name: --pgvector-collection SOURCE=TARGET',
	};
}

function ruleHazards(vectors: readonly CopyStep[], { onIdCollision }: Policies): Hazard[] {
	const rewritten = vectors.filter(({ columns }) => columns.some(rewritesKey));
	if (onIdCollision === undefined || rewritten.length === 0) return [];
	const rule = onIdCollision === 'prefix' ? 'COLLECTION/ID' : 'the version-5 UUID of collection and id';
	const keys = [...new Set(rewritten.flatMap(({ columns }) => columns.flatMap(({ keeps }) => (keeps === undefined ? [] : [keeps.key]))))];
	const told: Hazard = {
		code: 'IDS_REWRITTEN',
		severity: 'info',
		step: rewritten.length === 1 ? (rewritten[0]?.id ?? null) : null,
		column: 'id',
		count: rewritten.reduce((sum, { rows, rejected }) => sum + rows - rejected, 0),
		sample: [],
		message: `every id becomes ${rule}, as asked; the original is kept in cmetadata under ${keys.join(', ')}`,
	};
	return [told];
}

const otherRule: Readonly<Record<IdCollisionPolicy, { readonly ids: string; readonly again: string }>> = {
	fail: { ids: "Chroma's own ids", again: 'leave --on-id-collision out' },
	prefix: { ids: 'ids of the form COLLECTION/ID', again: 'choose --on-id-collision prefix again' },
	uuid: { ids: 'UUIDs of collection and id', again: 'choose --on-id-collision uuid again' },
};

/** Records that another rule wrote: this run would write every one of them a second time. */
export function otherRuleHazards({ id, collection }: CopyStep, found: OtherRules): Hazard[] {
	return (Object.keys(otherRule) as IdCollisionPolicy[]).flatMap((rule) => {
		const { count, sample } = found[rule] ?? { count: 0, sample: [] };
		if (count === 0) return [];
		const { ids, again } = otherRule[rule];
		const records = count === 1 ? '1 record is' : `${formatCount(count)} records are`;
		return [
			{
				code: 'OTHER_IDS_THERE',
				severity: 'block',
				step: id,
				column: 'id',
				count,
				sample,
				message: `${records} in the collection ${collection?.name} already, under ${ids}, and would be there twice`,
				hint: `To find them again, ${again}. Or undo the run that wrote them (repot runs lists it), or write into another collection with --pgvector-collection`,
			},
		];
	});
}

const solvedByRule: ReadonlySet<string> = new Set(['ID_IN_SEVERAL_COLLECTIONS', 'ID_IN_OTHER_COLLECTION', 'OTHER_IDS_THERE']);

/** The rules for ids that may solve what blocks a plan: all but its own; none when no hazard asks for one. */
export function rulesToChoose({ hazards, policies }: Pick<Plan, 'hazards' | 'policies'>): readonly IdCollisionPolicy[] {
	if (!hazards.some(({ code, severity }) => severity === 'block' && solvedByRule.has(code))) return [];
	return (Object.keys(otherRule) as IdCollisionPolicy[]).filter((rule) => rule !== (policies.onIdCollision ?? 'fail'));
}

function emptyHazards(vectors: readonly CopyStep[]): Hazard[] {
	return vectors
		.filter(({ rows }) => rows === 0)
		.map((step) => ({
			code: 'EMPTY_COLLECTION',
			severity: 'info',
			step: step.id,
			count: 1,
			sample: [],
			message: `the collection holds no records, so ${leavesNothing(step) ? `${step.collection?.name} is not made in the target` : `nothing moves into ${step.collection?.name}`}`,
		}));
}
