import { render } from 'ink-testing-library';
import { afterEach, describe, expect, it } from 'vitest';
import { Line } from '../../../screens/components/line.js';
import { KeyRouter } from '../../../screens/key-router.js';
import { line, type Part } from '../../../screens/lines.js';
import { type Shell, ShellContext } from '../../../screens/shell-context.js';

const shell = (more: Partial<Shell>): Shell => ({
	version: '0.1.0',
	columns: 40,
	rows: 24,
	unicode: true,
	colour: false,
	clock: { now: () => 0 },
	keys: new KeyRouter(),
	copy: () => {},
	open: () => Promise.resolve(false),
	quit: () => {},
	...more,
});

let shown: ReturnType<typeof render> | null = null;

afterEach(() => {
	shown?.unmount();
	shown = null;
});

function frame(more: Partial<Shell>, ...parts: readonly Part[]): string {
	shown = render(
		<ShellContext value={shell(more)}>
			<Line {...line(...parts)} />
		</ShellContext>,
	);
	return shown.lastFrame() ?? '';
}

describe('a line', () => {
	it('is cut to the width of the terminal', () => {
		expect(frame({}, { text: 'x'.repeat(80) })).toMatch(/^ x{37}…$/);
	});

	it('draws its spinner in one cell, in ASCII where the terminal has no more', () => {
		expect(frame({}, { text: '-', spinner: true }, { text: ' casting' })).toMatch(/^ [⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] casting$/u);
		expect(frame({ unicode: false }, { text: '-', spinner: true }, { text: ' casting' })).toMatch(/^ [-\\|/] casting$/);
	});
});
