import { describe, expect, it } from 'vitest';
import { describeTerminal, type TerminalIo } from '../../../source/terminal.js';
import { brokenRows } from '../../../source/wizard-stream.js';

const tty = { isTTY: true, columns: 100, rows: 30 };
const io = (changes: Partial<TerminalIo> = {}): TerminalIo => ({
	stdin: tty,
	stdout: tty,
	stderr: tty,
	env: { TERM: 'xterm-256color', LANG: 'en_US.UTF-8' },
	flags: {},
	...changes,
});

describe('describeTerminal', () => {
	it('is interactive on a terminal, with its size', () => {
		expect(describeTerminal(io())).toEqual({
			interactive: true,
			reason: null,
			columns: 100,
			rows: 30,
			unicode: true,
			colour: true,
			screenReader: false,
		});
	});

	it('stays interactive when only standard output is piped', () => {
		expect(describeTerminal(io({ stdout: {} })).interactive).toBe(true);
	});

	it.each([
		['standard input', { stdin: {} }],
		['standard error', { stderr: {} }],
		['CI', { env: { CI: 'true' } }],
		['TERM=dumb', { env: { TERM: 'dumb' } }],
		['--json', { flags: { json: true } }],
		['--no-input', { flags: { noInput: true } }],
	])('is not interactive because of %s, and says so', (word, changes) => {
		const terminal = describeTerminal(io(changes));
		expect(terminal.interactive).toBe(false);
		expect(terminal.reason).toContain(word);
	});

	it('does not take CI=false for a CI job', () => {
		expect(describeTerminal(io({ env: { CI: 'false' } })).interactive).toBe(true);
		expect(describeTerminal(io({ env: { CI: '' } })).interactive).toBe(true);
	});

	it('decides colour by flag, FORCE_COLOR, NO_COLOR, TERM, terminal, in this order', () => {
		const colour = (env: Record<string, string>, noColor = false, stderr: TerminalIo['stderr'] = tty) =>
			describeTerminal(io({ env, stderr, flags: { noColor } })).colour;
		expect(colour({ FORCE_COLOR: '1' }, true)).toBe(false);
		expect(colour({ FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(true);
		expect(colour({ FORCE_COLOR: '0' })).toBe(false);
		expect(colour({ NO_COLOR: '1' })).toBe(false);
		expect(colour({ NO_COLOR: '' })).toBe(true);
		expect(colour({ TERM: 'dumb' })).toBe(false);
		expect(colour({}, false, {})).toBe(false);
	});

	it('falls back to ASCII without a UTF-8 locale, on the Linux console and when asked to', () => {
		const unicode = (env: Record<string, string>, ascii = false) => describeTerminal(io({ env, flags: { ascii } })).unicode;
		expect(unicode({ LANG: 'C' })).toBe(false);
		expect(unicode({ LANG: 'C.UTF-8' })).toBe(true);
		expect(unicode({ LC_ALL: 'C', LANG: 'en_US.UTF-8' })).toBe(false);
		expect(unicode({ LANG: 'en_US.utf8', TERM: 'linux' })).toBe(false);
		expect(unicode({ LANG: 'en_US.UTF-8' }, true)).toBe(false);
	});

	it('uses text prompts for screen readers, by flag or by ACCESSIBLE', () => {
		expect(describeTerminal(io({ flags: { screenReader: true } })).screenReader).toBe(true);
		expect(describeTerminal(io({ env: { ACCESSIBLE: '1' } })).screenReader).toBe(true);
		expect(describeTerminal(io({ env: { ACCESSIBLE: '0' } })).screenReader).toBe(false);
	});

	it('takes 80 x 24 for a terminal that does not know its size', () => {
		expect(describeTerminal(io({ stderr: { isTTY: true, columns: 0, rows: 0 } }))).toMatchObject({ columns: 80, rows: 24 });
	});
});

describe('brokenRows', () => {
	it('counts the rows that breaking adds, and never more than the screen holds', () => {
		expect(brokenRows([79, 10, 79], 50, 24)).toBe(2);
		expect(brokenRows([79, 10, 79], 80, 24)).toBe(0);
		expect(
			brokenRows(
				Array.from({ length: 100 }, () => 79),
				10,
				24,
			),
		).toBe(23);
	});
});
