import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { FeedSession } from '../../../services/feed/feed-session.js';
import type { ScanPart } from '../../../services/feed/scan-part.js';
import { Stopped, type StopSignal } from '../../../services/feed/stop-signal.js';
import type { CopyStep } from '../../../source/core/plan/types.js';
import { column, quarantine, tableStep } from '../mapping/steps.js';
import { makeDatabase, temporaryFolder } from '../sqlite/support.js';

const never: StopSignal = { check: () => undefined, signal: new AbortController().signal };
const sessions: FeedSession[] = [];
afterEach(async () => {
	for (const session of sessions.splice(0)) await session.close();
});

/** A session over a table of JSON texts, and the path of its private copy once that was made. */
function sessionOver(values: readonly (string | null)[]): { readonly session: FeedSession; readonly copy: () => string } {
	const folder = temporaryFolder();
	const quoted = values.map((value, index) => `(${index + 1}, ${value === null ? 'NULL' : `'${value.replaceAll("'", "''")}'`})`);
	const rows = quoted.length === 0 ? '' : `INSERT INTO t VALUES ${quoted.join(', ')}`;
	const sqlitePath = makeDatabase(join(folder, 'app.db'), `CREATE TABLE t (id INTEGER PRIMARY KEY, j TEXT); ${rows}`);
	const session = new FeedSession({ sqlitePath, chromaPath: null, sqliteSnapshot: null, folder, chromaModule: null });
	sessions.push(session);
	const copy = (): string => join(folder, readdirSync(folder).find((name) => name.startsWith('copy-')) ?? '', 'app.db');
	return { session, copy };
}

const step = tableStep('t', [column('id', 'bigint'), column('j', 'json-text')]);

async function batchesOf(session: FeedSession, of: CopyStep): Promise<unknown[]> {
	const batches = await session.openBatches(of, null, {}, () => never, []);
	return [...batches].map((batch) => ({ ...batch, data: Buffer.from(batch.data).toString('utf8') }));
}

async function scan(session: FeedSession, of: CopyStep, stop = never): Promise<void> {
	const [part] = await session.cut(of, 1, stop);
	const { refused, unchanged } = await session.scanPart(of, part as ScanPart, stop, () => undefined);
	session.learn([{ step: of, refused, unchanged }]);
}

/** Breaks the JSON of row 1 in the private copy, which nothing else ever changes: only who judges can tell. */
const tamper = (copy: string): string => makeDatabase(copy, "UPDATE t SET j = '{' WHERE id = 1");

describe('a column that a scan found without fault', () => {
	const json = fc.oneof(
		fc.json({ stringUnit: 'grapheme' }),
		fc.json({ stringUnit: 'binary' }),
		fc.constantFrom(' [1, 1e2]\n', '"\\u00e9\\\\u0000"', '{"a":1,"a":2}', '12345678901234567890.10', '"\\u0000"', '{', '', '\ufffd'),
		fc.constant(null),
	);

	it('is read to the same bytes and the same rejects as when it is judged', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(json, { maxLength: 12 }), async (values) => {
				const usable = values.filter((value) => value === null || !value.includes('\0'));
				const [scanned, judging] = [sessionOver(usable).session, sessionOver(usable).session];
				await scan(scanned, step);
				expect(await batchesOf(scanned, step)).toEqual(await batchesOf(judging, step));
			}),
			{ numRuns: 40 },
		);
	});

	it('is not judged again', async () => {
		const { session, copy } = sessionOver(['{}', '[]']);
		await scan(session, step);
		tamper(copy());
		expect(await batchesOf(session, step)).toMatchObject([{ data: '1\t{\tana\n2\t[]\tana\n', rejects: [] }]);
	});

	it('is judged in full when the scan refused or noted one value of it', async () => {
		for (const values of [
			['{}', '['],
			['{}', '"\\u0000"'],
		]) {
			const { session, copy } = sessionOver(values);
			const strips = { ...step, policies: { ...quarantine, onNul: 'strip' as const } };
			await scan(session, strips);
			tamper(copy());
			expect(await batchesOf(session, strips)).toMatchObject([
				{ rejects: expect.arrayContaining([expect.objectContaining({ key: '1' })]) },
			]);
		}
	});

	it('is judged when this feed did not scan it', async () => {
		const { session, copy } = sessionOver(['{}', '[]']);
		await session.describe(never);
		tamper(copy());
		expect(await batchesOf(session, step)).toMatchObject([{ rows: 1, rejects: [{ key: '1', code: 'INVALID_JSON' }] }]);
	});

	it('is judged when the scan was stopped', async () => {
		const { session, copy } = sessionOver(['{}', '[]']);
		await session.describe(never);
		const stopping: StopSignal = {
			...never,
			check: () => {
				throw new Stopped('stopped');
			},
		};
		await expect(scan(session, step, stopping)).rejects.toThrow(Stopped);
		tamper(copy());
		expect(await batchesOf(session, step)).toMatchObject([{ rejects: [{ key: '1' }] }]);
	});

	it.each([
		['the policies', { ...step, policies: { ...quarantine, onNul: 'strip' as const } }],
		['whether NULL is allowed', tableStep('t', [column('id', 'bigint'), column('j', 'json-text', { nullable: false })])],
		['the cast', tableStep('t', [column('id', 'bigint'), column('j', 'text')])],
	])('is judged when another mapping was scanned: %s', async (_what, other) => {
		const { session, copy } = sessionOver(['{}', '[]']);
		await scan(session, other);
		tamper(copy());
		expect(await batchesOf(session, step)).toMatchObject([{ rejects: [{ key: '1', code: 'INVALID_JSON' }] }]);
	});
});
