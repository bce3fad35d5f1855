import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ChromaSnapshot, openChroma } from '../../services/chroma/open.js';
import { type ReadRecord, readAll } from '../unit/chroma/canonical.js';

const script = fileURLToPath(new URL('live_writer.py', import.meta.url));
const snapshots = 10;

/**
 * Snapshots of a directory while a real Chroma writes to it all the time: each is the state after some whole number of its calls, at least those that it
 * had answered before the snapshot was begun.
 */
export function liveWriterSuite(release: string, variable: string): void {
	const python = process.env[variable] ?? '';
	const because = python === '' ? ` (skipped: ${variable}, a Python with chromadb ${release}, is not set)` : '';

	describe.skipIf(python === '')(`a directory that chromadb ${release} is writing to${because}`, () => {
		const folder = mkdtempSync(join(tmpdir(), 'repot-live-'));
		const directory = join(folder, 'data');
		let child: ChildProcess;
		let calls = 0;
		let ended = false;
		let wake = (): void => undefined;

		beforeAll(() => {
			child = spawn(python, [script, directory], { stdio: ['pipe', 'pipe', 'inherit'] });
			if (child.stdout === null) throw new Error('the writer has no output');
			child.on('exit', () => {
				ended = true;
				wake();
			});
			createInterface(child.stdout).on('line', (line) => {
				calls = Number(line);
				wake();
			});
		});

		afterAll(async () => {
			const exit = ended ? null : once(child, 'exit');
			child.stdin?.end();
			await exit;
			rmSync(folder, { recursive: true, force: true });
		});

		const reached = (count: number): Promise<void> =>
			new Promise((resolve, reject) => {
				wake = () => {
					if (ended) reject(new Error(`the writer ended with exit code ${child.exitCode}`));
					else if (calls >= count) resolve();
				};
				wake();
			});

		test(`${snapshots} snapshots, each whole and none older than what was answered`, { timeout: 600_000 }, async () => {
			for (let taken = 0; taken < snapshots; taken++) {
				await reached(calls + 20);
				const before = calls;
				const snapshot = await openChroma({ path: directory, into: join(folder, 'copies') });
				await reached(calls + 1);
				try {
					// The call that is under way may be in it.
					expect(possibleStates(before, calls + 1)).toContain(stateIn(snapshot));
				} finally {
					await snapshot.close();
				}
			}
		});
	});
}

function stateIn(snapshot: ChromaSnapshot): string {
	const { collections, notes } = snapshot.describe();
	expect(notes).toEqual([]);
	const [only] = collections;
	return textOf(only === undefined ? [] : readAll(snapshot.reader(only.id)));
}

const textOf = (records: readonly Pick<ReadRecord, 'id' | 'embedding' | 'metadata'>[]): string =>
	records.map(({ id, embedding, metadata }) => `${id}: ${embedding?.join()}; ${metadata?.get('call')}`).join('\n');

/** The records after `from` to `to` calls, by the rules of live_writer.py, in the order of adding. */
function possibleStates(from: number, to: number): readonly string[] {
	const records = new Map<string, number>();
	const states: string[] = [];
	for (let call = 0; call <= to; call++) {
		if (call >= from) states.push(textOf([...records].map(([id, at]) => stateOf(id, at))));
		const step = Math.floor(call / 3);
		if (call % 3 === 0) for (const number of [3 * step, 3 * step + 1, 3 * step + 2]) records.set(String(number), call);
		else if (call % 3 === 2) records.delete(String(2 * (step - 10)));
		else if (records.has(String(2 * step))) records.set(String(2 * step), call);
	}
	return states;
}

const stateOf = (id: string, call: number): Pick<ReadRecord, 'id' | 'embedding' | 'metadata'> => ({
	id,
	embedding: Float32Array.of(Number(id), call, 0.5),
	metadata: new Map([['call', BigInt(call)]]),
});
