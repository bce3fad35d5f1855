import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFeed } from '../../services/feed/feed.js';
import { PgDriver } from '../../services/postgres/pg-driver.js';
import { targetOn } from '../../services/postgres/target.js';
import { createRunHistory } from '../../services/state/run-history.js';
import type { MigrationEvent } from '../../source/core/events.js';
import { migrate } from '../../source/core/migrate.js';
import { makePlan } from '../../source/core/plan/make-plan.js';
import type { Ports, QuarantineEntry, Target } from '../../source/core/ports.js';
import { demo } from '../contract/migration-contract.js';
import { migrateOptions, request } from '../fakes/engine.js';
import { onDatabase } from './on-database.js';

const url = process.env.REPOT_TEST_POSTGRES_URL;
const required = process.env.REPOT_REQUIRE_SERVERS === '1';

describe.skipIf(url === undefined && !required)('resuming on a PostgreSQL server (skipped without REPOT_TEST_POSTGRES_URL)', () => {
	it('writes the quarantine lines of what only the server refused when a kill came between commit and line', async () => {
		expect(url, 'REPOT_TEST_POSTGRES_URL').toBeDefined();
		const server = url ?? '';
		const name = `repot_resume_${process.pid}`;
		const admin = new PgDriver({ url: server, label: 'admin', identity: 'admin' });
		await admin.query(`CREATE DATABASE ${name}`);
		const driver = new PgDriver({ url: onDatabase(server, name), label: 'postgresql://test', identity: name });
		const clock = { now: () => Date.now() };
		const real = targetOn(driver, clock, { label: 'postgresql://test' });
		const folder = await mkdtemp(join(tmpdir(), 'repot-resume-'));
		const history = createRunHistory({ stateDir: folder });
		const wanted = request({ sqlitePath: demo.sqlitePath, chromaPath: demo.chromaPath, batchSize: 50 });

		/** One process: it reads the source anew, and dies after the commit of a batch. */
		const attempt = async (diesAfter: number | null): Promise<MigrationEvent[]> => {
			const target: Target = {
				...real,
				applySchema: async (run, step, ...rest) => {
					const outcome = await real.applySchema(run, step, ...rest);
					if (step.what === 'table' && step.table === 'analyses')
						await driver.query("ALTER TABLE analyses ADD CHECK (right(id, 1) NOT IN ('0', '7'))");
					return outcome;
				},
				writeBatch: async (run, step, sequence, ...rest) => {
					const result = await real.writeBatch(run, step, sequence, ...rest);
					if (step.id === 'analyses' && sequence === diesAfter) throw new Error('SIGKILL');
					return result;
				},
			};
			const source = createFeed({ sqlitePath: demo.sqlitePath, chromaPath: demo.chromaPath, workDir: join(folder, 'snapshots') });
			const ports: Ports = { source, target, history, embedder: null, clock, operator: 'tester', version: '0.0.0' };
			const never = new AbortController().signal;
			const events: MigrationEvent[] = [];
			try {
				const plan = await makePlan(wanted, ports);
				for await (const event of migrate(plan, migrateOptions(), ports, { stop: never, abort: never })) events.push(event);
				return events;
			} finally {
				await source.close();
			}
		};
		try {
			expect((await attempt(2)).at(-1)).toMatchObject({ outcome: 'failed' });
			await attempt(3);
			expect((await attempt(null)).at(-1)).toMatchObject({ outcome: 'quarantined' });
			const [run] = await real.ledger.runs();
			const plan = (await real.ledger.find(run?.id ?? ''))?.plan;
			if (run === undefined || plan === undefined) throw new Error('no run');
			const opened = await history.open(run.id, plan);
			const entries: QuarantineEntry[] = [];
			for await (const entry of opened.quarantine.entries()) entries.push(entry);
			await opened.close();
			const refused = entries.filter(({ step }) => step === 'analyses').map(({ key }) => key);
			const landed = (await driver.query('SELECT id FROM analyses')).rows.map((row) => row.id ?? '');
			expect(refused.length).toBeGreaterThan(8);
			expect(refused.filter((key) => !/[07]$/.test(key))).toEqual([]);
			expect(new Set([...refused, ...landed]).size).toBe(demo.items);
			expect(refused.length + landed.length).toBe(demo.items);
			expect(run.quarantined).toBe(entries.length);
		} finally {
			await real.close();
			await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
			await admin.close();
			await rm(folder, { recursive: true, force: true });
		}
	});
});
