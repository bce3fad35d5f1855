import { EventEmitter } from 'node:events';
import { render } from 'ink';
import { Observable } from '../../screens/observable.js';
import { App, type WindowSize } from '../../source/app.js';
import type { Operations, WizardChoices } from '../../source/core/operations.js';
import type { Clock } from '../../source/core/ports.js';
import { Session } from '../../source/session.js';
import { startWizard } from '../../source/wizard.js';
import type { Leaving } from '../../source/wizard-screen.js';

/** Five minutes after the last run of the fakes. */
export const fakeNow = Date.parse('2025-03-07T14:05:00.000Z');

/** Names of keys to what a terminal sends for them. */
export const keys = {
	up: '\u001b[A',
	down: '\u001b[B',
	right: '\u001b[C',
	left: '\u001b[D',
	pageDown: '\u001b[6~',
	pageUp: '\u001b[5~',
	enter: '\r',
	esc: '\u001b',
	tab: '\t',
	backspace: '\u007f',
	ctrlC: '\u0003',
} as const;

/** What Ink needs of a stream that it draws on. */
class FakeOutput extends EventEmitter {
	readonly isTTY = true;
	readonly frames: string[] = [];
	columns: number;
	rows: number;

	constructor({ columns, rows }: WindowSize) {
		super();
		this.columns = columns;
		this.rows = rows;
	}

	write = (chunk: string): boolean => {
		this.frames.push(chunk);
		this.emit('drawn');
		return true;
	};
}

class FakeInput extends EventEmitter {
	readonly isTTY = true;
	#pending: string[] = [];

	type(text: string): void {
		this.#pending.push(text);
		this.emit('readable');
	}

	read = (): string | null => this.#pending.shift() ?? null;
	setEncoding = (): void => {};
	setRawMode = (): void => {};
	ref = (): void => {};
	unref = (): void => {};
}

export interface WizardScreenOptions {
	readonly operations: Operations;
	readonly columns?: number;
	readonly rows?: number;
	readonly unicode?: boolean;
	readonly clock?: Clock;
	readonly initial?: Partial<WizardChoices>;
	readonly openHistory?: boolean;
}

export interface WizardScreenHandle {
	readonly session: Session;
	/** The last frame without colours; scrollback lines (finished steps) come first. */
	frame(): string;
	/** Only what is redrawn: from the header on. */
	live(): string;
	press(...sent: readonly string[]): void;
	/** Resolves as soon as the frame holds the text (or matches); fails with the frame after five seconds. */
	until(wanted: string | RegExp): Promise<void>;
	resize(size: WindowSize): void;
	/** Resolves with the reason once the wizard has closed. */
	readonly closed: Promise<Leaving | null>;
	readonly copied: readonly string[];
	close(): void;
}

const colours = /\u001b\[[0-9;]*m/g;

/** The whole wizard in this process, on a terminal of settable size; nothing is slept for, everything is waited for. */
export function openWizard(options: WizardScreenOptions): WizardScreenHandle {
	const {
		operations,
		columns = 80,
		rows = 24,
		unicode = true,
		clock = { now: () => fakeNow },
		initial = {},
		openHistory = false,
	} = options;
	const size = new Observable<WindowSize>({ columns, rows });
	const output = new FakeOutput({ columns, rows });
	const input = new FakeInput();
	const session = new Session({ operations, clock });
	const leaveRequest = new Observable<Leaving | null>(null);
	const copied: string[] = [];
	let told: Leaving | null = null;
	const app = render(
		<App
			operations={operations}
			session={session}
			start={startWizard(initial, openHistory)}
			version="0.1.0"
			clock={clock}
			unicode={unicode}
			colour={false}
			size={size}
			leaveRequest={leaveRequest}
			copy={(text) => copied.push(text)}
			onLeave={(why) => {
				told = why;
			}}
		/>,
		{
			stdin: input as unknown as NodeJS.ReadStream,
			stdout: output as unknown as NodeJS.WriteStream,
			stderr: output as unknown as NodeJS.WriteStream,
			debug: true,
			exitOnCtrlC: false,
			patchConsole: false,
		},
	);
	const frame = () => (output.frames.at(-1) ?? '').replace(colours, '');
	const live = () => frame().slice(Math.max(0, frame().lastIndexOf(' repot 0.1.0')));
	return {
		session,
		frame,
		live,
		copied,
		press: (...sent) => {
			for (const text of sent) input.type(text);
		},
		until: (wanted) =>
			new Promise<void>((resolve, reject) => {
				const isThere = () => (typeof wanted === 'string' ? frame().includes(wanted) : wanted.test(frame()));
				const settle = (act: () => void) => {
					clearTimeout(timer);
					output.off('drawn', look);
					act();
				};
				const look = () => {
					if (isThere()) settle(resolve);
				};
				const timer = setTimeout(() => settle(() => reject(new Error(`never on screen: ${wanted}\n${frame()}`))), 5000);
				output.on('drawn', look);
				look();
			}),
		resize: (wanted) => {
			output.columns = wanted.columns;
			output.rows = wanted.rows;
			size.set(wanted);
		},
		closed: app.waitUntilExit().then(() => told),
		close: () => app.unmount(),
	};
}
