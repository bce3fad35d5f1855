import { tellChroma } from '../../source/core/inspect.js';
import type { BesideDatabase, ChromaInspection, CollectionInspection, SourceUse } from '../../source/core/inspection.js';
import { whoUses } from '../in-use.js';
import { databaseFiles, lookBeside } from '../sqlite/beside.js';
import { reasonOf } from '../sqlite/source-errors.js';
import { type Looking, lookAtCollection, unreadableCollection } from './collection-state.js';
import type { StoredCollection } from './collections.js';
import { findFiles } from './directory.js';
import { integrityOf, logPurging, logTopics, migrationsOf, staleFolders, strayListValues, strayLogRows } from './directory-state.js';
import { consistentSnapshot } from './open.js';
import { CopiedDatabase, type OpenedCopy } from './opened-copy.js';
import { isDamage, withSqlite } from './problems.js';

/**
 * Describes the Chroma directory `path` from a private copy in `into`, which is removed again. Damage is part of the answer; throws a RepotError
 * (source) only where nothing can be told: no Chroma directory, a newer schema, tables that cannot be read at all.
 * `check` is called now and then and may throw to stop.
 */
export async function inspectChroma(request: {
	readonly path: string;
	readonly into: string;
	readonly signal: AbortSignal;
	readonly check: () => void;
}): Promise<ChromaInspection> {
	const { path, check } = request;
	const files = findFiles(path);
	// Looked at before the copy, which takes a lock itself.
	const outside: Outside = {
		use: whoUses([...databaseFiles(files.database), ...files.companions.map((file) => `${path}/${file}`)]),
		beside: lookBeside(files.database),
	};
	if (files.empty) return inspectCopy(':memory:', path, 0, outside, check);
	const snapshot = await consistentSnapshot(request);
	try {
		return inspectCopy(snapshot.path, path, snapshot.bytes, outside, check);
	} finally {
		await snapshot.remove();
	}
}

interface Outside {
	readonly use: SourceUse;
	readonly beside: BesideDatabase;
}

function inspectCopy(copy: string, path: string, bytes: number, outside: Outside, check: () => void): ChromaInspection {
	const copied = new CopiedDatabase(copy, path);
	try {
		return withSqlite(path, () => {
			copied.read(() => {});
			const found = copied.look(integrityOf) ?? copied.complaint ?? 'it cannot be checked';
			if (found !== 'ok') copied.salvage(found);
			const facts = copied.read((opened) => lookAtCopy(copied, opened, check));
			// A damaged page of the log, or one that the check passes over, shows when it is read.
			const integrity = found === 'ok' && copied.complaint !== null ? copied.complaint : found;
			return tellChroma({ path, bytes, ...outside, ...facts, integrity });
		});
	} finally {
		copied.close();
	}
}

function lookAtCopy(copied: CopiedDatabase, { sqlite, schema, collections, losses }: OpenedCopy, check: () => void) {
	const readable = <T>(work: () => T, otherwise: T): T => (copied.isFinal ? orElse(work, otherwise) : work());
	const { directory } = copied;
	const topics = readable(() => logTopics(sqlite), new Map());
	const looking: Looking = { database: sqlite, schema, directory, losses, topics, check };
	const isEmpty = schema.version === 'empty';
	const look = (collection: StoredCollection): CollectionInspection => {
		check();
		return copied.isFinal ? lookOrTell(looking, collection) : lookAtCollection(looking, collection);
	};
	return {
		version: schema.version,
		journalMode: isEmpty ? 'delete' : (copied.look((original) => String(original.pragma('journal_mode', { simple: true }))) ?? 'delete'),
		migrations: migrationsOf(sqlite),
		logPurging: logPurging(sqlite),
		...(losses.notes.length === 0 ? {} : { losses: losses.notes }),
		strayLogRows: losses.collections.size > 0 ? 0 : strayLogRows(topics, collections),
		strayListValues: readable(() => strayListValues(sqlite, schema), 0),
		// Folders of segments whose rows are lost are not stale.
		staleFolders: isEmpty || losses.segments ? [] : staleFolders(sqlite, directory),
		collections: collections.map(look),
	};
}

/** A damaged page makes one collection unreadable, not the whole directory. */
function lookOrTell(looking: Looking, stored: StoredCollection): CollectionInspection {
	try {
		return lookAtCollection(looking, stored);
	} catch (thrown) {
		if (!isDamage(thrown)) throw thrown;
		return unreadableCollection(stored, `chroma.sqlite3 is damaged where its records are: ${reasonOf(thrown)}`);
	}
}

function orElse<T>(work: () => T, otherwise: T): T {
	try {
		return work();
	} catch (thrown) {
		if (!isDamage(thrown)) throw thrown;
		return otherwise;
	}
}
