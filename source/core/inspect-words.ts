/** What is told about an inspected source, in words that the command and the wizard share. Pure; nothing here is styled or cut. */

import { formatBytes, formatCount, formatQuantity } from './format.js';
import type {
	ChromaInspection,
	CollectionInspection,
	Damage,
	MetadataKeys,
	ProfileFit,
	SourceUse,
	SqliteInspection,
} from './inspection.js';
import type { ChromaCollection } from './ports.js';

/** A word that carries the state where there is no colour. */
export const damageMarks: Readonly<Record<Damage['severity'], string>> = { block: 'X', warn: 'LOOK', info: 'note' };

function holderWords({ state, by }: SourceUse): string {
	if (state === 'not-in-use') return 'not in use';
	if (state === 'not-seen') return 'no writer seen';
	if (state === 'unknown') return 'whether it is in use is not known here';
	const [first, ...others] = by.map(({ name, pid, writes }) => {
		const who = pid === null ? 'a process' : name === '' ? `process ${pid}` : `${name} (process ${pid})`;
		return writes ? who : `${who}, which only reads`;
	});
	return `in use by ${first ?? 'a process'}${others.length === 0 ? '' : ` and ${formatCount(others.length)} more`}`;
}

type Sound = Pick<SqliteInspection | ChromaInspection, 'integrity' | 'use'>;

/** `integrity ok, not in use`; what is damaged stands among the faults. */
export function soundnessWords({ integrity, use }: Sound): string {
	const state = integrity === 'ok' ? 'integrity ok' : integrity.startsWith('not checked') ? 'integrity not checked' : 'damaged';
	return `${state}, ${holderWords(use)}`;
}

export function journalWords({ journalMode, beside }: Pick<SqliteInspection | ChromaInspection, 'journalMode' | 'beside'>): string {
	if (beside.journal === 'hot') return `${journalMode}, and an unfinished transaction`;
	return beside.walBytes > 0 ? `${journalMode}, ${formatBytes(beside.walBytes)} in its -wal file` : journalMode;
}

/** `55 x 1024`; without a dimension only the number of records. */
export function shapeWords({ records, dimension }: Pick<ChromaCollection, 'records' | 'dimension'>): string {
	return dimension === null ? formatQuantity(records, 'record') : `${formatCount(records)} x ${dimension}`;
}

export function spaceWords({ space, spaceFrom }: Pick<CollectionInspection, 'space' | 'spaceFrom'>): string {
	return spaceFrom === 'default' ? `${space}, the default: nothing names one` : `${space}, from ${spaceFrom}`;
}

type Vectors = Pick<CollectionInspection, 'vectorsInLog' | 'vectorsInIndex'> & { readonly missingVectors: { readonly count: number } };

/** `5 in the log, 50 in the index, 2 missing` */
export function vectorPlaceWords({ vectorsInLog, vectorsInIndex, missingVectors: { count } }: Vectors): string {
	const parts = [
		...(vectorsInLog === 0 ? [] : [`${formatCount(vectorsInLog)} in the log`]),
		...(vectorsInIndex === 0 ? [] : [`${formatCount(vectorsInIndex)} in the index`]),
		...(count === 0 ? [] : [`${formatCount(count)} missing`]),
	];
	return parts.length === 0 ? 'none' : parts.join(', ');
}

export function documentWords({ documents, records }: Pick<CollectionInspection, 'documents' | 'records'>): string {
	if (documents === null || records === 0) return '';
	if (documents === records) return 'all with a document';
	return documents === 0 ? 'none with a document' : `${formatCount(documents)} with a document`;
}

export function logWords({ log, index }: Pick<CollectionInspection, 'log' | 'index'>): string {
	if (log.rows === 0) return 'empty';
	const range = log.first === log.last ? `sequence number ${log.last}` : `sequence numbers ${log.first} to ${log.last}`;
	const persisted = (index.persistedUpTo ?? 0) > 0;
	const pending = !persisted ? '' : log.pending === 0 ? ', all in the index' : `, ${formatCount(log.pending)} not in the index yet`;
	return `${formatQuantity(log.rows, 'row')}, ${range}${pending}`;
}

export function purgingWords(purging: ChromaInspection['logPurging']): string {
	if (purging === null) return 'purging not set: every row is kept';
	return purging ? 'rows that are taken in are removed' : 'purging off: every row is kept';
}

const pickleWords: Readonly<Record<CollectionInspection['index']['pickle'], string>> = {
	readable: 'pickle readable',
	damaged: 'pickle damaged',
	'lfs-pointer': 'pickle is a Git LFS pointer',
	absent: 'pickle missing',
};

export function indexWords({ index }: Pick<CollectionInspection, 'index'>): string {
	const { elements, deleted, maxElements, persistedUpTo, pickle, folderExists, problem } = index;
	const isPersisted = (persistedUpTo ?? 0) > 0;
	if (!isPersisted && pickle === 'absent') return 'not persisted yet';
	const upTo = isPersisted ? [`up to sequence number ${persistedUpTo}`] : [];
	if (!folderExists) return ['its folder is missing', ...upTo].join('; ');
	const size =
		elements === null
			? [problem ?? 'not readable']
			: [`${formatQuantity(elements, 'element')}, ${formatCount(deleted ?? 0)} deleted, room for ${formatCount(maxElements ?? 0)}`];
	return [...(pickle === 'readable' || elements !== null ? size : []), ...upTo, pickleWords[pickle]].join('; ');
}

const mostKeysTold = 20;

/** `category string, page int (12 of 40), year int 30 + string 10`; empty without keys. */
export function metadataWords({ records, keys, more }: MetadataKeys, allRecords: number): string {
	const told = keys.slice(0, mostKeysTold).map(({ key, types }) => {
		const found = Object.entries(types);
		const total = found.reduce((sum, [, count]) => sum + count, 0);
		const told = found.length === 1 ? (found[0]?.[0] ?? '') : found.map(([type, count]) => `${type} ${formatCount(count)}`).join(' + ');
		return `${key} ${told}${total === records ? '' : ` (${formatCount(total)} of ${formatCount(records)})`}`;
	});
	const left = keys.length - told.length + more;
	const bound = records < allRecords ? ` (in the first ${formatQuantity(records, 'record')})` : '';
	return `${told.join(', ')}${left > 0 ? ` and ${formatCount(left)} more` : ''}${told.length > 0 ? bound : ''}`;
}

export function profileWords({ profile, fits, missingTables, missingColumns, otherTables }: ProfileFit): string {
	if (fits) {
		const others = otherTables.length === 0 ? '' : `; ${formatQuantity(otherTables.length, 'other table')} would stay behind`;
		return `${profile} fits${others}`;
	}
	const lacks = [
		...(missingTables.length === 0 ? [] : [`${missingTables.length === 1 ? 'table' : 'tables'} ${missingTables.join(', ')}`]),
		...(missingColumns.length === 0 ? [] : [`${missingColumns.length === 1 ? 'column' : 'columns'} ${missingColumns.join(', ')}`]),
	];
	return `${profile} does not fit: no ${lacks.join(', no ')}`;
}

/** The fault with its place and up to `samples` examples, as one sentence. */
export function damageWords({ about, message, sample, count }: Damage, aboutWord: 'collection' | 'table', samples = 5): string {
	const place = about === null ? '' : `${aboutWord} ${about}: `;
	const shown = sample.slice(0, samples);
	const more = count > shown.length && shown.length > 0 ? ', ...' : '';
	return `${place}${message}${shown.length === 0 ? '' : ` (${shown.join(', ')}${more})`}`;
}
