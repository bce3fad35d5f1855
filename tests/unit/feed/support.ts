import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { createFeed } from '../../../services/feed/feed.js';
import type { Source, SourceBatch } from '../../../source/core/ports.js';
import { makeDatabase, temporaryFolder } from '../sqlite/support.js';
import type { FakeRecord } from './fake-chroma.js';

const feeds: Source[] = [];
afterEach(async () => {
	for (const feed of feeds.splice(0)) await feed.close();
});

export interface TestFeed {
	readonly feed: Source;
	readonly folder: string;
	readonly workDir: string;
	readonly sqlitePath: string | null;
}

/** A feed over a database made of `sql`, over fake Chroma records, or over both. */
export function feedOf(content: {
	readonly sql?: string;
	readonly records?: readonly FakeRecord[];
	readonly sqlitePath?: string;
	readonly chromaPath?: string;
	readonly scanThreads?: number;
}): TestFeed {
	const folder = temporaryFolder();
	const workDir = join(folder, 'work');
	const sqlitePath = content.sqlitePath ?? (content.sql === undefined ? null : makeDatabase(join(folder, 'app.db'), content.sql));
	let chromaPath = content.chromaPath ?? null;
	if (content.records !== undefined) {
		chromaPath = join(folder, 'chroma.json');
		writeFileSync(chromaPath, JSON.stringify(content.records));
	}
	const fake = content.records === undefined ? {} : { chromaModule: new URL('./fake-chroma.ts', import.meta.url).href };
	const threads = content.scanThreads === undefined ? {} : { scanThreads: content.scanThreads };
	const feed = createFeed({ sqlitePath, chromaPath, workDir, ...fake, ...threads });
	feeds.push(feed);
	return { feed, folder, workDir, sqlitePath };
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
	const collected: Item[] = [];
	for await (const item of items) collected.push(item);
	return collected;
}

/** Batches with bytes of their own: the feed takes each buffer back when the next batch is asked for. */
export async function collectBatches(batches: AsyncIterable<SourceBatch>): Promise<SourceBatch[]> {
	const collected: SourceBatch[] = [];
	for await (const batch of batches) collected.push({ ...batch, data: batch.data.slice() });
	return collected;
}

/** The lines of all batches in COPY text. */
export const linesOf = (batches: readonly SourceBatch[]): string[] =>
	batches.flatMap(({ data }) => Buffer.from(data).toString('utf8').split('\n').slice(0, -1));

/** What an operation rejected with. */
export const failure = (work: Promise<unknown>): Promise<unknown> =>
	work.then(
		() => {
			throw new Error('it did not fail');
		},
		(thrown: unknown) => thrown,
	);
