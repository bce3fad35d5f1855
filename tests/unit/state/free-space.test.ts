import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freeSpace } from '../../../services/state/free-space.js';

it('tells the room of a folder that is not there yet: that of the folder above', async () => {
	const above = await freeSpace(tmpdir());
	const below = await freeSpace(join(tmpdir(), 'not', 'there', 'yet'));
	expect(below?.device).toBe(above?.device);
	const { bsize, blocks } = await statfs(tmpdir());
	expect(above?.free).toBeGreaterThan(0);
	expect(above?.free).toBeLessThanOrEqual(bsize * blocks);
});

it('does not know the room where the file system has no size', async () => {
	expect(process.platform === 'linux' ? await freeSpace('/proc/self') : null).toBeNull();
});
