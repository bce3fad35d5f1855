import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { configJsonSchema } from '../../../source/config/json-schema.js';
import { optionKeys, options } from '../../../source/config/options.js';
import { usualConfig } from '../commands/world.js';
import { settingsOf } from './folder.js';

const published = new URL('../../../docs/repot.schema.json', import.meta.url);
const schema = configJsonSchema() as { readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
// zod reads no `not`, and takes `anyOf` for all that is said.
const isRule = (key: string, value: unknown): boolean => key === 'not' || (key === 'anyOf' && JSON.stringify(value).includes('"required"'));
const readable = JSON.parse(JSON.stringify(schema, (key, value: unknown) => (isRule(key, value) ? undefined : value)));
const check = z.fromJSONSchema(readable);
const accepts = (content: unknown): boolean => check.safeParse(content).success;

describe('the JSON schema of the config file', () => {
	// REPOT_WRITE_SCHEMA=1 writes the file that is published; biome then gives it its lines.
	it('is published as the code gives it', async () => {
		const text = JSON.stringify(schema, null, '\t');
		if (process.env.REPOT_WRITE_SCHEMA === '1') await writeFile(published, `${text}\n`);
		expect(JSON.parse(await readFile(published, 'utf8'))).toEqual(JSON.parse(text));
	});

	it('says of every key what it means, and of none that is for one run', () => {
		for (const key of optionKeys) {
			const found = schema.properties[key];
			if (options[key].perRun) expect(found, key).toBeUndefined();
			else expect(found?.description, key).toBe(options[key].help);
		}
	});

	it('lists the words that a setting takes, each of which is taken', async () => {
		expect(schema.properties.sslMode?.enum).toContain('verify-full');
		expect(schema.properties.index?.enum).toEqual(['auto', 'hnsw', 'halfvec', 'none']);
		for (const [key, { enum: words }] of Object.entries(schema.properties)) {
			for (const word of (words ?? []) as readonly string[]) await settingsOf({ config: { [key]: word } });
		}
	});

	const good: readonly unknown[] = [
		usualConfig,
		{ $schema: './x.json', batchSize: 300, retryDelay: '2s', indexMemory: '1GiB', maxQuarantined: 'none', collection: ['a', 'b'] },
		{ environments: { dev: { guard: 'open', awsProfile: 'me', urlParameter: '/x', iamAuth: true, sslMode: 'require' } } },
		{ datasets: { d: { chroma: 'http://h:8000', collection: 'c', testUser: 't' } }, similarityThreshold: 0.5, plain: true },
	];
	it('accepts what is read', async () => {
		for (const config of good) {
			expect(accepts(config), JSON.stringify(config)).toBe(true);
			await settingsOf({ config });
		}
	});

	const bad: readonly unknown[] = [
		{ batchsize: 3 },
		{ batchSize: 0 },
		{ similarityThreshold: 2 },
		{ onConflict: 'overwrite' },
		{ retryDelay: '2 parsecs' },
		{ yes: true },
		{ environments: { dev: { guard: 'loose' } } },
		{ environments: { dev: { tagret: 'x' } } },
		{ environments: { 'a b': {} } },
		{ datasets: { d: { sqlte: 'a' } } },
	];
	it('refuses what is refused', async () => {
		for (const config of bad) {
			expect(accepts(config), JSON.stringify(config)).toBe(false);
			await expect(settingsOf({ config }), JSON.stringify(config)).rejects.toMatchObject({ kind: 'usage' });
		}
	});
});
