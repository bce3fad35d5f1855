import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeFolders } from '../../../source/core/make-folders.js';

describe('making folders', () => {
	const folder = mkdtempSync(join(tmpdir(), 'repot-folders-'));
	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	it('makes those above as well, with the mode asked for, and leaves one that is there', () => {
		const path = join(folder, 'a', 'b', 'c');
		makeFolders(path, 0o700);
		for (const made of [path, join(folder, 'a')]) expect(statSync(made).mode & 0o777).toBe(0o700);
		makeFolders(path, 0o755);
		expect(statSync(path).mode & 0o777).toBe(0o700);
	});

	it('says that a file is in the way', () => {
		writeFileSync(join(folder, 'file'), '');
		expect(() => makeFolders(join(folder, 'file'))).toThrow(/EEXIST/);
		expect(() => makeFolders(join(folder, 'file', 'below'))).toThrow(/ENOTDIR/);
	});

	it.skipIf(!existsSync('/proc/self/stat'))('ends where the system makes none (skipped without /proc)', () => {
		expect(() => makeFolders('/proc/none/below')).toThrow(/ENOENT/);
	});
});
