import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

const folder = new URL('../../../services/aws/', import.meta.url);

it('no room but those of sdk/ takes a package of AWS, and they are taken when they are needed', async () => {
	const files = (await readdir(folder)).filter((name) => name.endsWith('.ts'));
	expect(files).toContain('cloud.ts');
	const early = /^(?:import|export) (?!type\b)[^;]*?from '(@aws-sdk\/|@smithy\/|\.\/sdk\/)/m;
	const late = /import\('@(?:aws-sdk|smithy)\//;
	for (const file of files) {
		const content = await readFile(new URL(file, folder), 'utf8');
		expect(early.exec(content)?.[0] ?? late.exec(content)?.[0] ?? null, file).toBeNull();
	}
});
