import { initialChoices } from '../config/choices.js';
import { type ExitCode, RepotError } from '../core/errors.js';
import { carryOut, startStream } from './carry-out.js';
import { type Command, type CommandContext, withOperations } from './context.js';
import { dryRun } from './make-plan.js';

/** `repot` and `repot demo`: the wizard on a terminal. Elsewhere the demo runs headless, and the wizard says what to use instead. */
export const wizardCommand =
	(verb: 'wizard' | 'demo'): Command =>
	async (context) => {
		if (context.terminal.interactive) return openWizard(context);
		if (verb === 'demo') return headlessDemo(context);
		throw new RepotError({
			kind: 'usage',
			code: 'NO_TERMINAL',
			message: 'The wizard needs a terminal',
			why: context.terminal.reason ?? 'there is none',
			next: ['repot plan shows what would happen', 'repot migrate --yes does it without asking', 'repot --help lists the commands'],
		});
	};

async function openWizard(context: CommandContext): Promise<ExitCode> {
	const { shell, terminal, settings } = context;
	return withOperations(context, async (operations) => {
		const { exitCode, summary } = await shell.wizard({
			operations,
			terminal,
			version: shell.version,
			initial: initialChoices(settings),
			clock: shell.clock,
		});
		for (const line of summary) shell.output.say(line);
		return exitCode;
	});
}

/** The environment of the demo is open and its target is a folder made for it: nobody needs to be asked. */
async function headlessDemo(context: CommandContext): Promise<ExitCode> {
	startStream(context);
	return withOperations(context, async (operations) => {
		return carryOut(context, operations, await dryRun(context, operations), async () => {});
	});
}
