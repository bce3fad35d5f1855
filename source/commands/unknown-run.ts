import { RepotError } from '../core/errors.js';

/** No such run in the history of this computer. `elsewhere`: flags that are missing to look for it in a target. */
export function unknownRun(id: string, runs: readonly { readonly id: string }[], elsewhere: readonly string[] = []): RepotError {
	return new RepotError({
		kind: 'usage',
		code: 'UNKNOWN_RUN',
		message: `There is no run ${id} here`,
		next: [
			runs.length === 0 ? 'No run was recorded in this state folder; --state-dir names another' : 'repot runs lists them',
			...(elsewhere.length === 0 ? [] : ['For a run of another computer, say where it went:', ...elsewhere]),
		],
	});
}
