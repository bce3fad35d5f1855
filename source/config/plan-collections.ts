import { allCollections } from '../core/plan/collection.js';
import { usualCollectionName } from '../core/plan/collection-names.js';
import { type CopyStep, isCopyStep, type Plan } from '../core/plan/types.js';
import { type CollectionNaming, isNameAlone } from './collection-flags.js';

type VectorStep = CopyStep & { readonly source: Extract<CopyStep['source'], { readonly kind: 'chroma' }> };

export const vectorSteps = (plan: Plan): readonly VectorStep[] =>
	plan.steps.filter((step): step is VectorStep => isCopyStep(step) && step.source.kind === 'chroma');

/** The collections that a plan reads, each by a name that no other of them has and that does not stand for all. */
export function collectionsOf(plan: Plan): readonly string[] {
	const sources = vectorSteps(plan).map(({ source }) => source);
	return sources.map(({ collection, collectionId }) =>
		collection === allCollections || sources.some((other) => other.collection === collection && other.collectionId !== collectionId)
			? collectionId
			: collection,
	);
}

/** The names that a plan gives them in the target. */
export function namingOf(plan: Plan): CollectionNaming {
	const steps = vectorSteps(plan);
	const [only] = steps;
	const name = only?.collection?.name ?? usualCollectionName;
	if (steps.length === 1 && isNameAlone(name)) return { pgvectorCollection: name, collectionNames: {} };
	return {
		pgvectorCollection: usualCollectionName,
		collectionNames: Object.fromEntries(
			steps.map(({ source, collection }) => [source.collectionId, collection?.name ?? source.collection]),
		),
	};
}
