import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openLog } from '../../../source/config/log.js';
import { redaction } from '../../../source/config/redact.js';
import { Secret } from '../../../source/core/secret.js';
import { makeFolder } from './folder.js';

const redact = redaction([new Secret('hush1234')]).text;

describe('the log', () => {
	it('is one redacted JSON object a line in a private file, from its level on', async () => {
		const path = join(await makeFolder(), 'deep', 'repot.log');
		const log = await openLog({ path, level: 'info', redact, required: false });
		log.debug('not told');
		log.info('planned', { url: 'postgresql://app:hush1234@h/db', note: 'hush1234' });
		log.error('failed');
		log.close();
		const lines = (await readFile(path, 'utf8'))
			.trimEnd()
			.split('\n')
			.map((line) => JSON.parse(line) as Record<string, unknown>);
		expect(lines.map((line) => line.msg)).toEqual(['planned', 'failed']);
		expect(lines[0]).toMatchObject({ url: 'postgresql://app:********@h/db', note: '********' });
		expect((await stat(path)).mode & 0o777).toBe(0o600);
	});

	it('that has nothing to say leaves no file', async () => {
		const folder = await makeFolder();
		const log = await openLog({ path: join(folder, 'repot.log'), level: 'info', redact, required: false });
		log.debug('not told');
		log.close();
		await expect(stat(join(folder, 'repot.log'))).rejects.toMatchObject({ code: 'ENOENT' });
	});

	it('that cannot be written is an error only when it was asked for by name', async () => {
		const folder = await makeFolder();
		await writeFile(join(folder, 'file'), '');
		const path = join(folder, 'file', 'repot.log');
		await expect(openLog({ path, level: 'info', redact, required: true })).rejects.toMatchObject({ kind: 'usage', code: 'LOG_UNWRITABLE' });
		const log = await openLog({ path, level: 'info', redact, required: false });
		log.error('goes nowhere');
		log.close();
		await mkdir(join(folder, 'folder.log'));
		await expect(openLog({ path: join(folder, 'folder.log'), level: 'info', redact, required: true })).rejects.toMatchObject({
			code: 'LOG_UNWRITABLE',
		});
	});
});
