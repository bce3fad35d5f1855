import { headlessChoices } from '../config/choices.js';
import { guardOf } from '../config/environments.js';
import { wroteTo } from '../config/target-url.js';
import { type ExitCode, exitCodes, RepotError } from '../core/errors.js';
import { formatAgo, formatCount, formatQuantity } from '../core/format.js';
import type { Operations, TargetAccess } from '../core/operations.js';
import type { RollbackEvent, RollbackPreview, RunSummary } from '../core/ports.js';
import { printable } from '../core/text-width.js';
import { stayWords } from '../core/undo.js';
import { rollbackLines } from '../headless/history-text.js';
import { versionLine } from '../headless/ndjson-sink.js';
import { tellFound } from './choose.js';
import { requireConsent } from './consent.js';
import { type Command, type CommandContext, interruptible, withOperations } from './context.js';
import { unknownRun } from './unknown-run.js';

/** `repot rollback [RUN]`: preview, typed confirmation, undo. `--dry-run` ends after the preview. */
export const rollbackCommand: Command = (context) =>
	withOperations(context, async (operations) => {
		const { values } = context.settings;
		const run = context.operand ?? (await chooseRun(context, operations));
		const request = await requestFor(context, operations, run);
		const preview = await operations.rollbackPreview(run, request);
		if (values.dryRun.value) {
			tellPreview(context, preview);
			return exitCodes.done;
		}
		for (const line of rollbackLines(preview, context.style)) context.shell.output.say(line);
		const { environment } = preview.run;
		await requireConsent(context, { what: `Roll back run ${run}`, guard: guardOf(context.settings, environment), environment, word: run });
		return undo(context, operations, run, request);
	});

function tellPreview(context: CommandContext, preview: RollbackPreview): void {
	const { output } = context.shell;
	if (context.settings.values.json.value) output.data(JSON.stringify({ type: 'rollback-preview', ...preview }));
	else for (const line of [...rollbackLines(preview, context.dataStyle), 'DRY RUN - nothing was removed']) output.data(line);
}

async function chooseRun(context: CommandContext, operations: Operations): Promise<string> {
	const { settings } = context;
	const { level, value: target } = settings.values.postgresUrl;
	const isWanted = (run: RunSummary): boolean => level !== 'flag' || target === null || wroteTo(run, target, settings.cwd, settings.server);
	const all = (await operations.runs()).filter((run) => run.status !== 'rolled-back');
	const runs = all.filter(isWanted);
	const named = runs.slice(0, 10).map((run) => ({
		value: run.id,
		name: `${run.id}  ${run.environment}  ${formatAgo(run.startedAt, context.shell.clock.now())}  ${formatQuantity(run.written, 'record')}  ${printable(run.target)}`,
	}));
	if (context.terminal.interactive && named.length > 0) return context.shell.prompts.select('Which run is to be undone?', named);
	throw new RepotError({
		kind: 'usage',
		code: 'MISSING_RUN',
		message: 'repot rollback needs the id of the run',
		next:
			named.length === 0
				? [`repot runs lists the runs of this computer; ${all.length === 0 ? 'there is none' : 'none of them went to this target'}`]
				: named.map((one) => `repot rollback ${one.value}   (${one.name})`),
	});
}

/** The target of the run's own environment; for a run that this computer does not know, that of `--env`. */
async function requestFor(context: CommandContext, operations: Operations, run: string): Promise<TargetAccess> {
	const runs = await operations.runs();
	const known = runs.find((one) => one.id === run);
	const { settings } = context;
	const asked = settings.values.env;
	if (known !== undefined && asked.level === 'flag' && asked.value !== known.environment) {
		throw new RepotError({
			kind: 'usage',
			code: 'WRONG_ENVIRONMENT',
			message: `Run ${run} was in environment "${known.environment}", not in "${asked.value}"`,
			next: [`repot rollback ${run} --env ${known.environment}`],
		});
	}
	const choices = { ...headlessChoices(settings), ...(known === undefined ? {} : { environment: known.environment }) };
	if (choices.environment === '') throw unknownRun(run, runs, ['--env NAME: the environment that the run was in']);
	try {
		return await interruptible(context, (signal) => operations.target(choices, signal, tellFound(context)));
	} catch (thrown) {
		if (!(thrown instanceof RepotError) || thrown.code !== 'MISSING_ANSWER') throw thrown;
		if (known === undefined) throw unknownRun(run, runs, ['--postgres-url URL (or REPOT_POSTGRES_URL)']);
		throw new RepotError({ ...thrown.toJSON(), why: `the run went to ${known.target}; where that is, with its password, is not kept` });
	}
}

async function undo(context: CommandContext, operations: Operations, run: string, request: TargetAccess): Promise<ExitCode> {
	const { values } = context.settings;
	const { output, version } = context.shell;
	if (values.json.value) output.data(versionLine(version));
	const last = await interruptible(
		context,
		async (signal) => {
			let finished: Extract<RollbackEvent, { type: 'rollback-finished' }> | null = null;
			for await (const given of operations.rollback(run, request, values.reason.value, signal)) {
				const event = context.redact.value(given);
				context.log.debug(event.type, { event });
				if (values.json.value) output.data(JSON.stringify(event));
				const line = told(event);
				if (line !== null) output.say(line);
				if (event.type === 'rollback-finished') finished = event;
			}
			return finished;
		},
		'stopped as asked; what was undone so far stays undone, and the same command goes on',
	);
	if (last === null) throw new RepotError({ kind: 'internal', code: 'INTERNAL', message: 'The rollback ended without its last event' });
	if (last.outcome !== 'failed') return exitCodes.done;
	throw new RepotError(last.error ?? { kind: 'internal', code: 'INTERNAL', message: `The rollback of ${run} failed without saying why` });
}

function told(event: RollbackEvent): string | null {
	switch (event.type) {
		case 'rollback-started':
			return null;
		case 'rows-removed':
			return `${event.step}  ${formatQuantity(event.removed, 'row')} removed, ${formatCount(event.restored)} restored, ${formatCount(event.kept)} kept`;
		case 'object-dropped':
			return `dropped ${event.object}`;
		case 'notice':
			return event.message;
		case 'rollback-finished':
			if (event.outcome === 'failed') return null;
			return finishedWords(event);
	}
}

function finishedWords(event: Extract<RollbackEvent, { type: 'rollback-finished' }>): string {
	const figures = `${formatQuantity(event.removed, 'row')} removed, ${formatCount(event.restored)} restored`;
	if (event.outcome === 'done') return `ok  Run ${event.run} is undone: ${figures}`;
	return `LOOK  Run ${event.run} is partly undone: ${stayWords(event) ?? 'something of others stays'}; ${figures}`;
}
