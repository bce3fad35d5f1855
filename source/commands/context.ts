import type { Log } from '../config/log.js';
import type { Redaction } from '../config/redact.js';
import type { Settings } from '../config/settings.js';
import { type ExitCode, RepotError } from '../core/errors.js';
import type { Operations, WizardChoices } from '../core/operations.js';
import type { Clock } from '../core/ports.js';
import type { TextStyle } from '../headless/style.js';
import type { Every } from '../headless/text-sink.js';
import type { Terminal } from '../terminal.js';
import type { Output } from './output.js';
import type { CommandLine } from './parse.js';
import type { Prompts } from './prompts.js';

/** Settings to operations; tests hand in fakes. */
export type Compose = (
	settings: Settings,
	io: { readonly log: Log; readonly clock: Clock; readonly redact: Redaction; readonly env: Shell['env'] },
) => Operations | Promise<Operations>;

export interface WizardContext {
	readonly operations: Operations;
	readonly terminal: Terminal;
	readonly version: string;
	readonly initial: Partial<WizardChoices>;
	readonly clock: Clock;
}

/** Everything outside that a command touches. */
export interface Shell {
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly cwd: string;
	readonly version: string;
	readonly nodeVersion: string;
	readonly output: Output;
	readonly prompts: Prompts;
	readonly clock: Clock;
	readonly every: Every;
	/** Calls `listener` at each Ctrl+C and SIGTERM instead of ending the process; returns what ends that. */
	onInterrupt(listener: () => void): () => void;
	terminal(wants: TerminalWishes): Terminal | Promise<Terminal>;
	compose(): Promise<Compose>;
	wizard(context: WizardContext): Promise<{ readonly exitCode: ExitCode; readonly summary: readonly string[] }>;
}

/** What flags and settings ask of the terminal. */
export interface TerminalWishes {
	readonly json: boolean;
	readonly noInput: boolean;
	readonly plain: boolean;
	readonly ascii: boolean;
	readonly screenReader: boolean;
	readonly noColor: boolean;
}

/** What a command gets once its settings are read. */
export interface CommandContext {
	readonly shell: Shell;
	readonly settings: Settings;
	readonly terminal: Terminal;
	/** For stdout and for stderr: a pipe gets no colour. */
	readonly dataStyle: TextStyle;
	readonly style: TextStyle;
	readonly log: Log;
	/** Masks secrets in what came from outside: errors, events, findings. */
	readonly redact: Redaction;
	/** The word after the verb: a run's id, or a path. */
	readonly operand: string | null;
}

export type Command = (context: CommandContext) => Promise<ExitCode>;

/** Opens the operations, and closes them whatever happens. */
export async function withOperations<T>(context: CommandContext, work: (operations: Operations) => Promise<T>): Promise<T> {
	const compose = await context.shell.compose();
	const { log, redact, shell } = context;
	const operations = await compose(context.settings, { log, clock: shell.clock, redact, env: shell.env });
	try {
		return await work(operations);
	} finally {
		await operations.close();
	}
}

/** Runs `work` with a signal that Ctrl+C aborts; what it throws then is told as the interruption, in `words`. */
export async function interruptible<T>(
	context: CommandContext,
	work: (signal: AbortSignal) => Promise<T>,
	words = 'stopped as asked; nothing was written',
): Promise<T> {
	const controller = new AbortController();
	const end = context.shell.onInterrupt(() =>
		controller.abort(new RepotError({ kind: 'interrupted', code: 'INTERRUPTED', message: words })),
	);
	try {
		return await work(controller.signal);
	} catch (thrown) {
		throw controller.signal.aborted ? controller.signal.reason : thrown;
	} finally {
		end();
	}
}

/** A command line as it is carried out, and the surroundings it sees. */
export interface Prepared {
	readonly parsed: CommandLine;
	readonly env: Shell['env'];
	/** Said before the command starts. */
	readonly notes?: readonly string[];
}
