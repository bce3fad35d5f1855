import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { createFeed } from '../../services/feed/feed.js';
import type { CheckResult, MigrationEvent } from '../../source/core/events.js';
import { migrate } from '../../source/core/migrate.js';
import type { PlanRequest } from '../../source/core/operations.js';
import { makePlan } from '../../source/core/plan/make-plan.js';
import type { IdCollisionPolicy } from '../../source/core/plan/types.js';
import type { Ports, Source } from '../../source/core/ports.js';
import { undo } from '../../source/core/undo.js';
import { verifyAgain } from '../../source/core/verify-again.js';
import { type FakeCollection, fakeChromaModule, writeFakeChroma } from '../fakes/chroma-directory.js';
import { migrateOptions, request } from '../fakes/engine.js';
import { memoryHistory } from '../fakes/memory-target.js';
import type { TargetHarness } from './target-scene.js';

type FakeRecord = FakeCollection['records'][number];

/** A record with numbers that look like an embedding's, the same every time. */
export const record = (id: string, seed: number, more: Partial<FakeRecord> = {}): FakeRecord => ({
	id,
	embedding: Array.from({ length: 3 }, (_, at) => Math.fround(Math.sin(seed * 12.9898 + at * 78.233) * 2)),
	document: `about ${id}`,
	metadata: { kind: 'x' },
	...more,
});

/** Records `FROM0`, `FROM1` ... */
const records = (from: string, count: number): FakeRecord[] =>
	Array.from({ length: count }, (_, at) => record(`${from}${at}`, at + from.length * 100));

export const docs: FakeCollection = { name: 'docs', space: 'cosine', dimension: 3, records: records('d', 12) };
export const notes: FakeCollection = { name: 'notes', space: 'cosine', dimension: 3, records: records('n', 8) };

/** The policy as a request has it. */
export const withRule = (rule: IdCollisionPolicy): Pick<PlanRequest, 'policies'> => ({
	policies: rule === 'fail' ? request().policies : { ...request().policies, onIdCollision: rule },
});

export const checksOf = (events: readonly MigrationEvent[]): CheckResult[] =>
	events.flatMap((event) => (event.type === 'check-finished' ? [event.check] : []));
/** Collections of a Chroma directory on their way into a database that is emptied before every test. */
export function collectionsScene(open: () => TargetHarness) {
	let folder: string;
	let harness: TargetHarness;
	let opened: Source[];
	const never = new AbortController().signal;

	beforeEach(async () => {
		harness = open();
		folder = await mkdtemp(join(tmpdir(), 'repot-collections-'));
		opened = [];
		await harness.driver.query(
			'DROP SCHEMA IF EXISTS repot CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP EXTENSION IF EXISTS vector',
		);
	});

	afterEach(async () => {
		for (const one of opened) await one.close();
		await rm(folder, { recursive: true, force: true });
	});

	/** What happens to these collections, all of which are asked for. */
	const over = (collections: readonly FakeCollection[], more: Partial<PlanRequest> = {}) => {
		const chromaPath = writeFakeChroma(join(folder, `${opened.length}.json`), collections);
		const source = createFeed({ sqlitePath: null, chromaPath, workDir: join(folder, 'work'), chromaModule: fakeChromaModule });
		opened.push(source);
		const history = memoryHistory();
		const ports: Ports = {
			source,
			target: harness.target,
			history,
			embedder: null,
			clock: { now: () => Date.now() },
			operator: 'tester',
			version: '0.0.0',
		};
		const wanted = request({ sqlitePath: null, chromaPath, collections: ['all'], batchSize: 10, ...more });
		const plan = () => makePlan(wanted, ports);
		return {
			ports,
			history,
			plan,
			async run(): Promise<MigrationEvent[]> {
				const events: MigrationEvent[] = [];
				for await (const event of migrate(await plan(), migrateOptions(), ports, { stop: never, abort: never })) events.push(event);
				return events;
			},
			async verify(): Promise<MigrationEvent[]> {
				const events: MigrationEvent[] = [];
				for await (const event of verifyAgain(wanted, null, ports, never)) events.push(event);
				return events;
			},
		};
	};

	return {
		over,
		sql: async (text: string): Promise<(string | null)[][]> => (await harness.driver.query(text)).rows.map((row) => Object.values(row)),
		async rollbackNewest(ports: Ports) {
			const [newest] = await harness.target.ledger.runs();
			const events = [];
			for await (const event of undo(newest?.id ?? '', null, harness.target, ports.history, ports.clock)) events.push(event);
			return events.at(-1);
		},
	};
}
