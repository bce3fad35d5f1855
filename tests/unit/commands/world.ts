import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { Shell, WizardContext } from '../../../source/commands/context.js';
import { createOutput } from '../../../source/commands/output.js';
import type { Prompts } from '../../../source/commands/prompts.js';
import { runCommandLine } from '../../../source/commands/run-command-line.js';
import { type Calls, fakeOperations, noCalls, type Script } from './fake-operations.js';

export interface World {
	readonly cwd: string;
	readonly calls: Calls;
	readonly interrupt: () => void;
	readonly asked: string[];
	readonly wizards: WizardContext[];
	run(...argv: string[]): Promise<Result>;
	write(name: string, content: unknown): Promise<void>;
}

interface Result {
	readonly code: number;
	readonly stdout: string;
	readonly stderr: string;
	/** stdout, each line parsed. */
	readonly json: readonly Record<string, unknown>[];
}

export interface WorldOptions {
	readonly env?: Readonly<Record<string, string>>;
	readonly config?: unknown;
	readonly script?: Script;
	/** On a terminal; answers are given in order. */
	readonly answers?: readonly (string | boolean)[];
	readonly nodeVersion?: string;
}

const made: string[] = [];

afterEach(async () => {
	await Promise.all(made.splice(0).map((path) => rm(path, { recursive: true, force: true })));
});

/** A folder, an environment and a scripted engine around the real command line. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
	const cwd = await mkdtemp(join(tmpdir(), 'repot-commands-'));
	made.push(cwd);
	const calls = noCalls();
	const listeners = new Set<() => void>();
	const asked: string[] = [];
	const wizards: WizardContext[] = [];
	const write = (name: string, content: unknown): Promise<void> =>
		writeFile(join(cwd, name), typeof content === 'string' ? content : JSON.stringify(content, null, '\t'));
	if (options.config !== undefined) await write('repot.config.json', options.config);
	const run = async (...argv: string[]): Promise<Result> => {
		let [stdout, stderr] = ['', ''];
		const output = createOutput(
			{
				write: (text) => {
					stdout += text;
				},
			},
			{
				write: (text) => {
					stderr += text;
				},
			},
		);
		const shell: Shell = {
			env: { HOME: cwd, XDG_STATE_HOME: join(cwd, 'state'), ...options.env },
			cwd,
			version: '9.9.9',
			nodeVersion: options.nodeVersion ?? '20.17.0',
			output,
			prompts: scriptedPrompts(options.answers ?? [], asked),
			clock: { now: () => Date.parse('2025-03-01T12:00:00.000Z') },
			every: () => () => {},
			onInterrupt(listener) {
				listeners.add(listener);
				return () => listeners.delete(listener);
			},
			terminal: (wishes) => {
				const interactive = options.answers !== undefined && !wishes.json && !wishes.noInput;
				const reason = interactive ? null : 'standard input is not a terminal';
				return { interactive, reason, columns: 80, rows: 24, unicode: true, colour: false, screenReader: wishes.screenReader };
			},
			compose: async () => (settings) => fakeOperations(settings, options.script ?? {}, calls),
			wizard: async (context) => {
				wizards.push(context);
				return { exitCode: 0, summary: ['wizard ended'] };
			},
		};
		const code = await runCommandLine(argv, shell);
		return {
			code,
			stdout,
			stderr,
			get json() {
				return stdout
					.trimEnd()
					.split('\n')
					.map((line) => JSON.parse(line) as Record<string, unknown>);
			},
		};
	};
	return { cwd, calls, asked, wizards, run, write, interrupt: () => [...listeners].forEach((listener) => void listener()) };
}

function scriptedPrompts(answers: readonly (string | boolean)[], asked: string[]): Prompts {
	const left = [...answers];
	const answer = (message: string): string | boolean => {
		asked.push(message);
		const next = left.shift();
		if (next === undefined) throw new Error(`No answer is scripted for: ${message}`);
		return next;
	};
	return {
		confirm: async (message) => answer(message) === true,
		input: async ({ message, initial }) => String(answer(message)) || (initial ?? ''),
		select: async (message, choices) => {
			const value = String(answer(message));
			const found = choices.find((choice) => choice.value === value);
			if (found === undefined) throw new Error(`${message} has no choice ${value}`);
			return found.value;
		},
	};
}

/** A config with an open and a protected environment, and one dataset. */
export const usualConfig = {
	environments: { dev: { target: 'postgresql://app@db.example:5432/app' }, prod: { target: 'postgresql://app@prod.example/app' } },
	datasets: { golden: { sqlite: './app.db', chroma: './chroma', collection: 'golden' } },
	userId: 'ana',
};
