import { PassThrough } from 'node:stream';
import type { WizardChoices } from '../../../source/core/operations.js';
import type { WizardIo } from '../../../source/interactive.js';
import { runTextWizard } from '../../../source/interactive-text.js';
import { outcomeOf } from '../../../source/outcome.js';
import { Session } from '../../../source/session.js';
import { describeTerminal } from '../../../source/terminal.js';
import { fakeOperations, type Script } from '../../fakes/operations.js';

/** Runs the conversation: each line is sent once the text before it has been said. */
export async function talk(
	script: Script,
	lines: readonly (readonly [expected: string, answer: string])[],
	onSignals: (interrupt: () => void) => void = () => {},
	initial: Partial<WizardChoices> = {},
) {
	const { operations, calls } = fakeOperations(script);
	const clock = { now: () => Date.now() };
	const session = new Session({ operations, clock, intervalMilliseconds: 3000 });
	const stdin = new PassThrough();
	const stderr = new PassThrough();
	let said = '';
	let heard = 0;
	const remaining = [...lines];
	stderr.on('data', (chunk: Buffer) => {
		said += chunk.toString('utf8');
		const [wanted] = remaining;
		if (wanted === undefined || !said.slice(heard).includes(wanted[0])) return;
		remaining.shift();
		heard = said.length;
		stdin.write(`${wanted[1]}\n`);
	});
	const io: WizardIo = {
		stdin: stdin as unknown as WizardIo['stdin'],
		stderr: stderr as unknown as WizardIo['stderr'],
		signals: {
			on: (_name: string, listener: (...given: never[]) => void) => {
				onSignals(() => listener());
				return process;
			},
			off: () => process,
		},
	};
	const terminal = describeTerminal({ stdin: {}, stdout: {}, stderr: {}, env: {}, flags: { screenReader: true } });
	const why = await runTextWizard({ operations, terminal, version: '0.1.0', initial, clock, io, session });
	return { said, calls, why, outcome: outcomeOf(session, why, 79), left: remaining };
}
