import { describe, expect, it } from 'vitest';
import { RepotError } from '../../../source/core/errors.js';
import type { EnvironmentSummary } from '../../../source/core/operations.js';
import { identity, poolUser } from '../../fakes/cloud.js';
import { fakeOperations, healthyTest, type Script, unreachable } from '../../fakes/operations.js';
import { fakeNow, keys, type WizardScreenHandle } from '../../fakes/wizard-screen.js';
import { open, openOn } from './walking.js';

/** To the credentials of an environment whose URL is known. */
async function toLocal(opened: WizardScreenHandle): Promise<void> {
	await opened.until('> local');
	opened.press(keys.enter);
	await opened.until('integrity ok');
	opened.press(keys.enter);
}

describe('the credentials', () => {
	it('shows why the target cannot be reached, and goes on once it can', async () => {
		let isUp = false;
		const { opened } = open({
			testTarget: () => {
				if (!isUp) throw unreachable();
				return healthyTest;
			},
		});
		await toLocal(opened);
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
		await toLocal(opened);
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
		await toLocal(opened);
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

	it('takes no text for a URL that is none, and says why without repeating it', async () => {
		const { opened } = open();
		await toLocal(opened);
		await opened.until('PG 17.5');
		opened.press('u');
		await opened.until('Target URL');
		opened.press('mysql://me:s3cret@db/app');
		await opened.until('****');
		opened.press(keys.enter);
		await opened.until('This cannot be used: write postgresql://');
		expect(opened.frame()).not.toContain('s3cret');
	});

	it('takes no URL for a user id, and hides what was pasted', async () => {
		const { opened } = open();
		await toLocal(opened);
		await opened.until('PG 17.5');
		opened.press('t');
		await opened.until('User id');
		opened.press('postgresql://me:s3cret@db/app');
		await opened.until('it is no user id');
		expect(opened.frame()).not.toContain('s3cret');
		opened.press(keys.enter);
		await opened.until('it is no user id');
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
		await toLocal(opened);
		await opened.until('This screen could not be drawn.');
		isBroken = false;
		opened.press('r');
		await opened.until('PG 17.5');
	});
});

/** An environment whose URL Parameter Store has. */
const ofParameter: readonly EnvironmentSummary[] = [
	{ name: 'dev', guard: 'open', target: 'ssm /collections/dev/database-url', from: 'default', lastRun: null, resumable: null },
	{ name: 'prod', guard: 'protected', target: 'ssm /collections/prod/database-url', from: 'default', lastRun: null, resumable: null },
];
const parameters = { '/collections/dev/database-url': 'postgresql://app:s3cret@db.example:5432/app' };
const pool = 'us-east-1_Ab12';

const expired = (): RepotError =>
	new RepotError({
		kind: 'aws',
		code: 'SSO_EXPIRED',
		message: 'The SSO session of profile dev has expired',
		where: 'https://example.awsapps.com/start',
		next: ['aws sso login --profile dev'],
	});

async function toCredentials(script: Pick<Script, 'cloud'>) {
	const walk = open({ environments: ofParameter, tenant: null, pool, ...script });
	await walk.opened.until('> dev');
	walk.opened.press(keys.enter);
	await walk.opened.until('165 rows');
	walk.opened.press(keys.enter);
	return walk;
}

describe('what AWS has', () => {
	it('is shown with the identity it was read with, how old it is, and no secret', async () => {
		const cloud = { identify: () => identity, parameters, users: { [pool]: [poolUser('migration-test-golden')] } };
		const { opened } = await toCredentials({ cloud });
		await opened.until('Found 4 of 4');
		// A value that is longer than its column goes on in the next line.
		const live = opened.live().replace(/\/an +91 ms\s+a\n/, '/ana\n');
		for (const text of [
			identity.arn,
			'account 123456789012, us-east-1',
			'app:*@db.example:5432/app',
			'database-url v7, ',
			'sub-of-migration-test-golden',
		])
			expect(live, text).toContain(text);
		expect(opened.frame()).not.toContain('s3cret');
		opened.press(keys.enter);
		await opened.until('about 2 s');
	});

	it('behind an expired SSO session: l logs in, shows what the command says, and tests again', async () => {
		let isIn = false;
		let finish: () => void = () => {};
		const cloud = {
			identify: () => {
				if (!isIn) throw expired();
				return identity;
			},
			parameters,
			users: { [pool]: [poolUser('migration-test-golden')] },
			login: async (onLine: (line: string) => void) => {
				onLine('Open https://device.sso.example and enter the code ABCD-EFGH');
				await new Promise<void>((resolve) => {
					finish = resolve;
				});
				isIn = true;
			},
		};
		const { opened } = await toCredentials({ cloud });
		await opened.until('SSO_EXPIRED');
		expect(opened.live()).toContain('aws sso login --profile dev');
		expect(opened.live()).toContain('to be read from');
		// Nothing outside is started by Enter.
		opened.press(keys.enter);
		opened.press('l');
		await opened.until('ABCD-EFGH');
		finish();
		await opened.until('Found 4 of 4');
	});

	it('with another profile, which the headless command then names', async () => {
		const profiles = [
			{ name: 'dev', kind: 'sso' as const, region: 'us-east-1', about: null },
			{ name: 'ops', kind: 'assume-role' as const, region: null, about: 'arn:aws:iam::123456789012:role/Ops' },
		];
		const { opened } = await toCredentials({
			cloud: { profiles, parameters, users: { [pool]: [poolUser('migration-test-golden')] }, identify: () => identity },
		});
		await opened.until('Found 4 of 4');
		opened.press('p');
		await opened.until('Which AWS profile?');
		await opened.until('arn:aws:iam::123456789012:role/Ops');
		opened.press(keys.down);
		await opened.until('> ops');
		opened.press(keys.enter);
		await opened.until('Found 4 of 4');
		opened.press('y');
		await opened.until('--aws-profile ops');
		opened.press(keys.esc);
		await opened.until('Found 4 of 4');
		// Another environment is not asked with the profile that was picked for this one.
		opened.press(keys.esc);
		await opened.until('165 rows');
		opened.press(keys.esc);
		await opened.until('> dev');
		await opened.until('--aws-profile ops');
		opened.press(keys.down);
		await opened.until('> prod');
		expect(opened.live()).not.toContain('--aws-profile');
	});

	it('with a code of an MFA device that is typed', async () => {
		const cloud = {
			identify: (code: string | null) => {
				if (code === '123456') return identity;
				throw new RepotError({ kind: 'usage', code: 'MFA_NEEDED', message: 'Profile dev asks for an MFA code', next: ['Type the code'] });
			},
			parameters,
			users: { [pool]: [poolUser('migration-test-golden')] },
		};
		const { opened } = await toCredentials({ cloud });
		await opened.until('MFA_NEEDED');
		opened.press(keys.enter);
		await opened.until('Code of the MFA device');
		opened.press('123456');
		// What is good once is still not read over a shoulder.
		await opened.until('> ******');
		opened.press(keys.enter);
		await opened.until('Found 4 of 4');
	});

	it('without the user: c creates it, o looks in another pool', async () => {
		const cloud = {
			identify: () => identity,
			parameters,
			pools: [
				{ id: pool, name: 'dev' },
				{ id: 'us-east-1_Other', name: 'other' },
			],
			users: { 'us-east-1_Other': [poolUser('migration-test-golden', { sub: 'sub-in-other' })] },
		};
		const { opened } = await toCredentials({ cloud });
		await opened.until('NO_SUCH_USER');
		expect(opened.live()).toMatch(/> X {2}User id/);
		opened.press('o');
		await opened.until('us-east-1_Other');
		opened.press(keys.down);
		await opened.until('> us-east-1_Other');
		opened.press(keys.enter);
		await opened.until('sub-in-other');
		opened.press(keys.esc);
		await opened.until('165 rows');

		// What was asked for one pool is not done in another.
		let isRefused = true;
		const refusing = {
			...cloud,
			users: {},
			createUser: (where: string) => {
				if (where === pool && isRefused) throw new RepotError({ kind: 'aws', code: 'AWS_ACCESS_DENIED', message: 'AWS refuses' });
			},
		};
		const third = await toCredentials({ cloud: refusing });
		await third.opened.until('NO_SUCH_USER');
		third.opened.press('c');
		await third.opened.until('Create the user in Cognito?');
		third.opened.press(keys.enter);
		await third.opened.until('AWS_ACCESS_DENIED');
		third.opened.press('o');
		await third.opened.until('us-east-1_Other');
		third.opened.press(keys.down);
		await third.opened.until('> us-east-1_Other');
		third.opened.press(keys.enter);
		await third.opened.until('NO_SUCH_USER');
		isRefused = false;

		const again = await toCredentials({ cloud });
		await again.opened.until('NO_SUCH_USER');
		// No single key writes.
		again.opened.press('c');
		await again.opened.until('Create the user in Cognito?');
		again.opened.press(keys.esc);
		await again.opened.until('NO_SUCH_USER');
		again.opened.press('c');
		await again.opened.until('Create the user in Cognito?');
		again.opened.press(keys.enter);
		await again.opened.until('created migration-test-golden in us-east-1_Ab12');
		await again.opened.until('Found 4 of 4');
	});

	it('says when the session ends soon', async () => {
		const sessionEndsAt = new Date(fakeNow + 5 * 60_000).toISOString();
		const cloud = { identify: () => ({ ...identity, sessionEndsAt }), parameters, users: { [pool]: [poolUser('migration-test-golden')] } };
		const { opened } = await toCredentials({ cloud });
		await opened.until('the AWS session ends in 5 min');
	});
});
