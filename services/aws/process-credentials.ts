import { exec } from 'node:child_process';
import type { Credentials, Loading } from './credentials.js';
import { awsProblem } from './problem.js';

/** Milliseconds. Such commands may ask a password manager or a browser. */
const longestProcess = 60_000;

interface Ended {
	readonly stdout: string;
	/** Null: it succeeded. */
	readonly fault: string | null;
}

/** Runs the command by the shell, as the SDK and the CLI do. What it says on stderr, and itself, may hold secrets: neither is repeated. */
const run = (command: string, env: Loading['setup']['env'], signal: AbortSignal): Promise<Ended> =>
	new Promise((resolve) => {
		const options = {
			env: { ...env },
			signal,
			timeout: longestProcess,
			killSignal: 'SIGKILL',
			maxBuffer: 1024 * 1024,
			encoding: 'utf8',
		} as const;
		exec(command, options, (error, stdout) => {
			if (error === null) resolve({ stdout, fault: null });
			else if (error.killed === true)
				resolve({ stdout: '', fault: `it took longer than ${longestProcess / 1000} seconds, or printed too much` });
			else resolve({ stdout: '', fault: `it ended with exit code ${error.code ?? 'unknown'}` });
		});
	});

/** The answer's faults in words; null: it is good ("Sourcing credentials with an external process" of the AWS CLI user guide). */
function faultOf(answer: unknown, now: number): string | null {
	if (typeof answer !== 'object' || answer === null) return 'it did not print JSON';
	const fields = answer as Readonly<Record<string, unknown>>;
	if (fields.Version !== 1) return 'its JSON has no "Version": 1';
	if (typeof fields.AccessKeyId !== 'string' || typeof fields.SecretAccessKey !== 'string')
		return 'its JSON lacks AccessKeyId or SecretAccessKey';
	if (typeof fields.Expiration === 'string' && !(Date.parse(fields.Expiration) > now)) return 'the credentials that it gave have expired';
	return null;
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text) as unknown;
	} catch {
		return null;
	}
}

export async function loadFromProcess(loading: Loading, profile: string, command: string): Promise<Credentials> {
	const { setup, files } = loading;
	const ended = await run(command, setup.env, loading.signal);
	const answer = ended.fault === null ? parsed(ended.stdout) : null;
	const fault = ended.fault ?? faultOf(answer, setup.clock.now());
	if (fault !== null) {
		throw awsProblem({
			code: 'CREDENTIAL_PROCESS_FAILED',
			message: `The command that gives the credentials of profile "${profile}" failed`,
			where: `credential_process in ${files.configFile}`,
			why: fault,
			next: ['Run the command of credential_process by itself and see what it says', 'Or name another profile with --aws-profile'],
		});
	}
	const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer as Readonly<Record<string, string | undefined>>;
	return {
		accessKeyId: AccessKeyId ?? '',
		secretAccessKey: SecretAccessKey ?? '',
		...(SessionToken === undefined ? {} : { sessionToken: SessionToken }),
		...(Expiration === undefined ? {} : { expiration: new Date(Expiration) }),
	};
}
