import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { IPty } from '@lydell/node-pty';
import type { Terminal } from '@xterm/headless';

const require = createRequire(import.meta.url);

/** The repository's root: where programs are started. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

type Spawn = typeof import('@lydell/node-pty').spawn;

function loadSpawn(): { readonly spawn: Spawn; readonly reason: null } | { readonly spawn: null; readonly reason: string } {
	try {
		return { spawn: (require('@lydell/node-pty') as { readonly spawn: Spawn }).spawn, reason: null };
	} catch (thrown) {
		const [why = ''] = (thrown instanceof Error ? thrown.message : String(thrown)).split('\n');
		return { spawn: null, reason: `pseudo-terminals are not available here: ${why}` };
	}
}

const loaded = loadSpawn();

/** Why terminal tests are skipped on this computer; null when they run. `REPOT_REQUIRE_SERVERS=1` forbids skipping. */
export const skipReason: string | null = process.env.REPOT_REQUIRE_SERVERS === '1' ? null : loaded.reason;

/** Names of keys to what a terminal sends for them. */
export const keys = {
	up: '\u001b[A',
	down: '\u001b[B',
	right: '\u001b[C',
	left: '\u001b[D',
	enter: '\r',
	esc: '\u001b',
	tab: '\t',
	ctrlC: '\u0003',
} as const;

export interface TerminalOptions {
	readonly command: string;
	readonly args: readonly string[];
	readonly columns?: number;
	readonly rows?: number;
	readonly cwd?: string;
	readonly env?: Readonly<Record<string, string>>;
	/** Milliseconds that `until` waits at most. */
	readonly patience?: number;
}

export interface TerminalHandle {
	/** Resolves as soon as the text is on the virtual screen (or matches it); fails with the screen printed. */
	until(wanted: string | RegExp): Promise<void>;
	/** Types text or keys. */
	send(...texts: readonly string[]): void;
	/** What a terminal with bracketed paste sends for a paste. */
	paste(text: string): void;
	resize(columns: number, rows: number): void;
	/** The visible lines, without trailing blanks. */
	screen(): readonly string[];
	/** Every line that can still be scrolled to, and the screen. */
	everything(): readonly string[];
	/** All bytes that the program wrote. */
	raw(): string;
	/** Whether the program left the cursor visible. */
	cursorVisible(): boolean;
	signal(name: 'SIGTERM' | 'SIGHUP' | 'SIGINT'): void;
	readonly exited: Promise<number>;
	/** Ends the program if it is still there. */
	close(): void;
}

/** Starts a program in a pseudo-terminal of the given size, in front of a virtual screen. */
export function openTerminal(options: TerminalOptions): TerminalHandle {
	if (loaded.spawn === null) throw new Error(loaded.reason);
	const { command, args, columns = 80, rows = 24, cwd = root, env = {}, patience = 30_000 } = options;
	const screen = newScreen(columns, rows);
	const pty = loaded.spawn(command, [...args], {
		name: env.TERM ?? 'xterm-256color',
		cols: columns,
		rows,
		cwd,
		env: { ...cleanEnvironment(), ...env },
	});
	const looks = new Set<() => void>();
	let raw = '';
	let code: number | null = null;
	pty.onData((chunk) => {
		raw += chunk;
		screen.write(chunk, () => {
			for (const look of [...looks]) look();
		});
	});
	const exited = new Promise<number>((resolve) => {
		pty.onExit(({ exitCode }) => {
			code = exitCode;
			// What was written last is drawn before the end is told.
			screen.write('', () => {
				for (const look of [...looks]) look();
				resolve(exitCode);
			});
		});
	});
	const lines = (from: number) => linesOf(screen, from);
	const visible = () => lines(screen.buffer.active.baseY);
	return {
		until: (wanted) =>
			waitFor(looks, patience, () => {
				const text = visible().join('\n');
				if (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text)) return 'found';
				return code === null ? `never on screen: ${wanted}\n${text}` : `the program ended with ${code} before: ${wanted}\n${text}`;
			}),
		send: (...texts) => {
			for (const text of texts) pty.write(text);
		},
		paste: (text) => pty.write(`\u001b[200~${text}\u001b[201~`),
		resize: (wide, high) => {
			screen.resize(wide, high);
			pty.resize(wide, high);
		},
		screen: visible,
		everything: () => lines(0),
		raw: () => raw,
		cursorVisible: () => raw.lastIndexOf('\u001b[?25h') >= raw.lastIndexOf('\u001b[?25l'),
		signal: (name) => process.kill(pty.pid, name),
		exited,
		close: () => {
			if (code === null) endProgram(pty);
		},
	};
}

function endProgram(pty: IPty): void {
	try {
		process.kill(pty.pid, 'SIGKILL');
	} catch {
		// It ended in between.
	}
}

function newScreen(cols: number, rows: number): Terminal {
	const { Terminal: Screen } = require('@xterm/headless') as typeof import('@xterm/headless');
	return new Screen({ cols, rows, allowProposedApi: true, scrollback: 5000 });
}

function linesOf(screen: Terminal, from: number): readonly string[] {
	const buffer = screen.buffer.active;
	const lines: string[] = [];
	for (let row = from; row < buffer.length; row += 1) lines.push(buffer.getLine(row)?.translateToString(true).trimEnd() ?? '');
	while (lines.length > 0 && lines.at(-1) === '') lines.pop();
	return lines;
}

/** Looks again whenever something was drawn; no fixed sleeps. */
function waitFor(looks: Set<() => void>, patience: number, look: () => string): Promise<void> {
	return new Promise((resolve, reject) => {
		const settle = (act: () => void) => {
			clearTimeout(timer);
			looks.delete(again);
			act();
		};
		const again = () => {
			const found = look();
			if (found === 'found') settle(resolve);
			else if (found.startsWith('the program ended')) settle(() => reject(new Error(found)));
		};
		const timer = setTimeout(() => settle(() => reject(new Error(look()))), patience);
		looks.add(again);
		again();
	});
}

/** Only what a program needs: a test must not depend on who runs it. */
function cleanEnvironment(): Record<string, string> {
	const { PATH = '', HOME = '' } = process.env;
	return { PATH, HOME, LANG: 'C.UTF-8', TERM: 'xterm-256color' };
}
