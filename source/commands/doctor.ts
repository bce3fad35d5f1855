import { exitCodes, type RepotError } from '../core/errors.js';
import type { Operations } from '../core/operations.js';
import { printable } from '../core/text-width.js';
import { paint, type TextStyle } from '../headless/style.js';
import { type Command, type CommandContext, interruptible, withOperations } from './context.js';
import { checkConfig, checkNode, checkState, checkTerminal, type Finding } from './doctor-local.js';
import { checkCredentials, checkSources } from './doctor-remote.js';

/** `repot doctor`: one line for each thing that a run needs: ok, LOOK or X, with the next step. */
export const doctorCommand =
	(fault: RepotError | null): Command =>
	async (context) => {
		const local = [checkNode(context), checkTerminal(context), checkConfig(context, fault), ...(await checkState(context))];
		const remote = fault === null ? await withOperations(context, (operations) => checkRemote(context, operations)) : [];
		const findings = context.redact.value([...local, ...remote]);
		tell(context, findings);
		const broken = findings.filter((finding) => finding.state === 'X');
		if (broken.length === 0) return exitCodes.done;
		return broken.some((finding) => finding.side === 'usage') ? exitCodes.usage : exitCodes.unreachable;
	};

const checkRemote = (context: CommandContext, operations: Operations): Promise<readonly Finding[]> =>
	interruptible(context, async (signal) => [
		...(await checkSources(context, operations, signal)),
		...(await checkCredentials(context, operations, signal)),
	]);

function tell(context: CommandContext, findings: readonly Finding[]): void {
	const { output } = context.shell;
	if (context.settings.values.json.value) {
		const ok = findings.every((finding) => finding.state !== 'X');
		output.data(JSON.stringify({ type: 'doctor', ok, checks: findings.map(({ side: _side, ...finding }) => finding) }));
		return;
	}
	for (const finding of findings) for (const line of findingLines(finding, context.dataStyle)) output.data(line);
}

const tones = { ok: 'good', LOOK: 'look', X: 'bad' } as const;

function findingLines(finding: Finding, style: TextStyle): readonly string[] {
	const head = `${paint(style, tones[finding.state], finding.state.padEnd(4))}  ${finding.name.padEnd(12)}  ${printable(finding.detail)}`;
	return [head, ...finding.next.map((step) => `${' '.repeat(20)}next  ${printable(step)}`)];
}
