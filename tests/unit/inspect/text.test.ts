import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tellChroma } from '../../../source/core/inspect.js';
import { textWidth } from '../../../source/core/text-width.js';
import { inspectionLines } from '../../../source/headless/inspect-text.js';
import { plainStyle } from '../../../source/headless/style.js';
import { inspectedChroma, inspectedCollection, inspectedServer, inspectedSqlite, noIndex } from '../../fakes/inspection.js';

const directory = { path: 'data/chroma', bytes: 1_677_722, version: '1.3-1.4' };
const collection = {
	id: 'c-1',
	name: 'articles',
	tenant: 'default_tenant',
	database: 'default_database',
	records: 1082,
	dimension: 384,
	space: 'cosine',
	metadata: null,
	vectorsIn: 'wal',
} as const;

describe('an inspection as text', () => {
	it('of a server tells its collections, and nothing of files', () => {
		const unused = { ...collection, id: 'c-2', name: 'unused', records: 0, dimension: null, vectorsIn: 'none' } as const;
		const server = inspectedServer('http://chroma:8000', [{ ...collection, vectorsIn: 'server' }, unused]);
		const shown = inspectionLines([server], plainStyle).join('\n').replace(/ +/g, ' ');
		expect(shown.split('\n').slice(0, 3)).toEqual([
			'Chroma server http://chroma:8000',
			' size 2 collections, 1 082 records',
			' answers as server, API v2',
		]);
		expect(shown).toContain(' records 1 082 x 384\n space cosine');
		expect(shown).toContain('Collection unused');
		expect(shown).not.toMatch(/integrity|journal|vectors|index|in use/);
	});

	it('puts what cannot be read first, then what is lost, then what costs nothing', () => {
		const inspection = inspectedChroma(
			directory,
			[
				inspectedCollection(collection, { missingVectors: { count: 7, sample: ['a', 'b', 'c', 'd', 'e'], goneFromLog: 2 } }),
				inspectedCollection({ ...collection, name: 'other' }, { problem: 'its segment has an unknown type' }),
			],
			{ staleFolders: [{ name: 'f', bytes: 2048 }] },
		);
		expect(inspection.damage.map(({ code, severity }) => `${severity} ${code}`)).toEqual([
			'block COLLECTION_UNREADABLE',
			'warn MISSING_VECTOR',
			'warn WAL_GAP',
			'info STALE_SEGMENT_FOLDER',
		]);
		const shown = inspectionLines([inspection], plainStyle).join('\n').replace(/\s+/g, ' ');
		expect(shown).toMatch(/X +collection other: it cannot be read/);
		expect(shown).toMatch(/LOOK +collection articles: 7 of 1 082 records have no vector \(a, b, c, d, e, \.\.\.\)/);
		expect(shown).toMatch(/note +1 index folder \(2 KiB\) of deleted collections \(f\)/);
		expect(shown).toContain('not readable its segment has an unknown type');
	});

	it('says where vectors are, how far the index has come, and who uses the directory', () => {
		const inspection = inspectedChroma(
			directory,
			[
				inspectedCollection(collection, {
					vectorsInLog: 82,
					vectorsInIndex: 1000,
					documents: 1080,
					metadataKeys: {
						records: 1082,
						keys: [
							{ key: 'page', types: { int: 1082 } },
							{ key: 'year', types: { int: 30, string: 2 } },
						],
						more: 4,
					},
					log: { rows: 83, first: 1000, last: 1082, pending: 82, recordsUpTo: 1082, unreadableRows: 0 },
					index: {
						...noIndex,
						pickle: 'readable',
						ids: 1000,
						elements: 1005,
						claimed: 1005,
						deleted: 5,
						maxElements: 2000,
						persistedUpTo: 1000,
					},
				}),
			],
			{ use: { state: 'in-use', by: [{ pid: 4711, name: 'python3', writes: true }] } },
		);
		const shown = inspectionLines([inspection], plainStyle).join('\n').replace(/\s+/g, ' ');
		for (const part of [
			'integrity ok, in use by python3 (process 4711)',
			'1 082 x 384, 1 080 with a document',
			'cosine, from schema_str',
			'82 in the log, 1 000 in the index',
			'83 rows, sequence numbers 1000 to 1082, 82 not in the index yet',
			'1 005 elements, 5 deleted, room for 2 000; up to sequence number 1000; pickle readable',
			'page int, year int 30 + string 2 (32 of 1 082) and 4 more',
		])
			expect(shown).toContain(part);
	});

	it('fits 80 columns and sends nothing to the terminal that it would obey, whatever names and values are', () => {
		const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 120 });
		fc.assert(
			fc.property(name, name, name, fc.boolean(), (table, id, key, tables) => {
				const column = { name: key, type: '', notNull: false, primaryKey: 1, defaultSql: null, generated: false };
				const foreignKey = { columns: [key], parent: id, parentColumns: [key], onDelete: 'NO ACTION' };
				const sources = [
					inspectedSqlite({
						path: 'app.db',
						bytes: 1,
						tables: [
							{ name: table, columns: [column], indexes: [], foreignKeys: [foreignKey], rows: 1e12, withoutRowid: false, derived: false },
						],
						integrity: key,
						journalMode: 'wal',
					}),
					inspectedChroma(directory, [
						inspectedCollection(
							{ ...collection, id, metadata: JSON.stringify({ [key]: id }) },
							{
								metadataKeys: { records: 3, keys: [{ key, types: { string: 2 } }], more: 0 },
								missingVectors: { count: 1, sample: [id], goneFromLog: 0 },
							},
						),
					]),
				];
				for (const line of inspectionLines(sources, { ...plainStyle, tables })) {
					expect(line).toMatch(/^[^\u0000-\u001f\u007f-\u009f\u202a-\u202e]*$/);
					if (tables) expect(textWidth(line), line).toBeLessThanOrEqual(80);
				}
			}),
			{ numRuns: 150 },
		);
	});

	it('an error of one source stands among the others', () => {
		const error = { kind: 'source', code: 'SOURCE_NOT_SQLITE', message: 'this is not a SQLite 3 database', where: 'x.db' } as const;
		const shown = inspectionLines([{ kind: 'unreadable', path: 'x.db', error }, inspectedChroma(directory, [])], plainStyle);
		expect(shown[0]).toBe('Not readable  x.db');
		expect(shown.join('\n')).toContain('X This is not a SQLite 3 database');
		expect(shown.join('\n')).toContain('Chroma directory  data/chroma');
	});

	it('notes repeat the faults, for whoever shows a description only', () => {
		const { notes } = tellChroma(inspectedChroma(directory, [inspectedCollection(collection, { complete: false })]));
		expect(notes).toEqual(['Collection "articles": it was never completely created and is read as empty']);
	});
});
