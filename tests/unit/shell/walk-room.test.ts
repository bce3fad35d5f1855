import { describe, expect, it } from 'vitest';
import { fakeEnvironments, healthyTest } from '../../fakes/operations.js';
import { keys } from '../../fakes/wizard-screen.js';
import { open } from './walking.js';

describe('the room there is', () => {
	it('shows all four environments in the smallest terminal', async () => {
		const { opened } = open({}, { columns: 60, rows: 15 });
		await opened.until('> local');
		for (const name of ['local', 'dev', 'test', 'prod']) expect(opened.live()).toMatch(new RegExp(`^ [> ] ${name} `, 'm'));
		expect(opened.live()).not.toContain('more');
	});

	it('shows the target whole, and the server without what its packager added', async () => {
		const target =
			'postgresql://migration_operator:********@vectors-primary.eu-central-1.internal.example:5432/collections?sslmode=verify-full';
		const { opened } = open({
			environments: fakeEnvironments.map((one) => ({ ...one, target })),
			testTarget: () => ({ ...healthyTest, facts: { ...healthyTest.facts, serverVersion: '17.11 (Debian 17.11-1.pgdg13+1)' } }),
		});
		await opened.until('> local');
		opened.press(keys.enter);
		await opened.until('integrity ok');
		opened.press(keys.enter);
		await opened.until('PG 17.11');
		expect(opened.live()).not.toContain('Debian');
		const values = opened
			.live()
			.split('\n')
			.map((text) =>
				text
					.slice(18)
					.replace(/ +38 ms$/, '')
					.trim(),
			);
		expect(values.join('')).toContain(target.replace('postgresql://', '').replace('********', '*'));
	});

	it('keeps the parts that were chosen when one goes back and comes again', async () => {
		const { opened } = open();
		await opened.until('> local');
		opened.press(keys.enter);
		await opened.until('integrity ok');
		opened.press('p');
		await opened.until(/SQLite.*only|only.*SQLite/i);
		const before = opened.live();
		opened.press(keys.esc);
		await opened.until('Where to?');
		opened.press(keys.enter);
		await opened.until('integrity ok');
		expect(opened.live()).toBe(before);
	});
});
