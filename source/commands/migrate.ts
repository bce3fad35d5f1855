import { carryOut, startStream } from './carry-out.js';
import { requireConsent } from './consent.js';
import { type Command, withOperations } from './context.js';
import { dryRun, savedPlan } from './make-plan.js';
import { planCommand } from './plan.js';

/** `repot migrate`: plan (or a saved one), confirm, run, verify. The same command goes on with a run that was killed. */
export const migrateCommand: Command = async (context) => {
	const { values } = context.settings;
	if (values.dryRun.value) return planCommand(context);
	startStream(context);
	return withOperations(context, async (operations) => {
		const planned =
			values.plan.value === null ? await dryRun(context, operations) : await savedPlan(context, operations, values.plan.value);
		const { guard, environment } = planned.request;
		return carryOut(context, operations, planned, () => requireConsent(context, { what: 'Migrate', guard, environment }));
	});
};
