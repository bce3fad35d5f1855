/**
 * The wizard on scripted operations, as a program: what the terminal tests start in a pseudo-terminal, and a way to look at every
 * screen by hand: `node --import tsx tests/fakes/wizard-program.ts [slow] [--ascii] [--screen-reader]`.
 */

import { runWizard } from '../../source/interactive.js';
import { describeTerminal } from '../../source/terminal.js';
import { fakeOperations, type Script } from './operations.js';
import { slowMigrate } from './slow-run.js';

const words = process.argv.slice(2);
const slow: Script = { migrate: slowMigrate };
const { operations } = fakeOperations(words.includes('slow') ? slow : {});
const terminal = describeTerminal({
	stdin: process.stdin,
	stdout: process.stdout,
	stderr: process.stderr,
	env: process.env,
	flags: { ascii: words.includes('--ascii'), screenReader: words.includes('--screen-reader'), noColor: words.includes('--no-color') },
});
try {
	const outcome = await runWizard({
		operations,
		terminal,
		version: '0.1.0',
		initial: words.includes('prod') ? { environment: 'prod' } : {},
		clock: { now: () => Date.now() },
		openHistory: words.includes('history'),
	});
	process.stderr.write(`${outcome.summary.join('\n')}\nexit ${outcome.exitCode}\n`);
	process.exitCode = outcome.exitCode;
} catch (thrown) {
	process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
	process.exitCode = 2;
}
