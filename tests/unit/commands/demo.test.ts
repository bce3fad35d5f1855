import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { samplePlan } from './fake-plan.js';
import { createWorld } from './world.js';

const data = new URL('../../../source/demo/data/collections_demo.db', import.meta.url);

describe.skipIf(!existsSync(data))('repot demo (skipped when source/demo/data holds no data)', () => {
	it('prepares a folder, runs headless off a terminal, and ignores variables that lead elsewhere', async () => {
		const world = await createWorld({
			env: { DATABASE_URL: 'postgresql://real/db', REPOT_USER_ID: 'real', REPOT_ENV: 'prod', REPOT_STATE_DIR: '/real' },
		});
		const result = await world.run('demo');
		expect(result.code).toBe(0);
		expect(result.stderr).toContain('DEMO DATA in ./repot-demo');
		const config = JSON.parse(await readFile(join(world.cwd, 'repot-demo', 'repot.config.json'), 'utf8')) as unknown;
		expect(config).toMatchObject({ environments: { local: { target: 'pglite:./pg' } }, userId: 'demo-user' });
		const request = world.calls.requests.at(-1);
		expect(request).toMatchObject({
			environment: 'local',
			guard: 'open',
			tenant: 'demo-user',
			sqlitePath: './repot-demo/collections_demo.db',
			chromaPath: './repot-demo/chroma_demo',
		});
		expect(request?.target.reveal()).toBe('pglite:./repot-demo/pg');
		expect(world.calls.migrated).toHaveLength(1);
	});

	it('says how to call it where nothing is installed', async () => {
		const hint = 'type `node dist/cli.js` here';
		const checkout = await createWorld({ env: { npm_lifecycle_event: 'demo' } });
		expect((await checkout.run('demo')).stderr).toContain(hint);
		expect((await (await createWorld()).run('demo')).stderr).not.toContain(hint);
	});

	it('the second time keeps what is there and finds nothing to do', async () => {
		let runs = 0;
		const world = await createWorld({
			script: {
				plan: () => {
					runs += 1;
					return samplePlan(runs > 1 ? { doneBy: 'r-1' } : {});
				},
			},
		});
		await world.run('demo');
		const file = join(world.cwd, 'repot-demo', 'repot.config.json');
		const edited = (await readFile(file, 'utf8')).replace('demo-user', 'me');
		await writeFile(file, edited);
		const second = await world.run('demo');
		expect(second.code).toBe(0);
		expect(second.stderr).toContain('Nothing to do');
		expect(await readFile(file, 'utf8')).toBe(edited);
		expect(world.calls.migrated).toHaveLength(1);
	});

	it('opens the wizard on a terminal', async () => {
		const world = await createWorld({ answers: [] });
		expect((await world.run('demo')).code).toBe(0);
		expect(world.wizards[0]?.initial).toMatchObject({
			environment: 'local',
			tenant: 'demo-user',
			sqlitePath: './repot-demo/collections_demo.db',
		});
	});

	it('--json is a stream of events', async () => {
		const result = await (await createWorld({})).run('demo', '--json');
		expect(result.json[0]).toMatchObject({ type: 'version' });
		expect(result.json.at(-1)).toMatchObject({ type: 'run-finished', outcome: 'done' });
	});
});
