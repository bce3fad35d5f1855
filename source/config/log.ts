import { dirname } from 'node:path';
import { RepotError } from '../core/errors.js';
import { makeFolders } from '../core/make-folders.js';
import type { LogLevel } from './options.js';

/** What the program tells its log file; never the terminal. Data is plain JSON. */
export interface Log {
	error(message: string, data?: Readonly<Record<string, unknown>>): void;
	warn(message: string, data?: Readonly<Record<string, unknown>>): void;
	info(message: string, data?: Readonly<Record<string, unknown>>): void;
	debug(message: string, data?: Readonly<Record<string, unknown>>): void;
	close(): void;
}

const silentLog: Log = { error() {}, warn() {}, info() {}, debug() {}, close() {} };

export interface LogOptions {
	readonly path: string;
	readonly level: LogLevel;
	readonly redact: (text: string) => string;
	/** The file was asked for by name: one that cannot be written is an error, at once. Otherwise the log does without. */
	readonly required: boolean;
}

/**
 * A pino log (one JSON object a line, mode 0600) whose every line passes through `redact`. Unless it is required the file is made by the
 * first line, so that a command that has nothing to say leaves nothing behind. A log that fails later never ends a run.
 */
export async function openLog(options: LogOptions): Promise<Log> {
	if (options.level === 'silent') return silentLog;
	// The default export: a bundled CommonJS module has no named ones.
	const { default: pino } = await import('pino');
	const file = lazyFile(options, (dest) => pino.destination({ dest, sync: true, mode: 0o600, append: true }));
	if (options.required) file.open();
	const logger = pino(
		{ level: options.level, base: { pid: process.pid } },
		{ write: (line: string) => file.open()?.write(options.redact(line)) },
	);
	return {
		error: (message, data = {}) => logger.error(data, message),
		warn: (message, data = {}) => logger.warn(data, message),
		info: (message, data = {}) => logger.info(data, message),
		debug: (message, data = {}) => logger.debug(data, message),
		close: () => file.close(),
	};
}

type Destination = ReturnType<typeof import('pino')['pino']['destination']>;

function lazyFile(options: LogOptions, destination: (path: string) => Destination): { open(): Destination | null; close(): void } {
	let opened: Destination | null | undefined;
	return {
		open() {
			if (opened === undefined) opened = openFile(options, destination);
			return opened;
		},
		close() {
			opened?.flushSync();
			opened?.end();
		},
	};
}

function openFile(options: LogOptions, destination: (path: string) => Destination): Destination | null {
	try {
		makeFolders(dirname(options.path), 0o700);
		const opened = destination(options.path);
		opened.on('error', () => {});
		return opened;
	} catch (thrown) {
		if (!options.required) return null;
		throw new RepotError({
			kind: 'usage',
			code: 'LOG_UNWRITABLE',
			message: 'The log file cannot be written',
			where: options.path,
			why: (thrown as Error).message,
			next: ['Give another file by --log-file', 'Turn the log off: --log-level silent'],
			cause: thrown,
		});
	}
}
