import { exitCodes } from '../core/errors.js';
import { isBlocked } from '../core/plan/types.js';
import { planLines } from '../headless/plan-text.js';
import { type Command, withOperations } from './context.js';
import { dryRun } from './make-plan.js';

/** `repot plan`: the dry run on stdout, as text or as the plan document. */
export const planCommand: Command = (context) =>
	withOperations(context, async (operations) => {
		const { plan } = await dryRun(context, operations);
		const { output } = context.shell;
		if (context.settings.values.json.value) output.data(JSON.stringify(plan));
		else for (const line of planLines(plan, context.dataStyle)) output.data(line);
		return isBlocked(plan) ? exitCodes.blocked : exitCodes.done;
	});
