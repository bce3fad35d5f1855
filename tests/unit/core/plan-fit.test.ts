import { describe, expect, it } from 'vitest';
import { migrate } from '../../../source/core/migrate.js';
import { makePlan, resumedPlan } from '../../../source/core/plan/make-plan.js';
import { isCopyStep, isSchemaStep, type Plan } from '../../../source/core/plan/types.js';
import { bench, fakeTables, migrateOptions, request } from '../../fakes/engine.js';
import { memoryTarget } from '../../fakes/memory-target.js';

const rights = {
	ledger: true,
	tables: true,
	user: 'me',
	grants: { ledger: 'GRANT CREATE ON DATABASE "d" TO "me";', tables: 'GRANT CREATE ON SCHEMA "public" TO "me";' },
};

describe('rights that are missing', () => {
	const planWith = async (change: Partial<typeof rights>, more = {}) => {
		const target = memoryTarget();
		target.description = { ...target.description, rights: { ...rights, ...change } };
		return makePlan(request(more), bench(fakeTables(1), target));
	};
	const blocks = (plan: Plan) => plan.hazards.filter(({ severity }) => severity === 'block').map(({ code, hint }) => [code, hint]);

	it('block with the statement that gives them', async () => {
		expect(blocks(await planWith({}))).toEqual([]);
		expect(blocks(await planWith({ ledger: false }))).toEqual([['NO_LEDGER_PRIVILEGE', expect.stringContaining(rights.grants.ledger)]]);
		expect(blocks(await planWith({ tables: false }))).toEqual([['NO_CREATE_PRIVILEGE', expect.stringContaining(rights.grants.tables)]]);
	});
});

describe('the sizes asked for when a run goes on', () => {
	/** A run that failed after its first batch, and its plan as a file would hold it. */
	const stopped = async () => {
		const ports = bench(fakeTables(150));
		const plan = await makePlan(request(), ports);
		ports.target.failures.push({ step: 'items', batch: 1, error: new Error('SIGKILL') });
		const never = new AbortController().signal;
		for await (const _ of migrate(plan, migrateOptions(), ports, { stop: never, abort: never }));
		return { ports, plan };
	};
	const wishes = request({ batchSize: 7, indexMemory: 2 ** 26, indexWorkers: 3 });
	const sizes = (plan: Plan) => ({
		batches: plan.steps.filter(isCopyStep).map((step) => step.batchRecords),
		index: plan.steps.filter(isSchemaStep).flatMap(({ vectorIndex }) => (vectorIndex === undefined ? [] : [vectorIndex])),
	});

	it('hold for a plan from a file as they do without one', async () => {
		const { ports, plan } = await stopped();
		const without = await makePlan(wishes, ports);
		const withFile = await resumedPlan(plan, wishes, ports.target.ledger);
		expect(without.resumes).toBeDefined();
		expect(withFile).toEqual(without);
		expect(sizes(withFile)).toEqual({
			batches: [7, 7, 7, 7],
			index: [{ method: 'hnsw', operatorClass: 'vector_l2_ops', memoryBytes: 2 ** 26, workers: 3 }],
		});
		expect(withFile.id).toBe(plan.id);
	});

	it('do not hold for a plan from a file that starts a run: it is run as it was looked at', async () => {
		const ports = bench(fakeTables(3));
		const plan = await makePlan(request(), ports);
		expect(await resumedPlan(plan, wishes, ports.target.ledger)).toBe(plan);
		const other = await stopped();
		expect(await resumedPlan(plan, wishes, other.ports.target.ledger)).toBe(plan);
	});

	it('go on as asked to the end', async () => {
		const { ports, plan } = await stopped();
		const never = new AbortController().signal;
		const batches: number[] = [];
		for await (const event of migrate(await resumedPlan(plan, wishes, ports.target.ledger), migrateOptions(), ports, {
			stop: never,
			abort: never,
		})) {
			if (event.type === 'batch-committed') batches.push(event.rows);
			if (event.type === 'run-finished') expect(event).toMatchObject({ outcome: 'done' });
		}
		expect(Math.max(...batches)).toBe(7);
	});
});
