import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAll } from '../chroma/canonical.js';
import { overwritePages, pagesByTree } from '../chroma/pages.js';
import { unpackRecording } from '../chroma/recorded.js';
import { directoryState, openForTest, temporaryFolder } from '../chroma/support.js';
import { change, codesOf, collectionNamed, copyOf, demo, fixture, lookAtChroma } from './support.js';
import { talliedKeys } from './tallied-keys.js';

const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n';

describe('what is told of a Chroma directory', () => {
	it('the demo data: version, shape, where the vectors are, log and index, and nothing in it changes', async () => {
		const directory = join(demo, 'chroma_demo');
		const before = directoryState(directory);
		const inspection = await lookAtChroma(directory);
		expect(inspection).toMatchObject({
			kind: 'chroma',
			path: directory,
			version: '1.5',
			migrations: { embeddings_queue: 2, metadb: 6, sysdb: 10 },
			integrity: 'ok',
			journalMode: 'delete',
			logPurging: true,
			damage: [],
		});
		expect(collectionNamed(inspection, 'collections_vectors_demo')).toMatchObject({
			records: 240,
			dimension: 256,
			space: 'cosine',
			spaceFrom: 'schema_str',
			documents: 240,
			vectorsIn: 'both',
			vectorsInLog: 80,
			vectorsInIndex: 160,
			log: { rows: 81, first: 160, last: 240, pending: 80, recordsUpTo: 240 },
			index: { pickle: 'readable', ids: 160, elements: 160, deleted: 0, maxElements: 256, persistedUpTo: 160 },
		});
		expect(directoryState(directory)).toEqual(before);
	});

	it('the fixture of 1.5.9: as many records, documents and keys of each type as the reader gives', async () => {
		const inspection = await lookAtChroma(fixture);
		expect(inspection.damage).toEqual([]);
		const snapshot = await openForTest(fixture);
		expect(inspection.collections.map(({ name }) => name)).toEqual(snapshot.describe().collections.map(({ name }) => name));
		for (const collection of inspection.collections) {
			const records = readAll(snapshot.reader(collection.id));
			expect(collection.records).toBe(records.length);
			expect(collection.documents).toBe(records.filter(({ document }) => document !== null).length);
			expect(collection.metadataKeys).toEqual(talliedKeys(records));
			expect(collection.vectorsInLog + collection.vectorsInIndex).toBe(records.length);
		}
	});

	it('rows of the log that the tables have not taken in count as they will be read', async () => {
		const directory = copyOf(fixture);
		// The tables go back to the middle of the log: every later row is replayed over them.
		change(directory, "UPDATE max_seq_id SET seq_id = seq_id / 2 WHERE segment_id IN (SELECT id FROM segments WHERE scope = 'METADATA')");
		const inspection = await lookAtChroma(directory);
		const snapshot = await openForTest(directory);
		for (const collection of inspection.collections) {
			const records = readAll(snapshot.reader(collection.id));
			expect(collection.records, collection.name).toBe(records.length);
			expect(collection.documents, collection.name).toBe(records.filter(({ document }) => document !== null).length);
			expect(collection.metadataKeys, collection.name).toEqual(talliedKeys(records));
		}
	});

	it('a database without a byte is a directory without collections', async () => {
		const directory = copyOf(fixture);
		truncateSync(join(directory, 'chroma.sqlite3'), 0);
		const inspection = await lookAtChroma(directory);
		expect(inspection).toMatchObject({ version: 'empty', collections: [], bytes: 0 });
		expect(codesOf(inspection)).toContain('EMPTY_DATABASE');
	});
});

describe('damage of a Chroma directory', () => {
	const segmentOf = async (directory: string): Promise<string> => {
		const { index } = collectionNamed(await lookAtChroma(directory), 'collections_vectors_demo');
		return join(directory, index.folder ?? '');
	};
	const demoCopy = async () => {
		const directory = copyOf(join(demo, 'chroma_demo'));
		return { directory, segment: await segmentOf(directory) };
	};

	const cases: readonly (readonly [string, (segment: string) => void, string, number | null])[] = [
		['a missing segment folder', (segment) => rmSync(segment, { recursive: true }), 'SEGMENT_FOLDER_MISSING', 159],
		['a missing pickle', (segment) => rmSync(join(segment, 'index_metadata.pickle')), 'PICKLE_MISSING', 159],
		['a pickle of noise', (segment) => writeFileSync(join(segment, 'index_metadata.pickle'), 'noise'), 'PICKLE_DAMAGED', 159],
		['a Git LFS pointer for a pickle', (segment) => writeFileSync(join(segment, 'index_metadata.pickle'), pointer), 'LFS_POINTER', 159],
		['a Git LFS pointer for vectors', (segment) => writeFileSync(join(segment, 'data_level0.bin'), pointer), 'LFS_POINTER', 159],
		['a Git LFS pointer for a header', (segment) => writeFileSync(join(segment, 'header.bin'), pointer), 'LFS_POINTER', 159],
		['a cut data file', (segment) => truncateSync(join(segment, 'data_level0.bin'), 100_000), 'INDEX_CUT_SHORT', null],
		['a data file that is gone', (segment) => rmSync(join(segment, 'data_level0.bin')), 'INDEX_UNREADABLE', 159],
		['a header of noise', (segment) => writeFileSync(join(segment, 'header.bin'), Buffer.alloc(100, 0xff)), 'INDEX_UNREADABLE', 159],
		['lengths that are gone', (segment) => rmSync(join(segment, 'length.bin')), 'LENGTHS_CUT_SHORT', null],
	];
	for (const [what, harm, code, missing] of cases) {
		it(`${what}: ${code}, beside the records that lost their vector`, async () => {
			const { directory, segment } = await demoCopy();
			harm(segment);
			const inspection = await lookAtChroma(directory);
			const collection = collectionNamed(inspection, 'collections_vectors_demo');
			expect(codesOf(inspection)).toContain(code);
			expect(collection.records).toBe(240);
			const snapshot = await openForTest(directory);
			const lost = readAll(snapshot.reader(collection.id)).filter(({ embedding }) => embedding === null);
			expect(lost.length).toBeGreaterThan(0);
			if (missing !== null) expect(lost.length).toBe(missing);
			expect(collection.missingVectors).toMatchObject({ count: lost.length, sample: lost.slice(0, 5).map(({ id }) => id), goneFromLog: 0 });
			expect(inspection.damage[0]).toMatchObject({ code: 'MISSING_VECTOR', severity: 'warn', count: lost.length });
		});
	}

	it('the same costs nothing while the log holds every vector', async () => {
		const { directory, segment } = await demoCopy();
		const whole = collectionNamed(await lookAtChroma(directory), 'collections_vectors_demo');
		// As in a directory that never purged: the log begins before everything that the index holds.
		change(directory, 'UPDATE max_seq_id SET seq_id = 160 WHERE segment_id = ?', whole.index.folder);
		change(
			directory,
			`INSERT INTO embeddings_queue (seq_id, operation, topic, id, vector, encoding, metadata)
			SELECT e.seq_id, 0, 'persistent://default/default/${whole.id}', e.embedding_id, zeroblob(1024), 'FLOAT32', NULL
			FROM embeddings e WHERE e.seq_id < 160`,
		);
		rmSync(segment, { recursive: true });
		const inspection = await lookAtChroma(directory);
		expect(inspection.damage).toMatchObject([{ code: 'SEGMENT_FOLDER_MISSING', severity: 'info' }]);
		expect(collectionNamed(inspection, 'collections_vectors_demo').missingVectors.count).toBe(0);
	});

	it('rows that are gone from the log: WAL_GAP', async () => {
		const { directory } = await demoCopy();
		change(directory, 'DELETE FROM embeddings_queue WHERE seq_id BETWEEN 200 AND 209');
		const inspection = await lookAtChroma(directory);
		const collection = collectionNamed(inspection, 'collections_vectors_demo');
		expect(collection.missingVectors).toMatchObject({ count: 10, goneFromLog: 10 });
		expect(inspection.damage.map(({ code, count }) => [code, count])).toEqual([
			['MISSING_VECTOR', 10],
			['WAL_GAP', 10],
		]);
	});

	it('records that are gone from the tables leave vectors without a record', async () => {
		const { directory } = await demoCopy();
		change(directory, 'DELETE FROM embeddings WHERE id <= 3');
		const inspection = await lookAtChroma(directory);
		expect(inspection.damage).toMatchObject([{ code: 'ORPHANED_VECTOR', severity: 'info', count: 3 }]);
	});

	it('index folders and log rows of collections that are gone', async () => {
		const { directory } = await demoCopy();
		change(directory, "UPDATE segments SET id = '11111111-1111-4111-8111-111111111111' WHERE scope = 'VECTOR'");
		change(directory, "UPDATE embeddings_queue SET topic = 'persistent://default/default/gone' WHERE seq_id > 235");
		const inspection = await lookAtChroma(directory);
		expect(inspection.staleFolders).toHaveLength(1);
		expect(inspection.strayLogRows).toBe(5);
		expect(codesOf(inspection)).toEqual(expect.arrayContaining(['STALE_SEGMENT_FOLDER', 'STRAY_LOG_ROWS']));
	});

	it('a damaged page of records that an index repeats costs nothing, and is told', async () => {
		const { directory } = await demoCopy();
		const whole = collectionNamed(await lookAtChroma(directory), 'collections_vectors_demo');
		overwritePages(directory, [pagesByTree(directory).get('embeddings')?.at(-1) ?? 0]);
		const inspection = await lookAtChroma(directory);
		expect(inspection.integrity).not.toBe('ok');
		expect(collectionNamed(inspection, 'collections_vectors_demo')).toEqual(whole);
		expect(inspection.damage).toMatchObject([
			{ code: 'DATABASE_DAMAGED', severity: 'warn' },
			{ code: 'ROWS_RESTORED', severity: 'info' },
		]);
	});

	it('a damaged page of the log: the stretch that is lost, and the records that it leaves without a vector', async () => {
		const { directory } = await demoCopy();
		const page = pagesByTree(directory).get('embeddings_queue')?.at(-1) ?? 0;
		overwritePages(directory, [page]);
		const inspection = await lookAtChroma(directory);
		expect(inspection.integrity).not.toBe('ok');
		expect(codesOf(inspection)).toEqual(expect.arrayContaining(['MISSING_VECTOR', 'DATABASE_DAMAGED', 'LOG_PAGES_LOST']));
		const { missingVectors, records } = collectionNamed(inspection, 'collections_vectors_demo');
		expect(missingVectors.count).toBeGreaterThan(0);
		expect(missingVectors.count).toBeLessThan(records);
	});

	it('a damaged page of metadata: the records that lost a part of it', async () => {
		const folder = temporaryFolder();
		const { directory } = unpackRecording('0.4.24-20', folder);
		overwritePages(directory, [pagesByTree(directory).get('embedding_metadata')?.at(-1) ?? 0]);
		const inspection = await lookAtChroma(directory);
		const [first] = inspection.damage;
		expect(first).toMatchObject({ code: 'RECORD_DAMAGED', severity: 'warn' });
		expect(first?.count).toBeGreaterThan(0);
		expect(first?.sample).toHaveLength(Math.min(5, first?.count ?? 0));
	});

	it('a damaged page that says what a collection is makes that collection unreadable, by name', async () => {
		const { directory } = await demoCopy();
		overwriteRoot(directory, 'collections');
		expect((await lookAtChroma(directory)).damage[0]).toMatchObject({
			code: 'COLLECTION_UNREADABLE',
			severity: 'block',
			about: 'collections_vectors_demo',
		});
	});

	it('a collection of another kind cannot be read, and is told', async () => {
		const { directory } = await demoCopy();
		change(directory, "UPDATE segments SET type = 'urn:chroma:segment/vector/spann' WHERE scope = 'VECTOR'");
		const inspection = await lookAtChroma(directory);
		expect(inspection.damage[0]).toMatchObject({ code: 'COLLECTION_UNREADABLE', severity: 'block' });
		expect(inspection.damage[0]?.message).toContain('spann');
	});
});

function overwriteRoot(directory: string, table: string): void {
	overwritePages(directory, (pagesByTree(directory).get(table) ?? []).slice(0, 1));
}
