/** From what was found in a source to what is told about it: which fault it is, how much it matters, in which words. Pure. */

import { formatBytes, formatCount, formatQuantity } from './format.js';
import type { ChromaFacts, ChromaInspection, CollectionInspection, Damage, SqliteFacts, SqliteInspection } from './inspection.js';
import { collectionsProfile } from './mapping/profile.js';
import { profileFit } from './plan/profile-fit.js';
import type { ChromaDescription, SqliteDescription } from './ports.js';

const mostSampled = 5;

type Fault = Omit<Damage, 'about' | 'count' | 'sample'> & Partial<Pick<Damage, 'count' | 'sample'>>;

const about =
	(name: string | null) =>
	({ count = 1, sample = [], ...fault }: Fault): Damage => ({ ...fault, about: name, count, sample: sample.slice(0, mostSampled) });

/** Most serious first, then in the order given. */
const bySeverity = (faults: readonly Damage[]): readonly Damage[] =>
	(['block', 'warn', 'info'] as const).flatMap((severity) => faults.filter((fault) => fault.severity === severity));

export function tellSqlite(found: SqliteDescription & SqliteFacts): SqliteInspection {
	return {
		kind: 'sqlite',
		...found,
		profile: profileFit(collectionsProfile, found),
		damage: bySeverity([
			...found.unreadable.map(({ table, reason }) =>
				about(table)({ code: 'TABLE_UNREADABLE', severity: 'block', message: `its rows cannot be read: ${reason}` }),
			),
			...integrityFaults(found.integrity),
			...journalFaults(found),
		]),
	};
}

/** `not checked` is what the check says of a collation that only the application defines. */
function integrityFaults(integrity: string): readonly Damage[] {
	if (integrity === 'ok') return [];
	const isUnchecked = integrity.startsWith('not checked');
	const message = isUnchecked ? `integrity ${integrity}` : `the database file is damaged: ${integrity}`;
	return [about(null)({ code: isUnchecked ? 'INTEGRITY_UNKNOWN' : 'DATABASE_DAMAGED', severity: 'warn', message })];
}

function journalFaults({ beside, use }: Pick<SqliteFacts, 'beside' | 'use'>): readonly Damage[] {
	if (beside.journal !== 'hot') return [];
	const isWritten = use.by.some(({ writes }) => writes);
	const message = isWritten
		? 'a transaction is under way: the copy that was read is the state before it'
		: use.state === 'not-in-use'
			? 'a transaction was never finished (hot journal): it is rolled back in the copy that is read, never in the original'
			: 'a transaction is under way or was never finished: it is rolled back in the copy that is read, never in the original';
	return [about(null)({ code: 'HOT_JOURNAL', severity: 'info', message })];
}

/** `notes` are the faults as sentences, for whoever shows a description only. */
export function tellChroma(
	found: Omit<ChromaDescription, 'collections' | 'notes'> & ChromaFacts & { readonly collections: readonly CollectionInspection[] },
): ChromaInspection {
	const damage = bySeverity([
		...found.collections.flatMap(collectionFaults),
		...integrityFaults(found.integrity),
		...journalFaults(found),
		...directoryFaults(found),
	]);
	const notes = damage.map(({ about: name, message }) => (name === null ? message : `Collection "${name}": ${message}`));
	return { kind: 'chroma', ...found, damage, notes };
}

function directoryFaults({
	version,
	losses = [],
	staleFolders,
	strayLogRows,
	strayListValues,
}: Pick<ChromaDescription, 'version'> & ChromaFacts) {
	const faults: Fault[] = losses.map((loss) => ({ ...loss, severity: loss.code === 'ROWS_RESTORED' ? 'info' : 'warn' }));
	if (version === 'empty')
		faults.push({
			code: 'EMPTY_DATABASE',
			severity: 'info',
			message: 'chroma.sqlite3 is empty, or its tables were never completely made: nothing was ever stored in it',
		});
	if (staleFolders.length > 0) {
		const bytes = formatBytes(staleFolders.reduce((sum, folder) => sum + folder.bytes, 0));
		faults.push({
			code: 'STALE_SEGMENT_FOLDER',
			severity: 'info',
			message: `${formatQuantity(staleFolders.length, 'index folder')} (${bytes}) of deleted collections`,
			count: staleFolders.length,
			sample: staleFolders.map(({ name }) => name),
		});
	}
	if (strayLogRows > 0) {
		faults.push({
			code: 'STRAY_LOG_ROWS',
			severity: 'info',
			message: `${formatQuantity(strayLogRows, 'log row')} of deleted collections`,
			count: strayLogRows,
		});
	}
	if (strayListValues > 0) {
		faults.push({
			code: 'STRAY_LIST_VALUES',
			severity: 'warn',
			message: `${formatQuantity(strayListValues, 'list value')} of a deleted collection may show on newer records, as in Chroma's own answers`,
			count: strayListValues,
		});
	}
	return faults.map(about(null));
}

function collectionFaults(collection: CollectionInspection): readonly Damage[] {
	const { name, problem, complete } = collection;
	if (problem !== null)
		return [about(name)({ code: 'COLLECTION_UNREADABLE', severity: 'block', message: `it cannot be read: ${problem}` })];
	const faults = [...recordFaults(collection), ...vectorFaults(collection), ...indexFaults(collection), ...logFaults(collection)];
	if (!complete)
		faults.push({ code: 'COLLECTION_INCOMPLETE', severity: 'info', message: 'it was never completely created and is read as empty' });
	return faults.map(about(name));
}

/** What damaged pages of the database have cost. */
function recordFaults({ damagedRecords, namelessRecords, lostMetadataKeys }: CollectionInspection): Fault[] {
	const faults: Fault[] = [];
	if (damagedRecords !== undefined) {
		const message = `${formatQuantity(damagedRecords.count, 'record')} lost a part of document or metadata`;
		faults.push({ code: 'RECORD_DAMAGED', severity: 'warn', message, ...damagedRecords });
	}
	if (namelessRecords !== undefined) {
		const message = `of ${formatQuantity(namelessRecords.count, 'record')} only id and vector are left`;
		faults.push({ code: 'RECORD_DAMAGED', severity: 'warn', message, ...namelessRecords });
	}
	if (lostMetadataKeys !== undefined) {
		const which =
			lostMetadataKeys === 'all' ? 'keys of its own metadata may be lost' : `lost keys of its own metadata: ${lostMetadataKeys.join(', ')}`;
		faults.push({ code: 'COLLECTION_METADATA_LOST', severity: 'warn', message: which });
	}
	return faults;
}

function vectorFaults({ records, missingVectors, orphanedVectors, restatedVectors }: CollectionInspection): Fault[] {
	const faults: Fault[] = [];
	const { count, sample } = missingVectors;
	if (count > 0) {
		const whose =
			count === records
				? `none of its ${formatQuantity(records, 'record')} has a vector`
				: `${formatCount(count)} of ${formatCount(records)} records have no vector`;
		faults.push({ code: 'MISSING_VECTOR', severity: 'warn', message: whose, count, sample });
	}
	if (restatedVectors > 0) {
		faults.push({
			code: 'RESTATED_VECTOR',
			severity: 'warn',
			message: `${formatQuantity(restatedVectors, 'lost vector')} taken from log rows that repeat id, document and metadata`,
			count: restatedVectors,
		});
	}
	if (orphanedVectors > 0) {
		faults.push({
			code: 'ORPHANED_VECTOR',
			severity: 'info',
			message: `${formatQuantity(orphanedVectors, 'vector')} of ids that have no record; left out, as Chroma does`,
			count: orphanedVectors,
		});
	}
	return faults;
}

/** What is wrong with the index files. It costs something only where a vector is gone; elsewhere the log still has it. */
function indexFaults({ index, missingVectors, restatedVectors }: CollectionInspection): Fault[] {
	const isLost = missingVectors.count > 0 || restatedVectors > 0;
	const faults: Fault[] = [];
	const add = (code: string, message: string, count = 1): void =>
		void faults.push({
			code,
			severity: isLost ? 'warn' : 'info',
			message: isLost ? message : `${message}; no vector is lost by it`,
			count,
		});
	const ofPickle = pickleFault(index);
	if (ofPickle !== null) add(...ofPickle);
	const { problem, elements, claimed } = index;
	if (problem !== null)
		add(problem.includes('Git LFS pointer') ? 'LFS_POINTER' : 'INDEX_UNREADABLE', `its index cannot be read: ${problem}`);
	if (elements !== null && claimed !== null && claimed > elements) {
		const there = `${formatCount(elements)} of ${formatCount(claimed)} elements are there`;
		add('INDEX_CUT_SHORT', `data_level0.bin is cut short: ${there}`, claimed - elements);
	}
	if (index.lostLengths > 0) {
		const scale = `the scale of ${formatQuantity(index.lostLengths, 'element')} is lost`;
		add('LENGTHS_CUT_SHORT', `length.bin is cut short or missing: ${scale}`, index.lostLengths);
	}
	if (!index.normalised) {
		const message = 'its space is cosine but its index holds vectors that are not normalised; they are read as Chroma answers them';
		faults.push({ code: 'NOT_NORMALISED', severity: 'warn', message });
	}
	if (index.unnamed > 0) {
		const message = `${formatQuantity(index.unnamed, 'element')} of its index ${index.unnamed === 1 ? 'belongs' : 'belong'} to no id`;
		faults.push({ code: 'ORPHANED_LABEL', severity: 'info', message, count: index.unnamed });
	}
	return faults;
}

function pickleFault(index: CollectionInspection['index']): readonly [code: string, message: string] | null {
	const { pickle, pickleDamage, ids, folder, folderExists, persistedUpTo } = index;
	if (pickle === 'lfs-pointer') return ['LFS_POINTER', 'index_metadata.pickle is a Git LFS pointer'];
	if (pickle === 'damaged') {
		const read = `${formatQuantity(ids, 'id')} could be read from it`;
		return ['PICKLE_DAMAGED', `index_metadata.pickle is damaged (${pickleDamage ?? ''}): ${read}`];
	}
	// Before the first persist there is nothing to miss.
	if (pickle === 'readable' || folder === null || (persistedUpTo ?? 0) === 0) return null;
	if (!folderExists) return ['SEGMENT_FOLDER_MISSING', `its index folder ${folder} is missing`];
	return ['PICKLE_MISSING', 'index_metadata.pickle is missing from its index folder'];
}

function logFaults({ missingVectors: { goneFromLog }, log, index }: CollectionInspection): Fault[] {
	const faults: Fault[] = [];
	if (goneFromLog > 0) {
		const since = index.persistedUpTo === null ? '' : `, written after sequence number ${index.persistedUpTo}, the last in its index`;
		const message = `the log lacks the rows of ${formatQuantity(goneFromLog, 'record')}${since}`;
		faults.push({ code: 'WAL_GAP', severity: 'warn', message, count: goneFromLog });
	}
	if (log.unreadableRows > 0) {
		faults.push({
			code: 'LOG_ROW_UNREADABLE',
			severity: 'warn',
			message: `${formatQuantity(log.unreadableRows, 'log row')} with metadata that is not JSON; those values are lost`,
			count: log.unreadableRows,
		});
	}
	return faults;
}
