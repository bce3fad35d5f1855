import { describe, expect, it } from 'vitest';
import type { Policies } from '../../../source/core/plan/types.js';
import { column, quarantine, tableStep, vectorStep } from '../mapping/steps.js';
import { collectBatches, feedOf } from './support.js';

const columns = [
	column('id', 'text', { nullable: false }),
	column('j', 'json-text', { nullable: false }),
	column('at', 'iso-timestamp', { nullable: false }),
	column('trace', 'text'),
	column('n', 'bigint'),
];
const step = tableStep('t', columns, { rows: 6 });
const sql = `
	CREATE TABLE t (id TEXT PRIMARY KEY, j TEXT, at TEXT, trace TEXT, n);
	INSERT INTO t VALUES
		('a', '{}', '2025-01-01', NULL, 1),
		('b', '[1]', '2025-01-01T00:00:00.1234567', '', '2'),
		('c', '{', 'soon', NULL, 3),
		('d', '{', '2025-01-01', NULL, 4),
		('e', 'null', '2025-01-01', NULL, 'five'),
		('f', NULL, '2025-01-01', NULL, 6)`;

describe('a scan', () => {
	it('counts every finding, refusing columns of one record each by themselves', async () => {
		const { feed } = feedOf({ sql });
		const result = await feed.scan(step);
		expect(result).toMatchObject({ rows: 6, rejected: 4 });
		const found = Object.fromEntries(
			result.findings.map(({ code, column, severity, count, sample }) => [`${code} ${column}`, [severity, count, sample]]),
		);
		expect(found).toEqual({
			'INVALID_JSON j': ['warn', 2, ['c', 'd']],
			'BAD_TIMESTAMP at': ['warn', 1, ['c']],
			'TYPE_MISMATCH n': ['warn', 1, ['e']],
			'NULL_IN_NOT_NULL j': ['warn', 1, ['f']],
			'TIMESTAMP_PRECISION at': ['warn', 1, ['b']],
			'TYPE_MIX n': ['info', 1, ['b']],
		});
		expect(result.notes).toEqual({
			j: '2 of 6 are not JSON',
			at: '1 of 6 are not ISO 8601',
			trace: 'empty in all 6 rows',
			n: '1 of 6 are of another type',
		});
		expect(result.jsonTypes).toEqual({ j: { object: 1, array: 1 } });
	});

	it('says in how many rows a column is fine', async () => {
		const { feed } = feedOf({
			sql: `CREATE TABLE t (id TEXT, j TEXT, at TEXT); INSERT INTO t VALUES ('a', '{}', '2025-01-01'), ('b', NULL, '2025-01-01')`,
		});
		const result = await feed.scan(tableStep('t', [column('id', 'text'), column('j', 'json-text'), column('at', 'iso-timestamp')]));
		expect(result.notes).toEqual({ j: '1 valid, 1 empty', at: '2 ISO 8601' });
		expect(result.findings).toEqual([]);
	});

	it('measures the bytes that reading will send', async () => {
		const { feed } = feedOf({ sql });
		const result = await feed.scan(step);
		const batches = await collectBatches(feed.read(step, null, {}));
		expect(result.bytes).toBe(batches.reduce((sum, { data }) => sum + data.length, 0));
		expect(result.rejected).toBe(batches.reduce((sum, { rejects }) => sum + rejects.length, 0));
	});

	it('keeps five sample keys at most', async () => {
		const { feed } = feedOf({
			sql: `CREATE TABLE t (id INTEGER PRIMARY KEY, j TEXT); INSERT INTO t (j) VALUES (1), (2), (3), ('x'), ('x'), ('x'), ('x'), ('x'), ('x'), ('x')`,
		});
		const result = await feed.scan(tableStep('t', [column('id', 'bigint'), column('j', 'json-text')]));
		expect(result.findings).toMatchObject([{ code: 'INVALID_JSON', count: 7, sample: ['4', '5', '6', '7', '8'] }]);
	});

	it('obeys the policies of the step', async () => {
		const { feed } = feedOf({
			sql: "CREATE TABLE t (id TEXT, note TEXT, j TEXT, at TEXT); INSERT INTO t VALUES ('a', '', '{', 'soon'), ('b', 'n' || char(0), '{}', NULL)",
		});
		const policies: Policies = { ...quarantine, onInvalidJson: 'null', onBadTimestamp: 'null', onNul: 'strip' };
		const columns = [column('id', 'text'), column('note', 'text'), column('j', 'json-text'), column('at', 'iso-timestamp')];
		const loose = tableStep('t', columns, { policies });
		const result = await feed.scan(loose);
		expect(result.rejected).toBe(0);
		expect(result.findings.map(({ code, column }) => [code, column])).toEqual([
			['INVALID_JSON_NULLED', 'j'],
			['BAD_TIMESTAMP_NULLED', 'at'],
			['NUL_STRIPPED', 'note'],
		]);
		const [batch] = await collectBatches(feed.read(loose, null, {}));
		expect(Buffer.from(batch?.data ?? []).toString()).toBe('a\t\t\\N\t\\N\tana\nb\tn\t{}\t\\N\tana\n');
	});

	it('names every record without a vector, and five of the others', async () => {
		const record = { document: 'd', metadata: null };
		const records = Array.from({ length: 60 }, (_, at) => ({ ...record, id: `r${at}`, embedding: at % 2 === 0 ? null : [1, null] }));
		const { findings } = await feedOf({ records }).feed.scan(vectorStep(2));
		const named = Object.fromEntries(findings.map(({ code, count, sample }) => [code, [count, sample.length]]));
		expect(named).toEqual({ MISSING_VECTOR: [30, 30], VECTOR_NOT_FINITE: [30, 5] });
	});

	it('finds what is wrong with vectors, documents and metadata', async () => {
		const record = { document: 'd', metadata: null };
		const { feed } = feedOf({
			records: [
				{ ...record, id: 'fine', embedding: [1, 2] },
				{ ...record, id: 'missing', embedding: null },
				{ ...record, id: 'nan', embedding: [1, null] },
				{ ...record, id: 'long', embedding: [1, 2, 3] },
				{ ...record, id: 'zero', embedding: [0, 0] },
				{ id: 'no-document', embedding: [1, 2], document: null, metadata: { user_id: 'bob' } },
			],
		});
		const result = await feed.scan(vectorStep(2));
		expect(result).toMatchObject({ rows: 6, rejected: 3, jsonTypes: { cmetadata: { object: 3 } } });
		expect(Object.fromEntries(result.findings.map(({ code, severity, sample }) => [code, [severity, sample]]))).toEqual({
			MISSING_VECTOR: ['warn', ['missing']],
			VECTOR_NOT_FINITE: ['warn', ['nan']],
			DIMENSION_MISMATCH: ['warn', ['long']],
			ZERO_VECTOR: ['warn', ['zero']],
			EMPTY_DOCUMENT: ['info', ['no-document']],
			METADATA_USER_ID_REPLACED: ['warn', ['no-document']],
		});
	});

	it('tells its progress in rising fractions that end in 1', async () => {
		const { feed } = feedOf({ sql });
		const fractions: number[] = [];
		await feed.scan(step, undefined, (fraction) => fractions.push(fraction));
		expect(fractions.at(-1)).toBe(1);
		expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
	});
});
