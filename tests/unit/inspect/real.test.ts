import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { textWidth } from '../../../source/core/text-width.js';
import { inspectionLines } from '../../../source/headless/inspect-text.js';
import { plainStyle } from '../../../source/headless/style.js';
import { readAll } from '../chroma/canonical.js';
import { directoryState, openForTest } from '../chroma/support.js';
import { codesOf, lookAtChroma, lookAtSqlite } from './support.js';
import { talliedKeys } from './tallied-keys.js';

const shared = join(import.meta.dirname, '../../../../shared/real');
const missing = !existsSync(shared);
const reason = missing ? ' (skipped: ../shared/real is not there)' : '';
const namesIn = (folder: string): readonly string[] => (missing ? [] : readdirSync(join(shared, folder)));

const refused: Readonly<Record<string, string>> = {
	'AIAnytime__Search-Your-PDF-App': 'CHROMA_BEFORE_0_4',
	'AmanSingh-layman__Book_Recomender_Application__lfs': 'CHROMA_LFS_POINTER',
};
/** Codes that INDEX.tsv and INDEX-derived.tsv lead to; every other directory has none. */
const faults: Readonly<Record<string, readonly string[]>> = {
	'ahmedosama-eng__Film-Genra-Exploratory-Data-Analysis-and-Chatbot': ['HOT_JOURNAL'],
	'bennettck__cosine1024__hnsw-new': ['STALE_SEGMENT_FOLDER'],
	broken__half_pickle: ['MISSING_VECTOR', 'PICKLE_DAMAGED', 'ORPHANED_LABEL'],
	broken__no_data_level0_but_full_wal: ['INDEX_UNREADABLE'],
	broken__no_segment_dir: ['MISSING_VECTOR', 'SEGMENT_FOLDER_MISSING'],
	'daviserra-code__Fantacalcio-AI': ['MISSING_VECTOR', 'RESTATED_VECTOR', 'INDEX_UNREADABLE'],
	morepudding__odyseecafe__empty: ['EMPTY_DATABASE'],
	'rebuilt__Ayush0717__python-pickle__cosine_segment_metadata': ['NOT_NORMALISED'],
	'truonganhlong__2coll__hnsw-new': ['STALE_SEGMENT_FOLDER'],
	truonganhlong__Lab8_C401_B2__day09: ['STALE_SEGMENT_FOLDER'],
	truonganhlong__Lab8_C401_B2__hotjournal: ['HOT_JOURNAL', 'EMPTY_DATABASE'],
	chroma_golden: ['STALE_SEGMENT_FOLDER'],
};

const directories = [
	...namesIn('chroma').filter((name) => name !== 'truth' && statSync(join(shared, 'chroma', name)).isDirectory()),
	...namesIn('golden').filter((name) => name === 'chroma_golden'),
];
const pathOf = (name: string): string => join(shared, name === 'chroma_golden' ? 'golden' : 'chroma', name);

/** Lines with a path or a name may be longer: they can be copied. */
function expectNarrow(lines: readonly string[]): void {
	for (const line of lines) {
		expect(line).toMatch(/^[^\u0000-\u001f\u007f]*$/);
		expect(line).toBe(line.trimEnd());
		if (line.startsWith(' ')) expect(textWidth(line), line).toBeLessThanOrEqual(80);
	}
}

describe.skipIf(missing)(`Chroma directories that applications made${reason}`, () => {
	it.each(directories.filter((name) => refused[name] === undefined))('%s is told as it will be read', async (name) => {
		const path = pathOf(name);
		const before = directoryState(path);
		const inspection = await lookAtChroma(path);
		expect(directoryState(path)).toEqual(before);
		expect(codesOf(inspection)).toEqual(faults[name] ?? []);
		expect(inspection.integrity).toBe('ok');
		const snapshot = await openForTest(path);
		const { collections } = snapshot.describe();
		// The same facts as the description that plans are made of, field by field.
		expect(inspection.collections).toMatchObject(collections.map((collection) => ({ ...collection })));
		for (const collection of inspection.collections) {
			const records = readAll(snapshot.reader(collection.id));
			const lost = records.filter(({ embedding }) => embedding === null).map(({ id }) => id);
			expect(collection.missingVectors).toMatchObject({ count: lost.length, sample: lost.slice(0, 5) });
			expect(collection.documents).toBe(records.filter(({ document }) => document !== null).length);
			expect(collection.metadataKeys).toEqual(talliedKeys(records));
		}
		expectNarrow(inspectionLines([inspection], plainStyle));
	});

	it.each(Object.entries(refused))('%s is refused as %s', async (name, code) => {
		await expect(lookAtChroma(pathOf(name))).rejects.toMatchObject({ kind: 'source', code });
	});
});

const databases = [
	...namesIn('sqlite')
		.filter((name) => name.endsWith('.db'))
		.map((name) => join(shared, 'sqlite', name)),
	...(missing ? [] : [join(shared, 'golden/collections_golden.db'), join(shared, 'conversations/conversations.db')]),
];

describe.skipIf(missing)(`SQLite databases that applications made${reason}`, () => {
	it.each(databases.map((path) => [basename(path), path]))('%s is told, and nothing beside it changes', async (name, path) => {
		const before = directoryState(dirname(path));
		const inspection = await lookAtSqlite(path);
		expect(directoryState(dirname(path))).toEqual(before);
		expect(inspection.tables.length).toBeGreaterThan(0);
		expect(inspection.profile.fits).toBe(name === 'collections_golden.db');
		const expected: Readonly<Record<string, readonly string[]>> = {
			'ankitects__anki__corrupt_diskfull.db': ['DATABASE_DAMAGED'],
			'ankitects__anki__schema_16.db': ['TABLE_UNREADABLE', 'TABLE_UNREADABLE', 'INTEGRITY_UNKNOWN'],
		};
		expect(codesOf(inspection)).toEqual(expected[name] ?? []);
		expectNarrow(inspectionLines([inspection], plainStyle));
	});
});
