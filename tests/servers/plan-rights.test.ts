import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createFeed } from '../../services/feed/feed.js';
import { PgDriver } from '../../services/postgres/pg-driver.js';
import { createPostgresTarget } from '../../services/postgres/target.js';
import { Database as BetterSqlite } from '../../services/sqlite/engine.js';
import { migrate } from '../../source/core/migrate.js';
import { makePlan } from '../../source/core/plan/make-plan.js';
import { isSchemaStep, type Plan } from '../../source/core/plan/types.js';
import type { Ports, Source, Target } from '../../source/core/ports.js';
import { Secret } from '../../source/core/secret.js';
import { makePlan as planOfRun } from '../contract/target-data.js';
import { migrateOptions, request } from '../fakes/engine.js';
import { memoryHistory } from '../fakes/memory-target.js';
import { asUser, onDatabase } from './on-database.js';

const url = process.env.REPOT_TEST_POSTGRES_URL;
const required = process.env.REPOT_REQUIRE_SERVERS === '1';

const sourceSql = `
CREATE TABLE items (id TEXT PRIMARY KEY);
CREATE TABLE analyses (id TEXT PRIMARY KEY, item_id TEXT NOT NULL REFERENCES items (id));
CREATE TABLE embeddings (id TEXT PRIMARY KEY, item_id TEXT NOT NULL REFERENCES items (id));
INSERT INTO items VALUES ('a');
INSERT INTO analyses VALUES ('n', 'a');`;

const tablesSql = `
CREATE TABLE items (id text PRIMARY KEY, user_id text NOT NULL);
CREATE TABLE analyses (id text PRIMARY KEY, item_id text NOT NULL REFERENCES items, user_id text NOT NULL);
CREATE TABLE embeddings (id text PRIMARY KEY, item_id text NOT NULL REFERENCES items, user_id text NOT NULL);`;

describe.skipIf(url === undefined && !required)('rights of the database user (skipped without REPOT_TEST_POSTGRES_URL)', () => {
	const server = url ?? '';
	const name = `repot_rights_${process.pid}`;
	const own = server === '' ? '' : onDatabase(server, name);
	const admin = new PgDriver({ url: server, label: 'admin', identity: 'admin' });
	let owner: PgDriver;
	let folder: string;
	let source: Source;
	let target: Target;
	let ports: Ports;

	beforeAll(() => {
		expect(url, 'REPOT_TEST_POSTGRES_URL').toBeDefined();
	});

	beforeEach(async () => {
		await admin.query(`CREATE DATABASE ${name}`);
		owner = new PgDriver({ url: own, label: 'owner', identity: 'owner' });
		folder = await mkdtemp(join(tmpdir(), 'repot-rights-'));
		const sqlitePath = join(folder, 'app.db');
		const database = new BetterSqlite(sqlitePath);
		database.exec(sourceSql);
		database.close();
		source = createFeed({ sqlitePath, chromaPath: null, workDir: join(folder, 'snapshots') });
		target = createPostgresTarget({ url: new Secret(asUser(own, 'limited', 'limited')), clock: { now: () => performance.now() } });
		ports = {
			source,
			target,
			history: memoryHistory(),
			embedder: null,
			clock: { now: () => Date.now() },
			operator: 'tester',
			version: '0.0.0',
		};
	});

	afterEach(async () => {
		await source.close();
		await target.close();
		await owner.close();
		await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
		await rm(folder, { recursive: true, force: true });
	});

	afterAll(() => admin.close());

	const plan = (more = {}): Promise<Plan> => makePlan(request({ chromaPath: null, ...more }), ports);
	const blocks = (planned: Plan) => planned.hazards.filter((hazard) => hazard.severity === 'block');
	const codes = (planned: Plan) => blocks(planned).map(({ code }) => code);
	/** Runs, as the owner, the statements that the hints give. */
	const obey = async (planned: Plan) => {
		for (const { hint } of blocks(planned)) {
			const statements = /\b(?:GRANT|CREATE|ALTER)\b .*?;(?= Or|$)/.exec(hint ?? '')?.[0];
			await owner.query(statements ?? 'SELECT no_statement_in_the_hint');
		}
	};
	const outcome = async (planned: Plan) => {
		let last: unknown;
		const never = new AbortController().signal;
		for await (const event of migrate(planned, migrateOptions(), ports, { stop: never, abort: never })) last = event;
		return last;
	};

	it('are found wanting in the plan, for the ledger and for the tables, and the hints are the cure', async () => {
		const planned = await plan();
		expect(codes(planned)).toEqual(['NO_LEDGER_PRIVILEGE', 'NO_CREATE_PRIVILEGE']);
		expect(blocks(planned)[0]?.hint).toContain(`GRANT CREATE ON DATABASE "${name}" TO "limited";`);
		expect(blocks(planned)[0]?.hint).toContain('CREATE SCHEMA repot AUTHORIZATION "limited";');
		expect(blocks(planned)[1]?.hint).toContain('GRANT USAGE, CREATE ON SCHEMA "public" TO "limited";');
		await obey(planned);
		const again = await plan();
		expect(codes(again)).toEqual([]);
		expect(await outcome(again)).toMatchObject({ outcome: 'done', written: 2 });
	});

	it('are of no use while transactions are read-only, which blocks with the statement that mends it, and that statement does', async () => {
		await owner.query(`GRANT CREATE ON DATABASE ${name} TO limited; GRANT CREATE ON SCHEMA public TO limited`);
		await owner.query(`ALTER ROLE limited IN DATABASE ${name} SET default_transaction_read_only = on`);
		await owner.query(`ALTER ROLE limited IN DATABASE ${name} SET session_replication_role = replica`);
		const planned = await plan();
		expect(blocks(planned).map(({ code, hint }) => [code, hint])).toEqual([
			['TARGET_READ_ONLY', `ALTER ROLE "limited" IN DATABASE "${name}" RESET default_transaction_read_only;`],
		]);
		expect(planned.hazards.filter(({ severity }) => severity === 'warn')).toMatchObject([
			{ code: 'TRIGGERS_OFF', hint: `ALTER ROLE "limited" IN DATABASE "${name}" RESET session_replication_role;` },
		]);
		await obey(planned);
		await target.close();
		target = createPostgresTarget({ url: new Secret(asUser(own, 'limited', 'limited')), clock: { now: () => performance.now() } });
		ports = { ...ports, target };
		const again = await plan();
		expect(codes(again)).toEqual([]);
		expect(await outcome(again)).toMatchObject({ outcome: 'done', written: 2 });
	});

	it('are enough without any CREATE when the tables are there and the ledger has its schema', async () => {
		await owner.query(
			`${tablesSql} GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA public TO limited; CREATE SCHEMA repot AUTHORIZATION limited`,
		);
		const described = await target.describe({ tables: ['items'], collections: [], tenant: { column: 'user_id', value: 'ana' } });
		expect(described.rights).toMatchObject({ ledger: true, tables: false, user: 'limited' });
		const planned = await plan({ skipSchemaCreation: true });
		expect(planned.hazards.filter((hazard) => hazard.severity !== 'info')).toEqual([]);
		expect(await outcome(planned)).toMatchObject({ outcome: 'done', written: 2 });
	});

	it('are not enough for what others have to add to their tables: told with the statements', async () => {
		await owner.query(
			`${tablesSql} GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA public TO limited; CREATE SCHEMA repot AUTHORIZATION limited`,
		);
		const planned = await plan();
		expect(codes(planned)).toEqual(['NO_CREATE_PRIVILEGE', 'NOT_OWNER', 'NOT_OWNER', 'NOT_OWNER']);
		expect(blocks(planned)[1]?.hint).toContain('CREATE INDEX "idx_items_user_id" ON "items" ("user_id");');
		await obey(planned);
		const again = await plan();
		// Nothing is left to make, so that CREATE is not asked for; the schema's owner may take it back.
		expect(codes(again)).toEqual([]);
		await owner.query('REVOKE CREATE ON SCHEMA public FROM limited');
		expect(codes(await plan())).toEqual([]);
		expect(again.steps.filter(isSchemaStep).filter((step) => step.needed && step.what !== 'analyze')).toEqual([]);
		expect(await outcome(again)).toMatchObject({ outcome: 'done', written: 2 });
	});

	it('to write, to overwrite, to delete and to refer are looked at table by table', async () => {
		await owner.query(
			`CREATE TABLE items (id text PRIMARY KEY, user_id text NOT NULL); CREATE INDEX idx_items_user_id ON items (user_id);
			GRANT SELECT ON items TO limited; GRANT CREATE ON SCHEMA public TO limited; CREATE SCHEMA repot AUTHORIZATION limited`,
		);
		const planned = await plan({ policies: { ...request().policies, onConflict: 'update' } });
		expect(blocks(planned).map(({ code, hint }) => [code, hint])).toEqual([
			['NO_REFERENCES_PRIVILEGE', 'GRANT REFERENCES ON TABLE "items" TO "limited";'],
			['NO_WRITE_PRIVILEGE', 'GRANT SELECT, INSERT ON TABLE "items" TO "limited";'],
			['NO_WRITE_PRIVILEGE', 'GRANT UPDATE ON TABLE "items" TO "limited";'],
		]);
		expect(planned.hazards.find(({ code }) => code === 'NO_DELETE_PRIVILEGE')).toMatchObject({
			severity: 'warn',
			hint: 'GRANT DELETE ON TABLE "items" TO "limited";',
		});
		await obey(planned);
		const again = await plan();
		expect(codes(again)).toEqual([]);
		expect(await outcome(again)).toMatchObject({ outcome: 'done', written: 2 });
	});

	it('to a ledger that others made are looked at as well, and asked for exactly', async () => {
		const theirs = createPostgresTarget({ url: new Secret(own), clock: { now: () => performance.now() } });
		await theirs.ledger.begin({ id: 'theirs', plan: planOfRun(), operator: 'o', version: 'v' });
		await theirs.ledger.finish('theirs', 'done', { written: 0, quarantined: 0 });
		await theirs.close();
		await owner.query(
			'GRANT CREATE ON SCHEMA public TO limited; GRANT USAGE ON SCHEMA repot TO limited; GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA repot TO limited',
		);
		expect(codes(await plan())).toEqual(['NO_LEDGER_PRIVILEGE']);
		await owner.query('REVOKE ALL ON SCHEMA repot FROM limited; REVOKE ALL ON ALL TABLES IN SCHEMA repot FROM limited');
		expect((await target.test()).problems.map(({ words }) => words).join('\n')).toContain(
			'GRANT USAGE, CREATE ON SCHEMA repot TO "limited";',
		);
		const planned = await plan();
		expect(codes(planned)).toEqual(['NO_LEDGER_PRIVILEGE']);
		expect(blocks(planned)[0]?.hint).not.toContain('CREATE SCHEMA');
		await obey(planned);
		const again = await plan();
		expect(codes(again)).toEqual([]);
		expect(await outcome(again)).toMatchObject({ outcome: 'done', written: 2 });
	});

	describe('of a finer kind', () => {
		const granted = `GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA public TO limited; CREATE SCHEMA repot AUTHORIZATION limited`;
		const told = async () => {
			const planned = await plan({ skipSchemaCreation: true });
			expect(planned.hazards.filter(({ severity }) => severity === 'warn')).toEqual([]);
			return planned;
		};
		const cured = async () => {
			const again = await told();
			expect(codes(again)).toEqual([]);
			expect(await outcome(again)).toMatchObject({ outcome: 'done', quarantined: 0 });
		};

		it('temporary tables are asked for where rows are merged, and only there', async () => {
			await owner.query(`${tablesSql} ${granted}; REVOKE TEMP ON DATABASE ${name} FROM PUBLIC`);
			expect(codes(await told())).toEqual([]);
			// All of items is there, so that nothing is merged into it either.
			await owner.query("INSERT INTO items VALUES ('a', 'ana'), ('b', 'ana')");
			expect(codes(await told())).toEqual([]);
			await owner.query("INSERT INTO analyses VALUES ('n', 'b', 'ana'); GRANT UPDATE ON analyses, items, embeddings TO limited");
			const update = { skipSchemaCreation: true, policies: { ...request().policies, onConflict: 'update' as const } };
			const planned = await plan(update);
			expect(blocks(planned).map(({ code, hint }) => [code, hint])).toEqual([
				['NO_TEMP_PRIVILEGE', expect.stringContaining(`GRANT TEMP ON DATABASE "${name}" TO "limited";`)],
			]);
			await obey(planned);
			const again = await plan(update);
			expect(codes(again)).toEqual([]);
			expect(await outcome(again)).toMatchObject({ outcome: 'done', written: 1 });
		});

		it('the sequence behind a column that nothing is sent for is looked at, that of an identity column is not', async () => {
			await owner.query(
				`${tablesSql} ALTER TABLE items ADD COLUMN nr bigserial, ADD COLUMN own bigint GENERATED ALWAYS AS IDENTITY; CREATE SEQUENCE "Other Nr"; ALTER TABLE items ADD COLUMN other bigint DEFAULT nextval('"Other Nr"'); ${granted}; GRANT USAGE ON SEQUENCE items_nr_seq TO limited`,
			);
			const planned = await told();
			expect(blocks(planned).map(({ code, hint }) => [code, hint])).toEqual([
				['NO_SEQUENCE_PRIVILEGE', 'GRANT USAGE ON SEQUENCE public."Other Nr" TO "limited";'],
			]);
			await obey(planned);
			await cured();
		});

		it('row-level security that holds for this user blocks, that of a table it owns does not', async () => {
			await owner.query(
				`${tablesSql} ${granted}; ALTER TABLE items ENABLE ROW LEVEL SECURITY; CREATE POLICY everybody ON items USING (true)`,
			);
			const planned = await told();
			expect(codes(planned)).toEqual(['ROW_SECURITY']);
			expect(blocks(planned)[0]?.hint).toContain('ALTER ROLE "limited" BYPASSRLS;');
			await owner.query(
				'ALTER TABLE items OWNER TO limited; ALTER TABLE analyses OWNER TO limited; ALTER TABLE embeddings OWNER TO limited',
			);
			await cured();
		});

		it('a table that may not be read is told, and does not end the plan', async () => {
			await owner.query(`${tablesSql} ${granted}; REVOKE SELECT ON items FROM limited`);
			const planned = await told();
			expect(blocks(planned).map(({ code, hint }) => [code, hint])).toEqual([
				['NO_READ_PRIVILEGE', 'GRANT SELECT ON TABLE "items" TO "limited";'],
			]);
			await obey(planned);
			await cured();
		});

		it('INSERT on all the columns that are sent is enough, on some of them is not', async () => {
			await owner.query(`${tablesSql} ALTER TABLE items ADD COLUMN secret text; ${granted}; REVOKE INSERT ON items FROM limited`);
			await owner.query('GRANT INSERT (id) ON items TO limited');
			expect(codes(await told())).toEqual(['NO_WRITE_PRIVILEGE']);
			await owner.query('GRANT INSERT (user_id) ON items TO limited');
			await cured();
		});
	});
});
