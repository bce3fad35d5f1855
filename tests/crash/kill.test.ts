import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Driver } from '../../services/postgres/driver.js';
import { PgDriver } from '../../services/postgres/pg-driver.js';
import { PgliteDriver } from '../../services/postgres/pglite-driver.js';
import { generateCollections } from '../bench/generate-collections.js';
import { onDatabase } from '../servers/on-database.js';
import { thorough } from '../thorough.js';

const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
/** Five collections, two of them empty, which share ids. */
const collections = fileURLToPath(new URL('../fixtures/chroma/chroma-1.5.9', import.meta.url));

interface Event {
	readonly type: string;
	readonly run?: string;
	readonly outcome?: string;
	readonly resumed?: boolean;
	readonly written?: number;
	readonly quarantined?: number;
}

interface Ended {
	readonly code: number | null;
	readonly events: readonly Event[];
}

/** Runs the built program; kills it with SIGKILL at once when `killWhen` says so about an event it just printed. */
function repot(args: readonly string[], killWhen: (event: Event, seen: number) => boolean = () => false): Promise<Ended> {
	return new Promise((resolve) => {
		const child = spawn(process.execPath, [program, ...args, '--json', '--no-input'], { stdio: ['ignore', 'pipe', 'ignore'] });
		const events: Event[] = [];
		let batches = 0;
		createInterface({ input: child.stdout }).on('line', (line) => {
			const event = JSON.parse(line) as Event;
			events.push(event);
			if (event.type === 'batch-committed') batches++;
			if (killWhen(event, batches)) child.kill('SIGKILL');
		});
		child.on('close', (code) => resolve({ code, events }));
	});
}

/** Order-independent digest of the migrated tables. */
async function digest(driver: Driver, tables: readonly string[] = ['items', 'analyses', 'embeddings']): Promise<string> {
	const hash = createHash('sha256');
	for (const table of tables) {
		const { rows } = await driver.query(`SELECT t::text AS row FROM ${table} t ORDER BY id`);
		for (const row of rows) hash.update(`${row.row}\n`);
	}
	return hash.digest('hex');
}

function killContract(
	name: string,
	open: (folder: string, label: string) => Promise<{ readonly url: string; driver(): Driver; drop(): Promise<void> }>,
	{ elsewhere = false } = {},
): void {
	describe(`killed at any batch, into ${name}`, () => {
		let folder: string;
		let database: string;

		beforeAll(async () => {
			folder = await mkdtemp(join(tmpdir(), 'repot-kill-'));
			database = join(folder, 'app.db');
			generateCollections(database, { items: 400, seed: 7 });
		});

		afterAll(async () => {
			await rm(folder, { recursive: true, force: true });
		});

		it('ends in the same state as a run that was not killed, with no record twice', async () => {
			const common = ['migrate', '--sqlite-db', database, '--user-id', 'ana', '--yes', '--batch-size', '50'];
			const whole = await open(folder, 'whole');
			const killed = await open(folder, 'killed');
			try {
				const args = (url: string, label: string) => [...common, '--postgres-url', url, '--state-dir', join(folder, label)];
				const uninterrupted = await repot(args(whole.url, 'state-whole'));
				expect(uninterrupted.code).toBe(0);

				const first = await repot(args(killed.url, 'state-killed'), (event, batches) => event.type === 'batch-committed' && batches === 3);
				expect(first.code).toBeNull();
				const second = await repot(args(killed.url, 'state-killed'), (event, batches) => event.type === 'batch-committed' && batches === 9);
				expect(second.code).toBeNull();
				const third = await repot(
					args(killed.url, 'state-killed'),
					(event) => event.type === 'step-finished' && (event as { step?: string }).step === 'primary-key:items_pkey',
				);
				expect(third.code).toBeNull();
				const last = await repot(args(killed.url, 'state-killed'));
				expect(last.code).toBe(0);

				const runs = [first, second, third, last].map((one) => one.events.find((event) => event.type === 'run-started'));
				expect(new Set(runs.map((event) => event?.run)).size).toBe(1);
				expect(runs.map((event) => event?.resumed)).toEqual([false, true, true, true]);
				expect(last.events.at(-1)).toMatchObject({ type: 'run-finished', outcome: 'done', written: 1200 });

				const [one, other] = [whole.driver(), killed.driver()];
				try {
					expect(await digest(other)).toBe(await digest(one));
				} finally {
					await one.close();
					await other.close();
				}
				// Every batch stands once in the events of the run's folder or was committed by a process that could not say so any more.
				const log = await readFile(join(folder, 'state-killed', 'runs', runs[0]?.run ?? '', 'events.ndjson'), 'utf8');
				const batches = log
					.split('\n')
					.filter((line) => line.includes('"batch-committed"'))
					.map((line) => JSON.parse(line) as { step: string; batch: number });
				const places = batches.map((event) => `${event.step} ${event.batch}`);
				expect(new Set(places).size).toBe(places.length);
			} finally {
				await whole.drop();
				await killed.drop();
			}
		}, 180_000);

		it.skipIf(elsewhere && !thorough)(
			'between two collections and within one, ends as if nothing had happened',
			async () => {
				const common = ['migrate', '--chroma-path', collections, '--collection', 'all', '--on-id-collision', 'prefix', '--user-id', 'ana'];
				const whole = await open(folder, 'collections_whole');
				const killed = await open(folder, 'collections_killed');
				try {
					const run = (url: string, state: string, killWhen?: Parameters<typeof repot>[1]) =>
						repot([...common, '--yes', '--batch-size', '10', '--postgres-url', url, '--state-dir', join(folder, state)], killWhen);
					const uninterrupted = await run(whole.url, 'collections-whole');
					// Some of its records have metadata only: they are set aside, in both runs.
					expect(uninterrupted.code).toBe(4);
					const isStep = (event: Event, type: string, step: string) => event.type === type && (event as { step?: string }).step === step;
					const between = await run(killed.url, 'collections-killed', (event) => isStep(event, 'step-finished', 'vectors:log_only'));
					const within = await run(killed.url, 'collections-killed', (event) => isStep(event, 'batch-committed', 'vectors:mixed_l2'));
					expect([between.code, within.code]).toEqual([null, null]);
					const last = await run(killed.url, 'collections-killed');
					expect(last.code).toBe(4);
					const wanted = uninterrupted.events.at(-1);
					expect(last.events.at(-1)).toMatchObject({ outcome: 'quarantined', written: wanted?.written, quarantined: wanted?.quarantined });
					expect(wanted?.written).toBeGreaterThan(100);
					const [one, other] = [whole.driver(), killed.driver()];
					try {
						const collectionRows = 'SELECT c::text AS row FROM langchain_pg_collection c ORDER BY name';
						expect((await other.query(collectionRows)).rows).toEqual((await one.query(collectionRows)).rows);
						expect(await digest(other, ['langchain_pg_embedding'])).toBe(await digest(one, ['langchain_pg_embedding']));
					} finally {
						await one.close();
						await other.close();
					}
				} finally {
					await whole.drop();
					await killed.drop();
				}
			},
			180_000,
		);
	});
}

killContract(
	'embedded PostgreSQL',
	async (folder, label) => {
		const directory = join(folder, label);
		return {
			url: `pglite:${directory}`,
			driver: () => new PgliteDriver({ directory, label, identity: directory }),
			drop: () => rm(directory, { recursive: true, force: true }),
		};
	},
	{ elsewhere: true },
);

const server = process.env.REPOT_TEST_POSTGRES_URL;

it.runIf(process.env.REPOT_REQUIRE_SERVERS === '1')('has a server', () => {
	expect(server, 'REPOT_TEST_POSTGRES_URL').toBeDefined();
});

describe.skipIf(server === undefined)('PostgreSQL server (skipped without REPOT_TEST_POSTGRES_URL)', () => {
	killContract('PostgreSQL', async (_folder, label) => {
		const name = `repot_kill_${label}_${process.pid}`;
		const admin = new PgDriver({ url: server ?? '', label: 'admin', identity: 'admin' });
		await admin.query(`CREATE DATABASE ${name}`);
		const url = onDatabase(server ?? '', name);
		return {
			url,
			driver: () => new PgDriver({ url, label, identity: name }),
			async drop() {
				await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
				await admin.close();
			},
		};
	});
});
