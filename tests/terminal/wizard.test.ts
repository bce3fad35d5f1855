import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keys, openTerminal, root, skipReason, type TerminalHandle } from './pty.js';

const program = join(root, 'dist', 'cli.js');
const required = process.env.REPOT_REQUIRE_SERVERS === '1';
const reason = skipReason ?? (existsSync(program) || required ? null : 'dist/cli.js is not built: npm run build');

let folder = '';
let terminal: TerminalHandle | null = null;

beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'repot-terminal-'));
});

afterEach(async () => {
	terminal?.close();
	await terminal?.exited;
	terminal = null;
	await rm(folder, { recursive: true, force: true });
});

function openDemo(columns: number, rows: number, words: readonly string[] = ['demo']): TerminalHandle {
	terminal = openTerminal({ command: process.execPath, args: [program, ...words], cwd: folder, columns, rows });
	return terminal;
}

async function toConfirm(opened: TerminalHandle): Promise<void> {
	await opened.until('> local');
	opened.send(keys.enter);
	await opened.until('collections_vectors_demo');
	opened.send(keys.enter);
	await opened.until(/ok PostgreSQL .* PG \d+/);
	opened.send(keys.enter);
	await opened.until('Quarantine: ');
	opened.send(keys.enter);
	await opened.until('Press Enter to start writing.');
}

describe.skipIf(reason !== null)(`the built program on a terminal${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
	for (const [columns, rows] of [
		[80, 24],
		[120, 40],
	] as const) {
		it(`moves the demo data through the wizard at ${columns} x ${rows}, from first frame to verdict`, { timeout: 120_000 }, async () => {
			const opened = openDemo(columns, rows);
			await toConfirm(opened);
			expect(opened.screen().length).toBeLessThanOrEqual(rows);
			opened.send(keys.enter);
			await opened.until('ALL CHECKS PASS');
			for (const check of ['rows', 'vectors', 'search', 'tenant', 'jsonb', 'latency', 'fields']) {
				expect(opened.screen().join('\n')).toMatch(new RegExp(`${check} +PASS`));
			}
			opened.send(keys.enter);
			expect(await opened.exited).toBe(0);
			expect(opened.cursorVisible()).toBe(true);
			expect(opened.raw()).not.toContain('\u001b[3J');
			const left = opened.everything().join('\n');
			expect(left).toContain(' ok confirm      writing started');
			expect(left).toContain('repot rollback');
			const [run = ''] = await readdir(join(folder, 'repot-demo', 'state', 'runs'));
			expect(await readFile(join(folder, 'repot-demo', 'state', 'runs', run, 'report.md'), 'utf8')).toContain(run);
		});
	}

	it('finds nothing to do the second time, and undoes the run from the history', { timeout: 180_000 }, async () => {
		const first = openDemo(80, 24);
		await toConfirm(first);
		first.send(keys.enter);
		await first.until('ALL CHECKS PASS');
		first.send(keys.enter);
		expect(await first.exited).toBe(0);

		const again = openDemo(80, 24);
		await again.until('> local');
		again.send(keys.enter);
		await again.until('collections_vectors_demo');
		again.send(keys.enter);
		await again.until(/ok PostgreSQL .* PG \d+/);
		again.send(keys.enter);
		await again.until('there is nothing to do');
		for (const title of ['Found 2 of 2.', 'What moves?', 'Where to?']) {
			again.send(keys.esc);
			await again.until(title);
		}
		again.send('h');
		await again.until(/> r-\w+ +local/);
		again.send('u');
		await again.until('to remove or restore');
		again.send(keys.enter);
		await again.until(/Remove \d+ rows in local\?/);
		again.send(keys.enter);
		await again.until('enter undo');
		again.send('undo');
		await again.until(/Type undo +undo/);
		again.send(keys.enter);
		await again.until('the target holds nothing of this run any more');
		again.send(keys.enter);
		await again.until(/> r-\w+ +local .*undone/);
		again.send(keys.ctrlC);
		await again.exited;
		expect(again.everything().join('\n')).toContain('UNDONE');
	});
});
