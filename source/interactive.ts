import { setTimeout as sleep } from 'node:timers/promises';
import type { WriteStream } from 'node:tty';
import { Observable } from '../screens/observable.js';
import { asRepotError, RepotError } from './core/errors.js';
import { openOutside } from './interactive-open.js';
import { runTextWizard } from './interactive-text.js';
import { outcomeOf, type WizardOutcome } from './outcome.js';
import { Session } from './session.js';
import type { Terminal } from './terminal.js';
import { startWizard } from './wizard.js';
import type { WizardContext, WizardIo } from './wizard-io.js';
import type { Leaving } from './wizard-screen.js';
import { followSize } from './wizard-stream.js';

export type { WizardContext, WizardIo } from './wizard-io.js';
export type { WizardOutcome };

/**
 * Runs the wizard until the operator leaves it. The terminal is restored in every case: cursor, raw mode, paste mode.
 * Throws RepotError (usage) when the terminal cannot be asked; everything else ends in the outcome.
 */
export async function runWizard(context: WizardContext): Promise<WizardOutcome> {
	const { terminal } = context;
	if (!terminal.interactive) throw refusal(terminal.reason ?? 'this is not a terminal');
	const io = context.io ?? { stdin: process.stdin, stderr: process.stderr, signals: process };
	const screenReader = terminal.screenReader;
	const session = new Session({ operations: context.operations, clock: context.clock, intervalMilliseconds: screenReader ? 3000 : 100 });
	const why = screenReader ? await runTextWizard({ ...context, io, session }) : await draw(context, io, session);
	// The last screen may be left while the run still gives back its lock; a hung target must not keep the terminal.
	if (session.ending) await Promise.race([session.settled(), sleep(5_000, undefined, { ref: false })]);
	return outcomeOf(session, why, Math.min(120, terminal.columns - 1));
}

function refusal(reason: string): RepotError {
	return new RepotError({
		kind: 'usage',
		code: 'NOT_INTERACTIVE',
		message: 'The wizard needs a terminal that can be asked',
		why: reason,
		next: [
			'repot plan --env NAME makes the dry run without questions',
			'repot migrate --env NAME --yes runs it',
			'repot --help lists every command and flag',
		],
	});
}

async function draw(context: WizardContext, io: WizardIo, session: Session): Promise<Leaving> {
	const { terminal, operations, version, clock } = context;
	const mountApp = await loadInk(terminal);
	const leaveRequest = new Observable<Leaving | null>(null);
	const size = followSize(io.stderr);
	const removeSignals = handleSignals(io, session, leaveRequest);
	const restore = restoreAtExit(io.stderr);
	let why: Leaving | null = null;
	try {
		io.stderr.write(pasteModeOn);
		await mountApp(io, {
			operations,
			session,
			start: startWizard(context.initial, context.openHistory),
			version,
			clock,
			unicode: terminal.unicode,
			colour: terminal.colour,
			size: size.now,
			leaveRequest,
			copy: (text) => io.stderr.write(clipboardSequence(text)),
			open: openOutside,
			onLeave: (told) => {
				why = told;
			},
		});
		// Ink ends quietly when the first frame cannot be drawn.
		if (why === null) throw new Error('The screens closed by themselves');
	} catch (thrown) {
		session.failure.set(asRepotError(thrown).toJSON());
		why = 'finished';
	} finally {
		removeSignals();
		size.stop();
		restore();
		// The operator left a run that would not end, or the screens broke: it must not go on unseen.
		if (session.active) session.interrupt();
	}
	return why ?? 'cancelled';
}

/**
 * Ink and its colour library read NODE_ENV, CI and FORCE_COLOR once, when they are loaded. The decision was made in terminal.ts, for
 * stderr; here it is handed over, and the environment is put back.
 */
async function loadInk({ colour }: Terminal) {
	const before = { FORCE_COLOR: process.env.FORCE_COLOR, CI: process.env.CI, CONTINUOUS_INTEGRATION: process.env.CONTINUOUS_INTEGRATION };
	process.env.NODE_ENV ??= 'production';
	process.env.FORCE_COLOR = colour ? '1' : '0';
	process.env.CI = 'false';
	process.env.CONTINUOUS_INTEGRATION = 'false';
	try {
		const { mountApp } = await import('./mount.js');
		return mountApp;
	} finally {
		for (const [name, value] of Object.entries(before)) {
			if (value === undefined) delete process.env[name];
			else process.env[name] = value;
		}
	}
}

/** The first signal stops after the batch in flight, the second now; without a run the wizard closes. */
function handleSignals(io: WizardIo, session: Session, leaveRequest: Observable<Leaving | null>): () => void {
	const onSignal = () => {
		const leave = (why: Leaving) => {
			if (leaveRequest.getSnapshot() === null) leaveRequest.set(why);
		};
		if (session.interrupt() === 'idle') leave('cancelled');
		else session.settled().then(() => leave('finished'));
	};
	const names = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;
	for (const name of names) io.signals.on(name, onSignal);
	return () => {
		for (const name of names) io.signals.off(name, onSignal);
	};
}

/** Bracketed paste: the terminal marks what was pasted, so that no pasted line end can act as a key. */
const pasteModeOn = '\u001b[?2004h';
const terminalRestored = '\u001b[?2004l\u001b[?25h';

/** Puts the terminal back, also when the process is made to exit from elsewhere. Writing to a terminal that is gone is no error. */
function restoreAtExit(stderr: WriteStream): () => void {
	const ignoreGone = () => undefined;
	const write = () => {
		if (!stderr.destroyed) stderr.write(terminalRestored);
	};
	stderr.on('error', ignoreGone);
	process.once('exit', write);
	return () => {
		process.off('exit', write);
		write();
		stderr.off('error', ignoreGone);
	};
}

/** OSC 52: the terminal's own clipboard, also over ssh. */
const clipboardSequence = (text: string): string => `\u001b]52;c;${Buffer.from(text, 'utf8').toString('base64')}\u0007`;
