import type { Shell } from './commands/context.js';
import { createOutput } from './commands/output.js';
import { terminalPrompts } from './commands/prompts.js';
import { runCommandLine } from './commands/run-command-line.js';
import { describeTerminal } from './terminal.js';
import { version } from './version.js';

/** Runs this process's command line. The only place that sets the exit code. */
export async function main(): Promise<void> {
	process.exitCode = await runCommandLine(process.argv.slice(2), processShell());
}

function processShell(): Shell {
	const { stdin, stdout, stderr, env } = process;
	return {
		env,
		cwd: process.cwd(),
		version,
		nodeVersion: process.versions.node,
		output: createOutput(stdout, stderr),
		prompts: terminalPrompts(stderr),
		clock: { now: () => Date.now() },
		every(milliseconds, run) {
			const timer = setInterval(run, milliseconds);
			return () => clearInterval(timer);
		},
		onInterrupt(listener) {
			process.on('SIGINT', listener);
			process.on('SIGTERM', listener);
			return () => {
				process.off('SIGINT', listener);
				process.off('SIGTERM', listener);
			};
		},
		terminal: (wishes) => describeTerminal({ stdin, stdout, stderr, env, flags: wishes }),
		compose: async () => (await import('./compose.js')).compose,
		wizard: async (context) => (await import('./interactive.js')).runWizard(context),
	};
}
