import { headlessCommandOf } from '../config/headless-choices.js';
import { flagOf, optionKeys } from '../config/options.js';
import { withoutPassword } from '../config/target-url.js';
import { refuseBlocked } from '../core/before-run.js';
import { sessionWords } from '../core/credentials/session-end.js';
import { type ExitCode, exitCodes, RepotError } from '../core/errors.js';
import type { MigrationEvent, RunOutcome } from '../core/events.js';
import { formatCommand } from '../core/format.js';
import { passwordNote, placingFlags } from '../core/headless-command.js';
import type { Operations, PlanRequest } from '../core/operations.js';
import type { Hazard, Plan } from '../core/plan/types.js';
import { Secret } from '../core/secret.js';
import { cutText } from '../core/text-width.js';
import { ndjsonSink, versionLine } from '../headless/ndjson-sink.js';
import { nothingToDo, placed, planSummaryLines } from '../headless/plan-text.js';
import { drain, type EventSink } from '../headless/sink.js';
import { textSink } from '../headless/text-sink.js';
import type { CommandContext } from './context.js';
import type { Planned } from './make-plan.js';

type Finished = Extract<MigrationEvent, { type: 'run-finished' }>;

const exitCodeOf: Readonly<Record<Exclude<RunOutcome, 'failed'>, ExitCode>> = {
	done: exitCodes.done,
	quarantined: exitCodes.quarantined,
	'nothing-to-do': exitCodes.done,
	'verification-failed': exitCodes.verificationFailed,
	interrupted: exitCodes.interrupted,
};

/** Opens the event stream on stdout when `--json` asks for it. */
export function startStream(context: CommandContext): void {
	if (context.settings.values.json.value) context.shell.output.data(versionLine(context.shell.version));
}

/**
 * Shows the plan, asks by `consent`, runs it and tells the end. Returns the exit code of the outcome. Throws RepotError when the plan is
 * blocked, nobody agreed, or the run failed.
 */
export async function carryOut(
	context: CommandContext,
	operations: Operations,
	{ plan, request }: Planned,
	consent: () => Promise<void>,
): Promise<ExitCode> {
	const { output } = context.shell;
	for (const line of planSummaryLines(plan, context.style, false)) output.say(line);
	tellPlan(context, plan);
	tellSession(context, plan, request);
	if (plan.doneBy !== undefined) return nothingLeft(context, { plan, request });
	refuseBlocked(plan, told);
	await consent();
	const finished = await run(context, operations, { plan, request });
	if (finished.outcome !== 'failed') return exitCodeOf[finished.outcome];
	throw new RepotError(finished.error ?? { kind: 'internal', code: 'INTERNAL', message: `Run ${finished.run} failed without saying why` });
}

/** A session that ends before the run does is told while one can still log in anew. */
function tellSession(context: CommandContext, plan: Plan, { sessionEndsAt, tokensOf }: PlanRequest): void {
	const told = sessionWords(sessionEndsAt ?? null, context.shell.clock.now(), plan.totals.seconds * 1000, tokensOf !== undefined);
	if (told !== null) context.shell.output.say(`LOOK  ${told.words}`);
}

function tellPlan(context: CommandContext, plan: Plan): void {
	if (!context.settings.values.json.value) return;
	const { id, environment, totals, hazards, resumes, doneBy } = plan;
	context.shell.output.data(
		JSON.stringify({
			at: now(context),
			type: 'plan-made',
			plan: id,
			environment,
			totals,
			hazards,
			resumes: resumes ?? null,
			doneBy: doneBy ?? null,
		}),
	);
}

const now = (context: CommandContext): string => new Date(context.shell.clock.now()).toISOString();

function nothingLeft(context: CommandContext, { plan, request }: Planned): ExitCode {
	if (plan.totals.records > 0) sayVerifyCommand(context, plan, request);
	if (context.settings.values.json.value) {
		const event: Finished = {
			at: now(context),
			type: 'run-finished',
			run: plan.doneBy ?? '-',
			outcome: 'nothing-to-do',
			written: 0,
			quarantined: 0,
			skipped: plan.totals.records - plan.totals.rejected,
			milliseconds: 0,
			files: [],
		};
		context.shell.output.data(JSON.stringify(event));
	}
	context.log.info(nothingToDo(plan), { plan: plan.id });
	return exitCodes.done;
}

function told(hazard: Hazard): string {
	const shown = hazard.sample.slice(0, 5).map((key) => cutText(key, 60, 'middle', '...'));
	const keys = shown.length === 0 ? '' : ` (${shown.join(', ')}${hazard.count > shown.length ? ', ...' : ''})`;
	return `${placed(hazard)}${keys}`;
}

async function run(context: CommandContext, operations: Operations, { plan, request }: Planned): Promise<Finished> {
	const [stop, abort] = [new AbortController(), new AbortController()];
	const end = context.shell.onInterrupt(() => interrupt(context, stop, abort));
	try {
		const last = await drain(
			cleaned(context, operations.migrate(plan, request, { stop: stop.signal, abort: abort.signal })),
			sinks(context),
		);
		if (last?.type === 'run-finished') return last;
		throw new RepotError({ kind: 'internal', code: 'INTERNAL', message: 'The run ended without its last event' });
	} finally {
		end();
	}
}

/** Reasons that a server gave may repeat a secret; names of steps and tables stay what they are. */
async function* cleaned(context: CommandContext, events: AsyncIterable<MigrationEvent>): AsyncGenerator<MigrationEvent, void, void> {
	for await (const event of events) yield context.redact.value(event);
}

/** Whole, so that it works as copied from another folder's history too. */
function sayVerifyCommand(context: CommandContext, plan: Plan, request: PlanRequest): void {
	const run = plan.doneBy === undefined || plan.doneBy === '-' ? [] : [plan.doneBy];
	const [verb = 'verify', ...flags] = headlessCommandOf(context.settings, 'verify', { ...request, target: null });
	const command = ['repot', verb, ...run, ...flags];
	context.shell.output.say(`The checks can be run again: ${formatCommand(command)}`);
	const note = passwordNote(command);
	if (note !== null) context.shell.output.say(note);
}

function interrupt(context: CommandContext, stop: AbortController, abort: AbortController): void {
	const { output } = context.shell;
	if (stop.signal.aborted) {
		output.say('Stopping now; the batch in flight is rolled back.');
		abort.abort();
		return;
	}
	output.say('Stopping after the batch in flight. Ctrl+C again stops now.');
	stop.abort();
}

/** What this command line gave of the flags that lead to a run again. */
function samePlace({ settings: { values } }: CommandContext): string {
	const words = placingFlags.flatMap((flag) => {
		const key = optionKeys.find((one) => flagOf(one) === flag);
		if (key === undefined) return [];
		const { value, level } = values[key];
		if (level !== 'flag' || value === null) return [];
		if (value === true) return [flag];
		return [flag, value instanceof Secret ? withoutPassword(value).url : String(value)];
	});
	return words.length === 0 ? '' : ` ${formatCommand(words)}`;
}

/** stderr for people, stdout for machines, the log for later. */
function sinks(context: CommandContext): readonly EventSink[] {
	const { output, clock, every } = context.shell;
	const text = textSink({ write: (line) => output.say(line), style: context.style, clock, every, same: samePlace(context) });
	const logged: EventSink = { handle: (event) => context.log.debug(event.type, { event }), close() {} };
	return [text, ...(context.settings.values.json.value ? [ndjsonSink((line) => output.data(line))] : []), logged];
}
