import { RepotError } from '../errors.js';
import type { ChromaCollection, SourceDescription } from '../ports.js';

/** The collection named, or the only one. */
export function chosenCollection(description: SourceDescription, name: string | null): ChromaCollection | null {
	if (description.chroma === null) return null;
	const { collections, path } = description.chroma;
	const names = collections.map((collection) => collection.name).join(', ');
	if (collections.length === 0) {
		throw new RepotError({
			kind: 'source',
			code: 'NO_COLLECTION',
			message: 'the Chroma directory holds no collection',
			where: path,
			next: ['Check --chroma-path'],
		});
	}
	const matching = name === null ? collections : collections.filter((collection) => collection.name === name);
	const [only] = matching;
	if (only === undefined) {
		throw new RepotError({
			kind: 'usage',
			code: 'UNKNOWN_COLLECTION',
			message: `the Chroma directory holds no collection ${name ?? ''}`,
			where: path,
			why: `it holds: ${names}`,
			next: [`Give --collection with one of: ${names}`],
		});
	}
	if (matching.length > 1) {
		throw new RepotError({
			kind: 'usage',
			code: 'SEVERAL_COLLECTIONS',
			message:
				name === null
					? 'the Chroma directory holds several collections and none is named'
					: `several databases of the directory hold a collection ${name}`,
			where: path,
			why: `it holds: ${names}`,
			next: ['Give --collection NAME'],
		});
	}
	return only;
}
