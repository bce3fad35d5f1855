import { describe, expect, it } from 'vitest';
import { RepotError } from '../../../source/core/errors.js';
import type { Guard } from '../../../source/core/operations.js';
import { makePlan } from '../../../source/core/plan/make-plan.js';
import type { Plan } from '../../../source/core/plan/types.js';
import { type FreeSpace, type ReadinessCheck, type ReadinessName, type ReadinessPorts, readiness } from '../../../source/core/readiness.js';
import { bench, fakeTables, request } from '../../fakes/engine.js';

const gibibyte = 2 ** 30;
const roomy: FreeSpace = async () => ({ free: 12 * gibibyte, device: '1' });

/** A plan over three records of each table, and what it is checked with. */
async function planned() {
	const world = bench(fakeTables(3));
	const plan = await makePlan(request(), world);
	const ports: ReadinessPorts = {
		source: world.source,
		target: world.target,
		freeSpace: roomy,
		stateDir: '/state',
		clock: { now: () => 0 },
		sessionEndsAt: null,
		tokens: false,
	};
	return { world, plan, ports };
}

async function all(plan: Plan, ports: ReadinessPorts, guard: Guard = 'open'): Promise<ReadonlyMap<ReadinessName, ReadinessCheck>> {
	const found = new Map<ReadinessName, ReadinessCheck>();
	for await (const check of readiness(plan, guard, ports)) {
		expect(found.has(check.name)).toBe(false);
		found.set(check.name, check);
	}
	return found;
}

describe('what is looked at before anything is written', () => {
	it('is told once each, and writes and locks nothing', async () => {
		const { world, plan, ports } = await planned();
		const checks = await all(plan, ports);
		expect([...checks.keys()].sort()).toEqual(['backup', 'lock', 'room', 'target']);
		expect([...checks.values()].map(({ result }) => result)).toEqual(['ok', 'ok', 'ok', 'ok']);
		expect(world.target.writes).toEqual([]);
		const release = await world.target.lock();
		await release();
	});

	it('names what changed in the target since the plan', async () => {
		const { world, plan, ports } = await planned();
		world.target.rows.set('items', new Map([['k', { values: [], tenant: 'ana' }]]));
		const target = (await all(plan, ports)).get('target');
		expect(target).toMatchObject({ result: 'x', next: expect.stringContaining('Plan again') });
		expect(target?.words).toContain('table items appeared');
	});

	it('does not ask whether a run that goes on finds its target unchanged: it changed it itself', async () => {
		const { world, plan, ports } = await planned();
		world.target.rows.set('items', new Map([['k', { values: [], tenant: 'ana' }]]));
		const checks = await all({ ...plan, resumes: 'r-7K2Q' }, ports);
		expect(checks.get('target')).toMatchObject({ result: 'ok', words: 'run r-7K2Q goes on where it stopped' });
	});

	it('tells who holds the lock', async () => {
		const { world, plan, ports } = await planned();
		await world.target.lock();
		expect((await all(plan, ports)).get('lock')).toMatchObject({ result: 'x', words: 'held by another run' });
	});

	it('tells each as soon as it is known, and ends when it is not wanted any more', async () => {
		const { plan, ports } = await planned();
		const never = new Promise<never>(() => {});
		const target = { ...ports.target, describe: () => never, lockHolder: () => never };
		const controller = new AbortController();
		const told: string[] = [];
		for await (const { name } of readiness(plan, 'open', { ...ports, target }, controller.signal)) {
			told.push(name);
			if (told.length === 2) controller.abort();
		}
		expect(told.sort()).toEqual(['backup', 'room']);
	});

	it('a target that does not answer is in the way, with the next step', async () => {
		const { plan, ports } = await planned();
		const down = () =>
			Promise.reject(
				new RepotError({ kind: 'target', code: 'TARGET_UNREACHABLE', message: 'no answer', why: 'ECONNREFUSED', next: ['Start it'] }),
			);
		const checks = await all(plan, { ...ports, target: { ...ports.target, describe: down, lockHolder: down } });
		for (const name of ['target', 'lock'] as const)
			expect(checks.get(name)).toEqual({ name, result: 'x', words: 'no answer: ECONNREFUSED', next: 'Start it' });
	});

	it('an embedded database is asked without a signal: to abort it would end its thread', async () => {
		const { plan, ports } = await planned();
		const signals: unknown[] = [];
		const target: ReadinessPorts['target'] = {
			...ports.target,
			describe: (wanted, signal) => {
				signals.push(signal);
				return ports.target.describe(wanted, signal);
			},
			lockHolder: async (signal) => {
				signals.push(signal);
				return null;
			},
		};
		const { signal } = new AbortController();
		for await (const _ of readiness({ ...plan, target: { ...plan.target, embedded: true } }, 'open', { ...ports, target }, signal));
		expect(signals).toEqual([undefined, undefined]);
		for await (const _ of readiness(plan, 'open', { ...ports, target }, signal));
		expect(signals.slice(2)).toEqual([signal, signal]);
	});
});

describe('room on disk', () => {
	const mebibyte = 2 ** 20;
	const embedded = (plan: Plan, bytes: number): Plan => ({
		...plan,
		totals: { ...plan.totals, bytes },
		target: { ...plan.target, embedded: true, identity: '/data/pg' },
	});
	const disks =
		(free: Readonly<Record<string, number>>, device = (path: string) => path): FreeSpace =>
		async (path) => ({ free: free[path] ?? 0, device: device(path) });
	const roomOf = async (plan: Plan, ports: ReadinessPorts, freeSpace: FreeSpace) => (await all(plan, { ...ports, freeSpace })).get('room');

	it('of a server is not visible from here, which is no warning', async () => {
		const { plan, ports } = await planned();
		const room = await roomOf(plan, ports, roomy);
		expect(room).toEqual({ name: 'room', result: 'ok', words: "12 GiB free here; the server's disk is not visible from here" });
	});

	it('of an embedded database counts three times the data beside the files of the run', async () => {
		const { plan, ports } = await planned();
		const ask = (pg: number, state = 12 * gibibyte) =>
			roomOf(embedded(plan, 100 * mebibyte), ports, disks({ '/data/pg': pg, '/state': state }));
		expect(await ask(301 * mebibyte)).toMatchObject({ result: 'ok', words: '301 MiB free here; about 316 MiB may be taken' });
		expect(await ask(299 * mebibyte)).toMatchObject({ result: 'look', words: expect.stringContaining('only 299 MiB free in /data/pg') });
		expect(await ask(99 * mebibyte)).toMatchObject({ result: 'x', next: expect.stringContaining('--state-dir') });
		expect(await ask(12 * gibibyte, 2 * mebibyte)).toMatchObject({ result: 'look', words: expect.stringContaining('in /state') });
	});

	it('adds up what goes to one disk, and a new database to what it will hold', async () => {
		const { plan, ports } = await planned();
		const one = disks({ '/data/pg': 310 * mebibyte, '/state': 310 * mebibyte }, () => 'one');
		expect(await roomOf(embedded(plan, 100 * mebibyte), ports, one)).toMatchObject({ result: 'look' });
		const fresh = embedded(plan, mebibyte);
		const made = { ...fresh, target: { ...fresh.target, pgvectorVersion: null } };
		expect(await roomOf(made, ports, disks({ '/data/pg': 40 * mebibyte, '/state': gibibyte }))).toMatchObject({ result: 'x' });
	});

	it('that the system does not tell is said, and is in no way an obstacle', async () => {
		const { plan, ports } = await planned();
		expect(await roomOf(plan, ports, async () => null)).toMatchObject({ result: 'look', words: expect.stringContaining('does not tell') });
		expect(await roomOf(plan, ports, () => Promise.reject(new Error('EIO')))).toMatchObject({ result: 'look' });
	});
});

describe('the way back', () => {
	it('says what undo covers, and reminds of a backup where the environment is protected', async () => {
		const { plan, ports } = await planned();
		expect((await all(plan, ports)).get('backup')).toEqual({
			name: 'backup',
			result: 'ok',
			words: 'repot rollback removes exactly what this run writes',
		});
		const updating = { ...plan, policies: { ...plan.policies, onConflict: 'update' as const } };
		expect((await all(updating, ports)).get('backup')?.words).toContain('restores what it overwrites');
		expect((await all(plan, ports, 'protected')).get('backup')).toMatchObject({
			result: 'look',
			next: expect.stringContaining('snapshot'),
		});
	});
});
