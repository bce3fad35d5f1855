import { dirname } from 'node:path';
import { tellChroma } from '../../source/core/inspect.js';
import type { BesideDatabase, ChromaInspection, CollectionInspection, SourceUse } from '../../source/core/inspection.js';
import { whoUses } from '../in-use.js';
import { databaseFiles, lookBeside } from '../sqlite/beside.js';
import { Database } from '../sqlite/engine.js';
import { codeOf, reasonOf } from '../sqlite/source-errors.js';
import { type Looking, lookAtCollection, unreadableCollection } from './collection-state.js';
import { listCollections, type StoredCollection } from './collections.js';
import { findFiles } from './directory.js';
import { integrityOf, logPurging, logTopics, migrationsOf, staleFolders, strayListValues, strayLogRows } from './directory-state.js';
import { consistentSnapshot } from './open.js';
import { withSqlite } from './problems.js';
import { readSchema } from './schema.js';

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
	// Not readonly: a copy in WAL mode needs its -shm file.
	const database = withSqlite(path, () => new Database(copy, { fileMustExist: copy !== ':memory:' }));
	try {
		return withSqlite(path, () => {
			database.pragma('query_only = ON');
			const schema = readSchema(database, path);
			const stored = listCollections(database, schema);
			const topics = readable(() => logTopics(database), new Map());
			const looking: Looking = { database, schema, directory: dirname(copy), topics, check };
			const isEmpty = schema.version === 'empty';
			return tellChroma({
				path,
				bytes,
				version: schema.version,
				...outside,
				integrity: integrityOf(database),
				journalMode: isEmpty ? 'delete' : String(database.pragma('journal_mode', { simple: true })),
				migrations: migrationsOf(database),
				logPurging: logPurging(database),
				strayLogRows: strayLogRows(topics, stored),
				strayListValues: readable(() => strayListValues(database, schema), 0),
				staleFolders: isEmpty ? [] : staleFolders(database, dirname(copy)),
				collections: stored.map((collection) => lookOrTell(looking, collection)),
			});
		});
	} finally {
		database.close();
	}
}

/** A damaged page makes one collection unreadable, not the whole directory. */
function lookOrTell(looking: Looking, stored: StoredCollection): CollectionInspection {
	looking.check();
	try {
		return lookAtCollection(looking, stored);
	} catch (thrown) {
		if (!isDamage(thrown)) throw thrown;
		return unreadableCollection(stored, `chroma.sqlite3 is damaged where its records are: ${reasonOf(thrown)}`);
	}
}

function readable<T>(work: () => T, otherwise: T): T {
	try {
		return work();
	} catch (thrown) {
		if (!isDamage(thrown)) throw thrown;
		return otherwise;
	}
}

const isDamage = (thrown: unknown): boolean => /^SQLITE_(CORRUPT|IOERR_SHORT_READ|NOTADB)/.test(codeOf(thrown));
