/**
 * Where the operator is, what was chosen, and where "back" leads. A pure reducer: screens send actions, nothing else changes a choice.
 *
 * Answers are kept for each environment apart: going back never loses one, and a URL typed for dev can never be used for prod.
 */

import type { RailStep } from '../screens/components/step-rail.js';
import type { Planned } from '../screens/planned.js';
import type { UndoSubject } from '../screens/rollback-confirm.js';
import type { SourcesAnswer } from '../screens/source-words.js';
import type { EnvironmentSummary, WizardChoices } from './core/operations.js';
import { type IdCollisionPolicy, isBlocked } from './core/plan/types.js';
import type { Secret } from './core/secret.js';

export const stepNames = ['environment', 'sources', 'credentials', 'preview', 'confirm', 'run'] as const;
export type StepName = (typeof stepNames)[number];
export type ScreenName = StepName | 'summary' | 'history' | 'rollback';
const stepOrder: readonly ScreenName[] = stepNames;

export interface Answers {
	readonly sources: SourcesAnswer | null;
	/** Typed; null: as found by the credentials. */
	readonly target: Secret | null;
	/** Counts the URLs typed: secrets are never compared, but a new one must be tested. */
	readonly targetEdition: number;
	readonly tenant: string | null;
	/** Profile of the shared AWS config; null: as the settings say. */
	readonly awsProfile: string | null;
	/** Cognito pool; null: as the settings say. */
	readonly userPool: string | null;
	/** Chosen at a plan that it blocked; null: as the settings say. */
	readonly onIdCollision: IdCollisionPolicy | null;
}

/** One line of the scrollback about a step that is behind. */
export interface FinishedStep {
	readonly key: string;
	readonly label: string;
	readonly said: string;
}

export interface WizardState {
	readonly screen: ScreenName;
	readonly environment: Pick<EnvironmentSummary, 'name' | 'guard'> | null;
	/** Asked for on the command line, until one is chosen. */
	readonly wantedEnvironment: string | null;
	/** What flags gave: the answers of every environment that has none of its own. */
	readonly given: Answers;
	readonly answers: Readonly<Record<string, Answers>>;
	/** Start anew although an interrupted run could be resumed. */
	readonly restart: boolean;
	/** The plan of exactly the present choices; any change of a choice drops it. */
	readonly planned: Planned | null;
	/** Esc on the first step: asked, not yet answered. */
	readonly leaving: boolean;
	/** Where history leads back to, and where a rollback does. */
	readonly historyFrom: ScreenName;
	readonly rollbackFrom: ScreenName;
	readonly undoing: UndoSubject | null;
	/** Steps of the job being prepared; going back may still change them. */
	readonly drafted: readonly FinishedStep[];
	/** Printed, and never taken back: the steps of every run that was started. */
	readonly finished: readonly FinishedStep[];
}

export type WizardAction =
	| { readonly type: 'choose-environment'; readonly environment: Pick<EnvironmentSummary, 'name' | 'guard'>; readonly restart: boolean }
	| { readonly type: 'choose-sources'; readonly answer: SourcesAnswer }
	| { readonly type: 'type-target'; readonly target: Secret }
	| { readonly type: 'type-tenant'; readonly tenant: string }
	| { readonly type: 'choose-profile'; readonly profile: string }
	| { readonly type: 'choose-pool'; readonly pool: string }
	| { readonly type: 'choose-ids'; readonly rule: IdCollisionPolicy }
	| { readonly type: 'planned'; readonly planned: Planned }
	| { readonly type: 'replan' }
	/** `said` is what the scrollback keeps of the step. */
	| { readonly type: 'next'; readonly said: string }
	| { readonly type: 'back' }
	| { readonly type: 'stay' }
	| { readonly type: 'run-ended' }
	| { readonly type: 'open-history' }
	| { readonly type: 'open-rollback'; readonly subject: UndoSubject };

const noAnswers: Answers = {
	sources: null,
	target: null,
	targetEdition: 0,
	tenant: null,
	awsProfile: null,
	userPool: null,
	onIdCollision: null,
};

/** The first state, with what flags already answered. */
export function startWizard(initial: Partial<WizardChoices>, openHistory = false): WizardState {
	const { sqlitePath = null, chromaPath = null, collections = [] } = initial;
	const hasPath = sqlitePath !== null || chromaPath !== null;
	const dataset = { name: 'given', sqlitePath, chromaPath, collections, from: 'the settings' };
	return {
		screen: openHistory ? 'history' : 'environment',
		environment: null,
		wantedEnvironment: initial.environment ?? null,
		given: {
			...noAnswers,
			sources: hasPath ? { name: 'given', dataset, parts: 'both', sqlitePath, chromaPath, collections } : null,
			target: initial.target ?? null,
			tenant: initial.tenant ?? null,
		},
		answers: {},
		restart: false,
		planned: null,
		leaving: false,
		historyFrom: 'environment',
		rollbackFrom: 'environment',
		undoing: null,
		drafted: [],
		finished: [],
	};
}

export function wizardAfter(state: WizardState, action: WizardAction): WizardState {
	switch (action.type) {
		case 'choose-environment': {
			const { environment, restart } = action;
			const same = state.environment?.name === environment.name && state.restart === restart;
			return { ...state, environment, restart, planned: same ? state.planned : null };
		}
		case 'choose-sources':
			return chooseSources(state, action.answer);
		case 'type-target':
			return answered(state, (answers) => ({ ...answers, target: action.target, targetEdition: answers.targetEdition + 1 }), false);
		case 'type-tenant':
			return answered(state, (answers) => ({ ...answers, tenant: action.tenant }), answersOf(state).tenant === action.tenant);
		case 'choose-profile':
			return answered(state, (answers) => ({ ...answers, awsProfile: action.profile }), false);
		case 'choose-pool':
			return answered(state, (answers) => ({ ...answers, userPool: action.pool }), false);
		case 'choose-ids':
			return answered(state, (answers) => ({ ...answers, onIdCollision: action.rule }), false);
		case 'planned':
			return state.screen === 'preview' ? { ...state, planned: action.planned } : state;
		case 'replan':
			return { ...state, screen: 'preview', planned: null };
		case 'next':
			return next(state, action.said);
		case 'back':
			return back(state);
		case 'stay':
			return { ...state, leaving: false };
		case 'run-ended':
			return state.screen === 'run' ? { ...state, screen: 'summary' } : state;
		case 'open-history':
			return state.screen === 'environment' || state.screen === 'summary'
				? { ...state, screen: 'history', historyFrom: state.screen }
				: state;
		case 'open-rollback':
			return state.screen === 'history' || state.screen === 'summary'
				? { ...state, screen: 'rollback', rollbackFrom: state.screen, undoing: action.subject }
				: state;
	}
}

/** The answers of the present environment. */
export function answersOf(state: WizardState): Answers {
	return (state.environment === null ? undefined : state.answers[state.environment.name]) ?? state.given;
}

function answered(state: WizardState, change: (answers: Answers) => Answers, same: boolean): WizardState {
	if (state.environment === null) return state;
	const answers = { ...state.answers, [state.environment.name]: change(answersOf(state)) };
	return { ...state, answers, planned: same ? state.planned : null };
}

/** What was chosen for the ids of other collections does not hold for these. */
function chooseSources(state: WizardState, sources: SourcesAnswer): WizardState {
	const same = sameSources(answersOf(state).sources, sources);
	return answered(state, (answers) => ({ ...answers, sources, ...(same ? {} : { onIdCollision: null }) }), same);
}

function sameSources(before: SourcesAnswer | null, after: SourcesAnswer): boolean {
	return (
		before !== null &&
		before.sqlitePath === after.sqlitePath &&
		before.chromaPath === after.chromaPath &&
		before.collections.join('\0') === after.collections.join('\0')
	);
}

/** True when the present step has what it needs. */
export function canGoOn(state: WizardState): boolean {
	switch (state.screen) {
		case 'environment':
			return state.environment !== null && !state.leaving;
		case 'sources':
			return answersOf(state).sources !== null;
		case 'credentials':
			return true;
		case 'preview':
			return state.planned !== null && !isBlocked(state.planned.plan);
		case 'confirm':
			return state.planned !== null;
		default:
			return false;
	}
}

function next(state: WizardState, said: string): WizardState {
	const at = stepOrder.indexOf(state.screen);
	const following = followingStep(state);
	if (at < 0 || following === undefined || !canGoOn(state)) return state;
	const label = stepNames[at] ?? '';
	// A step that is answered anew takes the place of its earlier answer, and of every answer after it.
	const kept = state.drafted.filter((step) => stepOrder.indexOf(step.label as ScreenName) < at);
	const drafted = [...kept, { key: label, label, said }];
	if (following !== 'run') return { ...state, screen: following, drafted };
	const final = drafted.map((step, index) => ({ ...step, key: String(state.finished.length + index) }));
	return { ...state, screen: following, drafted: [], finished: [...state.finished, ...final] };
}

/** With nothing to write there is nothing to confirm: the checks follow at once. */
function followingStep(state: WizardState): StepName | undefined {
	if (state.screen === 'preview' && state.planned?.plan.doneBy !== undefined) return 'run';
	return stepNames[stepOrder.indexOf(state.screen) + 1];
}

function back(state: WizardState): WizardState {
	switch (state.screen) {
		case 'environment':
			return { ...state, leaving: true };
		case 'sources':
			return { ...state, screen: 'environment' };
		case 'credentials':
			return { ...state, screen: 'sources' };
		case 'preview':
			return { ...state, screen: 'credentials' };
		case 'confirm':
			return { ...state, screen: 'preview' };
		case 'history':
			return { ...state, screen: state.historyFrom };
		case 'rollback':
			return { ...state, screen: state.rollbackFrom, undoing: null };
		case 'run':
		case 'summary':
			// What was written cannot be un-started by going back.
			return state;
	}
}

/** What was chosen so far, in the shape that Operations takes. */
export const choicesOf = (state: WizardState): WizardChoices =>
	choicesFrom(answersOf(state), state.environment?.name ?? state.wantedEnvironment ?? '');

/** The same for another environment, by its own answers: what was typed or picked for one never leads to another. */
export const choicesIn = (state: WizardState, environment: string): WizardChoices =>
	choicesFrom(state.answers[environment] ?? state.given, environment);

function choicesFrom({ sources, target, tenant, awsProfile, userPool, onIdCollision }: Answers, environment: string): WizardChoices {
	return {
		environment,
		sqlitePath: sources?.sqlitePath ?? null,
		chromaPath: sources?.chromaPath ?? null,
		collections: sources?.collections ?? [],
		target,
		tenant,
		...(awsProfile === null ? {} : { awsProfile }),
		...(userPool === null ? {} : { userPool }),
		...(onIdCollision === null ? {} : { onIdCollision }),
	};
}

/** The step rail: what is behind, where we are, what is ahead. */
export function railOf(state: WizardState): readonly RailStep[] {
	const at = state.screen === 'summary' ? stepNames.length : stepOrder.indexOf(state.screen);
	return stepNames.map((name, index) => ({
		label: name.charAt(0).toUpperCase() + name.slice(1),
		state: index === at ? 'current' : index < at ? 'done' : 'ahead',
	}));
}
