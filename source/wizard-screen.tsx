import { useCallback } from 'react';
import { ConfirmScreen } from '../screens/confirm.js';
import { CredentialsScreen } from '../screens/credentials.js';
import { EnvironmentScreen } from '../screens/environment.js';
import { HistoryScreen } from '../screens/history.js';
import { useStore } from '../screens/hooks/use-store.js';
import type { Place } from '../screens/place.js';
import type { Planned } from '../screens/planned.js';
import { PreviewScreen } from '../screens/preview.js';
import { RollbackScreen } from '../screens/rollback.js';
import { RunScreen } from '../screens/run.js';
import { SourcesScreen } from '../screens/sources.js';
import { SummaryScreen } from '../screens/summary.js';
import type { CredentialRow } from './core/credentials/rows.js';
import type { Operations, TargetAccess, WizardChoices } from './core/operations.js';
import type { RunSummary } from './core/ports.js';
import type { Session } from './session.js';
import { answersOf, choicesIn, choicesOf, railOf, type WizardAction, type WizardState } from './wizard.js';

/** Why the wizard closes; decides the exit code. */
export type Leaving = 'cancelled' | 'left' | 'finished';

interface WizardScreenProps {
	readonly state: WizardState;
	readonly dispatch: (action: WizardAction) => void;
	readonly operations: Operations;
	readonly session: Session;
	readonly onLeave: (why: Leaving) => void;
}

/** The screen of the present step, wired to the reducer and the session. */
export function WizardScreen(props: WizardScreenProps) {
	switch (props.state.screen) {
		case 'environment':
			return <Environment {...props} />;
		case 'sources':
			return <Sources {...props} />;
		case 'credentials':
			return <Credentials {...props} />;
		case 'preview':
			return <Preview {...props} />;
		case 'confirm':
			return <Confirm {...props} />;
		case 'run':
			return <Run {...props} />;
		case 'summary':
			return <Summary {...props} />;
		case 'history':
			return <History {...props} />;
		case 'rollback':
			return <Rollback {...props} />;
	}
}

function placeOf(state: WizardState): Place {
	const { environment } = state;
	return {
		environment: environment === null ? null : { name: environment.name, protected: environment.guard === 'protected' },
		rail: railOf(state),
	};
}

/** The headless twin. A choice that is not complete yet has none that is: then the bare verb. */
function commandOf(operations: Operations, verb: 'plan' | 'migrate', choices: WizardChoices): readonly string[] {
	try {
		return operations.headlessCommand(verb, choices);
	} catch {
		return [verb];
	}
}

/** The headless command of an environment that is not the present one: what its own further commands need. */
function environmentCommand(operations: Operations, state: WizardState, environment: string): readonly string[] {
	const choices = choicesIn(state, environment);
	const command = commandOf(operations, 'migrate', choices);
	// The configuration may no longer know the environment of an old run.
	return command.length > 1 ? command : commandOf(operations, 'migrate', { ...choices, environment: '', target: null });
}

function Environment({ state, dispatch, operations, onLeave }: WizardScreenProps) {
	return (
		<EnvironmentScreen
			place={{ ...placeOf(state), environment: null }}
			operations={operations}
			chosen={state.environment?.name ?? state.wantedEnvironment}
			leaving={state.leaving}
			commandFor={(environment) => commandOf(operations, 'plan', choicesIn(state, environment))}
			onChoose={(environment, restart) => {
				dispatch({ type: 'choose-environment', environment, restart });
				dispatch({ type: 'next', said: `${environment.name}${environment.guard === 'protected' ? ' ! PROTECTED' : ''}` });
			}}
			onHistory={() => dispatch({ type: 'open-history' })}
			onBack={() => dispatch({ type: 'back' })}
			onLeave={(leave) => (leave ? onLeave('left') : dispatch({ type: 'stay' }))}
		/>
	);
}

function Sources({ state, dispatch, operations }: WizardScreenProps) {
	return (
		<SourcesScreen
			place={placeOf(state)}
			operations={operations}
			environment={choicesOf(state).environment}
			answer={answersOf(state).sources}
			commandFor={({ sqlitePath, chromaPath, collections }) =>
				commandOf(operations, 'plan', { ...choicesOf(state), sqlitePath, chromaPath, collections })
			}
			onChoose={(answer) => {
				dispatch({ type: 'choose-sources', answer });
				const paths = [answer.sqlitePath, answer.chromaPath].filter((path) => path !== null);
				dispatch({ type: 'next', said: `${answer.name}   ${paths.join('  +  ')}` });
			}}
			onBack={(draft) => {
				if (draft !== null) dispatch({ type: 'choose-sources', answer: draft });
				dispatch({ type: 'back' });
			}}
		/>
	);
}

function Credentials({ state, dispatch, operations }: WizardScreenProps) {
	const choices = choicesOf(state);
	return (
		<CredentialsScreen
			place={placeOf(state)}
			operations={operations}
			choices={choices}
			targetEdition={answersOf(state).targetEdition}
			runMilliseconds={state.planned === null ? null : state.planned.plan.totals.seconds * 1000}
			command={commandOf(operations, 'plan', choices)}
			onTarget={(target) => dispatch({ type: 'type-target', target })}
			onTenant={(tenant) => dispatch({ type: 'type-tenant', tenant })}
			onProfile={(profile) => dispatch({ type: 'choose-profile', profile })}
			onPool={(pool) => dispatch({ type: 'choose-pool', pool })}
			onNext={(said) => dispatch({ type: 'next', said })}
			onBack={() => dispatch({ type: 'back' })}
		/>
	);
}

function Preview({ state, dispatch, operations, session }: WizardScreenProps) {
	const choices = choicesOf(state);
	const onPlanned = useCallback((planned: Planned) => dispatch({ type: 'planned', planned }), [dispatch]);
	return (
		<PreviewScreen
			place={placeOf(state)}
			operations={operations}
			choices={choices}
			restart={state.restart}
			planned={state.planned}
			command={commandOf(operations, 'plan', choices)}
			onPlanned={onPlanned}
			onReplan={() => dispatch({ type: 'replan' })}
			onIds={(rule) => dispatch({ type: 'choose-ids', rule })}
			onNext={(said) => {
				const { planned } = state;
				if (planned?.plan.doneBy !== undefined) session.startChecks(planned, commandOf(operations, 'migrate', choices));
				dispatch({ type: 'next', said });
			}}
			onBack={() => dispatch({ type: 'back' })}
		/>
	);
}

function Confirm({ state, dispatch, operations, session }: WizardScreenProps) {
	const { planned } = state;
	if (planned === null) return null;
	const again = commandOf(operations, 'migrate', choicesOf(state));
	// Only what starts the run says so: once it has begun, the command without it goes on with it.
	const command = state.restart && !again.includes('--restart') ? [...again, '--restart'] : again;
	return (
		<ConfirmScreen
			place={placeOf(state)}
			operations={operations}
			planned={planned}
			command={command}
			onStart={() => {
				session.start(planned, again);
				dispatch({ type: 'next', said: 'writing started' });
			}}
			onBack={() => dispatch({ type: 'back' })}
		/>
	);
}

/** Planning leaves an embedded database that does not exist yet unmade: the run makes it. */
function isNewDatabase({ planned }: WizardState): boolean {
	const target = planned?.plan.target;
	return target?.embedded === true && target.pgvectorVersion === null;
}

function Run({ state, dispatch, operations, session, onLeave }: WizardScreenProps) {
	return (
		<RunScreen
			place={placeOf(state)}
			controls={session}
			plan={state.planned?.plan.id ?? ''}
			startsNewDatabase={isNewDatabase(state)}
			checksOnly={state.planned?.plan.doneBy !== undefined}
			command={commandOf(operations, 'migrate', choicesOf(state))}
			onReplan={() => dispatch({ type: 'replan' })}
			onQuit={() => onLeave('finished')}
		/>
	);
}

function Summary({ state, dispatch, operations, session, onLeave }: WizardScreenProps) {
	const { state: run } = useStore(session.store);
	const failure = useStore(session.failure);
	return (
		<SummaryScreen
			place={placeOf(state)}
			state={run}
			failure={failure}
			undone={session.lastUndo?.run === run.run && session.lastUndo.outcome === 'done'}
			command={commandOf(operations, 'migrate', choicesOf(state))}
			onQuit={() => onLeave('finished')}
			onUndo={() =>
				dispatch({
					type: 'open-rollback',
					subject: { run: run.run ?? '', environment: state.environment?.name ?? '', protected: state.environment?.guard === 'protected' },
				})
			}
			onHistory={() => dispatch({ type: 'open-history' })}
			onAgain={() => dispatch({ type: 'replan' })}
		/>
	);
}

function History({ state, dispatch, operations }: WizardScreenProps) {
	const open = (run: RunSummary, isProtected: boolean) =>
		dispatch({ type: 'open-rollback', subject: { run: run.id, environment: run.environment, protected: isProtected } });
	return (
		<HistoryScreen
			place={placeOf(state)}
			operations={operations}
			commandFor={(run) => environmentCommand(operations, state, run.environment)}
			onUndo={(run) => {
				// An environment that the configuration no longer knows is treated as protected: its name must be typed.
				operations.environments().then(
					(all) => open(run, all.find(({ name }) => name === run.environment)?.guard !== 'open'),
					() => open(run, true),
				);
			}}
			onBack={() => dispatch({ type: 'back' })}
		/>
	);
}

function Rollback({ state, dispatch, operations, session }: WizardScreenProps) {
	const subject = state.undoing;
	if (subject === null) return null;
	return (
		<RollbackScreen
			place={{ ...placeOf(state), environment: { name: subject.environment, protected: subject.protected } }}
			operations={operations}
			subject={subject}
			environmentCommand={environmentCommand(operations, state, subject.environment)}
			controls={session}
			findTarget={(onRow, signal) => targetOf(operations, state, subject.environment, onRow, signal)}
			onUndo={(target, reason) => session.startUndo(subject.run, target, reason)}
			onBack={() => {
				session.forgetUndo();
				dispatch({ type: 'back' });
			}}
		/>
	);
}

/** Where a run of the history wrote to: the target of this very wizard, or what the run's environment leads to. */
async function targetOf(
	operations: Operations,
	state: WizardState,
	environment: string,
	onRow: (row: CredentialRow) => void,
	signal: AbortSignal,
): Promise<TargetAccess> {
	if (state.planned !== null && state.planned.request.environment === environment) return state.planned.request;
	return operations.target(choicesIn(state, environment), signal, onRow);
}
