import { describe, expect, it } from 'vitest';
import { fakeOperations, healthyTest, unreachable } from '../../fakes/operations.js';
import { keys } from '../../fakes/wizard-screen.js';
import { open, openOn } from './walking.js';

describe('the credentials', () => {
	it('shows why the target cannot be reached, and goes on once it can', async () => {
		let isUp = false;
		const { opened } = open({
			testTarget: () => {
				if (!isUp) throw unreachable();
				return healthyTest;
			},
		});
		await opened.until('> local');
		opened.press(keys.enter);
		await opened.until('integrity ok');
		opened.press(keys.enter);
		await opened.until('TARGET_UNREACHABLE');
		expect(opened.live()).toContain('X  The target does not answer');
		expect(opened.live()).toContain('connect ECONNREFUSED');
		opened.press(keys.enter);
		opened.press('r');
		await opened.until('TARGET_UNREACHABLE');
		isUp = true;
		opened.press('r');
		await opened.until('PG 17.5');
		opened.press(keys.enter);
		await opened.until('Quarantine: 0 expected');
	});

	it('masks a typed URL, in the field and after', async () => {
		const { opened } = open();
		await opened.until('> local');
		opened.press(keys.enter);
		await opened.until('integrity ok');
		opened.press(keys.enter);
		await opened.until('PG 17.5');
		opened.press('u');
		await opened.until('Target URL');
		opened.press('postgresql://me:s3cret@db/app\n');
		await opened.until('*****');
		expect(opened.frame()).not.toContain('s3cret');
		opened.press(keys.enter);
		await opened.until('typed');
		expect(opened.frame()).not.toContain('s3cret');
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
		await opened.until(/ok pgvector[\s\S]*ok User id/);
		opened.press(keys.enter);
		await opened.until('about 2 s');
	});

	it('survives a screen that breaks, with a way on', async () => {
		let isBroken = true;
		const { operations } = fakeOperations();
		const opened = openOn({
			...operations,
			credentials: async (...asked) => {
				const found = await operations.credentials(...asked);
				return isBroken ? { ...found, rows: found.rows.map((row) => ({ ...row, state: 'unknown' as never })) } : found;
			},
		});
		await opened.until('> local');
		opened.press(keys.enter);
		await opened.until('165 rows');
		opened.press(keys.enter);
		await opened.until('This screen could not be drawn.');
		isBroken = false;
		opened.press('r');
		await opened.until('PG 17.5');
	});
});
