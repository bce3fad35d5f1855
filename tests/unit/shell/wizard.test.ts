import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SourcesAnswer } from '../../../screens/source-words.js';
import { Secret } from '../../../source/core/secret.js';
import {
	answersOf,
	canGoOn,
	choicesOf,
	railOf,
	startWizard,
	type WizardAction,
	type WizardState,
	wizardAfter,
} from '../../../source/wizard.js';
import { blockingHazard, fakePlan, fakeRequest } from '../../fakes/plan.js';

const answer = (name: string): SourcesAnswer => ({
	name,
	dataset: { name, sqlitePath: `${name}.db`, chromaPath: null, collections: [], from: 'found' },
	parts: 'both',
	sqlitePath: `${name}.db`,
	chromaPath: null,
	collections: [],
});

const planned = { plan: fakePlan, request: fakeRequest };
const walk = (actions: readonly WizardAction[], from: WizardState = startWizard({})) => actions.reduce(wizardAfter, from);
const dev = { name: 'dev', guard: 'open' } as const;
const prod = { name: 'prod', guard: 'protected' } as const;
const next: WizardAction = { type: 'next', said: '' };

const toConfirm: readonly WizardAction[] = [
	{ type: 'choose-environment', environment: dev, restart: false },
	next,
	{ type: 'choose-sources', answer: answer('golden') },
	next,
	next,
	{ type: 'planned', planned },
	next,
];

describe('the wizard reducer', () => {
	it('walks the steps in order and keeps a line for each', () => {
		const state = walk(toConfirm);
		expect(state.screen).toBe('confirm');
		expect(state.drafted.map(({ label }) => label)).toEqual(['environment', 'sources', 'credentials', 'preview']);
		expect(state.finished).toEqual([]);
		const running = walk([next], state);
		expect(running.screen).toBe('run');
		expect(running.drafted).toEqual([]);
		expect(running.finished.map(({ label }) => label)).toEqual(['environment', 'sources', 'credentials', 'preview', 'confirm']);
		expect(railOf(state).map((step) => step.state)).toEqual(['done', 'done', 'done', 'done', 'current', 'ahead']);
	});

	it('prints no line of an answer that was taken back', () => {
		const back: WizardAction = { type: 'back' };
		const changed: readonly WizardAction[] = [
			...[back, back, back],
			{ type: 'choose-sources', answer: answer('full') },
			{ type: 'next', said: 'full' },
			next,
			{ type: 'planned', planned },
			next,
			next,
		];
		const { screen, finished } = walk([...toConfirm, ...changed]);
		expect(screen).toBe('run');
		expect(finished.map(({ label }) => label)).toEqual(['environment', 'sources', 'credentials', 'preview', 'confirm']);
		expect(finished[1]?.said).toBe('full');
		expect(new Set(finished.map(({ key }) => key)).size).toBe(finished.length);
	});

	it('adds the lines of a second run to those of the first', () => {
		const { finished } = walk([...toConfirm, next, { type: 'replan' }, { type: 'planned', planned }, next, next]);
		expect(finished.slice(5).map(({ label }) => label)).toEqual(['preview', 'confirm']);
		expect(new Set(finished.map(({ key }) => key)).size).toBe(7);
	});

	it('does not go on without what a step needs', () => {
		expect(walk([next]).screen).toBe('environment');
		expect(walk([{ type: 'choose-environment', environment: dev, restart: false }, next, next]).screen).toBe('sources');
		const blocked = { ...planned, plan: { ...fakePlan, hazards: [blockingHazard] } };
		const state = walk([...toConfirm.slice(0, 5), { type: 'planned', planned: blocked }, next]);
		expect(state.screen).toBe('preview');
		expect(canGoOn(state)).toBe(false);
	});

	it('drops the plan when a choice changes, and only then', () => {
		const state = walk(toConfirm);
		const same: WizardAction = { type: 'choose-sources', answer: answer('golden') };
		expect(wizardAfter(state, same).planned).toBe(planned);
		expect(wizardAfter(state, { type: 'choose-sources', answer: answer('full') }).planned).toBeNull();
		expect(wizardAfter(state, { type: 'type-tenant', tenant: 'other' }).planned).toBeNull();
		expect(wizardAfter(state, { type: 'type-target', target: new Secret('postgresql://other') }).planned).toBeNull();
		expect(wizardAfter(state, { type: 'choose-environment', environment: prod, restart: false }).planned).toBeNull();
	});

	it('never uses the URL typed for one environment in another', () => {
		const target = new Secret('postgresql://dev');
		const state = walk([
			{ type: 'choose-environment', environment: dev, restart: false },
			{ type: 'type-target', target },
			{ type: 'choose-environment', environment: prod, restart: false },
		]);
		expect(choicesOf(state).target).toBeNull();
		expect(choicesOf(wizardAfter(state, { type: 'choose-environment', environment: dev, restart: false })).target).toBe(target);
	});

	it('takes what flags gave as the answers of every environment', () => {
		const state = walk(
			[{ type: 'choose-environment', environment: dev, restart: false }],
			startWizard({ tenant: 'ana', sqlitePath: 'a.db' }),
		);
		expect(choicesOf(state)).toMatchObject({ environment: 'dev', tenant: 'ana', sqlitePath: 'a.db' });
	});

	it('asks before leaving from the first step and cannot go back from a run', () => {
		const asked = walk([{ type: 'back' }]);
		expect(asked.leaving).toBe(true);
		expect(walk([next], asked).screen).toBe('environment');
		expect(walk([{ type: 'stay' }], asked).leaving).toBe(false);
		const running = walk([...toConfirm, next]);
		expect(running.screen).toBe('run');
		expect(wizardAfter(running, { type: 'back' })).toBe(running);
		expect(wizardAfter(running, { type: 'run-ended' }).screen).toBe('summary');
	});

	it('leads history and rollback back to where they came from', () => {
		const subject = { run: 'r-1', environment: 'dev', protected: false };
		const state = walk([{ type: 'open-history' }, { type: 'open-rollback', subject }]);
		expect(state.screen).toBe('rollback');
		expect(walk([{ type: 'back' }], state).screen).toBe('history');
		expect(walk([{ type: 'back' }, { type: 'back' }], state).screen).toBe('environment');
	});

	it('ends any path of next, back and edits in the choices of the last edits', () => {
		const environment = fc.constantFrom(dev, prod);
		const edit = fc.oneof(
			environment.map((chosen): WizardAction => ({ type: 'choose-environment', environment: chosen, restart: false })),
			fc.constantFrom('golden', 'full', 'other').map((name): WizardAction => ({ type: 'choose-sources', answer: answer(name) })),
			fc.constantFrom('ana', 'ben').map((tenant): WizardAction => ({ type: 'type-tenant', tenant })),
		);
		const walking = fc.constantFrom<WizardAction>(
			next,
			{ type: 'back' },
			{ type: 'stay' },
			{ type: 'open-history' },
			{ type: 'planned', planned },
			{ type: 'replan' },
			{ type: 'run-ended' },
		);
		fc.assert(
			fc.property(fc.array(fc.oneof(edit, walking), { maxLength: 60 }), (actions) => {
				const walked = walk(actions);
				const edits = actions.filter(({ type }) => type === 'choose-environment' || type === 'choose-sources' || type === 'type-tenant');
				const edited = walk(edits);
				expect(choicesOf(walked)).toEqual(choicesOf(edited));
				expect(walked.answers).toEqual(edited.answers);
				expect(answersOf(walked)).toEqual(answersOf(edited));
			}),
		);
	});
});
