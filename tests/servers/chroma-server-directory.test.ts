import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createFeed } from '../../services/feed/feed.js';
import { withoutAccess } from '../../services/feed/feed-sources.js';
import { createPostgresTarget } from '../../services/postgres/target.js';
import { createRunHistory } from '../../services/state/run-history.js';
import type { MigrationEvent } from '../../source/core/events.js';
import { migrate } from '../../source/core/migrate.js';
import { makePlan } from '../../source/core/plan/make-plan.js';
import { isCopyStep, type Plan } from '../../source/core/plan/types.js';
import type { Ports } from '../../source/core/ports.js';
import { Secret } from '../../source/core/secret.js';
import { withDatabase } from '../bench/database.js';
import { demo, goldenSet } from '../contract/migration-contract.js';
import { migrateOptions, request } from '../fakes/engine.js';
import { canonicalHash, canonicalLine, readAll } from '../unit/chroma/canonical.js';
import { openForTest } from '../unit/chroma/support.js';
import { farthest, openServer, recordsOf } from '../unit/chroma-server/support.js';
import { lacksChroma, post, type RunningChroma, serveCopy } from './chroma-process.js';

const required = process.env.REPOT_REQUIRE_SERVERS === '1';
const postgres = process.env.REPOT_TEST_POSTGRES_URL;
const shared = join(import.meta.dirname, '../../../shared/real');

let running: RunningChroma | null = null;
const serve = async (directory: string | null): Promise<RunningChroma> => {
	running = await serveCopy(directory);
	return running;
};
afterEach(async () => {
	await running?.stop();
	running = null;
});

interface Truth {
	readonly opened: boolean;
	readonly collections?: readonly {
		readonly id: string;
		readonly name: string;
		readonly effective_space?: string;
		readonly records?: number;
		readonly sha256_typed?: string | null;
		readonly sha256_noemb?: string | null;
		readonly records_error?: string;
	}[];
}

/** Directories of which a server's own answer is recorded. */
function truths(): readonly (readonly [name: string, truth: Truth])[] {
	const folder = join(shared, 'chroma/truth');
	if (!existsSync(folder)) return [];
	return readdirSync(folder)
		.filter((name) => name.endsWith('.json'))
		.map((name) => {
			const { new: truth } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { readonly new: Truth };
			return [name.slice(0, -'.json'.length), truth] as const;
		})
		.filter(([, truth]) => truth.opened && (truth.collections ?? []).length > 0);
}

describe.skipIf(lacksChroma !== null && !required)(`a directory through a server and by itself (${lacksChroma ?? 'chroma run'})`, () => {
	for (const data of [demo, ...(goldenSet === null ? [] : [goldenSet])]) {
		it(`gives the same records of the ${data.name}`, async () => {
			expect(lacksChroma).toBeNull();
			const { url, directory } = await serve(data.chromaPath);
			const { snapshot: served } = await openServer(url);
			const direct = await openForTest(directory);
			expect(served.describe().collections).toMatchObject(
				direct.describe().collections.map(({ vectorsIn: _, metadata: __, ...facts }) => facts),
			);
			const [a, b] = [recordsOf(served), recordsOf(direct)];
			expect(a.length).toBe(b.length);
			const line = (one: (typeof a)[number] | undefined): string => (one === undefined ? 'none' : canonicalLine(one, 'typed', false));
			expect(a.map((one, at) => [line(one), line(b[at])] as const).filter(([one, other]) => one !== other)).toEqual([]);
			// Cosine: the log's original and the index's answer differ in the last bit.
			expect(farthest(a, b)).toBeLessThan(2e-7);
		});
	}

	it.skipIf(truths().length === 0)(
		'gives what was recorded of every real directory (skipped without ../shared/real)',
		async () => {
			let compared = 0;
			for (const [name, truth] of truths()) {
				const { url, directory } = await serve(join(shared, 'chroma', name));
				for (const { id, effective_space, records, sha256_typed, sha256_noemb } of truth.collections ?? []) {
					// What a damaged index does to a server's answer is another test's matter.
					if (sha256_typed === null || sha256_typed === undefined) continue;
					const { snapshot } = await openServer(url, { collections: [id] });
					const collection = snapshot.describe().collections.find((one) => one.id === id);
					expect(collection?.records, name).toBe(records);
					if (effective_space !== undefined && (records ?? 0) > 1) expect(collection?.space, `space of ${name}`).toBe(effective_space);
					const read = recordsOf(snapshot, collection?.name);
					expect(canonicalHash(read, 'plain', false), name).toBe(sha256_noemb);
					// Cosine: builds of Chroma for other processors add up a norm in another order.
					if (effective_space !== 'cosine') expect(canonicalHash(read, 'typed', true), name).toBe(sha256_typed);
					else expect(farthest(read, readAll((await openForTest(directory)).reader(id))), name).toBeLessThan(2e-7);
					compared += 1;
				}
				await running?.stop();
				running = null;
			}
			expect(compared).toBeGreaterThan(10);
		},
		300_000,
	);
});

describe.skipIf((lacksChroma !== null || postgres === undefined) && !required)(
	'migrating from a server (skipped without REPOT_TEST_PYTHON and REPOT_TEST_POSTGRES_URL)',
	() => {
		const clock = { now: () => Date.now() };
		const never = new AbortController().signal;

		/** One process: it opens its source anew. */
		const attempt = async (
			url: string,
			chromaPath: string,
			work: (ports: Ports, wanted: ReturnType<typeof request>) => Promise<void>,
			collections: readonly string[] = [],
		) => {
			const folder = await mkdtemp(join(tmpdir(), 'repot-server-'));
			const target = createPostgresTarget({ url: new Secret(url), baseDir: folder, clock });
			const source = createFeed({
				sqlitePath: null,
				chromaPath,
				workDir: join(folder, 'snapshots'),
				chromaServer: { ...withoutAccess, collections },
			});
			const history = createRunHistory({ stateDir: folder });
			try {
				const wanted = request({ sqlitePath: null, chromaPath, validationSample: 1000, batchSize: 100, collections });
				await work({ source, target, history, embedder: null, clock, operator: 'tester', version: '0.0.0' }, wanted);
			} finally {
				await source.close();
				await target.close();
				await rm(folder, { recursive: true, force: true });
			}
		};
		const vectorsOf = (plan: Plan) => plan.steps.filter(isCopyStep).find((step) => step.collection !== undefined);

		it('lands every record, passes every check, goes on after a kill, and leaves nothing to do for its directory', async () => {
			expect(postgres, 'REPOT_TEST_POSTGRES_URL').toBeDefined();
			const { url, directory } = await serve(null);
			const collections = `${url}/api/v2/tenants/default_tenant/databases/default_database/collections`;
			const { id } = (await post(collections, '{"name":"moved","metadata":{"hnsw:space":"l2"}}')) as { readonly id: string };
			const places = Array.from({ length: 1234 }, (_, at) => at);
			const vector = (at: number) => [Math.sin(at), Math.cos(at * 3), at / 1000, 0.1];
			const body = {
				ids: places.map((at) => `id ${at}`),
				embeddings: places.map(vector),
				documents: places.map((at) => `document ${at}`),
				metadatas: places.map((at) => ({ at, text: `t${at}` })),
			};
			await post(`${collections}/${id}/add`, JSON.stringify(body));
			await withDatabase(postgres ?? '', async (database) => {
				const outcomes: MigrationEvent[] = [];
				await attempt(database, url, async (ports, wanted) => {
					const dying: Ports = {
						...ports,
						target: {
							...ports.target,
							writeBatch: async (run, step, sequence, ...rest) => {
								const result = await ports.target.writeBatch(run, step, sequence, ...rest);
								if (sequence === 4) throw new Error('SIGKILL');
								return result;
							},
						},
					};
					const plan = await makePlan(wanted, ports);
					expect(plan.totals).toMatchObject({ records: 1234, rejected: 0 });
					for await (const event of migrate(plan, migrateOptions(), dying, { stop: never, abort: never })) outcomes.push(event);
				});
				expect(outcomes.at(-1)).toMatchObject({ outcome: 'failed' });
				await attempt(database, url, async (ports, wanted) => {
					const plan = await makePlan(wanted, ports);
					expect(plan.resumes).toBeDefined();
					for await (const event of migrate(plan, migrateOptions(), ports, { stop: never, abort: never })) outcomes.push(event);
				});
				expect(outcomes.at(-1)).toMatchObject({ type: 'run-finished', outcome: 'done' });
				const checks = outcomes.flatMap((event) => (event.type === 'check-finished' ? [event.check] : []));
				expect(checks.filter(({ result }) => result === 'fail')).toEqual([]);
				await attempt(database, directory, async (ports, wanted) => {
					const step = vectorsOf(await makePlan(wanted, ports));
					expect(step).toMatchObject({ rows: 1234, state: { equal: 1234, differing: 0 } });
				});
				// A server that changed is another source: nothing goes on from the old plan unseen.
				await attempt(database, url, async (ports, wanted) => {
					const plan = await makePlan(wanted, ports);
					expect(vectorsOf(plan)).toMatchObject({ state: { equal: 1234, differing: 0 } });
					await post(`${collections}/${id}/update`, JSON.stringify({ ids: ['id 7'], documents: ['another'] }));
				});
				await attempt(database, url, async (ports, wanted) => {
					expect(vectorsOf(await makePlan(wanted, ports))).toMatchObject({ state: { equal: 1233, differing: 1 } });
				});
			});
		});

		it('moves several collections whose ids and dimensions differ', async () => {
			expect(postgres, 'REPOT_TEST_POSTGRES_URL').toBeDefined();
			const { url } = await serve(null);
			const root = `${url}/api/v2/tenants/default_tenant/databases/default_database/collections`;
			for (const [name, dimension] of [
				['wide', 5],
				['narrow', 3],
			] as const) {
				const { id } = (await post(root, JSON.stringify({ name }))) as { readonly id: string };
				const places = Array.from({ length: 60 }, (_, at) => at);
				const embeddings = places.map((at) => Array.from({ length: dimension }, (_, place) => Math.sin(at * 7 + place)));
				await post(
					`${root}/${id}/add`,
					JSON.stringify({ ids: places.map(String), embeddings, documents: places.map((at) => `${name} ${at}`) }),
				);
			}
			await withDatabase(postgres ?? '', async (database) => {
				const outcomes: MigrationEvent[] = [];
				const all = ['all'];
				const work = async (ports: Ports, wanted: ReturnType<typeof request>) => {
					expect((await makePlan(wanted, ports)).hazards.find(({ code }) => code === 'ID_IN_SEVERAL_COLLECTIONS')).toMatchObject({
						count: 60,
					});
					const plan = await makePlan({ ...wanted, policies: { ...wanted.policies, onIdCollision: 'uuid' } }, ports);
					for await (const event of migrate(plan, migrateOptions(), ports, { stop: never, abort: never })) outcomes.push(event);
				};
				await attempt(database, url, work, all);
				expect(outcomes.at(-1)).toMatchObject({ type: 'run-finished', outcome: 'done', written: 120 });
				const checks = outcomes.flatMap((event) => (event.type === 'check-finished' ? [event.check] : []));
				expect(checks.filter(({ result }) => result === 'fail')).toEqual([]);
			});
		});
	},
);
