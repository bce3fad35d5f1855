// Draws docs/media/*.svg from the real program: the wizard on the demo data, driven by keys in a pseudo-terminal.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bufferToSvg } from './buffer-to-svg.js';
import { openTerminal } from './terminal-session.js';

const usage =
	'usage: node --import tsx tests/media/make-picture.ts [environment|sources|credentials|preview|confirm|run|summary ...]   (default: preview run summary)';

const enter = '\r';

/** The wizard's screens in order: what shows that one is complete, and the key that leads on. */
const screens = [
	{ name: 'environment', shows: /\(1\) Environment[\s\S]*Where to\?/, next: enter },
	{ name: 'sources', shows: /\(2\) Sources[\s\S]*\d+ x \d+/, next: enter },
	{ name: 'credentials', shows: /\(3\) Credentials[\s\S]*\d ms/, next: enter },
	{ name: 'preview', shows: /\(4\) Preview[\s\S]*Total .*records/, next: enter },
	{ name: 'confirm', shows: /\(5\) Confirm[\s\S]*Press Enter/, next: enter },
	{ name: 'run', shows: /WRITING[\s\S]*Total .* [4-9]\d %/, next: '' },
	{ name: 'summary', shows: /ALL CHECKS PASS/, next: '' },
] as const;

const size = { columns: 90, rows: 28 };
const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const media = fileURLToPath(new URL('../../docs/media/', import.meta.url));

/** From the header to the last line in use: what scrolled by before is not part of the screen. */
const rowsOf = (text: string): { firstRow: number; rows: number } => {
	const lines = text.trimEnd().split('\n');
	const firstRow = Math.max(
		lines.findLastIndex((line) => /^ repot \d/.test(line)),
		0,
	);
	return { firstRow, rows: lines.length - firstRow };
};

const draw = async (wanted: ReadonlySet<string>): Promise<void> => {
	const folder = mkdtempSync(join(tmpdir(), 'repot-picture-'));
	const session = openTerminal([program, 'demo'], folder, size);
	try {
		mkdirSync(media, { recursive: true });
		let left = wanted.size;
		for (const screen of screens) {
			await session.until(screen.shows, 60_000);
			if (wanted.has(screen.name)) {
				const shown = { buffer: session.terminal.buffer.active, columns: size.columns, ...rowsOf(session.text()) };
				const path = join(media, `${screen.name}.svg`);
				writeFileSync(path, bufferToSvg(shown, `repot, the ${screen.name} screen`));
				process.stderr.write(`${path}\n`);
				left -= 1;
			}
			if (left === 0) return;
			session.press(screen.next);
		}
	} finally {
		await session.close();
		rmSync(folder, { recursive: true, force: true });
	}
};

const asked = process.argv.slice(2);
const known = new Set<string>(screens.map((screen) => screen.name));
if (asked.some((name) => !known.has(name))) {
	process.stderr.write(`${usage}\n`);
	process.exitCode = 2;
} else await draw(new Set(asked.length > 0 ? asked : ['preview', 'run', 'summary']));
