import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keys, openTerminal, root, skipReason, type TerminalHandle } from './pty.js';

const program = join(root, 'dist', 'cli.js');

let folder: string;
let terminal: TerminalHandle | null = null;

beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'repot-demo-'));
});

afterEach(async () => {
	terminal?.close();
	await terminal?.exited;
	terminal = null;
	await rm(folder, { recursive: true, force: true });
});

function open(args: readonly string[], columns = 80, rows = 24): TerminalHandle {
	terminal = openTerminal({ command: process.execPath, args: [program, ...args], cwd: folder, columns, rows, patience: 60_000 });
	return terminal;
}

/** From the first frame to the confirm screen, by enter alone: the demo's config answers everything. */
async function toConfirm(opened: TerminalHandle): Promise<void> {
	await opened.until('Where to?');
	opened.send(keys.enter);
	await opened.until('240 x 256');
	opened.send(keys.enter);
	await opened.until(/ok PostgreSQL[\s\S]*PG \d+/);
	opened.send(keys.enter);
	await opened.until('960 records');
	opened.send(keys.enter);
	await opened.until('Press Enter to start writing.');
}

describe.skipIf(skipReason !== null)(`the built program on a terminal${skipReason === null ? '' : ` (skipped: ${skipReason})`}`, () => {
	for (const [columns, rows] of [
		[80, 24],
		[120, 40],
	] as const) {
		it(`repot demo: from the first frame to the summary at ${columns} x ${rows}`, async () => {
			const opened = open(['demo'], columns, rows);
			await toConfirm(opened);
			for (const check of [/ok +target +unchanged since the plan/, /ok +lock +free/, /room +.* free here/, /ok +backup/]) {
				await opened.until(check);
			}
			await opened.until('embedded PostgreSQL 18');
			await opened.until('pgvector is created by this run');
			// Nothing that the config says anyway.
			await opened.until(/repot migrate --config \.\/repot-demo\/repot\.config\.json --env local\s+--yes\s*\n\s*\n/);
			opened.send(keys.enter);
			await opened.until('ALL CHECKS PASS');
			await opened.until(/rows +PASS +720 = 720/);
			await opened.until(/vectors +PASS +240 = 240, bit-exact 240\/240/);
			expect(opened.screen().length).toBeLessThan(rows);
			opened.send(keys.enter);
			expect(await opened.exited).toBe(0);
			expect(opened.raw()).not.toContain('\u001b[3J');
			expect(opened.cursorVisible()).toBe(true);

			const runs = await readdir(join(folder, 'repot-demo/state/runs'));
			expect(runs).toHaveLength(1);
			const report = JSON.parse(await readFile(join(folder, 'repot-demo/state/runs', runs[0] ?? '', 'report.json'), 'utf8')) as {
				verdict: string;
			};
			expect(report.verdict).toBe('ALL CHECKS PASS');
		});
	}

	it('goes back with its answers, stops cleanly before the run, and writes nothing', async () => {
		const opened = open(['demo']);
		await toConfirm(opened);
		opened.send(keys.esc);
		await opened.until('(4) Preview');
		opened.send(keys.esc);
		await opened.until('(3) Credentials');
		opened.send(keys.esc);
		await opened.until('(2) Sources');
		await opened.until('240 x 256');
		opened.send(keys.ctrlC);
		expect(await opened.exited).toBe(130);
		expect(opened.cursorVisible()).toBe(true);
		// The dry run made no database.
		expect(await readdir(join(folder, 'repot-demo'))).not.toContain('pg');
	});

	it('finds nothing to do the second time, and checks again what is there', async () => {
		const first = open(['demo']);
		await toConfirm(first);
		first.send(keys.enter);
		await first.until('ALL CHECKS PASS');
		first.send(keys.enter);
		expect(await first.exited).toBe(0);
		const again = open(['demo']);
		await again.until('Where to?');
		again.send(keys.enter);
		await again.until('240 x 256');
		again.send(keys.enter);
		await again.until(/ok PostgreSQL[\s\S]*PG \d+/);
		again.send(keys.enter);
		await again.until('enter check again');
		again.send(keys.enter);
		await again.until('ALL CHECKS PASS');
		await again.until('nothing written, 960 already there');
		again.send(keys.enter);
		expect(await again.exited).toBe(0);
	});
});
