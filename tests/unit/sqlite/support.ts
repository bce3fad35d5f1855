import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { Database } from '../../../services/sqlite/engine.js';

/** Databases of real applications, kept outside the repository. */
export const realFolder = new URL('../../../../shared/real/', import.meta.url).pathname;
export const hasReal = existsSync(realFolder);
export const realReason = hasReal ? '' : ' (skipped: ../shared/real is not there)';

const folders: string[] = [];
afterEach(() => {
	for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder of its own for one test, removed afterwards. */
export function temporaryFolder(): string {
	const folder = mkdtempSync(join(tmpdir(), 'repot-test-'));
	folders.push(folder);
	return folder;
}

export function makeDatabase(path: string, sql: string): string {
	const database = new Database(path);
	// Broken references are what some tests are about.
	database.pragma('foreign_keys = OFF');
	database.exec(sql);
	database.close();
	return path;
}

/** Names, bytes and times of everything in a folder. */
export function photograph(folder: string): Record<string, string> {
	const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
	return Object.fromEntries(
		['.', ...names].map((name) => {
			const path = join(folder, name);
			const { mtimeNs, ctimeNs, mode } = statSync(path, { bigint: true });
			const content = statSync(path).isFile() ? readFileSync(path).toString('base64') : '';
			return [name, `${mode} ${mtimeNs} ${ctimeNs} ${content}`];
		}),
	);
}
