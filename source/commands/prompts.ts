import { RepotError } from '../core/errors.js';

/** Questions outside the wizard; asked on stderr. */
export interface Prompts {
	/** The answer of a bare Enter is no. */
	confirm(message: string): Promise<boolean>;
	input(question: {
		readonly message: string;
		readonly initial?: string;
		/** True, or why not. */
		readonly check?: (value: string) => true | string;
	}): Promise<string>;
	select<T extends string>(message: string, choices: readonly { readonly value: T; readonly name: string }[]): Promise<T>;
}

/** Prompts on the terminal. The library is loaded by the first question. */
export function terminalPrompts(output: NodeJS.WritableStream): Prompts {
	const load = async () => import('@inquirer/prompts');
	return {
		confirm: async (message) => asked(async () => (await load()).confirm({ message, default: false }, { output })),
		input: async ({ message, initial, check }) =>
			asked(async () =>
				(await load()).input(
					{ message, ...(initial === undefined ? {} : { default: initial }), ...(check === undefined ? {} : { validate: check }) },
					{ output },
				),
			),
		select: async (message, choices) => asked(async () => (await load()).select({ message, choices: [...choices] }, { output })),
	};
}

/** Ctrl+C at a question ends the command; nothing was written. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
	try {
		return await ask();
	} catch (thrown) {
		if (thrown instanceof Error && (thrown.name === 'ExitPromptError' || thrown.name === 'AbortPromptError')) throw declined();
		throw thrown;
	}
}

export const declined = (): RepotError =>
	new RepotError({ kind: 'interrupted', code: 'DECLINED', message: 'Not confirmed: nothing was written' });
