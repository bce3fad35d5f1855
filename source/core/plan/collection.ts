import { RepotError } from '../errors.js';
import { formatCount } from '../format.js';
import type { ChromaCollection, ChromaDescription } from '../ports.js';

/** The word for every collection of a directory or a server's database. One that is really called so is named in full: `TENANT/DATABASE/all`. */
export const allCollections = 'all';

/**
 * The collections to migrate: those of these names (or ids, or `tenant/database/name`), every one for `all`, or the only one when no name is
 * given; in the order of the description, each once. Names that are only a default (`byConvention`) give way to the only collection that there
 * is. Throws a RepotError of kind usage that lists what exists.
 */
export function chooseCollections(
	description: ChromaDescription,
	names: readonly string[],
	byConvention = false,
): readonly ChromaCollection[] {
	const { collections } = description;
	const isNone = !collections.some((collection) => names.some((name) => isNamed(collection, name)));
	if (byConvention && collections.length === 1 && isNone) return collections;
	if (collections.length === 0) {
		throw refusal(description, 'CHROMA_NO_COLLECTION', `${holder(description)} holds no collection`, [
			description.from === 'server'
				? 'Check --chroma-tenant and --chroma-database: each database has its own collections'
				: 'Check that --chroma-path is the directory that your application writes to',
		]);
	}
	if (names.includes(allCollections)) return collections;
	if (names.length === 0) {
		if (collections.length === 1) return collections;
		throw refusal(
			description,
			'CHROMA_SEVERAL_COLLECTIONS',
			`${holder(description)} holds ${collections.length} collections and none is named`,
			['Name one with --collection NAME, several by repeating it, or every one with --collection all'],
		);
	}
	const chosen = new Set(names.map((name) => collectionNamed(description, name)));
	return collections.filter((collection) => chosen.has(collection));
}

function collectionNamed(description: ChromaDescription, name: string): ChromaCollection {
	const matching = description.collections.filter((collection) => isNamed(collection, name));
	const [found] = matching;
	if (found === undefined) {
		throw refusal(description, 'CHROMA_UNKNOWN_COLLECTION', `${holder(description)} holds no collection "${name}"`, [
			...meant(description, name),
			'Name one that exists with --collection NAME, or every one with --collection all',
		]);
	}
	if (matching.length > 1) {
		throw refusal(description, 'CHROMA_SEVERAL_COLLECTIONS', `${matching.length} databases hold a collection "${name}"`, [
			`Name one in full, e.g. --collection ${qualified(found)}`,
		]);
	}
	return found;
}

/** What was probably meant by a list in one flag, or by the word for all in capitals. */
function meant({ collections }: ChromaDescription, name: string): readonly string[] {
	if (name.toLowerCase() === allCollections) return [`The word for every one is --collection ${allCollections}`];
	const parts = name.split(',').map((part) => part.trim());
	const known = parts.length > 1 && parts.every((part) => collections.some((collection) => isNamed(collection, part)));
	return known ? [`Repeat the flag: ${parts.map((part) => `--collection ${part}`).join(' ')}`] : [];
}

const holder = ({ from }: ChromaDescription): string => (from === 'server' ? 'This Chroma server' : 'This Chroma directory');

export const isNamed = (collection: ChromaCollection, name: string): boolean =>
	collection.id === name || collection.name === name || qualified(collection) === name;

export const qualified = (collection: Pick<ChromaCollection, 'tenant' | 'database' | 'name'>): string =>
	`${collection.tenant}/${collection.database}/${collection.name}`;

/** What a collection is called among others: its name, in full where another one has it too. */
export const shownName = (collection: ChromaCollection, among: readonly ChromaCollection[]): string =>
	among.some((other) => other.id !== collection.id && other.name === collection.name) ? qualified(collection) : collection.name;

/** What `--collection` takes for it: one that is really called as the word for all of them is named in full. */
export function flagName(collection: ChromaCollection, among: readonly ChromaCollection[]): string {
	const name = shownName(collection, among);
	return name === allCollections ? qualified(collection) : name;
}

function refusal(description: ChromaDescription, code: string, message: string, next: readonly string[]): RepotError {
	const { collections } = description;
	const listed = collections.map((collection) => `${flagName(collection, collections)} (${formatCount(collection.records)} records)`);
	return new RepotError({
		kind: 'usage',
		code,
		message,
		where: description.path,
		...(listed.length === 0 ? {} : { why: `collections: ${listed.join(', ')}` }),
		next,
	});
}
