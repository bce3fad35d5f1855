import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { keys, openTerminal, skipReason, type TerminalHandle, type TerminalOptions } from './pty.js';

const program = fileURLToPath(new URL('../fakes/wizard-program.ts', import.meta.url));

let terminal: TerminalHandle | null = null;

/** The wizard on scripted operations, as a real program on a real terminal. */
function open(words: readonly string[] = [], options: Partial<TerminalOptions> = {}): TerminalHandle {
	terminal = openTerminal({ command: process.execPath, args: ['--import', 'tsx', program, ...words], ...options });
	return terminal;
}

afterEach(() => {
	terminal?.close();
	terminal = null;
});

async function toConfirm(opened: TerminalHandle): Promise<void> {
	await opened.until('> local');
	opened.send(keys.down);
	await opened.until('> dev');
	opened.send(keys.enter);
	await opened.until('165 rows');
	opened.send(keys.enter);
	await opened.until('PG 17.5');
	opened.send(keys.enter);
	await opened.until('about 2 s');
	opened.send(keys.enter);
	await opened.until('Press Enter to start writing.');
}

const headers = (lines: readonly string[]) => lines.filter((line) => line.startsWith(' repot 0.1.0')).length;

describe.skipIf(skipReason !== null)(`the wizard on a terminal${skipReason === null ? '' : ` (skipped: ${skipReason})`}`, () => {
	for (const [columns, rows] of [
		[80, 24],
		[120, 40],
		[60, 15],
	] as const) {
		it(`walks from the first frame to the summary at ${columns} x ${rows} and leaves a tidy terminal`, async () => {
			const opened = open([], { columns, rows });
			await toConfirm(opened);
			expect(headers(opened.screen())).toBe(1);
			opened.send(keys.enter);
			await opened.until('ALL CHECKS PASS');
			expect(headers(opened.screen())).toBe(1);
			opened.send(keys.enter);
			expect(await opened.exited).toBe(0);
			expect(opened.cursorVisible()).toBe(true);
			expect(opened.raw()).not.toContain('\u001b[3J');
			expect(opened.raw()).not.toContain('\u001b[2J');
			expect(opened.raw().lastIndexOf('\u001b[?2004l')).toBeGreaterThan(opened.raw().lastIndexOf('\u001b[?2004h'));
			const left = opened.everything();
			expect(headers(left)).toBe(0);
			expect(left.join('\n')).toContain(' ok environment  dev');
			expect(left.join('\n')).toContain('220 records written');
		});
	}

	it('keeps what stood in the scrollback before it started', async () => {
		const opened = open([], {
			command: '/bin/sh',
			args: ['-c', `seq -f 'line %g' 1 60; exec "${process.execPath}" --import tsx "${program}"`],
		});
		await toConfirm(opened);
		opened.send(keys.ctrlC);
		expect(await opened.exited).toBe(130);
		expect(opened.everything().filter((line) => line.startsWith('line '))).toHaveLength(60);
	});

	it('draws one header after the terminal was made smaller, too small, and large again', async () => {
		const opened = open();
		await opened.until('> local');
		opened.resize(66, 24);
		await opened.until(/^ \(1\) Environment {2}2 {2}3/m);
		expect(headers(opened.screen())).toBe(1);
		opened.resize(50, 24);
		await opened.until('repot needs 60 x 15');
		expect(headers(opened.screen())).toBe(0);
		opened.resize(100, 30);
		await opened.until('6 Run');
		expect(headers(opened.screen())).toBe(1);
		expect(opened.raw()).not.toContain('\u001b[3J');
	});

	it('leaves nothing of the wider frame behind when the terminal is made narrower', async () => {
		const opened = open([], { columns: 100, rows: 40 });
		await opened.until('> local');
		opened.resize(66, 40);
		await opened.until(/^ \(1\) Environment {2}2 {2}3/m);
		expect(headers(opened.everything())).toBe(1);
		expect(opened.everything().filter((line) => line.includes('───'))).toHaveLength(2);
	});

	it('does not erase the scrollback when the terminal is made lower than its frame', async () => {
		const opened = open();
		await opened.until('> local');
		opened.resize(80, 16);
		await opened.until('All keys'.toLowerCase());
		opened.send(keys.down);
		await opened.until('> dev');
		expect(opened.raw()).not.toContain('\u001b[3J');
	});

	it('answers keys while a run goes on, stops safely at Ctrl+C and says how to go on', async () => {
		const opened = open(['slow']);
		await toConfirm(opened);
		opened.send(keys.enter);
		await opened.until(/> items .*batch/);
		opened.send('?');
		await opened.until('All keys of this screen');
		opened.send(keys.esc);
		await opened.until(/> items .*batch/);
		opened.send(keys.ctrlC);
		await opened.until('STOPPED SAFELY');
		opened.send(keys.enter);
		expect(await opened.exited).toBe(130);
		expect(opened.cursorVisible()).toBe(true);
		expect(opened.everything().join('\n')).toContain('the same command resumes');
	});

	it('takes SIGTERM for the first Ctrl+C and exits when the run has stopped', async () => {
		const opened = open(['slow']);
		await toConfirm(opened);
		opened.send(keys.enter);
		await opened.until(/> items .*batch/);
		opened.signal('SIGTERM');
		expect(await opened.exited).toBe(130);
		expect(opened.cursorVisible()).toBe(true);
		expect(opened.everything().join('\n')).toContain('STOPPED SAFELY');
	});

	it('takes a bracketed paste as text, line end included, and starts nothing by it', async () => {
		const opened = open();
		await opened.until('> local');
		opened.send(keys.enter);
		await opened.until('165 rows');
		opened.paste('\r\r\r');
		opened.send(keys.enter);
		await opened.until('PG 17.5');
		opened.send('u');
		await opened.until('Target URL');
		opened.paste('postgresql://me:s3cret@db/app\r');
		await opened.until('*****');
		opened.send(keys.enter);
		await opened.until('typed');
		expect(opened.raw()).not.toContain('s3cret');
	});

	it('uses colours on a terminal and none under NO_COLOR, with the same words', async () => {
		const colours = /\u001b\[(3[0-7]|9[0-7]|1|2)m/;
		const coloured = open();
		await coloured.until('PROTECTED');
		expect(coloured.raw()).toMatch(colours);
		const withColour = coloured.screen();
		coloured.close();
		await coloured.exited;
		const plain = open([], { env: { NO_COLOR: '1' } });
		await plain.until('PROTECTED');
		expect(plain.raw()).not.toMatch(colours);
		expect(plain.screen()).toEqual(withColour);
	});

	it('falls back to ASCII in a locale without UTF-8', async () => {
		const opened = open([], { env: { LANG: 'C' } });
		await opened.until('PROTECTED');
		expect(opened.screen().join('\n')).toMatch(/^[\x20-\x7e\n]*$/);
	});

	it('refuses to draw in a CI job and on a dumb terminal', async () => {
		for (const env of [{ CI: 'true' }, { TERM: 'dumb' }]) {
			const opened = open([], { env });
			expect(await opened.exited).toBe(2);
			expect(opened.everything().join('\n')).toContain('The wizard needs a terminal');
		}
	});

	it('talks in plain appended lines to a screen reader', async () => {
		const opened = open(['--screen-reader']);
		await opened.until('Environment, 1 to 4');
		opened.send('2\r');
		await opened.until('Dataset, 1 to 3');
		opened.send('1\r');
		await opened.until('for the dry run');
		opened.send('\r');
		await opened.until('go on to the confirmation');
		opened.send('\r');
		await opened.until('Type yes');
		opened.send('yes\r');
		expect(await opened.exited).toBe(0);
		const text = opened.everything().join('\n');
		expect(text).toContain('items: done in 1 s');
		expect(text.indexOf('ALL CHECKS PASS')).toBeGreaterThan(text.indexOf('run r-8M4T ended'));
	});
});
