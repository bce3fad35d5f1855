import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs one of the scripts beside this file with REPOT_TEST_PYTHON and reads the JSON that it prints. */
export const askPython = async (script: string, args: readonly string[], stdin = ''): Promise<unknown> => {
	const python = process.env.REPOT_TEST_PYTHON ?? 'python3';
	const path = fileURLToPath(new URL(script, import.meta.url));
	const { code, stdout, stderr } = await spawned(python, [path, ...args], stdin);
	if (code !== 0) throw new Error(`${script} ended with exit code ${code}:\n${stderr.slice(-3000)}`);
	return JSON.parse(stdout);
};

export interface Spawned {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

export const spawned = (
	command: string,
	args: readonly string[],
	stdin = '',
	options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Spawned> =>
	new Promise((resolve, reject) => {
		const child = spawn(command, args, { stdio: 'pipe', cwd: options.cwd, env: { ...process.env, ...options.env } });
		const stdout: Buffer[] = [];
		const stderr: Buffer[] = [];
		child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
		child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
		child.on('error', reject);
		child.on('close', (code) => resolve({ code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }));
		// A script that ends early closes its stdin: its exit code and stderr tell why.
		child.stdin.on('error', () => undefined);
		child.stdin.end(stdin);
	});
