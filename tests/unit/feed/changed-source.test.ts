import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createFeed } from '../../../services/feed/feed.js';
import { migrate } from '../../../source/core/migrate.js';
import { makePlan } from '../../../source/core/plan/make-plan.js';
import { type FakeCollection, fakeChromaModule, writeFakeChroma } from '../../fakes/chroma-directory.js';
import { bench, fakeTables, migrateOptions, request } from '../../fakes/engine.js';

const collectionOf = (last: string): FakeCollection => ({
	name: 'a',
	space: 'l2',
	dimension: 2,
	records: Array.from({ length: 20 }, (_, at) => ({
		id: `r${at}`,
		embedding: [at, 1],
		document: at === 19 ? last : 'same',
		metadata: null,
	})),
});

it('a plan is stale once the last record of its source has changed', async () => {
	const folder = mkdtempSync(join(tmpdir(), 'repot-changed-'));
	const ports = bench(fakeTables(0));
	const feedOf = (last: string) => {
		const chromaPath = writeFakeChroma(join(folder, `${last}.json`), [collectionOf(last)]);
		return createFeed({ sqlitePath: null, chromaPath, workDir: join(folder, 'work'), chromaModule: fakeChromaModule });
	};
	const [before, after] = [feedOf('before'), feedOf('after')];
	try {
		const plan = await makePlan(request({ sqlitePath: null, collections: ['all'] }), { ...ports, source: before });
		const never = new AbortController().signal;
		const events = migrate(plan, migrateOptions(), { ...ports, source: after }, { stop: never, abort: never });
		await expect(events[Symbol.asyncIterator]().next()).rejects.toMatchObject({
			kind: 'stale-plan',
			message: expect.stringContaining(plan.id),
		});
	} finally {
		await before.close();
		await after.close();
		rmSync(folder, { recursive: true, force: true });
	}
});
