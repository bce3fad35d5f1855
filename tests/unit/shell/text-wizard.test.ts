import { describe, expect, it } from 'vitest';
import { chooseCollections } from '../../../source/core/plan/collection.js';
import { inspectedChroma, inspectedCollection } from '../../fakes/inspection.js';
import type { Script } from '../../fakes/operations.js';
import { blockingHazard, fakePlan } from '../../fakes/plan.js';
import { talk } from './talking.js';

describe('the wizard for screen readers', () => {
	it('asks in numbered lines, runs after a typed word and ends with the verdict', async () => {
		const { said, calls, outcome, left } = await talk({}, [
			['Environment, 1 to 4', '2'],
			['Dataset, 1 to 3', ''],
			['for the dry run', ''],
			['go on to the confirmation', ''],
			['Type yes', 'yes'],
		]);
		expect(left).toEqual([]);
		expect(calls.migrated).toHaveLength(1);
		expect(said).toContain('4. prod, PROTECTED');
		expect(said).toContain('items: done in 1 s');
		expect(said).toContain('run r-8M4T ended: done');
		expect(outcome.exitCode).toBe(0);
		expect(outcome.summary.at(0)).toContain('ALL CHECKS PASS');
	});

	it('only ever appends: no escape, no box, no block', async () => {
		const { said } = await talk({}, [
			['Environment, 1 to 4', '1'],
			['Dataset, 1 to 3', '1'],
			['for the dry run', ''],
			['go on to the confirmation', ''],
			['Type yes', 'yes'],
		]);
		expect(said).toMatch(/^[\x20-\x7e\n]*$/);
	});

	it('does not start on another word, and starts a protected environment only by its name', async () => {
		const { said, calls } = await talk({}, [
			['Environment, 1 to 4', '4'],
			['Dataset, 1 to 3', '1'],
			['for the dry run', ''],
			['go on to the confirmation', ''],
			['Type prod', 'yes'],
			['Type prod', 'prod'],
		]);
		expect(said).toContain('That is not prod. Nothing was started.');
		expect(calls.migrated).toHaveLength(1);
	});

	it('goes back with b and leaves from the first question', async () => {
		const { calls, outcome, why } = await talk({}, [
			['Environment, 1 to 4', '2'],
			['Dataset, 1 to 3', 'b'],
			['Environment, 1 to 4', 'b'],
		]);
		expect(calls.plans).toBe(0);
		expect(why).toBe('left');
		expect(outcome.exitCode).toBe(0);
	});

	it('takes several collections at once, and asks again for a number that none has', async () => {
		const chroma = inspectedChroma(
			{ path: 'data/many', bytes: 1, version: '1.5' },
			['docs', 'notes', 'images'].map((name) =>
				inspectedCollection({
					id: name,
					name,
					tenant: 't',
					database: 'd',
					records: 2,
					dimension: 2,
					space: 'l2',
					metadata: null,
					vectorsIn: 'wal',
				}),
			),
		);
		const asked: (readonly string[])[] = [];
		const describeDataset: Script['describeDataset'] = async ({ collections }) => {
			asked.push(collections);
			return {
				sqlite: null,
				chroma,
				problems: [],
				errors: [],
				collections: collections.length === 0 ? [] : chooseCollections(chroma, collections),
			};
		};
		const { said } = await talk({ describeDataset }, [
			['Environment, 1 to 4', '2'],
			['Dataset, 1 to 3', '2'],
			['Collections, 1 to 4', '1,9'],
			['Collections, 1 to 4', '1, 3 3'],
			['for the dry run', 'b'],
			['Dataset, 1 to 3', '2'],
			['Collections, 1 to 4', '4 1'],
			['for the dry run', 'b'],
			['Dataset, 1 to 3', 'b'],
			['Environment, 1 to 4', 'b'],
		]);
		expect(said).toContain('Please answer with numbers from 1 to 4, such as 1,2, or b to go back.');
		expect(asked.filter((names) => names.length > 0)).toEqual([['docs', 'images'], ['all']]);
	});

	it('asks again where a word is none of the answers, instead of taking it for Enter', async () => {
		const { said, calls } = await talk({}, [
			['Environment, 1 to 4', '2'],
			['Dataset, 1 to 3', ''],
			['for the dry run', 'hello'],
			['for the dry run', 'b'],
			['Dataset, 1 to 3', 'b'],
			['Environment, 1 to 4', 'b'],
		]);
		expect(said).toContain('Please press Enter, or answer u, t or b.');
		expect(calls.plans).toBe(0);
	});

	it('takes another rule for ids by a letter where the plan asks for one', async () => {
		const clash = { ...blockingHazard, code: 'ID_IN_OTHER_COLLECTION' };
		const plan: Script['plan'] = ({ policies }) => ({ ...fakePlan, policies, hazards: policies.onIdCollision === 'uuid' ? [] : [clash] });
		const { calls } = await talk({ plan }, [
			['Environment, 1 to 4', '2'],
			['Dataset, 1 to 3', ''],
			['for the dry run', ''],
			['p for ids COLLECTION/ID, u for UUIDs as ids, or b', 'u'],
			['go on to the confirmation', ''],
			['Type yes', 'yes'],
		]);
		expect(calls.migrated[0]?.request.policies.onIdCollision).toBe('uuid');
	});

	it('stops at Ctrl+C while something is awaited that does not come', async () => {
		let interrupt = () => {};
		const describeDataset: Script['describeDataset'] = () => {
			interrupt();
			return new Promise(() => {});
		};
		const given: Script = { describeDataset };
		const { why, outcome } = await talk(
			given,
			[
				['Environment, 1 to 4', '2'],
				['Dataset, 1 to 3', ''],
			],
			(listener) => {
				interrupt = listener;
			},
		);
		expect(why).toBe('cancelled');
		expect(outcome.exitCode).toBe(130);
	});

	it('tells an error in sentences and asks again', async () => {
		let tries = 0;
		const { said } = await talk(
			{
				describeDataset: async () => {
					tries += 1;
					throw new Error(`broken ${tries}`);
				},
			},
			[
				['Environment, 1 to 4', '1'],
				['Dataset, 1 to 3', '1'],
				['try again', 'b'],
				['Environment, 1 to 4', 'b'],
			],
		);
		expect(said).toContain('Error: broken 1');
	});

	it('tells the checks before it asks for the word', async () => {
		const { said } = await talk({}, [
			['Environment, 1 to 4', '4'],
			['Dataset, 1 to 3', '1'],
			['for the dry run', ''],
			['go on to the confirmation', ''],
			['Type prod', 'b'],
			['go on to the confirmation', 'b'],
			['for the dry run', 'b'],
			['Dataset, 1 to 3', 'b'],
			['Environment, 1 to 4', 'b'],
		]);
		expect(said).toContain('Check target: ok, unchanged since the plan.\n');
		expect(said).toMatch(/Check backup: LOOK, none can be seen from here.* Have a snapshot or a backup of the database at hand\.\n/);
		expect(said.indexOf('Check lock')).toBeLessThan(said.indexOf('Type prod'));
	});

	it('does not ask for the word while a check is marked X', async () => {
		let tries = 0;
		const readiness: Script['readiness'] = async function* () {
			tries += 1;
			yield tries === 1
				? { name: 'lock', result: 'x', words: 'held by another', next: 'Wait' }
				: { name: 'lock', result: 'ok', words: 'free' };
		};
		const { said, calls } = await talk({ readiness }, [
			['Environment, 1 to 4', '2'],
			['Dataset, 1 to 3', '1'],
			['for the dry run', ''],
			['go on to the confirmation', ''],
			['marked X must be solved first', ''],
			['Type yes', 'yes'],
		]);
		expect(said).toContain('Check lock: X, held by another. Wait.\n');
		expect(said).toContain('Check room: not known yet.\n');
		expect(calls.migrated).toHaveLength(1);
	});

	it('plans again when a check says that the plan is out of date', async () => {
		let tries = 0;
		const readiness: Script['readiness'] = async function* () {
			tries += 1;
			if (tries === 1) yield { name: 'target', result: 'x', words: 'items appeared' };
		};
		const { calls } = await talk({ readiness }, [
			['Environment, 1 to 4', '2'],
			['Dataset, 1 to 3', '1'],
			['for the dry run', ''],
			['go on to the confirmation', ''],
			['marked X must be solved first', 'p'],
			['go on to the confirmation', ''],
			['Type yes', 'yes'],
		]);
		expect(calls.plans).toBe(2);
		expect(calls.migrated).toHaveLength(1);
	});
});
