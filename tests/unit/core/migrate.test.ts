import { describe, expect, it } from 'vitest';
import type { MigrationEvent } from '../../../source/core/events.js';
import { migrate } from '../../../source/core/migrate.js';
import { makePlan } from '../../../source/core/plan/make-plan.js';
import { recordsToWrite } from '../../../source/core/plan/types.js';
import { type Bench, bench, fakeTables, migrateOptions, request } from '../../fakes/engine.js';
import { memoryTarget } from '../../fakes/memory-target.js';

const signals = () => {
	const stop = new AbortController();
	const abort = new AbortController();
	return { stop, abort, both: { stop: stop.signal, abort: abort.signal } };
};

async function run(ports: Bench, plan: Awaited<ReturnType<typeof makePlan>>, more = {}, controls = signals()): Promise<MigrationEvent[]> {
	const events: MigrationEvent[] = [];
	for await (const event of migrate(plan, migrateOptions(more), ports, controls.both)) events.push(event);
	return events;
}

const last = (events: MigrationEvent[]) => {
	const event = events.at(-1);
	if (event?.type !== 'run-finished') throw new Error('no run-finished');
	return event;
};

const content = (ports: Bench) => [...ports.target.rows].map(([table, rows]) => [table, [...rows.keys()]]);

describe('migrate', () => {
	it('starts once, ends once, commits every batch, passes every check', async () => {
		const ports = bench(fakeTables(250));
		const events = await run(ports, await makePlan(request(), ports));
		expect(events.filter((event) => event.type === 'run-started')).toHaveLength(1);
		expect(events[0]?.type).toBe('run-started');
		expect(last(events)).toMatchObject({ outcome: 'done', written: 1000, quarantined: 0 });
		const rows = events.flatMap((event) => (event.type === 'batch-committed' && event.step === 'items' ? [event.rows] : []));
		expect(rows).toEqual([100, 100, 50]);
		const checks = events.flatMap((event) => (event.type === 'check-finished' ? [`${event.check.name} ${event.check.result}`] : []));
		expect(checks).toEqual(['rows pass', 'vectors pass', 'search pass', 'tenant pass', 'jsonb pass', 'latency pass', 'fields pass']);
		expect(ports.history.files.get('report.md')).toContain('ALL CHECKS PASS');
		expect(ports.history.runs[0]).toMatchObject({ status: 'done', written: 1000 });
	});

	it('reports a batch only after its commit', async () => {
		const ports = bench(fakeTables(150));
		const plan = await makePlan(request(), ports);
		const committed = new Set<string>();
		ports.target.onCommit = (step, batch) => committed.add(`${step} ${batch}`);
		for await (const event of migrate(plan, migrateOptions(), ports, signals().both)) {
			if (event.type === 'batch-committed') expect(committed).toContain(`${event.step} ${event.batch}`);
		}
	});

	it('finds nothing to do the second time, by the same plan and by a new one', async () => {
		const ports = bench(fakeTables(50));
		const plan = await makePlan(request(), ports);
		await run(ports, plan);
		const writes = ports.target.writes.length;
		expect(last(await run(ports, plan)).outcome).toBe('nothing-to-do');
		const again = await makePlan(request(), ports);
		expect(again.steps.filter((step) => step.kind === 'copy').every((step) => step.kind === 'copy' && step.state.equal === step.rows)).toBe(
			true,
		);
		expect(ports.target.writes).toHaveLength(writes);
	});

	it('sets refused records aside, durably before their batch, and says so', async () => {
		const tables = fakeTables(5);
		const analyses = tables.rows.analyses ?? [];
		analyses[3] = { ...analyses[3], raw_response: '!bad' };
		const ports = bench(tables);
		let asideAtCommit = -1;
		ports.target.onCommit = (step) => {
			if (step === 'analyses') asideAtCommit = ports.history.quarantine.length;
		};
		const events = await run(ports, await makePlan(request(), ports));
		expect(asideAtCommit).toBe(1);
		expect(last(events)).toMatchObject({
			outcome: 'quarantined',
			quarantined: 1,
			files: expect.arrayContaining([expect.stringContaining('quarantine.jsonl')]),
		});
		expect(ports.history.quarantine[0]).toMatchObject({
			step: 'analyses',
			source: 'sqlite:analyses',
			key: 'a-k0003',
			column: 'raw_response',
			raw: '!bad',
		});
		expect(events.find((event) => event.type === 'check-finished' && event.check.name === 'rows')).toMatchObject({
			check: { result: 'pass', figures: expect.stringContaining('- 1 set aside') },
		});
	});

	it('resumes a killed run from its ledger and ends in the same state as an uninterrupted one', async () => {
		const tables = fakeTables(350);
		const analyses = tables.rows.analyses ?? [];
		analyses[5] = { ...analyses[5], raw_response: '!bad' };
		const whole = bench(tables);
		await run(whole, await makePlan(request(), whole));

		const target = memoryTarget();
		const killed = bench(tables, target);
		target.failures.push({ step: 'analyses', batch: 2, error: new Error('SIGKILL') });
		const plan = await makePlan(request(), killed);
		expect(last(await run(killed, plan))).toMatchObject({ outcome: 'failed' });

		const again = { ...bench(tables, target), history: killed.history };
		const resumed = await makePlan(request(), again);
		expect(resumed.resumes).toBe(target.stored[0]?.run.id);
		expect(resumed.id).toBe(plan.id);
		const events = await run(again, resumed);
		expect(events[0]).toMatchObject({ type: 'run-started', resumed: true });
		expect(events.find((event) => event.type === 'step-started' && event.step === 'analyses')).toMatchObject({ resumedFromBatch: 2 });
		expect(last(events)).toMatchObject({ outcome: 'quarantined', quarantined: 1 });
		expect(content(again)).toEqual(content(whole));
		expect(target.writes.filter((write) => write === 'batch analyses 0')).toHaveLength(1);
	});

	it('drops quarantine entries of a batch that never committed, so that no record is set aside twice', async () => {
		const tables = fakeTables(150);
		const items = tables.rows.items ?? [];
		items[120] = { ...items[120], filename: '!bad' };
		const target = memoryTarget();
		const first = bench(tables, target);
		target.failures.push({ step: 'items', batch: 1, error: new Error('SIGKILL') });
		await run(first, await makePlan(request(), first));
		expect(first.history.quarantine).toHaveLength(1);
		const second = { ...bench(tables, target), history: first.history };
		await run(second, await makePlan(request(), second));
		expect(first.history.quarantine.map((entry) => entry.key)).toEqual(['k0120']);
	});

	it('writes the quarantine lines of what only the target refused, also when a kill comes between commit and line', async () => {
		const tables = fakeTables(250);
		const target = memoryTarget();
		target.refuses.set('items', new Set(['k0003', 'k0101', 'k0120', 'k0201']));
		target.refuses.set('vectors', new Set(['k0007']));
		const rowOf = (ports: Bench) => ports.history.quarantine.map(({ step, batch, key, code }) => [step, batch, key, code]);
		// The fake source names a refused record by its place in the batch.
		const expected = [
			['items', 0, 'row 3', 'SERVER_22P02'],
			['items', 1, 'row 1', 'SERVER_22P02'],
			['items', 1, 'row 20', 'SERVER_22P02'],
			['items', 2, 'row 1', 'SERVER_22P02'],
		];
		const ports = bench(tables, target);
		const killAt = (batch: number) => {
			target.onCommit = (step, sequence) => {
				if (step === 'items' && sequence === batch) throw new Error('SIGKILL');
			};
		};
		killAt(1);
		await run(ports, await makePlan(request(), ports));
		expect(rowOf(ports)).toEqual(expected.slice(0, 1));
		// One of the two lines of batch 1 is there after all; the resumed part is killed the same way.
		const [line] = ports.history.quarantine;
		if (line !== undefined) ports.history.quarantine.push({ ...line, batch: 1, key: 'row 20' });
		killAt(2);
		await run(ports, await makePlan(request(), ports));
		expect(rowOf(ports).toSorted()).toEqual(expected.slice(0, 3));
		target.onCommit = () => {};
		const events = await run(ports, await makePlan(request(), ports));
		expect(rowOf(ports).toSorted()).toEqual([...expected, ['vectors', 0, 'row 7', 'SERVER_22P02']]);
		expect(last(events)).toMatchObject({ quarantined: 5 });
	});

	it('retries what is transient and gives up on what is not', async () => {
		const ports = bench(fakeTables(10));
		ports.target.failures.push(
			{ step: 'items', batch: 0, error: new Error('connection reset') },
			{ step: 'items', batch: 0, error: new Error('connection reset') },
		);
		const events = await run(ports, await makePlan(request(), ports));
		expect(events.flatMap((event) => (event.type === 'retry-scheduled' ? [[event.attempt, event.delayMilliseconds]] : []))).toEqual([
			[1, 1],
			[2, 2],
		]);
		expect(last(events).outcome).toBe('done');

		const other = bench(fakeTables(10));
		for (let at = 0; at < 5; at++) other.target.failures.push({ step: 'items', batch: 0, error: new Error('connection reset') });
		expect(last(await run(other, await makePlan(request(), other)))).toMatchObject({
			outcome: 'failed',
			error: { message: 'connection reset' },
		});
	});

	it('stops after the batch in flight when asked, and goes on from there', async () => {
		const tables = fakeTables(350);
		const ports = bench(tables);
		const controls = signals();
		ports.target.onCommit = (step, batch) => {
			if (step === 'items' && batch === 1) controls.stop.abort();
		};
		const events = await run(ports, await makePlan(request(), ports), {}, controls);
		expect(last(events)).toMatchObject({ outcome: 'interrupted', written: 200 });
		expect(last(events)).not.toHaveProperty('error');
		ports.target.onCommit = () => {};
		const plan = await makePlan(request(), ports);
		expect(last(await run(ports, plan))).toMatchObject({ outcome: 'done', written: 1400 });
	});

	it('waits between batches while paused', async () => {
		const ports = bench(fakeTables(250));
		const plan = await makePlan(request(), ports);
		let asked = 0;
		const events: string[] = [];
		for await (const event of migrate(plan, migrateOptions(), ports, { ...signals().both, paused: () => ++asked === 2 }))
			events.push(event.type);
		expect(asked).toBeGreaterThan(2);
		expect(events.at(-1)).toBe('run-finished');
	});

	it('refuses a blocked plan before anything is written', async () => {
		const tables = fakeTables(3);
		const target = memoryTarget();
		target.rows.set('items', new Map([['k0001', { values: ['other'], tenant: 'ana' }]]));
		const ports = bench(tables, target);
		const plan = await makePlan(request(), ports);
		expect(plan.hazards.find((hazard) => hazard.code === 'CONFLICT')).toMatchObject({ severity: 'block', count: 1, sample: ['k0001'] });
		await expect(run(ports, plan)).rejects.toMatchObject({ kind: 'blocked', exitCode: 3 });
		expect(target.writes).toEqual([]);
	});

	it('never overwrites a row of another user, whatever the policy', async () => {
		const target = memoryTarget();
		target.rows.set('items', new Map([['k0001', { values: ['other'], tenant: 'bo' }]]));
		const ports = bench(fakeTables(3), target);
		const policies = { ...request().policies, onConflict: 'update' as const };
		const plan = await makePlan(request({ policies }), ports);
		expect(plan.hazards.find((hazard) => hazard.code === 'KEY_OF_OTHER_TENANT')).toMatchObject({ severity: 'block' });
	});

	it('refuses a plan that source or target outgrew, names what changed, writes nothing', async () => {
		const tables = fakeTables(3);
		const ports = bench(tables);
		const plan = await makePlan(request(), ports);
		ports.target.rows.set('items', new Map([['x', { values: [], tenant: 'bo' }]]));
		await expect(run(ports, plan)).rejects.toMatchObject({ exitCode: 6, why: expect.stringContaining('table items appeared') });
		ports.target.rows.clear();
		tables.fingerprint = 'two';
		await expect(run(ports, plan)).rejects.toMatchObject({ exitCode: 6, why: expect.stringContaining('SQLite database changed') });
		expect(ports.target.writes).toEqual([]);
	});

	it('takes the lock for the run and gives it back', async () => {
		const ports = bench(fakeTables(3));
		const plan = await makePlan(request(), ports);
		const unlock = await ports.target.lock();
		await expect(run(ports, plan)).rejects.toMatchObject({ exitCode: 7 });
		await unlock();
		await run(ports, plan);
		await (await ports.target.lock())();
	});

	it('fails verification when the target loses a row, and names it', async () => {
		const ports = bench(fakeTables(20));
		const plan = await makePlan(request(), ports);
		const apply = ports.target.applySchema;
		ports.target.applySchema = async (id, step) => {
			if (step.what === 'analyze' && step.table === 'items') ports.target.rows.get('items')?.delete('k0007');
			return apply(id, step);
		};
		const events = await run(ports, plan);
		expect(last(events).outcome).toBe('verification-failed');
		const failed = events.flatMap((event) => (event.type === 'check-finished' && event.check.result === 'fail' ? [event.check] : []));
		expect(failed.map((check) => check.name)).toEqual(['rows', 'fields']);
		expect(failed[0]?.details.join()).toContain('missing in items: k0007');
	});

	it('compares what it wrote and says what the target kept: a skipped conflict is neither equal nor a fault', async () => {
		const target = memoryTarget();
		const tables = fakeTables(4);
		tables.chroma = null;
		const first = bench(tables, target);
		await run(first, await makePlan(request({ chromaPath: null }), first));
		const rows = target.rows.get('items');
		const changed = rows?.get('k0001');
		rows?.set('k0001', { values: (changed?.values ?? []).map((value, at) => (at === 1 ? 'changed' : value)), tenant: 'ana' });
		rows?.delete('k0002');
		const ports = bench(tables, target);
		const policies = { ...request().policies, onConflict: 'skip' as const };
		const plan = await makePlan(request({ policies, chromaPath: null }), ports);
		expect(recordsToWrite(plan)).toBe(1);
		const events = await run(ports, plan);
		expect(events.flatMap((event) => (event.type === 'check-finished' && event.check.result === 'fail' ? [event.check] : []))).toEqual([]);
		expect(last(events)).toMatchObject({ outcome: 'done', written: 1 });
		const fields = events.find((event) => event.type === 'check-finished' && event.check.name === 'fields');
		expect(fields).toMatchObject({ check: { result: 'pass', figures: expect.stringContaining('11 rows'), data: { kept: 1, differ: 0 } } });
		expect(fields).toMatchObject({ check: { figures: expect.stringContaining('1 left as the target has them, not compared') } });
		expect(ports.history.files.get('report.md')).toContain('Left as the target has them');
	});

	it('writes again what somebody emptied since: the same plan is done only while its rows are there', async () => {
		// Tables that are there and empty, so that the plan before and after is the same.
		const tables = fakeTables(5);
		tables.chroma = null;
		const ports = bench(tables);
		for (const name of ['items', 'analyses', 'embeddings']) ports.target.rows.set(name, new Map());
		const plan = await makePlan(request({ chromaPath: null }), ports);
		expect(last(await run(ports, plan))).toMatchObject({ outcome: 'done', written: 15 });
		expect(last(await run(ports, plan)).outcome).toBe('nothing-to-do');
		for (const rows of ports.target.rows.values()) rows.clear();
		expect(last(await run(ports, plan))).toMatchObject({ outcome: 'done', written: 15 });
		const [first] = ports.target.rows.values();
		first?.clear();
		await expect(run(ports, plan)).rejects.toMatchObject({ exitCode: 6 });
	});

	it('puts a new record that the casts refuse into quarantine although all others are there', async () => {
		const tables = fakeTables(3);
		tables.chroma = null;
		const ports = bench(tables);
		await run(ports, await makePlan(request({ chromaPath: null }), ports));
		tables.rows.items?.push({ id: 'new', filename: '!bad', created_at: '2026-01-01', updated_at: '2026-01-01' });
		tables.fingerprint = 'two';
		const plan = await makePlan(request({ chromaPath: null }), ports);
		expect(plan.doneBy).toBeUndefined();
		expect(last(await run(ports, plan))).toMatchObject({ outcome: 'quarantined', quarantined: 1, written: 0 });
		expect(ports.history.quarantine.map((entry) => entry.key)).toEqual(['new']);
	});

	it('does not go on with a run that was given up for a newer one', async () => {
		const tables = fakeTables(150);
		const ports = bench(tables);
		ports.target.failures.push({ step: 'items', batch: 1, error: new Error('SIGKILL') });
		await run(ports, await makePlan(request(), ports));
		const anew = await makePlan(request({ restart: true }), ports);
		expect(anew.resumes).toBeUndefined();
		expect(last(await run(ports, anew)).outcome).toBe('done');
		const after = await makePlan(request(), ports);
		expect(after.resumes).toBeUndefined();
		expect(last(await run(ports, after)).written).toBe(0);
	});

	it('tells a real failure after the first Ctrl+C', async () => {
		const ports = bench(fakeTables(150));
		const controls = signals();
		const apply = ports.target.writeBatch;
		ports.target.writeBatch = async (...args) => {
			controls.stop.abort();
			ports.target.failures.push({ step: 'items', batch: args[2], error: new Error('disk full') });
			return apply(...args);
		};
		expect(last(await run(ports, await makePlan(request(), ports), {}, controls))).toMatchObject({
			outcome: 'failed',
			error: { message: 'disk full' },
		});
	});
});
