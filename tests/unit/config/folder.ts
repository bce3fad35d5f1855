import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { type Flags, loadSettings, type Settings } from '../../../source/config/settings.js';

const made: string[] = [];

afterEach(async () => {
	await Promise.all(made.splice(0).map((path) => rm(path, { recursive: true, force: true })));
});

export async function makeFolder(): Promise<string> {
	const path = await mkdtemp(join(tmpdir(), 'repot-config-'));
	made.push(path);
	return path;
}

export interface Given {
	readonly flags?: Flags;
	readonly env?: Readonly<Record<string, string>>;
	/** Content of repot.config.json: text as it is, anything else as JSON. */
	readonly config?: unknown;
}

/** Settings of a fresh folder. */
export async function settingsOf(given: Given): Promise<Settings> {
	const cwd = await makeFolder();
	if (given.config !== undefined) {
		const text = typeof given.config === 'string' ? given.config : JSON.stringify(given.config, null, '\t');
		await writeFile(join(cwd, 'repot.config.json'), text);
	}
	return loadSettings({ flags: given.flags ?? {}, env: given.env ?? {}, cwd });
}
