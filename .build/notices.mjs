import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The folder of the package that a bundled file belongs to, or null for the project's own files. */
const packageOf = (input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? null;

const noticeOf = async (folder) => {
	const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
	const file = (await readdir(folder)).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
	const text = file === undefined ? '' : `\n\n${(await readFile(join(folder, file), 'utf8')).trim()}`;
	return `${name} ${version}, ${license ?? 'license not stated'}${text}`;
};

/** Writes the licences of what the bundle contains: bundling removes the files in which they ask to be kept. */
export const writeNotices = async (inputs, root, path) => {
	const folders = [...new Set(inputs.map(packageOf).filter((folder) => folder !== null))].map((folder) => join(root, folder));
	const notices = await Promise.all(folders.filter((folder) => existsSync(join(folder, 'package.json'))).map(noticeOf));
	const line = `\n\n${'-'.repeat(80)}\n\n`;
	await writeFile(path, `repot contains these packages.${line}${[...new Set(notices)].sort().join(line)}\n`);
};
