import { headlessChoices } from '../config/choices.js';
import { exitCodes } from '../core/errors.js';
import type { Operations } from '../core/operations.js';
import type { LedgerRun, RunSummary } from '../core/ports.js';
import { runDetailLines, runTableLines } from '../headless/history-text.js';
import { type Command, type CommandContext, withOperations } from './context.js';
import { unknownRun } from './unknown-run.js';

/** `repot runs [RUN]`: the history of this computer, or with `--postgres-url` the ledger of a target. */
export const runsCommand: Command = (context) =>
	withOperations(context, async (operations) => {
		const { output, clock } = context.shell;
		const json = context.settings.values.json.value;
		const found = await list(context, operations);
		const environment = context.settings.values.env;
		const runs = environment.level === 'flag' ? found.filter((run) => run.environment === environment.value) : found;
		if (context.operand !== null) return tellOne(context, runs, context.operand);
		if (json) output.data(JSON.stringify({ type: 'runs', runs }));
		else if (runs.length === 0) output.data('No run yet');
		else for (const line of runTableLines(runs, clock.now(), context.dataStyle)) output.data(line);
		return exitCodes.done;
	});

async function list(context: CommandContext, operations: Operations): Promise<readonly (LedgerRun | RunSummary)[]> {
	if (context.settings.values.postgresUrl.level !== 'flag') return operations.runs();
	const choices = headlessChoices(context.settings);
	return operations.ledgerRuns(await operations.target({ ...choices, target: context.settings.values.postgresUrl.value }));
}

function tellOne(context: CommandContext, runs: readonly (LedgerRun | RunSummary)[], id: string) {
	const run = runs.find((one) => one.id === id);
	if (run === undefined) throw unknownRun(id, runs);
	const { output } = context.shell;
	if (context.settings.values.json.value) output.data(JSON.stringify({ type: 'run', ...run }));
	else if ('folder' in run) for (const line of runDetailLines(run, context.dataStyle)) output.data(line);
	else for (const line of runTableLines([run], context.shell.clock.now(), context.dataStyle)) output.data(line);
	return exitCodes.done;
}
