import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Finished {
	readonly code: number | null;
	/** From spawn to exit. */
	readonly seconds: number;
	/** Largest resident set of the process, all its threads together; null where /proc is absent. */
	readonly peakBytes: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

/** VmHWM of Linux' /proc/PID/status: the kernel's own high-water mark, so that a poll loses at most the growth since the last one. */
const peakOf = (pid: number): number | null => {
	try {
		const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
		return found ? Number(found[1]) * 1024 : null;
	} catch {
		return null;
	}
};

/** Runs a command without a terminal and without stdin. Rejects only when it cannot be started. */
export const run = (
	command: string,
	args: readonly string[],
	options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly stdin?: string } = {},
): Promise<Finished> =>
	new Promise((resolve, reject) => {
		const started = process.hrtime.bigint();
		const child = spawn(command, args, { cwd: options.cwd, env: { ...process.env, ...options.env }, stdio: ['pipe', 'pipe', 'pipe'] });
		let peakBytes: number | null = null;
		const poll = setInterval(() => {
			if (child.pid !== undefined) peakBytes = peakOf(child.pid) ?? peakBytes;
		}, 25);
		const stdout: Buffer[] = [];
		const stderr: Buffer[] = [];
		child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
		child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
		child.on('error', (error) => {
			clearInterval(poll);
			reject(error);
		});
		child.on('close', (code) => {
			clearInterval(poll);
			const seconds = Number(process.hrtime.bigint() - started) / 1e9;
			resolve({ code, seconds, peakBytes, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
		});
		child.stdin.on('error', () => undefined);
		child.stdin.end(options.stdin ?? '');
	});

/** As `run`, but an exit code other than 0 is an error that shows the end of what the command said. */
export const mustRun = async (...call: Parameters<typeof run>): Promise<Finished> => {
	const finished = await run(...call);
	if (finished.code === 0) return finished;
	const said = `${finished.stdout.slice(-1500)}\n${finished.stderr.slice(-1500)}`.trim();
	throw new Error(`${call[0]} ended with exit code ${finished.code}:\n${said}`);
};

/** Whether a command is on the path. */
export const isInstalled = async (command: string): Promise<boolean> =>
	run(command, ['--version']).then(
		(finished) => finished.code === 0,
		() => false,
	);
