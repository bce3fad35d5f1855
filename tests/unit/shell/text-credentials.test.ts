import { describe, expect, it } from 'vitest';
import { RepotError } from '../../../source/core/errors.js';
import { identity, poolUser } from '../../fakes/cloud.js';
import type { Script } from '../../fakes/operations.js';
import { talk } from './talking.js';

const ofParameter: Script['environments'] = [
	{ name: 'dev', guard: 'open', target: 'ssm /collections/dev/database-url', from: 'default', lastRun: null, resumable: null },
];
const parameters = { '/collections/dev/database-url': 'postgresql://app:s3cret@db.example:5432/app' };
const pool = 'us-east-1_Ab12';
const script = (cloud: NonNullable<Script['cloud']>): Script => ({ environments: ofParameter ?? [], tenant: null, pool, cloud });

describe('the credentials for screen readers', () => {
	it('are told as they are found, with ways on for what is missing', async () => {
		let isIn = false;
		const cloud = {
			identify: () => {
				if (!isIn) throw new RepotError({ kind: 'aws', code: 'SSO_EXPIRED', message: 'The session has expired', next: ['aws sso login'] });
				return identity;
			},
			parameters,
			login: async (onLine: (line: string) => void) => {
				onLine('Open https://device.sso.example');
				isIn = true;
			},
		};
		const { said, left } = await talk(script(cloud), [
			['Environment, 1 to 1', '1'],
			['Dataset, 1 to 3', '1'],
			['l to run aws sso login', 'l'],
			['c to create the user', 'c'],
			['for the dry run', ''],
			['go on to the confirmation', 'b'],
			['for the dry run', 'b'],
			['Dataset', 'b'],
			['Environment', 'b'],
		]);
		expect(left).toEqual([]);
		for (const text of [
			'AWS identity: not found. The session has expired.',
			'Next: aws sso login',
			'Open https://device.sso.example',
			`AWS identity: ${identity.arn}, account 123456789012, us-east-1`,
			'PostgreSQL: postgresql://app:********@db.example:5432/app, ssm /collections/dev/database-url v7',
			'User id: not found. User migration-test-golden does not exist in pool us-east-1_Ab12',
			'Look: created migration-test-golden in us-east-1_Ab12',
		])
			expect(said, text).toContain(text);
		expect(said).not.toContain('s3cret');
	});

	it('ask at once for what only a person knows', async () => {
		const cloud = {
			identify: (code: string | null) => {
				if (code !== '123456') throw new RepotError({ kind: 'usage', code: 'MFA_NEEDED', message: 'A code is asked for' });
				return identity;
			},
			parameters,
			users: { [pool]: [poolUser('migration-test-golden')] },
		};
		const { left } = await talk(script(cloud), [
			['Environment, 1 to 1', '1'],
			['Dataset, 1 to 3', '1'],
			['Code of the MFA device', '123456'],
			['for the dry run', 'b'],
			['Dataset', 'b'],
			['Environment', 'b'],
		]);
		expect(left).toEqual([]);
	});

	it('let a profile and a pool be chosen by number', async () => {
		const cloud = {
			identify: () => identity,
			parameters,
			profiles: [
				{ name: 'dev', kind: 'sso' as const, region: null, about: null },
				{ name: 'ops', kind: 'keys' as const, region: null, about: null },
			],
			pools: [
				{ id: pool, name: 'dev' },
				{ id: 'us-east-1_Other', name: 'other' },
			],
			users: { 'us-east-1_Other': [poolUser('migration-test-golden', { sub: 'sub-in-other' })] },
		};
		const { said, left } = await talk(script(cloud), [
			['Environment, 1 to 1', '1'],
			['Dataset, 1 to 3', '1'],
			['o to choose another Cognito pool', 'o'],
			['Cognito pool, 1 to 2', '2'],
			['for the dry run', 'b'],
			['Dataset', 'b'],
			['Environment', 'b'],
		]);
		expect(left).toEqual([]);
		expect(said).toContain('User id: sub-in-other');
	});
});
