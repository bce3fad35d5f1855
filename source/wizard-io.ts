import type { ReadStream, WriteStream } from 'node:tty';
import type { Operations, WizardChoices } from './core/operations.js';
import type { Clock } from './core/ports.js';
import type { Terminal } from './terminal.js';

export interface WizardIo {
	readonly stdin: ReadStream;
	/** Where screens are drawn: standard error, so that standard output stays data. */
	readonly stderr: WriteStream;
	/** Whose signals stop a run. */
	readonly signals: Pick<NodeJS.Process, 'on' | 'off'>;
}

export interface WizardContext {
	readonly operations: Operations;
	readonly terminal: Terminal;
	readonly version: string;
	/** What flags already answered. */
	readonly initial: Partial<WizardChoices> & { readonly environment?: string };
	readonly clock: Clock;
	/** Begin with the history of runs. */
	readonly openHistory?: boolean;
	/** The process's own streams when absent. */
	readonly io?: WizardIo;
}
