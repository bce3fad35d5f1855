import { RepotError } from '../core/errors.js';
import type { Origin, PlanRequest } from '../core/operations.js';
import { usualCollectionName } from '../core/plan/collection-names.js';

export type CollectionNaming = Pick<PlanRequest, 'pgvectorCollection' | 'collectionNames'>;

/** Collections of Chroma hold no `=` in their names, those of langchain may. */
const mapping = /^([^=]+)=(.+)$/s;

/** Whether the flag takes it for the name alone: one with `=` in it is read as SOURCE=TARGET, and can only be given as the target of one. */
export const isNameAlone = (text: string): boolean => !mapping.test(text);

/**
 * What `--pgvector-collection` says: `NAME` for a single collection, `SOURCE=TARGET` for one of several, repeated. Throws RepotError (usage) for
 * two names without a source, or two for one source.
 */
export function namingFrom(texts: readonly string[], from: Origin): CollectionNaming {
	const plain = texts.filter(isNameAlone);
	const names = new Map<string, string>();
	for (const text of texts) {
		const [, source, target] = mapping.exec(text) ?? [];
		if (source === undefined || target === undefined) continue;
		if (names.has(source)) throw twice(`two names for the collection "${source}"`, from);
		names.set(source, target);
	}
	if (plain.length > 1) throw twice('two names for one collection', from);
	return { pgvectorCollection: plain[0] ?? usualCollectionName, collectionNames: Object.fromEntries(names) };
}

function twice(what: string, from: Origin): RepotError {
	return new RepotError({
		kind: 'usage',
		code: 'TWO_COLLECTION_NAMES',
		message: `--pgvector-collection gives ${what}`,
		where: from,
		next: ['Write one NAME for a single collection, or SOURCE=TARGET for each of several'],
	});
}

/** The same as texts of the flag. */
export const namingTexts = ({ pgvectorCollection, collectionNames }: CollectionNaming): readonly string[] => [
	...(pgvectorCollection === usualCollectionName ? [] : [pgvectorCollection]),
	...Object.entries(collectionNames).map(([source, target]) => `${source}=${target}`),
];
