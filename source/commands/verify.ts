import { join } from 'node:path';
import { targetOf } from '../config/choices.js';
import { choicesOfPlan } from '../config/plan-choices.js';
import { readPlanFile } from '../config/plan-file.js';
import { targetIdentity } from '../config/target-url.js';
import { exitCodes, RepotError } from '../core/errors.js';
import type { CheckResult, MigrationEvent } from '../core/events.js';
import type { Operations, PlanRequest } from '../core/operations.js';
import { setAsideWords } from '../core/outcome-words.js';
import type { Plan } from '../core/plan/types.js';
import type { LedgerRun, RunSummary } from '../core/ports.js';
import { refuseUndone } from '../core/undone-run.js';
import { checkLines, checkVerdict } from '../headless/run-text.js';
import { requestFromSettings } from './choose.js';
import { type Command, type CommandContext, interruptible, withOperations } from './context.js';
import { requestOfPlan } from './make-plan.js';
import { unknownRun } from './unknown-run.js';

/** `run`: null for the newest finished one in the target. */
interface Subject {
	readonly run: string | null;
	readonly request: PlanRequest;
}

type Finished = Extract<MigrationEvent, { type: 'run-finished' }>;

/** `repot verify [RUN]`: all checks again, of a run that this computer knows, of what the settings name, or of the newest run. */
export const verifyCommand: Command = (context) =>
	withOperations(context, async (operations) => {
		const subject = await subjectOf(context, operations);
		const { checks, finished } = await runChecks(context, operations, subject);
		tell(context, checks, finished);
		if (finished.outcome === 'failed') {
			throw new RepotError(finished.error ?? { kind: 'internal', code: 'INTERNAL', message: 'The verification failed without saying why' });
		}
		if (finished.outcome === 'interrupted') return exitCodes.interrupted;
		return finished.outcome === 'verification-failed' ? exitCodes.verificationFailed : exitCodes.done;
	});

/** A run's own plan says what it moved; without a run the settings do. */
async function subjectOf(context: CommandContext, operations: Operations): Promise<Subject> {
	const id = context.operand;
	if (id === null) return newestSubject(context, operations);
	const run = (await operations.runs()).find((one) => one.id === id);
	// A run of another computer is in the target's ledger only.
	if (run === undefined) return { run: id, request: await requestElsewhere(context, operations, id) };
	refuseOtherEnvironment(context, run);
	refuseUndone(run);
	return ofRun(context, operations, run);
}

/** What the settings name, and when they do not say it all the newest run of this computer that agrees with what they say. */
async function newestSubject(context: CommandContext, operations: Operations): Promise<Subject> {
	try {
		return { run: null, request: await requestFromSettings(context, operations) };
	} catch (thrown) {
		if (!(thrown instanceof RepotError) || thrown.code !== 'MISSING_ANSWER') throw thrown;
		for (const run of (await operations.runs()).filter((one) => agrees(context, one))) {
			if (await wentElsewhere(context, run)) continue;
			refuseUndone(run);
			const subject = await ofRun(context, operations, run);
			context.shell.output.say(`Run ${run.id}, the newest of this computer: environment ${run.environment}, to ${run.target}`);
			return subject;
		}
		throw thrown;
	}
}

const planOf = (context: CommandContext, run: RunSummary): Promise<Plan> =>
	readPlanFile(join(run.folder, 'plan.json'), context.settings.cwd);

/** Whether the target that is said, if one is, is another than that of the run. */
async function wentElsewhere(context: CommandContext, run: RunSummary): Promise<boolean> {
	const plan = await planOf(context, run);
	const said = targetOf(context.settings, choicesOfPlan(plan));
	if (said === null) return false;
	return targetIdentity(said.target, context.settings.cwd, context.settings.server).replace(/^pglite:/, '') !== plan.target.identity;
}

/** Sources that are named must be those of a plan; then its run has to be named too. */
function agrees({ settings }: CommandContext, run: RunSummary): boolean {
	const { env, userId, sqliteDb, chromaPath, dataset } = settings.values;
	const isSource = [sqliteDb, chromaPath, dataset].some((one) => one.level === 'flag');
	return (
		!isSource &&
		(env.value === null || env.value === run.environment) &&
		(userId.value === null || userId.value === run.tenant) &&
		run.status !== 'running'
	);
}

async function ofRun(context: CommandContext, operations: Operations, run: RunSummary): Promise<Subject> {
	try {
		return { run: run.id, request: await requestOfPlan(context, operations, await planOf(context, run)) };
	} catch (thrown) {
		if (!(thrown instanceof RepotError) || thrown.code !== 'MISSING_ANSWER') throw thrown;
		throw new RepotError({ ...thrown.toJSON(), why: `run ${run.id} went to ${run.target}; where that is, with its password, is not kept` });
	}
}

/** Without a place to look for it, a run that this computer does not know is no run. */
async function requestElsewhere(context: CommandContext, operations: Operations, run: string): Promise<PlanRequest> {
	try {
		const request = await requestFromSettings(context, operations);
		const found = context.settings.values.env.level === 'flag' ? await operations.ledgerRuns(request) : [];
		for (const one of found.filter(({ id }) => id === run)) refuseOtherEnvironment(context, one);
		return request;
	} catch (thrown) {
		if (!(thrown instanceof RepotError) || thrown.code !== 'MISSING_ANSWER') throw thrown;
		throw unknownRun(
			run,
			await operations.runs(),
			thrown.next.filter((step) => step.startsWith('--')),
		);
	}
}

/** What a run moved, and where, is in its record: an --env that says otherwise would be a check of something else under that name. */
function refuseOtherEnvironment(context: CommandContext, run: Pick<LedgerRun, 'id' | 'environment'>): void {
	const asked = context.settings.values.env;
	if (asked.level !== 'flag' || asked.value === run.environment) return;
	throw new RepotError({
		kind: 'usage',
		code: 'WRONG_ENVIRONMENT',
		message: `Run ${run.id} was in environment "${run.environment}", not in "${asked.value}"`,
		next: [`repot verify ${run.id}`, `Or check what "${asked.value}" holds now: repot verify --env ${asked.value}`],
	});
}

async function runChecks(
	context: CommandContext,
	operations: Operations,
	{ run, request }: Subject,
): Promise<{ readonly checks: readonly CheckResult[]; readonly finished: Finished }> {
	const checks: CheckResult[] = [];
	const finished = await interruptible(context, async (signal) => {
		let last: Finished | null = null;
		for await (const told of operations.verify(request, run, signal)) {
			const event = context.redact.value(told);
			context.log.debug(event.type, { event });
			if (event.type === 'notice') context.shell.output.say(event.message);
			if (event.type === 'check-finished') checks.push(event.check);
			if (event.type === 'run-finished') last = event;
		}
		return last;
	});
	if (finished === null)
		throw new RepotError({ kind: 'internal', code: 'INTERNAL', message: 'The verification ended without its last event' });
	return { checks, finished };
}

function tell(context: CommandContext, checks: readonly CheckResult[], finished: Finished): void {
	const { output } = context.shell;
	const { run, outcome, files, milliseconds } = finished;
	if (context.settings.values.json.value) {
		const verdict = outcome === 'verification-failed' ? 'fail' : outcome === 'failed' || outcome === 'interrupted' ? 'unfinished' : 'pass';
		output.data(JSON.stringify({ type: 'verification', run, verdict, checks, files, milliseconds }));
		return;
	}
	for (const line of checkLines(checks, context.dataStyle)) output.data(line);
	for (const file of files) output.data(`File   ${file}`);
	if (outcome === 'failed' || outcome === 'interrupted') return;
	output.data(`${checkVerdict(checks, context.dataStyle, setAsideWords(finished))}   run ${run}`);
}
