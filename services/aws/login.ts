import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { awsProblem, interrupted, usageProblem } from './problem.js';
import { kindOf, rootProfile } from './profiles.js';
import type { Setup } from './setup.js';
import { readSharedFiles } from './shared-files.js';

/**
 * Runs `aws sso login` for the profile, or for the one that its roles stand on, and `aws login` for a profile of that kind. Both open a browser
 * and say the address and the code. Its input is empty: the terminal belongs to the screen.
 */
export async function login(setup: Setup, profile: string | null, onLine: (line: string) => void, signal?: AbortSignal): Promise<void> {
	if (signal?.aborted === true) throw interrupted();
	const files = await readSharedFiles(setup.env);
	const wanted = profile ?? (setup.env.AWS_PROFILE || 'default');
	const root = rootProfile(files, wanted);
	const kind = kindOf(files.profiles.get(root) ?? {});
	if (kind !== null && kind !== 'sso' && kind !== 'login') {
		throw usageProblem({
			code: 'NO_LOGIN_NEEDED',
			message: `Profile "${root}" has no login`,
			where: files.configFile,
			why: 'its credentials do not come from SSO',
			next: ['Name a profile of SSO with --aws-profile'],
		});
	}
	const args = [...(kind === 'login' ? ['login'] : ['sso', 'login']), ...(profile === null && root === wanted ? [] : ['--profile', root])];
	await run(setup, args, onLine, signal);
}

async function run(setup: Setup, args: readonly string[], onLine: (line: string) => void, signal: AbortSignal | undefined): Promise<void> {
	const command = `aws ${args.join(' ')}`;
	const child = spawn('aws', args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...setup.env } });
	const stop = (): void => void child.kill('SIGTERM');
	signal?.addEventListener('abort', stop, { once: true });
	let last = '';
	let isUnknown = false;
	const tell = (line: string): void => {
		const words = setup.secrecy.words(line);
		if (words === '') return;
		last = words;
		// Version 1 answers with a page of usage.
		isUnknown ||= /^usage: aws /.test(words);
		onLine(words);
	};
	createInterface({ input: child.stdout }).on('line', tell);
	createInterface({ input: child.stderr }).on('line', tell);
	try {
		const ended = await new Promise<number | null | Error>((resolve) => {
			child.once('error', resolve);
			child.once('close', resolve);
		});
		if (signal?.aborted === true) throw interrupted();
		if (ended instanceof Error) throw notRun(command, ended);
		if (ended !== 0 && isUnknown) throw tooOld(command);
		if (ended !== 0) {
			throw awsProblem({
				code: 'AWS_LOGIN_FAILED',
				message: 'The login failed',
				where: command,
				why: last === '' ? `it ended with exit code ${ended ?? 'none'}` : last,
				next: [`Run it in another terminal: ${command}`, 'Check that the browser confirmed the code'],
			});
		}
	} finally {
		signal?.removeEventListener('abort', stop);
	}
}

const tooOld = (command: string) =>
	awsProblem({
		code: 'AWS_CLI_MISSING',
		message: 'The AWS CLI here does not know this login',
		where: command,
		why: 'version 2 of the AWS CLI is needed',
		next: [`Run where version 2 is installed: ${command}`, 'Or use a profile that needs no login: --aws-profile NAME'],
	});

const notRun = (command: string, error: NodeJS.ErrnoException) =>
	awsProblem({
		code: 'AWS_CLI_MISSING',
		message: 'The AWS CLI is not installed here, or cannot be run',
		where: command,
		why: error.code === 'ENOENT' ? 'there is no program aws on the PATH' : (error.code ?? 'it did not start'),
		next: [`Run where it is installed: ${command}`, 'Or use a profile that needs no login: --aws-profile NAME'],
	});
