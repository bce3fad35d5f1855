import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn as spawnTerminal } from '@lydell/node-pty';
import xterm from '@xterm/headless';
import type { Figure } from './figures.js';
import { mustRun } from './processes.js';
import { program } from './repot-run.js';
import { spread } from './statistics.js';

/** What the environment screen asks; it is on the screen once that screen is drawn. */
const environmentTitle = 'Where to?';

const screenText = (terminal: xterm.Terminal): string => {
	const { active } = terminal.buffer;
	return Array.from({ length: terminal.rows }, (_, row) => active.getLine(active.viewportY + row)?.translateToString(true) ?? '').join(
		'\n',
	);
};

/** Milliseconds from spawn to the first screen that holds the title; the program is ended afterwards. */
const firstFrame = (cwd: string): Promise<number> =>
	new Promise((resolve, reject) => {
		const terminal = new xterm.Terminal({ cols: 100, rows: 30, allowProposedApi: true });
		const { CI: _, ...env } = process.env;
		const started = performance.now();
		const child = spawnTerminal(process.execPath, [program], {
			name: 'xterm-256color',
			cols: 100,
			rows: 30,
			cwd,
			env: { ...env, TERM: 'xterm-256color' },
		});
		let elapsed: number | null = null;
		const patience = setTimeout(() => child.kill('SIGKILL'), 20_000);
		child.onData((data) => {
			const arrived = performance.now() - started;
			terminal.write(data, () => {
				if (elapsed !== null || !screenText(terminal).includes(environmentTitle)) return;
				elapsed = arrived;
				child.kill('SIGKILL');
			});
		});
		terminal.onData((answer) => child.write(answer));
		child.onExit(() => {
			clearTimeout(patience);
			if (elapsed === null)
				reject(new Error(`the environment screen ("${environmentTitle}") did not appear; the screen held:\n${screenText(terminal)}`));
			else resolve(elapsed);
		});
	});

const milliseconds = async (args: readonly string[]): Promise<number> => (await mustRun(process.execPath, args)).seconds * 1000;

/** `repot --help` and the wizard's first frame, beside what Node itself needs to start, by turns. */
export const measureStartup = async (times: number): Promise<readonly Figure[]> => {
	const folder = await mkdtemp(join(tmpdir(), 'repot-bench-'));
	const node: number[] = [];
	const help: number[] = [];
	const frame: number[] = [];
	try {
		// Leaves ./repot-demo with a config, as a first user has it.
		await mustRun(process.execPath, [program, 'demo', '--no-input'], { cwd: folder });
		for (let round = 0; round <= times; round += 1) {
			const measured = [
				await milliseconds(['-e', '0']),
				await milliseconds([program, '--help']),
				await firstFrame(join(folder, 'repot-demo')),
			] as const;
			// The first round warms the file cache.
			if (round === 0) continue;
			node.push(measured[0]);
			help.push(measured[1]);
			frame.push(measured[2]);
		}
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
	return [
		{ name: 'node alone', unit: 'ms', spread: spread(node) },
		{ name: 'repot --help', unit: 'ms', spread: spread(help), bound: 250 },
		{ name: "wizard's first frame", unit: 'ms', spread: spread(frame), bound: 700 },
	];
};
