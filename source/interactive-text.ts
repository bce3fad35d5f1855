/**
 * The wizard for screen readers: the same reducer, operations and session, told as text that is only ever appended, with numbered
 * prompts. No bars, no spinner; a line when something changed, a heartbeat at least every 30 s, the verdict last.
 */

import type { Planned } from '../screens/planned.js';
import { obstacles, readinessWords } from '../screens/readiness-lines.js';
import { statusWords } from '../screens/run-words.js';
import { faultSentences, obstacleTo } from '../screens/source-words.js';
import { asRepotError, type RepotError } from './core/errors.js';
import { formatCommand, formatQuantity } from './core/format.js';
import { passwordNote } from './core/headless-command.js';
import type { EnvironmentSummary, Operations } from './core/operations.js';
import { allCollections, flagName } from './core/plan/collection.js';
import { recordsToWrite } from './core/plan/types.js';
import { type ReadinessCheck, readinessNames } from './core/readiness.js';
import { Prompter } from './prompter.js';
import { tellPlan } from './tell-plan.js';
import { askCredentials } from './text-credentials.js';
import { backOrQuit, type Talk, type TextContext, type Turn } from './text-talk.js';
import { watchRun } from './watch-run.js';
import { answersOf, choicesOf, startWizard, wizardAfter } from './wizard.js';
import type { Leaving } from './wizard-screen.js';

export async function runTextWizard(context: TextContext): Promise<Leaving> {
	const { session, io, version } = context;
	let prompter: Prompter | null = null;
	const stop = new AbortController();
	const interrupt = () => {
		const interrupted = session.interrupt();
		if (interrupted === 'stopping') prompter?.say('Stopping after the batch in flight. Press Ctrl+C again to stop now.');
		else if (interrupted === 'aborting') prompter?.say('Stopping now.');
		else {
			prompter?.cancel();
			stop.abort();
		}
	};
	prompter = new Prompter(io, interrupt);
	const names = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;
	for (const name of names) io.signals.on(name, interrupt);
	try {
		prompter.say(`repot ${version}. Questions are numbered; an empty line takes the answer in brackets, b goes back, Ctrl+C stops safely.`);
		return await converse(context, prompter, stop.signal);
	} finally {
		for (const name of names) io.signals.off(name, interrupt);
		prompter.close();
	}
}

async function converse(context: TextContext, prompter: Prompter, stopped: AbortSignal): Promise<Leaving> {
	let state = startWizard(context.initial);
	for (;;) {
		let turn: Turn;
		try {
			turn = await unlessStopped(takeTurn({ context, prompter, state, stopped }), stopped);
		} catch (thrown) {
			turn = stopped.aborted ? 'quit' : await tellError({ context, prompter, state, stopped }, asRepotError(thrown));
		}
		if (turn === 'quit') return 'cancelled';
		if (turn !== 'again') state = turn.reduce(wizardAfter, state);
		if (state.leaving) return 'left';
		if (state.screen === 'run') {
			await watchRun(context, prompter);
			return 'finished';
		}
	}
}

/** A target that does not answer, or a dry run, is not waited for once Ctrl+C has come. */
function unlessStopped(turn: Promise<Turn>, stopped: AbortSignal): Promise<Turn> {
	return new Promise((resolve, reject) => {
		const quit = (): void => resolve('quit');
		if (stopped.aborted) quit();
		stopped.addEventListener('abort', quit, { once: true });
		turn.then(resolve, reject).finally(() => stopped.removeEventListener('abort', quit));
	});
}

function takeTurn(talk: Talk): Promise<Turn> {
	switch (talk.state.screen) {
		case 'sources':
			return askSources(talk);
		case 'credentials':
			return askCredentials(talk);
		case 'preview':
			return tellPlan(talk);
		case 'confirm':
			return askConfirm(talk);
		default:
			return askEnvironment(talk);
	}
}

async function tellError({ prompter }: Talk, error: RepotError): Promise<Turn> {
	prompter.say(`Error: ${error.message}`);
	if (error.where !== undefined) prompter.say(`Where: ${error.where}`);
	if (error.why !== undefined) prompter.say(`Why: ${error.why}`);
	for (const step of error.next) prompter.say(`Next: ${step}`);
	const answer = await prompter.press('Press Enter to try again, or b to go back');
	if (answer.kind === 'quit') return 'quit';
	return answer.kind === 'back' ? [{ type: 'back' }] : 'again';
}

async function askEnvironment({ context, prompter, state }: Talk): Promise<Turn> {
	const environments = await context.operations.environments();
	if (environments.length === 0) {
		prompter.say('No environment is configured. Run: repot init');
		return 'quit';
	}
	prompter.say('Step 1 of 6, environment: where to?');
	environments.forEach((environment, index) => {
		prompter.say(`${index + 1}. ${describeEnvironment(environment)}`);
	});
	const wanted = environments.findIndex(({ name }) => name === (state.environment?.name ?? state.wantedEnvironment));
	const chosen = await prompter.choose('Environment', environments.length, Math.max(0, wanted) + 1);
	if (typeof chosen !== 'number') return backOrQuit(chosen);
	const environment = environments[chosen - 1];
	if (environment === undefined) return 'again';
	return [
		{ type: 'choose-environment', environment, restart: false },
		{ type: 'next', said: environment.name },
	];
}

function describeEnvironment({ name, guard, target, lastRun }: EnvironmentSummary): string {
	const last = lastRun === null ? 'never run' : `last run ${statusWords[lastRun.status].text}`;
	return `${name}, ${guard === 'protected' ? 'PROTECTED' : 'open'}, ${target ?? 'no target yet'}, ${last}`;
}

async function askSources({ context, prompter, state, stopped }: Talk): Promise<Turn> {
	const { operations } = context;
	const datasets = await operations.datasets(choicesOf(state).environment);
	prompter.say('Step 2 of 6, sources: what moves? They are opened read-only.');
	datasets.forEach((dataset, index) => {
		prompter.say(`${index + 1}. ${dataset.name}: SQLite ${dataset.sqlitePath ?? 'none'}, Chroma ${dataset.chromaPath ?? 'none'}`);
	});
	prompter.say(`${datasets.length + 1}. other files`);
	const before = datasets.findIndex(({ name }) => name === answersOf(state).sources?.name);
	const chosen = await prompter.choose('Dataset', datasets.length + 1, Math.max(0, before) + 1);
	if (typeof chosen !== 'number') return backOrQuit(chosen);
	const dataset = datasets[chosen - 1] ?? (await askPaths(prompter));
	if (dataset === 'quit' || dataset === 'back') return dataset === 'quit' ? 'quit' : 'again';
	const { sqlitePath, chromaPath, collections: named } = dataset;
	let choice = { sqlitePath, chromaPath, collections: named };
	let description = await operations.describeDataset(choice, stopped);
	const collections = description.chroma?.collections ?? [];
	if (description.chroma !== null && description.collections.length === 0 && collections.length > 0) {
		collections.forEach(({ name, records }, index) => {
			prompter.say(`${index + 1}. ${name}, ${formatQuantity(records, 'record')}`);
		});
		prompter.say(`${collections.length + 1}. all of them`);
		const picked = await prompter.chooseSome('Collections', collections.length + 1, 1);
		if (picked === 'back' || picked === 'quit') return picked === 'quit' ? 'quit' : 'again';
		const names = picked
			.map((number) => collections[number - 1])
			.map((one) => (one === undefined ? allCollections : flagName(one, collections)));
		choice = { ...choice, collections: names.includes(allCollections) ? [allCollections] : names };
		description = await operations.describeDataset(choice, stopped);
	}
	const obstacle = obstacleTo(description);
	if (obstacle !== null) {
		prompter.say(`This dataset cannot be used: ${obstacle}`);
		return 'again';
	}
	for (const table of description.sqlite?.tables.filter(({ derived }) => !derived) ?? [])
		prompter.say(`Table ${table.name}: ${formatQuantity(table.rows, 'row')}`);
	for (const { name } of description.collections) prompter.say(`Collection ${name}`);
	for (const fault of faultSentences(description)) prompter.say(`Look: ${fault}`);
	return [
		{ type: 'choose-sources', answer: { name: dataset.name, dataset, parts: 'both', ...choice } },
		{ type: 'next', said: dataset.name },
	];
}

async function askPaths(prompter: Prompter) {
	const sqlite = await prompter.ask('SQLite file, empty for none');
	if (sqlite.kind !== 'text') return sqlite.kind;
	const chroma = await prompter.ask('Chroma directory or URL of a server, empty for none');
	if (chroma.kind !== 'text') return chroma.kind;
	const pathOf = (text: string) => (text === '' ? null : text);
	return { name: 'other...', sqlitePath: pathOf(sqlite.text), chromaPath: pathOf(chroma.text), collections: [], from: 'typed' };
}

async function askConfirm({ context, prompter, state }: Talk): Promise<Turn> {
	const { planned } = state;
	if (planned === null) return [{ type: 'back' }];
	const { plan, request } = planned;
	const word = request.guard === 'protected' ? request.environment : 'yes';
	prompter.say('Step 5 of 6, confirm.');
	prompter.say(
		`This writes ${formatQuantity(recordsToWrite(plan), 'record')} to ${plan.target.label}, for ${plan.tenant.column} ${plan.tenant.value}.`,
	);
	const command = context.operations.headlessCommand('migrate', choicesOf(state));
	prompter.say(`The same without the wizard: ${formatCommand(['repot', ...command])}`);
	const note = passwordNote(command);
	if (note !== null) prompter.say(note);
	if (await tellReadiness(context.operations, planned, prompter)) {
		const answer = await prompter.press(
			'What is marked X must be solved first. Press Enter to check again, p to plan again, or b to go back',
			['p'],
		);
		if (answer.kind !== 'text') return backOrQuit(answer.kind);
		return answer.text === 'p' ? [{ type: 'replan' }] : 'again';
	}
	if (request.guard === 'protected') prompter.say(`The environment ${request.environment} is PROTECTED.`);
	const answer = await prompter.ask(`Type ${word} to start writing, or b to go back`);
	if (answer.kind !== 'text') return backOrQuit(answer.kind);
	if (answer.text !== word) {
		prompter.say(`That is not ${word}. Nothing was started.`);
		return 'again';
	}
	context.session.start(planned, command);
	return [{ type: 'next', said: '' }];
}

/** A question cannot be asked while lines still come: a server that does not answer keeps it waiting no longer than this. */
const readinessMilliseconds = 15_000;

/** Says each check as soon as it is known; true when one of them stands in the way. */
async function tellReadiness(operations: Operations, { plan, request }: Planned, prompter: Prompter): Promise<boolean> {
	const known: ReadinessCheck[] = [];
	for await (const check of operations.readiness(plan, request, AbortSignal.timeout(readinessMilliseconds))) {
		known.push(check);
		const { name, result, words, next } = check;
		prompter.say(`Check ${name}: ${readinessWords[result].text}, ${words}.${next === undefined ? '' : ` ${next}.`}`);
	}
	for (const name of readinessNames.filter((one) => known.every((check) => check.name !== one)))
		prompter.say(`Check ${name}: not known yet.`);
	return obstacles(known).length > 0;
}
