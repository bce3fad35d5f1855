import { RepotError } from '../core/errors.js';
import type { Guard } from '../core/operations.js';
import { printable } from '../core/text-width.js';
import type { CommandContext } from './context.js';
import { declined } from './prompts.js';

export interface ConsentRequest {
	/** `Migrate`, `Roll back run r-1`. */
	readonly what: string;
	readonly guard: Guard;
	readonly environment: string;
	/** Word to type for an open environment; without one, y or n is asked. */
	readonly word?: string;
}

/**
 * Returns only when the operator agreed. `--yes` is enough for an open environment; a protected one takes its typed name or
 * `--confirm NAME`. Throws RepotError: usage when nobody can be asked, interrupted when the answer is no.
 */
export async function requireConsent(context: CommandContext, request: ConsentRequest): Promise<void> {
	const { yes, confirm } = context.settings.values;
	if (confirm.value !== null) {
		if (confirm.value === request.environment) return;
		throw wrongName(confirm.value, request.environment);
	}
	if (request.guard === 'open' && yes.value) return;
	if (!context.terminal.interactive) throw cannotAsk(request, context.terminal.reason, yes.value);
	const agreed = await ask(context, request);
	if (!agreed) throw declined();
}

async function ask(context: CommandContext, request: ConsentRequest): Promise<boolean> {
	const { prompts } = context.shell;
	if (request.guard === 'protected') {
		const message = `${request.what}: ${request.environment} is PROTECTED. Type its name to go on`;
		return (await prompts.input({ message })) === request.environment;
	}
	if (request.word === undefined) return prompts.confirm(`${request.what} in ${printable(request.environment)}?`);
	return (await prompts.input({ message: `${request.what}: type ${request.word} to go on` })) === request.word;
}

function wrongName(given: string, environment: string): RepotError {
	return new RepotError({
		kind: 'usage',
		code: 'WRONG_CONFIRMATION',
		message: `--confirm names "${given}", but the environment is "${environment}"`,
		next: [`--confirm ${environment}, if that is the one you mean`, `--env ${given}, if it is the other`],
	});
}

function cannotAsk(request: ConsentRequest, reason: string | null, yes: boolean): RepotError {
	const guarded = request.guard === 'protected';
	const why =
		guarded && yes
			? `--yes is not enough for the protected environment "${request.environment}"`
			: `nobody can be asked: ${reason ?? 'no terminal'}`;
	return new RepotError({
		kind: 'usage',
		code: 'CONFIRMATION_NEEDED',
		message: `${request.what}: a confirmation is needed; nothing was written`,
		why,
		next: [guarded ? `--confirm ${request.environment} confirms the protected environment by its name` : '--yes confirms without asking'],
	});
}
