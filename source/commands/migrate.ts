import { RepotError } from '../core/errors.js';
import { carryOut, startStream } from './carry-out.js';
import { requireConsent } from './consent.js';
import { type Command, withOperations } from './context.js';
import { dryRun, savedPlan } from './make-plan.js';
import { planCommand } from './plan.js';

const writesOutside = (): RepotError =>
	new RepotError({
		kind: 'usage',
		code: 'DRY_RUN_CREATES',
		message: '--create-user makes a user in Cognito, and a dry run writes nothing anywhere',
		next: ['Leave one of --dry-run and --create-user out', 'Or plan for a user id: --user-id ID --skip-cognito'],
	});

const unconfirmed = (): RepotError =>
	new RepotError({
		kind: 'usage',
		code: 'CONFIRMATION_NEEDED',
		message: 'Migrate: a confirmation is needed; no user was created and nothing was written',
		next: ['--yes confirms without asking; a protected environment takes --confirm NAME'],
	});

/** `repot migrate`: plan (or a saved one), confirm, run, verify. The same command goes on with a run that was killed. */
export const migrateCommand: Command = async (context) => {
	const { values } = context.settings;
	if (values.dryRun.value) {
		if (values.createUser.value) throw writesOutside();
		return planCommand(context);
	}
	// Somebody who could not agree afterwards must not find a user made.
	if (values.createUser.value && !values.yes.value && values.confirm.value === null && !context.terminal.interactive) throw unconfirmed();
	startStream(context);
	return withOperations(context, async (operations) => {
		const planned =
			values.plan.value === null
				? await dryRun(context, operations, { createUser: values.createUser.value })
				: await savedPlan(context, operations, values.plan.value);
		const { guard, environment } = planned.request;
		return carryOut(context, operations, planned, () => requireConsent(context, { what: 'Migrate', guard, environment }));
	});
};
