import { type IPty, spawn } from '@lydell/node-pty';
import xterm from '@xterm/headless';

/** A program in a pseudo-terminal, with the screen that a person would see. */
export interface TerminalSession {
	readonly terminal: xterm.Terminal;
	text(): string;
	/** Resolves once the screen shows `pattern`; rejects, with the screen, when the program ends first or `milliseconds` pass. */
	until(pattern: RegExp, milliseconds?: number): Promise<void>;
	press(keys: string): void;
	close(): Promise<void>;
}

const visibleText = (terminal: xterm.Terminal): string => {
	const { active } = terminal.buffer;
	return Array.from({ length: terminal.rows }, (_, row) => active.getLine(active.viewportY + row)?.translateToString(true) ?? '').join(
		'\n',
	);
};

export const openTerminal = (
	args: readonly string[],
	cwd: string,
	size: { readonly columns: number; readonly rows: number },
): TerminalSession => {
	const terminal = new xterm.Terminal({ cols: size.columns, rows: size.rows, allowProposedApi: true });
	// The picture shows what a person sees, also where this script itself runs under CI.
	const { CI: _ci, NO_COLOR: _noColor, ...inherited } = process.env;
	const env = { ...inherited, TERM: 'xterm-256color', COLORTERM: 'truecolor', LANG: 'C.UTF-8' };
	const child: IPty = spawn(process.execPath, [...args], { name: 'xterm-256color', cols: size.columns, rows: size.rows, cwd, env });
	const waiting = new Set<() => void>();
	let ended = false;
	const look = (): void => {
		for (const check of waiting) check();
	};
	const exited = new Promise<void>((resolve) => {
		child.onExit(() => {
			ended = true;
			terminal.write('', () => {
				look();
				resolve();
			});
		});
	});
	child.onData((data) => terminal.write(data, look));
	terminal.onData((answer) => child.write(answer));

	const until = (pattern: RegExp, milliseconds = 30_000): Promise<void> =>
		new Promise((resolve, reject) => {
			const finish = (settle: () => void): void => {
				clearTimeout(timer);
				waiting.delete(check);
				settle();
			};
			const complain = (why: string): void =>
				finish(() => reject(new Error(`${why} ${pattern} was shown; the screen held:\n${visibleText(terminal)}`)));
			const check = (): void => {
				if (pattern.test(visibleText(terminal))) finish(resolve);
				else if (ended) complain('the program ended before');
			};
			const timer = setTimeout(() => complain(`${milliseconds} ms passed before`), milliseconds);
			waiting.add(check);
			check();
		});

	return {
		terminal,
		text: () => visibleText(terminal),
		until,
		press: (keys) => child.write(keys),
		close: async () => {
			if (!ended) child.kill('SIGKILL');
			await exited;
		},
	};
};
