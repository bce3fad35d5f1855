import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeWorkFolder } from '../../../services/feed/work-folder.js';
import { temporaryFolder } from '../sqlite/support.js';

describe('the folder of the private copies', () => {
	it('is readable by its owner alone and removed on request', () => {
		const parent = join(temporaryFolder(), 'new', 'parent');
		const folder = makeWorkFolder(parent);
		expect(statSync(folder.path).mode & 0o777).toBe(0o700);
		folder.remove();
		expect(readdirSync(parent)).toEqual([]);
	});

	it('narrows a folder of the copies that was there with a wider mode, and none behind a link', () => {
		const parent = join(temporaryFolder(), 'snapshots');
		mkdirSync(parent);
		chmodSync(parent, 0o755);
		makeWorkFolder(parent).remove();
		expect(statSync(parent).mode & 0o777).toBe(0o700);
		const [shared, link] = [join(temporaryFolder(), 'shared'), join(temporaryFolder(), 'link')];
		mkdirSync(shared);
		chmodSync(shared, 0o755);
		symlinkSync(shared, link);
		makeWorkFolder(link).remove();
		expect(statSync(shared).mode & 0o777).toBe(0o755);
	});

	it('takes along what a killed process left, and nothing else', () => {
		const parent = temporaryFolder();
		const mine = makeWorkFolder(parent);
		const host = basename(mine.path).split('-')[1];
		// A process that has ended, one that lives, one of another computer, and something that is not ours.
		const dead = spawnSync(process.execPath, ['-e', '0']).pid;
		const left = `feed-${host}-${dead}-abc`;
		const kept = [`feed-${host}-${process.ppid}-abc`, `feed-00000000-${dead}-abc`, 'notes'];
		for (const name of [left, ...kept]) mkdirSync(join(parent, name));
		const other = makeWorkFolder(parent);
		expect(existsSync(join(parent, left))).toBe(false);
		expect(readdirSync(parent).sort()).toEqual([basename(mine.path), basename(other.path), ...kept].sort());
		mine.remove();
		other.remove();
	});

	it('knows a folder of an earlier process with the same id by its age', () => {
		const parent = temporaryFolder();
		const probe = makeWorkFolder(parent);
		const host = basename(probe.path).split('-')[1];
		probe.remove();
		const old = join(parent, `feed-${host}-${process.pid}-old`);
		mkdirSync(old);
		utimesSync(old, new Date(0), new Date(0));
		makeWorkFolder(parent).remove();
		expect(existsSync(old)).toBe(false);
	});

	it('goes when the process exits without closing anything', () => {
		const parent = temporaryFolder();
		const module = new URL('../../../services/feed/work-folder.ts', import.meta.url).href;
		const script = `const { makeWorkFolder } = await import(${JSON.stringify(module)}); makeWorkFolder(${JSON.stringify(parent)}); process.exit(3)`;
		const run = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { encoding: 'utf8' });
		expect([run.status, run.stderr]).toEqual([3, '']);
		expect(readdirSync(parent)).toEqual([]);
	});
});

describe('a folder that cannot be used', () => {
	it('is an error that a person can act on, and a new one is private', () => {
		const parent = temporaryFolder();
		makeWorkFolder(join(parent, 'snapshots')).remove();
		expect(statSync(join(parent, 'snapshots')).mode & 0o777).toBe(0o700);
		writeFileSync(join(parent, 'file'), '');
		expect(() => makeWorkFolder(join(parent, 'file', 'snapshots'))).toThrow(
			expect.objectContaining({
				kind: 'usage',
				code: 'FILE_UNWRITABLE',
				next: expect.arrayContaining([expect.stringContaining('--state-dir')]),
			}),
		);
	});
});
