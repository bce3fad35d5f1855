import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createFeed } from '../../../services/feed/feed.js';
import { collectBatches } from '../feed/support.js';
import { vectorStep } from '../mapping/steps.js';
import { overwritePages, pagesByTree } from './pages.js';
import { unpackRecording } from './recorded.js';
import { directoryState, temporaryFolder } from './support.js';

it('records that lost a part go to the quarantine with what is left, the others to the target; the directory stays as it is', async () => {
	const folder = temporaryFolder();
	const { directory } = unpackRecording('0.4.24-20', folder);
	overwritePages(directory, [pagesByTree(directory).get('embedding_metadata')?.at(-1) ?? 0]);
	const before = directoryState(directory);
	const feed = createFeed({ sqlitePath: null, chromaPath: directory, workDir: join(folder, 'work') });
	onTestFinished(() => feed.close());
	const { chroma } = await feed.describe();
	let damaged = 0;
	for (const { id, dimension, space, records } of chroma?.collections ?? []) {
		const step = vectorStep(dimension, { rows: records, policies: { ...vectorStep(null).policies, onNul: 'strip' } }, space, id);
		const scan = await feed.scan(step);
		const batches = await collectBatches(feed.read(step, null, {}));
		const rejects = batches.flatMap((batch) => batch.rejects);
		expect(batches.reduce((sum, { rows }) => sum + rows, 0) + rejects.length).toBe(records);
		expect(rejects).toHaveLength(scan.rejected);
		const lost = rejects.filter(({ code }) => code === 'RECORD_DAMAGED');
		damaged += lost.length;
		const keys = new Set(lost.map(({ key }) => key));
		const sampled = scan.findings.filter(({ code }) => code === 'RECORD_DAMAGED').flatMap(({ sample }) => sample);
		expect(sampled.every((key) => keys.has(key))).toBe(true);
		if (lost.length > 0) expect(sampled.length).toBeGreaterThan(0);
		for (const { key, reason, record } of lost) {
			expect(reason).toContain('damaged page of chroma.sqlite3');
			const whole = JSON.parse(record) as Record<string, unknown>;
			expect(whole).toMatchObject({ id: key, embedding: { float32: expect.any(String) } });
			expect(record).toContain('{"lost":');
		}
	}
	expect(damaged).toBeGreaterThan(0);
	expect(directoryState(directory)).toEqual(before);
});
