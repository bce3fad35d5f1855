import { join } from 'node:path';
import { readPlanFile } from '../config/plan-file.js';
import { exitCodes, RepotError } from '../core/errors.js';
import type { CheckResult, MigrationEvent } from '../core/events.js';
import type { Operations, PlanRequest } from '../core/operations.js';
import { setAsideWords } from '../core/outcome-words.js';
import type { LedgerRun } from '../core/ports.js';
import { checkLines, checkVerdict } from '../headless/run-text.js';
import { requestFromSettings } from './choose.js';
import { type Command, type CommandContext, interruptible, withOperations } from './context.js';
import { requestOfPlan } from './make-plan.js';
import { unknownRun } from './unknown-run.js';

type Finished = Extract<MigrationEvent, { type: 'run-finished' }>;

/** `repot verify [RUN]`: all checks again, of a run that this computer knows or of the newest one in the target. */
export const verifyCommand: Command = (context) =>
	withOperations(context, async (operations) => {
		const request = await requestFor(context, operations);
		const { checks, finished } = await runChecks(context, operations, request);
		tell(context, checks, finished);
		if (finished.outcome === 'failed') {
			throw new RepotError(finished.error ?? { kind: 'internal', code: 'INTERNAL', message: 'The verification failed without saying why' });
		}
		if (finished.outcome === 'interrupted') return exitCodes.interrupted;
		return finished.outcome === 'verification-failed' ? exitCodes.verificationFailed : exitCodes.done;
	});

/** A run's own plan says what it moved; without a run the settings do. */
async function requestFor(context: CommandContext, operations: Operations): Promise<PlanRequest> {
	if (context.operand === null) return requestFromSettings(context, operations);
	const run = (await operations.runs()).find((one) => one.id === context.operand);
	// A run of another computer is in the target's ledger only.
	if (run === undefined) return requestElsewhere(context, operations, context.operand);
	refuseOtherEnvironment(context, run);
	return requestOfPlan(operations, await readPlanFile(join(run.folder, 'plan.json'), context.settings.cwd));
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
	request: PlanRequest,
): Promise<{ readonly checks: readonly CheckResult[]; readonly finished: Finished }> {
	const checks: CheckResult[] = [];
	const finished = await interruptible(context, async (signal) => {
		let last: Finished | null = null;
		for await (const told of operations.verify(request, context.operand, signal)) {
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
