import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseArguments } from '../../../source/commands/parse.js';
import { flagOf, optionKeys, options, optionsOf, variableOf, verbs } from '../../../source/config/options.js';

const command = (...argv: string[]) => {
	const parsed = parseArguments(argv, '1.2.3');
	if (parsed.kind !== 'command') throw new Error('A command was expected');
	return parsed;
};

describe('the command line', () => {
	it('without a command is the wizard, with the flags of migrate', () => {
		expect(command('--env', 'dev', '--batch-size=5')).toMatchObject({ verb: 'wizard', flags: { env: 'dev', batchSize: '5' } });
	});

	it('takes flags before the command too', () => {
		expect(command('--config', 'plan', '--env=dev', 'runs', 'r-1')).toMatchObject({
			verb: 'runs',
			operand: 'r-1',
			flags: { config: 'plan', env: 'dev' },
		});
	});

	it('knows the names of earlier scripts', () => {
		expect(command('migrate', '--chroma-collection', 'a', '--pgvector-collection-name=b', '--validate', '--dry-run').flags).toEqual({
			collection: ['a'],
			pgvectorCollection: ['b'],
			dryRun: true,
		});
	});

	it('reads negative switches', () => {
		expect(command('migrate', '--no-validate', '--no-input', '--no-color').flags).toEqual({
			noValidate: true,
			noInput: true,
			noColor: true,
		});
	});

	it('prints version and help', () => {
		expect(parseArguments(['--version'], '1.2.3')).toEqual({ kind: 'text', text: '1.2.3\n' });
		expect(parseArguments(['--help'], '1')).toMatchObject({ text: expect.stringContaining('rollback [options] [run]') });
		expect(parseArguments(['help', 'plan'], '1')).toMatchObject({ text: expect.stringContaining('--on-conflict <WHAT>') });
	});

	const refused: readonly (readonly [string[], string, string])[] = [
		[['migrat'], 'UNKNOWN_COMMAND', 'Did you mean repot migrate?'],
		[['plan', '--evn', 'dev'], 'UNKNOWN_FLAG', 'Did you mean --env?'],
		[['plan', '--yes'], 'UNKNOWN_FLAG', '--yes belongs to repot init, repot migrate, repot rollback'],
		[['plan', '--env'], 'MISSING_VALUE', 'repot plan --help'],
		[['plan', 'now'], 'TOO_MANY_WORDS', 'repot plan --help'],
		[['verify', 'r-1', 'r-2'], 'TOO_MANY_WORDS', 'repot verify --help'],
		[['--aws-prophet', 'x'], 'UNKNOWN_FLAG', 'repot --help'],
	];
	for (const [argv, code, hint] of refused) {
		it(`refuses ${argv.join(' ')}`, () => {
			let thrown: unknown;
			try {
				parseArguments(argv, '1');
			} catch (error) {
				thrown = error;
			}
			expect(thrown).toMatchObject({ kind: 'usage', code });
			expect((thrown as { next: readonly string[] }).next.join('\n')).toContain(hint);
		});
	}
});

describe('the pages', () => {
	const page = (name: string) => readFile(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

	it('docs/commands.md lists every flag with the commands that take it', async () => {
		const text = await page('commands.md');
		expect(text).toContain('`repot config` takes every flag that has a key in the config file');
		for (const key of optionKeys) {
			const row = text.split('\n').find((line) => line.startsWith(`| \`${flagOf(key)}`));
			expect(row, flagOf(key)).toBeDefined();
			for (const verb of verbs) {
				if (verb === 'config' && options[key].perRun === undefined) continue;
				const named = verb === 'wizard' ? 'repot' : verb;
				const cell =
					row
						?.split('|')[3]
						?.split(',')
						.map((one) => one.trim()) ?? [];
				const taken = cell.includes(named) || cell.includes('all') || (cell.includes('all but demo') && verb !== 'demo');
				expect(taken, `${flagOf(key)} ${verb}`).toBe(optionsOf(verb).includes(key));
			}
		}
	});

	it('docs/configuration.md lists every variable and every key', async () => {
		const text = await page('configuration.md');
		for (const key of optionKeys) {
			expect(text, variableOf(key)).toContain(`\`${variableOf(key)}\``);
			if (options[key].perRun === undefined) expect(text, key).toContain(`\`${key}\``);
		}
	});
});
