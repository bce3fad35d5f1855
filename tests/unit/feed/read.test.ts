import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RepotError } from '../../../source/core/errors.js';
import { column, tableStep, vectorStep } from '../mapping/steps.js';
import { photograph } from '../sqlite/support.js';
import { collectBatches, failure, feedOf, linesOf } from './support.js';

const numbers = (count: number): string =>
	`CREATE TABLE t (id INTEGER PRIMARY KEY, j TEXT, at TEXT);
	INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT i, '{"n":' || i || '}', '2025-01-01T00:00:00Z' FROM n`;
const numberStep = tableStep('t', [column('id', 'bigint', { nullable: false }), column('j', 'json-text'), column('at', 'iso-timestamp')], {
	batchRecords: 100,
});

describe('reading batches', () => {
	it('encodes every record once, in order, in batches of the size asked for', async () => {
		const { feed } = feedOf({ sql: numbers(250) });
		const batches = await collectBatches(feed.read(numberStep, null, {}));
		expect(batches.map(({ rows, first, last }) => [rows, first, last])).toEqual([
			[100, '1', '100'],
			[100, '101', '200'],
			[50, '201', '250'],
		]);
		expect(linesOf(batches)).toEqual(
			Array.from({ length: 250 }, (_, index) => `${index + 1}\t{"n":${index + 1}}\t2025-01-01 00:00:00\tana`),
		);
	});

	it('bounds a batch by bytes as well', async () => {
		const { feed } = feedOf({ sql: numbers(250) });
		const batches = await collectBatches(feed.read({ ...numberStep, batchRecords: 1_000_000, batchBytes: 1000 }, null, {}));
		expect(batches.length).toBeGreaterThan(5);
		for (const { data } of batches) expect(data.length).toBeLessThan(1100);
		expect(linesOf(batches)).toHaveLength(250);
	});

	it('goes on after any batch and ends in the same lines', async () => {
		const { feed } = feedOf({ sql: numbers(250) });
		const all = await collectBatches(feed.read(numberStep, null, {}));
		for (const [index, batch] of all.entries()) {
			expect(linesOf(await collectBatches(feed.read(numberStep, batch.last, {})))).toEqual(linesOf(all.slice(index + 1)));
		}
	});

	it('hands refused records over with their key and the whole record, and counts them into the batch', async () => {
		const { feed } = feedOf({ sql: `${numbers(10)}; UPDATE t SET j = '{' WHERE id = 3; UPDATE t SET at = 'soon' WHERE id = 10` });
		const batches = await collectBatches(feed.read({ ...numberStep, batchRecords: 5 }, null, {}));
		expect(batches.map(({ rows, rejects, last }) => [rows, rejects.length, last])).toEqual([
			[4, 1, '5'],
			[4, 1, '10'],
		]);
		expect(batches[0]?.rejects[0]).toMatchObject({
			key: '3',
			column: 'j',
			code: 'INVALID_JSON',
			raw: '{',
			rawKind: 'text',
			record: '{"id":3,"j":"{","at":"2025-01-01T00:00:00Z"}',
		});
		expect(batches[1]?.rejects[0]).toMatchObject({ key: '10', column: 'at', code: 'BAD_TIMESTAMP' });
	});

	it('gives no batch for an empty table, and one without rows when all are refused', async () => {
		const { feed } = feedOf({
			sql: "CREATE TABLE t (id INTEGER PRIMARY KEY, j TEXT, at TEXT); CREATE TABLE u (id TEXT, j TEXT); INSERT INTO u VALUES ('a', 'x')",
		});
		expect(await collectBatches(feed.read(numberStep, null, {}))).toEqual([]);
		const [batch, ...rest] = await collectBatches(feed.read(tableStep('u', [column('id', 'text'), column('j', 'json-text')]), null, {}));
		expect(rest).toEqual([]);
		expect(batch).toMatchObject({ rows: 0, first: '1', last: '1' });
		expect(batch?.data.length).toBe(0);
	});

	it('tells again which record became a row, for rows that the server refuses', async () => {
		const { feed } = feedOf({ sql: `${numbers(10)}; UPDATE t SET j = '{' WHERE id = 7` });
		const step = { ...numberStep, batchRecords: 5 };
		const [, second] = await collectBatches(feed.read(step, null, {}));
		// Row 1 of the batch 6..10 is record 8: record 7 was refused here already.
		const reject = await feed.refusedRecord(step, second?.first ?? '', 1, '23514', 'violates a check');
		expect(reject).toEqual({
			key: '8',
			column: null,
			code: '23514',
			reason: 'violates a check',
			raw: null,
			rawKind: 'null',
			record: '{"id":8,"j":"{\\"n\\":8}","at":"2025-01-01T00:00:00Z"}',
		});
		expect(await failure(feed.refusedRecord(step, second?.first ?? '', 99, 'x', 'y'))).toBeInstanceOf(RepotError);
	});

	it('counts as the batch did when children of an excluded parent were left out of it', async () => {
		const { feed } = feedOf({
			sql: `CREATE TABLE p (id TEXT PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, p TEXT REFERENCES p(id));
			INSERT INTO p VALUES ('a'), ('b'); INSERT INTO c VALUES (1, 'a'), (2, 'b'), (3, 'a'), (4, 'a')`,
		});
		const parent = tableStep('p', [column('id', 'text', { nullable: false })]);
		const child = tableStep('c', [column('id', 'bigint', { nullable: false }), column('p', 'text')], {
			foreignKeys: [{ columns: ['p'], parent: 'p', parentColumns: ['id'], onDelete: 'CASCADE' }],
		});
		await collectBatches(feed.read(parent, null, {}));
		const [batch] = await collectBatches(feed.read(child, null, { p: ['b'] }));
		expect(batch).toMatchObject({ rows: 3 });
		expect((await feed.refusedRecord(child, batch?.first ?? '', 1, '23514', 'no')).key).toBe('3');
		// By its key it is found whatever was left out, also when it was itself.
		expect((await feed.refusedRecord(child, batch?.first ?? '', 1, '23514', 'no', ['2'])).key).toBe('2');
		expect(await failure(feed.refusedRecord(child, batch?.first ?? '', 1, '23514', 'no', ['9']))).toMatchObject({
			code: 'RECORD_NOT_FOUND',
		});
	});

	it('takes the buffer of a batch back when the next one is asked for', async () => {
		const { feed } = feedOf({ sql: numbers(1000) });
		const seen: Uint8Array[] = [];
		const lines: string[] = [];
		for await (const batch of feed.read(numberStep, null, {})) {
			lines.push(...linesOf([batch]));
			seen.push(batch.data);
		}
		expect(lines).toHaveLength(1000);
		expect(new Set(lines).size).toBe(1000);
		expect(seen.slice(0, -2).every(({ length }) => length === 0)).toBe(true);
	});

	it('goes on when the consumer gives the buffer away itself', async () => {
		const { feed } = feedOf({ sql: numbers(1000) });
		let rows = 0;
		for await (const batch of feed.read(numberStep, null, {})) {
			rows += batch.rows;
			structuredClone(batch.data, { transfer: [batch.data.buffer as ArrayBuffer] });
		}
		expect(rows).toBe(1000);
	});

	it('can be left early and read again', async () => {
		const { feed } = feedOf({ sql: numbers(1000) });
		for await (const batch of feed.read(numberStep, null, {})) {
			expect(batch.last).toBe('100');
			break;
		}
		expect(linesOf(await collectBatches(feed.read(numberStep, '900', {})))).toHaveLength(100);
	});

	it('sends vectors in binary', async () => {
		const { feed } = feedOf({ records: [{ id: 'a', embedding: [1, 2], document: 'text', metadata: { k: 'v' } }] });
		const [batch] = await collectBatches(feed.read(vectorStep(2), null, {}));
		const bytes = Buffer.from(batch?.data ?? []);
		expect(bytes.subarray(0, 6).toString()).toBe('PGCOPY');
		expect(bytes.includes(Buffer.from('000200003f80000040000000', 'hex'))).toBe(true);
		expect(bytes.includes(Buffer.from('\u0001{"k":"v","user_id":"ana"}'))).toBe(true);
	});
});

describe('foreign keys', () => {
	const sql = `
		CREATE TABLE items (id TEXT PRIMARY KEY, j TEXT);
		CREATE TABLE notes (id INTEGER PRIMARY KEY, item_id TEXT REFERENCES items (id), up INTEGER REFERENCES notes (id));
		INSERT INTO items VALUES ('good', '{}'), ('bad', '{');
		INSERT INTO notes VALUES (1, 'good', NULL), (2, 'gone', NULL), (3, NULL, NULL), (4, 'bad', NULL), (5, 'good', 4), (6, 'good', 5), (7, 'good', 1)`;
	const items = tableStep('items', [column('id', 'text', { nullable: false }), column('j', 'json-text')]);
	const toItems = { columns: ['item_id'], parent: 'items', parentColumns: ['id'], onDelete: 'CASCADE' };
	const toNotes = { columns: ['up'], parent: 'notes', parentColumns: ['id'], onDelete: 'NO ACTION' };
	const columns = [column('id', 'bigint', { nullable: false }), column('item_id', 'text'), column('up', 'bigint')];
	const notes = tableStep('notes', columns, { foreignKeys: [toItems] });

	it('set aside orphans and children of records that are set aside, not NULL keys', async () => {
		const { feed } = feedOf({ sql });
		await feed.scan(items);
		const [batch] = await collectBatches(feed.read(notes, null, {}));
		expect(batch?.rejects.map(({ key, code, column }) => [key, code, column])).toEqual([
			['2', 'ORPHAN', 'item_id'],
			['4', 'ORPHAN_OF_REJECTED', 'item_id'],
		]);
		expect(batch?.rejects[0]?.reason).toBe('items has no row with id = text "gone"');
		expect(batch?.rows).toBe(5);
	});

	it('judge the parents on their own when only their reading was begun elsewhere', async () => {
		const { feed } = feedOf({ sql });
		// The parent's step is known, but only its end was read here: a resumed run.
		await collectBatches(feed.read(items, '2', {}));
		const [batch] = await collectBatches(feed.read(notes, null, {}));
		expect(batch?.rejects.map(({ key }) => key)).toEqual(['2', '4']);
	});

	it('respect what else did not get to the target', async () => {
		const { feed } = feedOf({ sql });
		await feed.scan(items);
		const [batch] = await collectBatches(feed.read(notes, null, { items: ['good', 'bad'] }));
		expect(batch?.rejects.map(({ key }) => key)).toEqual(['1', '2', '4', '5', '6', '7']);
		const [again] = await collectBatches(feed.read(notes, null, {}));
		expect(again?.rejects.map(({ key }) => key)).toEqual(['2', '4']);
	});

	it('follow a table that refers to itself down to the last child', async () => {
		const { feed } = feedOf({ sql });
		await feed.scan(items);
		const own = { ...notes, foreignKeys: [toItems, toNotes] };
		expect(await feed.scan(own)).toMatchObject({ rows: 7, rejected: 4 });
		const [batch] = await collectBatches(feed.read(own, null, {}));
		expect(batch?.rejects.map(({ key, code }) => [key, code])).toEqual([
			['2', 'ORPHAN'],
			['4', 'ORPHAN_OF_REJECTED'],
			['5', 'ORPHAN_OF_REJECTED'],
			['6', 'ORPHAN_OF_REJECTED'],
		]);
	});

	it('compare byte by byte, as the target will, and over columns that are not the key', async () => {
		const { feed } = feedOf({
			sql: `CREATE TABLE items (id INTEGER PRIMARY KEY, code TEXT COLLATE NOCASE UNIQUE, j TEXT); CREATE TABLE notes (id INTEGER PRIMARY KEY, code TEXT);
				INSERT INTO items VALUES (1, 'Aa', '{}'), (2, 'bad', '{'); INSERT INTO notes VALUES (1, 'Aa'), (2, 'aa'), (3, 'bad')`,
		});
		await feed.scan(tableStep('items', [column('id', 'bigint'), column('code', 'text'), column('j', 'json-text')]));
		const byCode = { columns: ['code'], parent: 'items', parentColumns: ['code'], onDelete: 'NO ACTION' };
		const [batch] = await collectBatches(
			feed.read(tableStep('notes', [column('id', 'bigint'), column('code', 'text')], { foreignKeys: [byCode] }), null, {}),
		);
		expect(batch?.rejects.map(({ key, code }) => [key, code])).toEqual([
			['2', 'ORPHAN'],
			['3', 'ORPHAN_OF_REJECTED'],
		]);
	});
});

describe('the life of a feed', () => {
	it('does nothing before the first call, takes one private copy, and removes it', async () => {
		const { feed, workDir, folder, sqlitePath } = feedOf({ sql: numbers(10) });
		expect(existsSync(workDir)).toBe(false);
		const before = photograph(folder);
		const description = await feed.describe();
		expect(description.sqlite).toMatchObject({ path: sqlitePath, integrity: 'ok' });
		expect(description.chroma).toBeNull();
		const [own] = readdirSync(workDir);
		expect(own).toMatch(new RegExp(`^feed-[0-9a-f]{8}-${process.pid}-`));
		await feed.scan(numberStep);
		expect(readdirSync(workDir)).toEqual([own]);
		await feed.close();
		expect(readdirSync(workDir)).toEqual([]);
		const { work: _made, '.': _folder, ...after } = photograph(folder);
		const { '.': _before, ...original } = before;
		expect(after).toEqual(original);
	});

	it('gives the fingerprints of both sources', async () => {
		const { feed } = feedOf({ sql: numbers(10), records: [] });
		expect(await feed.fingerprints()).toEqual({ sqlite: expect.stringMatching(/^[0-9a-f]{64}$/), chroma: 'f'.repeat(64) });
	});

	it('passes errors on as RepotError, with what to do', async () => {
		const { feed, workDir } = feedOf({ sqlitePath: '/nowhere/app.db' });
		const thrown = await failure(feed.describe());
		expect(thrown).toBeInstanceOf(RepotError);
		expect(thrown).toMatchObject({ kind: 'source', code: 'SOURCE_NOT_FOUND', where: '/nowhere/app.db' });
		expect(thrown instanceof RepotError ? thrown.next.length : 0).toBeGreaterThan(0);
		await feed.close();
		expect(readdirSync(workDir)).toEqual([]);
	});

	it('rejects with the reason of an abort: before, during a scan, and between batches', async () => {
		const { feed } = feedOf({ sql: numbers(60_000) });
		const reason = new Error('enough');
		await expect(feed.describe(AbortSignal.abort(reason))).rejects.toBe(reason);
		await feed.describe();

		const scanning = new AbortController();
		const scan = feed.scan({ ...numberStep, rows: 60_000 }, scanning.signal, (fraction) => {
			if (fraction < 1) scanning.abort(reason);
		});
		// A machine that scans it all within a tenth of a second reports nothing in between; stop it then anyway.
		setImmediate(() => scanning.abort(reason));
		await expect(scan).rejects.toBe(reason);

		const reading = new AbortController();
		const batches: unknown[] = [];
		const read = async (): Promise<void> => {
			for await (const batch of feed.read(numberStep, null, {}, reading.signal)) {
				batches.push(batch);
				reading.abort(reason);
			}
		};
		await expect(read()).rejects.toBe(reason);
		expect(batches).toHaveLength(1);
		// The worker is free again.
		expect(await feed.scan(numberStep)).toMatchObject({ rows: 60_000, rejected: 0 });
	});

	it('tells a crash of the thread as an error that can be resumed from', async () => {
		const { feed } = feedOf({ records: [{ id: 'crash', embedding: [1, 2], document: null, metadata: null }] });
		const thrown = await failure(
			feed
				.describe()
				.then(() => feed.scan(vectorStep(2)))
				.then(() => feed.describe()),
		);
		expect(thrown).toMatchObject({ kind: 'internal', code: 'READER_CRASHED' });
		expect(await failure(feed.describe())).toBe(thrown);
	});

	it('ends what is under way when it is closed', async () => {
		const { feed } = feedOf({ sql: numbers(60_000) });
		await feed.describe();
		const scan = failure(feed.scan(numberStep));
		await feed.close();
		expect(await scan).toBeInstanceOf(RepotError);
	});
});
