import { RepotError } from '../errors.js';
import { formatQuantity } from '../format.js';
import type { ChromaCollection, TargetDescription } from '../ports.js';
import { isNamed, qualified, shownName } from './collection.js';
import { vectorStepId } from './langchain-tables.js';
import type { PlanRequest } from './request.js';
import type { Hazard } from './types.js';

/** A Chroma collection that moves, the step that copies it, and the langchain collection that it becomes. */
export interface ChosenCollection {
	readonly source: ChromaCollection;
	/** `vectors` for the only one, else `vectors:NAME`, in full where two databases hold the name. */
	readonly step: string;
	readonly target: string;
	/** The operator gave the target's name. */
	readonly named: boolean;
}

type Naming = Pick<PlanRequest, 'pgvectorCollection' | 'collectionNames' | 'nameByFlag'>;

/**
 * Step ids and names in the target. A single collection becomes `pgvectorCollection`; of several each keeps its own name; `collectionNames` goes
 * before both. Throws RepotError (usage) for a name that is given to a collection that does not move.
 */
export function nameCollections(collections: readonly ChromaCollection[], naming: Naming): readonly ChosenCollection[] {
	const wishes = Object.entries(naming.collectionNames);
	for (const [source] of wishes) refuseUnknown(source, collections);
	if (collections.length > 1 && naming.nameByFlag === true) refuseUnused(naming.pgvectorCollection, collections);
	return collections.map((collection) => {
		const wish = wishes.find(([source]) => isNamed(collection, source));
		const usual = collections.length === 1 ? naming.pgvectorCollection : collection.name;
		return {
			source: collection,
			step: collections.length === 1 ? vectorStepId : `${vectorStepId}:${shownName(collection, collections)}`,
			target: wish?.[1] ?? usual,
			named: collections.length === 1 || wish !== undefined,
		};
	});
}

/** A flag that would do nothing is refused; a name of the config may be there for another time. */
function refuseUnused(name: string, collections: readonly ChromaCollection[]): void {
	const names = collections.map((collection) => shownName(collection, collections));
	throw new RepotError({
		kind: 'usage',
		code: 'COLLECTION_NAME_UNUSED',
		message: `--pgvector-collection ${name} is the name for a single collection, and ${collections.length} move`,
		why: `these move: ${names.join(', ')}`,
		next: [`Write --pgvector-collection SOURCE=TARGET, e.g. ${names[0]}=${name}`, 'Or leave it out: each keeps its own name'],
	});
}

function refuseUnknown(source: string, collections: readonly ChromaCollection[]): void {
	const matching = collections.filter((collection) => isNamed(collection, source));
	if (matching.length === 1) return;
	throw new RepotError({
		kind: 'usage',
		code: matching.length === 0 ? 'UNKNOWN_COLLECTION_NAME' : 'AMBIGUOUS_COLLECTION_NAME',
		message:
			matching.length === 0
				? `--pgvector-collection names the collection "${source}", which does not move`
				: `--pgvector-collection names "${source}", which ${matching.length} of the chosen collections are called`,
		why: `these move: ${collections.map((collection) => shownName(collection, collections)).join(', ')}`,
		next: ['Write --pgvector-collection SOURCE=TARGET with one of them', 'Or leave it out'],
	});
}

/**
 * Names in the target that cannot stand: langchain has one space of names over all tenants and databases of Chroma, and a collection of that
 * name may be somebody else's.
 */
export function nameHazards(chosen: readonly ChosenCollection[], naming: Naming, target: TargetDescription): Hazard[] {
	if (chosen.length < 2) return [];
	const hazards = [...clashes(chosen), ...foreign(chosen, target)];
	if (naming.pgvectorCollection !== usualCollectionName) {
		hazards.push({
			code: 'COLLECTION_NAME_UNUSED',
			severity: 'info',
			step: null,
			count: 1,
			sample: [naming.pgvectorCollection],
			message: `--pgvector-collection ${naming.pgvectorCollection} is the name for a single collection; of these ${chosen.length} each keeps its own, or gets the one that is given as SOURCE=TARGET`,
		});
	}
	return hazards;
}

/** Name of a single collection in the target when none is given. */
export const usualCollectionName = 'collections_vectors';

function clashes(chosen: readonly ChosenCollection[]): Hazard[] {
	const byTarget = new Map<string, ChosenCollection[]>();
	for (const one of chosen) byTarget.set(one.target, [...(byTarget.get(one.target) ?? []), one]);
	return [...byTarget]
		.filter(([, same]) => same.length > 1)
		.map(([name, same]) => ({
			code: 'COLLECTION_NAME_CLASH',
			severity: 'block' as const,
			step: same[1]?.step ?? null,
			count: same.length,
			sample: same.slice(0, 5).map(({ source }) => qualified(source)),
			message: `${same.length} of the chosen collections would become the collection ${name} of the target, where a name is unique over all tenants and databases`,
			hint: `Give all but one another name, e.g. --pgvector-collection ${qualified((same[1] as ChosenCollection).source)}=OTHER_NAME`,
		}));
}

function foreign(chosen: readonly ChosenCollection[], target: TargetDescription): Hazard[] {
	return chosen.flatMap(({ source, step, target: name, named }) => {
		const there = target.collections.find((collection) => collection.name === name);
		if (named || there === undefined || there.rows === 0 || there.tenantRows > 0) return [];
		const hint = `Give it another name: --pgvector-collection ${shownName(
			source,
			chosen.map((one) => one.source),
		)}=OTHER_NAME; or say that it belongs there: ${name}=${name}`;
		return [
			{
				code: 'COLLECTION_OF_OTHERS',
				severity: 'block' as const,
				step,
				count: there.rows,
				sample: [],
				message: `the target has a collection ${name} already, with ${formatQuantity(there.rows, 'row')} and none of this user`,
				hint,
			},
		];
	});
}
