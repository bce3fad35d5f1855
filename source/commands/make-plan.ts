import { resolve } from 'node:path';
import { flagOf, type OptionKey } from '../config/options.js';
import { choicesOfPlan, contradictions, saidOfPlan } from '../config/plan-choices.js';
import { namingOf } from '../config/plan-collections.js';
import { readPlanFile } from '../config/plan-file.js';
import { refuseUnwritable } from '../config/write-file.js';
import type { CredentialOptions } from '../core/credentials/find.js';
import { RepotError } from '../core/errors.js';
import { formatPercent } from '../core/format.js';
import type { Operations, PlanProgress, PlanRequest } from '../core/operations.js';
import type { Plan } from '../core/plan/types.js';
import { requestFromSettings, tellFound } from './choose.js';
import { type CommandContext, interruptible } from './context.js';

export interface Planned {
	readonly plan: Plan;
	readonly request: PlanRequest;
}

/** The dry run of what the settings ask for; its phases are told on stderr. Saves the plan when `--out` asks for it. Nothing is created unless `options` say so. */
export async function dryRun(
	context: CommandContext,
	operations: Operations,
	options: Pick<CredentialOptions, 'createUser'> = {},
): Promise<Planned> {
	const request = await requestFromSettings(context, operations, options);
	const { out } = context.settings.values;
	if (out.value !== null) await refuseUnwritable(resolve(context.settings.cwd, out.value), '--out');
	const plan = await interruptible(context, (signal) => operations.plan(request, signal, progressLines(context)));
	context.log.info('planned', { plan: plan.id, records: plan.totals.records, hazards: plan.hazards.length });
	if (out.value !== null) {
		const path = await operations.savePlan(plan, out.value);
		context.shell.output.say(`Saved  ${path}`);
	}
	return { plan, request };
}

/** A saved plan with the request that runs it. Flags that could only contradict the plan are refused. */
export async function savedPlan(context: CommandContext, operations: Operations, path: string): Promise<Planned> {
	const plan = await readPlanFile(path, context.settings.cwd);
	const contrary = contradictions(context.settings, plan);
	if (contrary.length > 0) throw contradiction(path, contrary, plan);
	return { plan, request: await requestOfPlan(context, operations, plan) };
}

/** The request that a plan was made of: what the plan holds, and the target's URL and the rest from the settings. */
export async function requestOfPlan(context: CommandContext, operations: Operations, plan: Plan): Promise<PlanRequest> {
	const request = await interruptible(context, (signal) => operations.request(choicesOfPlan(plan), signal, tellFound(context)));
	return { ...request, policies: plan.policies, ...namingOf(plan) };
}

function contradiction(path: string, keys: readonly OptionKey[], plan: Plan): RepotError {
	const flags = keys.map(flagOf);
	return new RepotError({
		kind: 'usage',
		code: 'PLAN_AND_FLAGS',
		message: `--plan runs exactly what the file says, so ${flags.join(', ')} cannot be given beside it`,
		where: path,
		why: keys.map((key) => saidOfPlan(plan, key)).join('\n'),
		next: [`Leave out ${flags.join(', ')}`, 'Or make a new plan with them: repot plan --out FILE'],
	});
}

/** Each phase once, and every tenth of it at most once: a log of a dry run stays short. */
function progressLines(context: CommandContext): (progress: PlanProgress) => void {
	let told = '';
	return ({ phase, fraction }) => {
		const tenth = fraction === null ? null : Math.floor(fraction * 10) / 10;
		const key = `${phase} ${tenth}`;
		if (key === told) return;
		const isNew = !told.startsWith(`${phase} `);
		told = key;
		if (isNew || context.terminal.interactive)
			context.shell.output.say(`Dry run  ${phase}${tenth === null ? '' : `  ${formatPercent(tenth)}`}`);
	};
}
