import { describe, expect, it } from 'vitest';
import type { CopyStep, ForeignKey } from '../../../source/core/plan/types.js';
import type { ScanResult, Source } from '../../../source/core/ports.js';
import { column, tableStep } from '../mapping/steps.js';
import { collectBatches, failure, feedOf } from './support.js';

const rows = 25_001;
/** Faults in both halves, among them parents that are refused, children that go with them in the other half, and orphans. */
const sql = `
	CREATE TABLE parent (id INTEGER PRIMARY KEY, j TEXT, n);
	CREATE TABLE child (id TEXT PRIMARY KEY, parent INTEGER, j TEXT);
	WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c WHERE i < ${rows})
	INSERT INTO parent SELECT i * 3, CASE i WHEN 7 THEN '{' WHEN 20000 THEN '' WHEN ${rows} THEN NULL ELSE '{"i":' || i || '}' END,
		CASE i % 9999 WHEN 0 THEN 'x' || i ELSE i END FROM c;
	INSERT INTO child SELECT 'c' || id, CASE id WHEN 30 THEN 1 WHEN 75000 THEN 2 ELSE 75006 - id END, '[' || id || ']' FROM parent;`;

const toParent: ForeignKey = { columns: ['parent'], parent: 'parent', parentColumns: ['id'], onDelete: 'CASCADE' };
const parent = tableStep('parent', [column('id', 'bigint'), column('j', 'json-text', { nullable: false }), column('n', 'bigint')], {
	rows,
});
const child = tableStep('child', [column('id', 'text'), column('parent', 'bigint'), column('j', 'json-text')], {
	rows,
	foreignKeys: [toParent],
});

const scanBoth = async (feed: Source): Promise<Omit<ScanResult, 'milliseconds'>[]> => {
	const results = [];
	for (const step of [parent, child]) {
		const { milliseconds, ...result } = await feed.scan(step);
		expect(milliseconds).toBeGreaterThanOrEqual(0);
		results.push(result);
	}
	return results;
};

const encoded = async (feed: Source, step: CopyStep): Promise<unknown> =>
	(await collectBatches(feed.read(step, null, {}))).map((batch) => ({ ...batch, data: Buffer.from(batch.data).toString('base64') }));

describe('a scan by two threads', () => {
	it('finds what one thread finds, in the same order, and reading goes by it', async () => {
		const [one, two] = [feedOf({ sql, scanThreads: 1 }).feed, feedOf({ sql, scanThreads: 2 }).feed];
		const [alone, shared] = [await scanBoth(one), await scanBoth(two)];
		expect(shared).toEqual(alone);
		expect(alone).toMatchObject([
			{ rows, rejected: 5 },
			// Five went with their parents and two refer to nothing.
			{ rows, rejected: 7 },
		]);
		for (const step of [parent, child]) expect(await encoded(two, step)).toEqual(await encoded(one, step));
	});

	it('scans the child by what the other half of the parent showed, also when the second thread came later', async () => {
		const few = sql.replace(`i < ${rows})`, 'i < 900)').replace(/INSERT INTO child .*/s, '');
		const many = `INSERT INTO child WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c WHERE i < ${rows})
			SELECT 'c' || i, 1 + (i % 900), NULL FROM c;`;
		const spread = few.replace('SELECT i * 3', 'SELECT i') + many;
		const results = [];
		for (const scanThreads of [1, 2]) results.push(await scanBoth(feedOf({ sql: spread, scanThreads }).feed));
		expect(results[1]).toEqual(results[0]);
		expect(results[0]?.[1]?.findings).toMatchObject([{ code: 'ORPHAN_OF_REJECTED', count: 28 }]);
	});

	it('tells its progress in rising fractions that end in 1', async () => {
		const { feed } = feedOf({ sql, scanThreads: 2 });
		const fractions: number[] = [];
		await feed.scan(parent, undefined, (fraction) => fractions.push(fraction));
		expect(fractions.at(-1)).toBe(1);
		expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
	});

	it('stops both when asked, and can be asked again', async () => {
		const { feed } = feedOf({ sql, scanThreads: 2 });
		const stop = new AbortController();
		const scan = feed.scan(parent, stop.signal, () => stop.abort(new Error('enough')));
		expect(await failure(scan)).toMatchObject({ message: 'enough' });
		expect(await feed.scan(parent)).toMatchObject({ rows, rejected: 5 });
	});
});
