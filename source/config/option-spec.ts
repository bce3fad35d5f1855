import { type Verb, verbs } from './option-values.js';
import { boolean, type Parser } from './values.js';

export interface OptionSpec<T> {
	/** Placeholder of the value in the help; none for a switch. */
	readonly argument?: string;
	readonly help: string;
	readonly initial: T;
	readonly parse: Parser<T>;
	readonly verbs: readonly Verb[];
	/** A path: told relative to the working directory; in the config, relative to the config file's folder. */
	readonly path?: true;
	/** Given for one run only: a flag or an environment variable, never a config key. */
	readonly perRun?: true;
	/** The value as a flag takes it, where String() is not it. */
	readonly print?: (value: T) => string;
	/** A flag that may repeat, an array in the config, a list with commas in a variable: `parse` gives the values of each text. */
	readonly many?: true;
}

export const planning: readonly Verb[] = ['wizard', 'plan', 'migrate'];
export const running: readonly Verb[] = ['wizard', 'migrate'];
export const checking: readonly Verb[] = ['wizard', 'migrate', 'verify'];
export const reading: readonly Verb[] = [...planning, 'verify', 'doctor', 'init'];
export const looking: readonly Verb[] = [...reading, 'inspect'];
export const reaching: readonly Verb[] = [...reading, 'rollback', 'runs'];
export const placed: readonly Verb[] = verbs.filter((verb) => verb !== 'demo');

export const define = <T>(spec: OptionSpec<T>): OptionSpec<T> => spec;
export const toggle = (help: string, of: readonly Verb[], more: { readonly perRun?: true } = {}): OptionSpec<boolean> => ({
	help,
	initial: false,
	parse: boolean,
	verbs: of,
	...more,
});
