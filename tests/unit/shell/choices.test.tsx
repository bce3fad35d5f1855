import { afterEach, describe, expect, it } from 'vitest';
import type { EnvironmentSummary } from '../../../source/core/operations.js';
import { fakeEnvironments, fakeOperations, type Script } from '../../fakes/operations.js';
import { keys, openWizard, type WizardScreenHandle, type WizardScreenOptions } from '../../fakes/wizard-screen.js';

let wizard: WizardScreenHandle | null = null;

function open(script: Script = {}, options: Omit<WizardScreenOptions, 'operations'> = {}) {
	const { operations, calls } = fakeOperations(script);
	const opened = openWizard({ operations, ...options });
	wizard = opened;
	return { opened, calls, operations };
}

afterEach(() => {
	wizard?.close();
	wizard = null;
});

describe('choosing', () => {
	it('filters a list as one types, with letters inert meanwhile', async () => {
		const { opened } = open();
		await opened.until('> local');
		opened.press('/');
		await opened.until('/_');
		opened.press('p');
		await opened.until('> prod');
		expect(opened.live()).not.toContain('  dev ');
		opened.press('h');
		await opened.until('nothing matches');
		opened.press(keys.backspace);
		await opened.until('> prod');
		opened.press(keys.enter);
		await opened.until('/p   (/ to change');
		opened.press(keys.enter);
		await opened.until('(2) Sources');
		expect(opened.live()).toContain('prod ! PROTECTED');
	});

	it('windows a long list and says how many more there are', async () => {
		const [first] = fakeEnvironments;
		const many = Array.from({ length: 40 }, (_, index): EnvironmentSummary => ({ ...(first as EnvironmentSummary), name: `env-${index}` }));
		const { opened } = open({ environments: many });
		await opened.until('> env-0');
		expect(opened.live()).toMatch(/\+\d+ more/);
		opened.press('G');
		await opened.until('> env-39');
		expect(opened.live()).toMatch(/\+\d+ above/);
		expect(opened.live().split('\n').length).toBeLessThan(24);
	});

	it('starts anew instead of resuming when asked to', async () => {
		const { opened, calls } = open();
		await opened.until('> local');
		opened.press('j', 'j');
		await opened.until('Run r-7K2Q stopped safely');
		opened.press('n');
		for (const shown of ['165 rows', 'PG 17.5', 'about 2 s']) {
			await opened.until(shown);
			opened.press(keys.enter);
		}
		await opened.until('Press Enter to start writing.');
		opened.press(keys.enter);
		await opened.until('ALL CHECKS PASS');
		expect(calls.migrated[0]?.request).toMatchObject({ environment: 'test', restart: true });
	});

	it('takes typed paths, one of which may stay empty', async () => {
		const { opened, calls } = open();
		await opened.until('> local');
		opened.press(keys.enter);
		await opened.until('165 rows');
		opened.press('o');
		await opened.until('Which files?');
		opened.press('my files/app.db');
		await opened.until('my files/app.db');
		opened.press(keys.enter, keys.enter);
		await opened.until('> other...  my files/app.db');
		await opened.until('165 rows');
		opened.press(keys.enter);
		await opened.until('PG 17.5');
		opened.press(keys.enter);
		await opened.until('about 2 s');
		opened.press(keys.enter);
		await opened.until('Press Enter to start writing.');
		opened.press(keys.enter);
		await opened.until('ALL CHECKS PASS');
		expect(calls.migrated[0]?.request).toMatchObject({ sqlitePath: 'my files/app.db', chromaPath: null });
	});

	it('moves only one part when asked to', async () => {
		const { opened, calls } = open();
		await opened.until('> local');
		opened.press(keys.enter);
		await opened.until('165 rows');
		opened.press('p');
		await opened.until('only SQLite');
		for (const shown of ['only SQLite', 'PG 17.5', 'about 2 s', 'Press Enter to start writing.']) {
			await opened.until(shown);
			opened.press(keys.enter);
		}
		await opened.until('ALL CHECKS PASS');
		expect(calls.migrated[0]?.request).toMatchObject({ sqlitePath: 'data/collections_golden.db', chromaPath: null });
	});

	it('selects the dataset whose paths were given, instead of listing it twice', async () => {
		const { opened } = open(
			{},
			{ initial: { environment: 'dev', sqlitePath: 'data/collections_golden.db', chromaPath: 'data/chroma_golden' } },
		);
		await opened.until('> dev');
		opened.press(keys.enter);
		await opened.until('> golden');
		expect(opened.live()).not.toContain('given');
	});

	it('asks for the user id that nobody gave before it goes on', async () => {
		const { opened } = open({ tenant: null });
		await opened.until('> local');
		opened.press(keys.enter);
		await opened.until('165 rows');
		opened.press(keys.enter);
		await opened.until('X  User id');
		await opened.until('PG 17.5');
		opened.press(keys.enter);
		await opened.until('Goes into user_id of every row');
		opened.press('ana');
		await opened.until('> ana');
		opened.press(keys.enter);
		await opened.until(/ok User id[\s\S]*ok pgvector/);
		opened.press(keys.enter);
		await opened.until('about 2 s');
	});

	it('shows an error of the first screen as a panel and tries again', async () => {
		let tries = 0;
		const { operations } = fakeOperations();
		const opened = openWizard({
			operations: {
				...operations,
				environments: async () => {
					tries += 1;
					if (tries === 1) throw new Error('the configuration cannot be read');
					return operations.environments();
				},
			},
		});
		wizard = opened;
		await opened.until('the configuration cannot be read');
		opened.press('r');
		await opened.until('> local');
	});

	it('survives a screen that breaks, with a way on', async () => {
		let isBroken = true;
		const { operations } = fakeOperations();
		const opened = openWizard({
			operations: {
				...operations,
				credentials: (choices) => {
					if (isBroken) throw new Error('credentials broke');
					return operations.credentials(choices);
				},
			},
		});
		wizard = opened;
		await opened.until('> local');
		opened.press(keys.enter);
		await opened.until('165 rows');
		opened.press(keys.enter);
		await opened.until('This screen could not be drawn.');
		expect(opened.live()).toContain('credentials broke');
		isBroken = false;
		opened.press('r');
		await opened.until('PG 17.5');
	});
});
