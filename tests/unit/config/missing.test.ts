import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { headlessChoices } from '../../../source/config/choices.js';
import { type Flags, loadSettings } from '../../../source/config/settings.js';
import { RepotError } from '../../../source/core/errors.js';
import { type CloudScript, fakeCloud, identity } from '../../fakes/cloud.js';
import { healthyTest } from '../../fakes/operations.js';
import { makeFolder, settingsOf } from './folder.js';
import { finderOf, requestOf } from './requests.js';

async function refusal(flags: Flags, cloud: CloudScript = {}): Promise<RepotError> {
	const settings = await settingsOf({ flags: { env: 'dev', sqliteDb: 'a.db', ...flags } });
	const thrown = await requestOf(settings, undefined, fakeCloud(cloud).cloud).catch((error: unknown) => error);
	if (!(thrown instanceof RepotError)) throw new Error('it was not refused');
	return thrown;
}

const refused = () => {
	throw new RepotError({ kind: 'aws', code: 'AWS_KEYS_REFUSED', message: 'AWS does not know these keys', next: ['New keys'] });
};

describe('what is missing', () => {
	it('is what nobody gave, a line each, and never what was given', async () => {
		const nothing = await refusal({});
		expect(nothing).toMatchObject({ kind: 'usage', code: 'MISSING_ANSWER', exitCode: 2, message: '2 answers are missing' });
		expect(nothing.next[0]).toMatch(/^--postgres-url .*or AWS credentials/);
		expect(nothing.next[1]).toMatch(/^--user-id ID.*no \.\/\.aws-outputs-dev\.json/);
		const withUrl = await refusal({ postgresUrl: 'pglite:./pg', userPoolId: 'us-east-1_Ab12', testUser: 'somebody' });
		expect(withUrl.next.join('\n')).not.toContain('--postgres-url');
	});

	it('is a fault of AWS where AWS was asked for, with its own next steps', async () => {
		const named = await refusal({ urlParameter: '/my/url', userId: 'ana' });
		expect(named).toMatchObject({ kind: 'aws', code: 'NO_AWS_CREDENTIALS', exitCode: 8, next: ['aws configure sso'] });
		expect(await refusal({ awsProfile: 'dev', userId: 'ana' }, { identify: refused })).toMatchObject({
			code: 'AWS_KEYS_REFUSED',
			exitCode: 8,
		});
	});

	it('is told together with faults, and is then a matter of settings', async () => {
		const both = await refusal({ awsProfile: 'dev' }, { identify: refused });
		expect(both).toMatchObject({ kind: 'usage', exitCode: 2, message: '2 things are missing' });
		expect(both.next[0]).toBe('AWS does not know these keys; New keys');
		const noSource = await refusal({ sqliteDb: '', awsProfile: 'dev', userId: 'ana' }, { identify: refused });
		expect(noSource.next[0]).toMatch(/^--sqlite-db/);
		expect(noSource.exitCode).toBe(2);
	});

	it('of a target alone is not its user', async () => {
		const settings = await settingsOf({ flags: { env: 'dev' } });
		const thrown = await finderOf(settings, fakeCloud({ identify: () => identity }).cloud)
			.target({ environment: 'dev', sqlitePath: null, chromaPath: null, collections: [], target: null, tenant: null }, () => {})
			.catch((error: unknown) => error);
		expect(thrown).toMatchObject({ code: 'NO_SUCH_PARAMETER', kind: 'usage' });
	});

	it('is the pool where the outputs name several, and nothing else', async () => {
		const cwd = await makeFolder();
		const outputs = { A: { UserPoolId: 'us-east-1_One' }, B: { UserPoolId: 'us-east-1_Two' } };
		await writeFile(join(cwd, '.aws-outputs-dev.json'), JSON.stringify(outputs));
		const settings = await loadSettings({ flags: { env: 'dev', sqliteDb: 'a.db', postgresUrl: 'pglite:./pg' }, env: {}, cwd });
		const { rows, target } = await finderOf(settings, fakeCloud({}).cloud, async () => healthyTest).find(
			headlessChoices(settings),
			{},
			() => {},
		);
		expect(target).not.toBeNull();
		expect(rows.find(({ name }) => name === 'user')).toMatchObject({
			state: 'x',
			error: { why: expect.stringContaining('A.UserPoolId is us-east-1_One, B.UserPoolId is us-east-1_Two') },
		});
	});
});
