import { describe, expect, it } from 'vitest';
import { JsonFault, parseLocatedJson } from '../../../source/config/json-lines.js';
import { settingsOf } from './folder.js';

describe('mistakes in the config file', () => {
	it('a syntax error tells line and column', async () => {
		await expect(settingsOf({ config: '{\n\t"userId": "ana"\n\t"batchSize": 3\n}' })).rejects.toMatchObject({
			kind: 'usage',
			where: 'repot.config.json:3:2',
			why: 'a comma or } is missing',
		});
	});

	it('an unknown key tells its line and the near one', async () => {
		await expect(settingsOf({ config: '{\n"userId": "ana",\n"datset": {}\n}' })).rejects.toMatchObject({
			where: 'repot.config.json:3',
			why: 'unknown key "datset"',
			next: [expect.stringContaining('dataset')],
		});
		await expect(settingsOf({ config: { environments: { dev: { taget: 'pglite:./pg' } } } })).rejects.toMatchObject({
			next: ['Did you mean "target"?'],
		});
	});

	it('consent has no place in a file', async () => {
		for (const key of ['yes', 'confirm', 'restart']) {
			await expect(settingsOf({ config: { [key]: true } })).rejects.toMatchObject({ why: expect.stringContaining('decision for one run') });
		}
	});

	it('several mistakes are told together', async () => {
		await expect(settingsOf({ config: { wat: 1, environments: { dev: { guard: 'closed' } } } })).rejects.toMatchObject({
			message: 'The config file has 2 mistakes',
		});
	});

	it('a wrong value names its key and what is expected', async () => {
		for (const [config, why] of [
			[{ environments: { dev: { guard: 'closed' } } }, '"environments.dev.guard": write "open" or "protected"'],
			[{ environments: { dev: { target: 7 } } }, '"environments.dev.target": write a text in double quotes'],
			[{ datasets: [] }, '"datasets": write an object in braces'],
			[{ environments: { 'a b': {} } }, 'use a-z, A-Z, 0-9'],
		] as const) {
			await expect(settingsOf({ config })).rejects.toMatchObject({ why: expect.stringContaining(why) });
		}
		await expect(settingsOf({ config: { batchSize: 'many' } })).rejects.toMatchObject({
			message: 'The value of "batchSize" cannot be used',
			where: 'repot.config.json:2',
			why: expect.stringContaining('write a whole number'),
		});
	});

	it('a dataset needs a source', async () => {
		await expect(settingsOf({ config: { datasets: { a: { collection: 'c' } } } })).rejects.toMatchObject({
			why: expect.stringContaining('sqlite'),
		});
	});

	it('a bad target names its line and not its text', async () => {
		const failed = settingsOf({ config: '{"environments": {\n"dev": {"target": "postgres//u:hush1234@h/d"}}}' });
		await expect(failed).rejects.toMatchObject({ where: 'repot.config.json:2' });
		expect(JSON.stringify(await failed.catch((error: unknown) => error))).not.toContain('hush1234');
	});

	it('a file that was named must be there', async () => {
		await expect(settingsOf({ flags: { config: 'none.json' } })).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE', where: 'none.json' });
	});
});

describe('parseLocatedJson', () => {
	it('reads what JSON.parse reads', () => {
		const text = ' {"a": [1, -2.5e3, true, null, "\\u00e9\\n\\"x\\""], "b": {"c": {}}, "d": []} ';
		expect(parseLocatedJson(text).value).toEqual(JSON.parse(text));
	});

	it('knows the line of every key', () => {
		const { lines } = parseLocatedJson('{\n"a": 1,\n"b": {\n"c": [\n1,\n2]}}');
		expect([...lines]).toEqual([
			['', 1],
			['/a', 2],
			['/b', 3],
			['/b/c', 4],
			['/b/c/0', 5],
			['/b/c/1', 6],
		]);
	});

	it('refuses what JSON.parse refuses, and a key that is there twice', () => {
		for (const text of [
			'',
			'{',
			'{"a" 1}',
			'{"a":1,}',
			'[1,]',
			'{a:1}',
			"{'a':1}",
			'{"a":01}',
			'{"a":"\n"}',
			'{} x',
			'// c\n{}',
			'{"a":1,"a":2}',
		]) {
			expect(() => parseLocatedJson(text), text).toThrow(JsonFault);
		}
	});

	it('a key like __proto__ is a key', () => {
		expect(Object.keys(parseLocatedJson('{"__proto__": 1}').value as object)).toEqual(['__proto__']);
	});
});
