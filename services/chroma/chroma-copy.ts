import type BetterSqlite from 'better-sqlite3';
import type { ChromaCollection, ChromaDescription } from '../../source/core/ports.js';
import type { Reader } from '../reader.js';
import type { StoredCollection } from './collections.js';
import { strayListValues } from './directory-state.js';
import { collectionFacts, matchVectors, mostSampled, noVectors, type Sampled } from './match-vectors.js';
import { CopiedDatabase, type OpenedCopy } from './opened-copy.js';
import { chromaProblem, withSqlite } from './problems.js';
import { collectionReader } from './reader.js';
import type { Schema } from './schema.js';
import { openStores, type Stores } from './stores.js';

/** A private copy of a Chroma directory, opened. */
export interface ChromaCopy {
	describe(): ChromaDescription;
	reader(collectionId: string): Reader;
	close(): void;
}

/**
 * Opens the copied chroma.sqlite3 at `database`, its segment folders beside it. `path` is the directory as the user named it, `bytes` what was
 * copied. `:memory:` stands for a database without a byte. Where pages of it are damaged, what is left is read.
 * Throws a RepotError when it is not a Chroma database or one that is newer than this reader.
 */
export function openCopy(database: string, path: string, bytes: number): ChromaCopy {
	const copied = new CopiedDatabase(database, path);
	try {
		withSqlite(path, () => copied.read(() => {}));
		return copyOver(copied, path, bytes);
	} catch (thrown) {
		copied.close();
		throw thrown;
	}
}

function copyOver(copied: CopiedDatabase, path: string, bytes: number): ChromaCopy {
	const readers = new Set<Reader>();
	let described: { readonly opened: OpenedCopy; readonly description: ChromaDescription } | null = null;

	const open = (opened: OpenedCopy, collection: StoredCollection): Stores => openStores(opened, copied.directory, collection);

	return {
		describe() {
			return withSqlite(path, () =>
				copied.read((opened) => {
					if (described?.opened !== opened) described = { opened, description: describeCopy(opened, path, bytes, open) };
					return described.description;
				}),
			);
		},
		reader(collectionId) {
			const openAgain = (): Stores =>
				withSqlite(path, () =>
					copied.read((opened) => {
						const collection = opened.collections.find(({ id }) => id === collectionId);
						if (collection === undefined) throw new TypeError(`no collection has the id ${collectionId}`);
						if (collection.problem !== null) throw unreadable(path, collection, collection.problem);
						return open(opened, collection);
					}),
				);
			const reader = collectionReader(openAgain, path, {
				replace: (thrown, used) => copied.replace(thrown, used),
				release: () => readers.delete(reader),
			});
			readers.add(reader);
			return reader;
		},
		close() {
			for (const reader of [...readers]) reader.close();
			copied.close();
		},
	};
}

function describeCopy(
	opened: OpenedCopy,
	path: string,
	bytes: number,
	open: (opened: OpenedCopy, collection: StoredCollection) => Stores,
): ChromaDescription {
	const { sqlite, schema, collections, losses } = opened;
	const parts = collections.map((collection) => describeCollection(opened, collection, open));
	const notes = [
		...(schema.version === 'empty'
			? ['chroma.sqlite3 is empty, or its tables were never completely made: nothing was ever stored in it']
			: []),
	];
	notes.push(...strayLists(sqlite, schema));
	const damage = [...losses.notes.map(({ message }) => `chroma.sqlite3 is damaged: ${message}`), ...parts.flatMap((part) => part.damage)];
	return {
		path,
		bytes,
		version: schema.version,
		collections: parts.map((part) => part.collection),
		notes: [...notes, ...parts.flatMap((part) => part.notes)],
		...(damage.length === 0 ? {} : { lost: damage }),
	};
}

interface DescribedCollection {
	readonly collection: ChromaCollection;
	readonly notes: readonly string[];
	readonly damage: readonly string[];
}

function describeCollection(
	opened: OpenedCopy,
	stored: StoredCollection,
	open: (opened: OpenedCopy, collection: StoredCollection) => Stores,
): DescribedCollection {
	const about = `Collection "${stored.name}"`;
	if (stored.problem !== null) {
		return { collection: collectionFacts(stored, 0, noVectors), notes: [`${about} cannot be read: ${stored.problem}`], damage: [] };
	}
	const { records, vectors } = open(opened, stored);
	try {
		const { missing, orphans, nameless, damaged } = matchVectors(opened, stored, records, vectors);
		const notes = [...vectors.notes];
		if (stored.metadataSegment === null) notes.push('it was never completely created and is read as empty');
		if (missing.count > 0) notes.push(`${missing.count} of ${records.count} records have no vector (${named(missing)})`);
		if (orphans > 0) notes.push(`${orphans} vectors belong to no record and are left out, as the server does`);
		if (records.unreadableRows > 0)
			notes.push(`${records.unreadableRows} rows of its write-ahead log hold metadata that is not JSON; those values are lost`);
		return {
			collection: collectionFacts(stored, records.count + nameless.length, vectors),
			notes: notes.map((note) => `${about}: ${note}`),
			damage: damageOf(stored, damaged, nameless).map((note) => `${about}: ${note}`),
		};
	} finally {
		vectors.close();
	}
}

const named = ({ sample, count }: Sampled): string => `${sample.join(', ')}${count > sample.length ? ', ...' : ''}`;

function damageOf(stored: StoredCollection, partly: Sampled, nameless: readonly string[]): readonly string[] {
	const damage: string[] = [];
	if (partly.count > 0) damage.push(`${partly.count} records have lost a part of document or metadata (${named(partly)})`);
	if (nameless.length > 0) {
		const sample = nameless.slice(0, mostSampled);
		damage.push(`of ${nameless.length} records only id and vector are left (${named({ sample, count: nameless.length })})`);
	}
	const { lostMetadata } = stored;
	if (lostMetadata === 'all') damage.push('keys of its own metadata may be lost');
	else if (lostMetadata.length > 0) damage.push(`these keys of its own metadata are lost: ${lostMetadata.join(', ')}`);
	return damage;
}

/** Chroma 1.5 uses the row numbers of the records again, so that its server shows these lists on new records. */
function strayLists(sqlite: BetterSqlite.Database, schema: Schema): readonly string[] {
	const count = strayListValues(sqlite, schema);
	if (count === 0) return [];
	return [
		`${count} list values belong to no record: a collection was deleted, and its lists may show on newer records, as they do in Chroma's own answers`,
	];
}

function unreadable(path: string, collection: StoredCollection, why: string): Error {
	return chromaProblem({
		code: 'CHROMA_COLLECTION_UNREADABLE',
		message: `Collection "${collection.name}" cannot be read from its directory`,
		where: path,
		why,
		next: ['Choose another collection with --collection NAME', 'Or export this one with the Chroma that wrote it'],
	});
}
