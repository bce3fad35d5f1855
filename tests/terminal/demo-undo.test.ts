import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keys, openTerminal, root, skipReason, type TerminalHandle } from './pty.js';

let folder = '';
let terminal: TerminalHandle | null = null;

beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'repot-undo-'));
});

afterEach(async () => {
	terminal?.close();
	await terminal?.exited;
	terminal = null;
	await rm(folder, { recursive: true, force: true });
});

describe.skipIf(skipReason !== null)(`undo in the built program${skipReason === null ? '' : ` (skipped: ${skipReason})`}`, () => {
	it('undoes a run from its summary, supervised, and the history says so', async () => {
		const opened = openTerminal({ command: process.execPath, args: [join(root, 'dist', 'cli.js'), 'demo'], cwd: folder, patience: 60_000 });
		terminal = opened;
		await opened.until('> local');
		for (const shown of ['collections_vectors_demo', /ok PostgreSQL[\s\S]*PG \d+/, 'Quarantine: ', 'Press Enter to start writing.']) {
			opened.send(keys.enter);
			await opened.until(shown);
		}
		opened.send(keys.enter);
		await opened.until('ALL CHECKS PASS');
		opened.send('u');
		await opened.until('960 rows to remove or restore');
		expect(opened.screen().join('\n')).toContain('Nothing was changed since');
		opened.send(keys.enter);
		await opened.until('Remove 960 rows in local?');
		opened.send('only a try');
		await opened.until('only a try');
		opened.send(keys.enter);
		await opened.until('enter undo');
		opened.send('undo');
		await opened.until(/Type undo to go on +undo/);
		opened.send(keys.enter);
		await opened.until('the target holds nothing of this run any more');
		opened.send(keys.enter);
		await opened.until('done, see history');
		opened.send('h');
		await opened.until(/> r-\w+ +local .*undone/);
		opened.send(keys.enter);
		await opened.until('only a try');
		opened.send(keys.ctrlC);
		await opened.exited;
		expect(opened.cursorVisible()).toBe(true);
		expect(opened.everything().join('\n')).toContain('960 rows removed');
	});
});
