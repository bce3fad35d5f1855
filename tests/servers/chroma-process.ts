import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const python = process.env.REPOT_TEST_PYTHON;

/** The server of the chromadb that REPOT_TEST_PYTHON has; null without one. */
const chromaProgram = python === undefined ? null : join(dirname(python), 'chroma');

export interface RunningChroma {
	readonly url: string;
	/** What it serves: a copy, which it may change. */
	readonly directory: string;
	stop(): Promise<void>;
}

/** Serves a copy of a Chroma directory, or an empty one, on a free port of this machine. */
export async function serveCopy(original: string | null): Promise<RunningChroma> {
	const scratch = mkdtempSync(join(tmpdir(), 'repot-chroma-server-'));
	const directory = join(scratch, 'data');
	if (original === null) mkdirSync(directory);
	else {
		cpSync(original, directory, { recursive: true });
		makeWritable(directory);
	}
	const port = await freePort();
	const child = spawn(chromaProgram ?? 'chroma', ['run', '--path', directory, '--host', '127.0.0.1', '--port', String(port)], {
		cwd: scratch,
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const said: Buffer[] = [];
	child.stdout.on('data', (chunk: Buffer) => said.push(chunk));
	child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
	let ended = false;
	const end = new Promise<void>((resolve) => {
		const over = (): void => {
			ended = true;
			resolve();
		};
		child.on('close', over);
		child.on('error', over);
	});
	const url = `http://127.0.0.1:${port}`;
	const stop = async (): Promise<void> => {
		// It was seen not to end on SIGTERM; its directory is thrown away.
		child.kill('SIGKILL');
		await end;
		rmSync(scratch, { recursive: true, force: true });
	};
	while (!(await answers(url))) {
		if (ended) {
			await stop();
			throw new Error(`chroma run ended:\n${Buffer.concat(said).toString().slice(-2000)}`);
		}
		await pause(50);
	}
	return { url, directory, stop };
}

async function answers(url: string): Promise<boolean> {
	try {
		return (await fetch(`${url}/api/v2/heartbeat`)).ok;
	} catch {
		return false;
	}
}

function freePort(): Promise<number> {
	return new Promise((resolve, reject) => {
		const server = createServer();
		server.on('error', reject);
		server.listen(0, '127.0.0.1', () => {
			const address = server.address();
			server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
		});
	});
}

function makeWritable(directory: string): void {
	chmodSync(directory, 0o700);
	for (const name of readdirSync(directory)) {
		const path = join(directory, name);
		if (statSync(path).isDirectory()) makeWritable(path);
		else chmodSync(path, 0o600);
	}
}

/** POSTs JSON text, so that every number arrives as it is written; gives what the server says. */
export async function post(url: string, body: string): Promise<unknown> {
	const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
	const text = await response.text();
	if (!response.ok) throw new Error(`${url}: ${response.status} ${text.slice(0, 300)}`);
	return text === '' ? null : JSON.parse(text);
}

/** Why a suite that needs the program cannot run; null when it can. */
export const lacksChroma =
	chromaProgram === null || !existsSync(chromaProgram) ? 'skipped without REPOT_TEST_PYTHON and its chromadb' : null;
