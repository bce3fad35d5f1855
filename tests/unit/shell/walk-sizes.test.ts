import { describe, expect, it } from 'vitest';
import { keys } from '../../fakes/wizard-screen.js';
import { open, toPreview, toRun } from './walking.js';

describe('sizes', () => {
	it('asks for a larger terminal and comes back with everything as it was', async () => {
		const { opened } = open();
		await opened.until('> local');
		opened.press(keys.down);
		await opened.until('> dev');
		opened.resize({ columns: 50, rows: 10 });
		await opened.until('repot needs 60 x 15; this is 50 x 10');
		expect(opened.live()).not.toContain('Where to?');
		opened.press(keys.enter);
		opened.resize({ columns: 80, rows: 24 });
		await opened.until('> dev');
		expect(opened.live()).toContain('(1) Environment');
	});

	for (const [columns, rows] of [
		[60, 15],
		[80, 24],
		[120, 40],
	] as const) {
		it(`keeps every frame below ${rows} lines and within ${columns} cells`, async () => {
			const { opened } = open({}, { columns, rows, unicode: columns !== 60 });
			const fits = () => {
				const lines = opened.live().split('\n');
				expect(lines.length).toBeLessThan(rows);
				for (const line of lines) expect(line.length).toBeLessThan(columns);
			};
			await toPreview(opened);
			fits();
			opened.press(keys.down, keys.right);
			await opened.until('raw_res');
			fits();
			opened.press('d');
			await opened.until('CREATE TABLE');
			fits();
			opened.press('?');
			await opened.until('All keys of this screen');
			fits();
			opened.press(keys.esc);
			await opened.until('CREATE TABLE');
			opened.press(keys.enter);
			await opened.until('Press Enter to start writing.');
			fits();
			opened.press(keys.enter);
			await opened.until('ALL CHECKS PASS');
			fits();
		});
	}

	it('draws nothing beyond ASCII when the terminal cannot', async () => {
		const { opened } = open({}, { unicode: false });
		await toRun(opened);
		await opened.until('ALL CHECKS PASS');
		expect(opened.frame()).toMatch(/^[\x20-\x7e\n]*$/);
	});
});
