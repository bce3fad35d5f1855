import { RepotError } from '../errors.js';
import type { ChromaCollection, ChromaDescription } from '../ports.js';

/**
 * The collection to migrate: the one of that name (or id, or `tenant/database/name`), or the only one when `name` is null. Throws a RepotError of
 * kind usage that lists what exists.
 */
export function chooseCollection(description: ChromaDescription, name: string | null): ChromaCollection {
	const { collections } = description;
	if (collections.length === 0) {
		throw refusal(description, 'CHROMA_NO_COLLECTION', `${holder(description)} holds no collection`, [
			description.from === 'server'
				? 'Check --chroma-tenant and --chroma-database: each database has its own collections'
				: 'Check that --chroma-path is the directory that your application writes to',
		]);
	}
	if (name === null) {
		const [only] = collections;
		if (only !== undefined && collections.length === 1) return only;
		throw refusal(
			description,
			'CHROMA_SEVERAL_COLLECTIONS',
			`${holder(description)} holds ${collections.length} collections and none is named`,
			['Name one with --collection NAME'],
		);
	}
	const matching = collections.filter((collection) => collection.id === name || collection.name === name || qualified(collection) === name);
	const [found] = matching;
	if (found === undefined) {
		throw refusal(description, 'CHROMA_UNKNOWN_COLLECTION', `${holder(description)} holds no collection "${name}"`, [
			'Name one that exists with --collection NAME',
		]);
	}
	if (matching.length > 1) {
		throw refusal(description, 'CHROMA_SEVERAL_COLLECTIONS', `${matching.length} databases hold a collection "${name}"`, [
			`Name one in full, e.g. --collection ${qualified(found)}`,
		]);
	}
	return found;
}

const holder = ({ from }: ChromaDescription): string => (from === 'server' ? 'This Chroma server' : 'This Chroma directory');

const qualified = (collection: ChromaCollection): string => `${collection.tenant}/${collection.database}/${collection.name}`;

function refusal(description: ChromaDescription, code: string, message: string, next: readonly string[]): RepotError {
	const names = description.collections.map((collection) => collection.name);
	const ambiguous = new Set(names).size < names.length;
	const listed = description.collections.map(
		(collection) => `${ambiguous ? qualified(collection) : collection.name} (${collection.records} records)`,
	);
	return new RepotError({
		kind: 'usage',
		code,
		message,
		where: description.path,
		...(listed.length === 0 ? {} : { why: `collections: ${listed.join(', ')}` }),
		next,
	});
}
