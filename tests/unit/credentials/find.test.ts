import { describe, expect, it } from 'vitest';
import { readTargetUrl } from '../../../source/config/target-url.js';
import { CredentialMemo, type CredentialOptions, type CredentialPorts, findCredentials } from '../../../source/core/credentials/find.js';
import type { CredentialNeeds, TargetNeed, UserNeed } from '../../../source/core/credentials/needs.js';
import type { CredentialRow } from '../../../source/core/credentials/rows.js';
import { RepotError } from '../../../source/core/errors.js';
import type { TargetTest } from '../../../source/core/ports.js';
import { Secret } from '../../../source/core/secret.js';
import { type CloudScript, fakeCloud, identity, poolUser } from '../../fakes/cloud.js';
import { healthyTest } from '../../fakes/operations.js';

const url = 'postgresql://app:s3cret@db.example:5432/app';
const byConvention: TargetNeed = {
	kind: 'parameter',
	name: '/collections/dev/database-url',
	from: 'default',
	folder: '/collections/dev/database/',
};
const cognito: UserNeed = {
	kind: 'cognito',
	pool: 'us-east-1_Ab12',
	poolFrom: './.aws-outputs-dev.json UserPoolId',
	username: 'migration-test-golden',
	usernameFrom: 'default',
};
const needs = (more: Partial<CredentialNeeds> = {}): CredentialNeeds => ({
	environment: 'dev',
	access: { profile: 'dev', region: null },
	profileFrom: 'flag --aws-profile',
	tokens: false,
	target: byConvention,
	user: cognito,
	...more,
});

interface Scene {
	readonly cloud?: CloudScript;
	readonly test?: (url: Secret) => TargetTest;
	readonly memo?: CredentialMemo;
	readonly refuse?: () => Promise<void>;
	readonly refuseParameter?: () => void;
	readonly skipsSchema?: boolean;
}

async function find(wanted: CredentialNeeds, scene: Scene = {}, options: CredentialOptions = {}) {
	const { cloud, calls } = fakeCloud({ identify: () => identity, ...scene.cloud });
	const told: CredentialRow[] = [];
	const ports: CredentialPorts = {
		cloud,
		readUrl: readTargetUrl,
		mask: (one) => one.reveal().replace(/:[^:@/]+@/, ':********@'),
		test: scene.test === undefined ? null : async (one) => (scene.test as (url: Secret) => TargetTest)(one),
		refuse: scene.refuse ?? (async () => {}),
		refuseParameter: scene.refuseParameter ?? (() => {}),
		memo: scene.memo ?? new CredentialMemo(),
		skipsSchema: scene.skipsSchema ?? false,
	};
	const found = await findCredentials(wanted, ports, options, (row) => told.push(row));
	return { found, calls, told, row: (name: string) => found.rows.find((one) => one.name === name) };
}

const everything: CloudScript = {
	parameters: { '/collections/dev/database-url': url },
	users: { 'us-east-1_Ab12': [poolUser('somebody'), poolUser('migration-test-golden')] },
};

describe('what a run needs of the outside', () => {
	it('is found and tested from a profile and the conventions alone', async () => {
		const { found, row } = await find(needs(), { cloud: everything, test: () => healthyTest });
		expect(found.target?.reveal()).toBe(url);
		expect(found.tenant).toBe('sub-of-migration-test-golden');
		expect(found.errors).toEqual([]);
		expect(found.rows.map(({ name, state }) => `${name} ${state}`)).toEqual(['aws ok', 'postgres ok', 'pgvector ok', 'user ok']);
		expect(row('postgres')).toMatchObject({
			from: 'ssm /collections/dev/database-url v7',
			version: 7,
			found: 'PG 17.5',
			latencyMilliseconds: 38,
		});
		expect(JSON.stringify(found)).not.toContain('s3cret');
	});

	it('reads nothing before the identity was told', async () => {
		const { calls, told } = await find(needs(), { cloud: everything });
		expect(calls[0]).toBe('identify dev -');
		const shown = told.findIndex(({ name, state }) => name === 'aws' && state === 'ok');
		const read = told.findIndex(({ name, state }) => name !== 'aws' && state === 'working');
		expect(shown).toBeGreaterThan(-1);
		expect(read).toBeGreaterThan(shown);
	});

	it('asks AWS for nothing that is given', async () => {
		const { calls, found } = await find(
			needs({
				target: { kind: 'given', url: new Secret(url), from: 'env DATABASE_URL' },
				user: { kind: 'given', id: 'ana', from: 'flag --user-id' },
			}),
		);
		expect(calls).toEqual([]);
		expect(found.rows.map(({ name }) => name)).toEqual(['postgres', 'user']);
		expect(found.tenant).toBe('ana');
	});

	it('leaves what hangs on a failed identity open, and says why once', async () => {
		const expired = () => {
			throw new RepotError({
				kind: 'aws',
				code: 'SSO_EXPIRED',
				message: 'The SSO session has expired',
				next: ['aws sso login --profile dev'],
			});
		};
		const { found, row, calls } = await find(needs(), { cloud: { ...everything, identify: expired } });
		expect(calls).toEqual(['identify dev -']);
		expect(row('aws')).toMatchObject({ state: 'x', ways: ['login', 'profile', 'url'], error: { code: 'SSO_EXPIRED' } });
		expect(row('postgres')?.state).toBe('waiting');
		expect(row('user')?.state).toBe('waiting');
		expect(found.errors).toHaveLength(1);
	});

	it('hands the MFA code on, and asks for it where it is needed', async () => {
		const identify = (code: string | null) => {
			if (code !== '123456') throw new RepotError({ kind: 'usage', code: 'MFA_NEEDED', message: 'The profile asks for an MFA code' });
			return identity;
		};
		const cloud = { ...everything, identify };
		expect((await find(needs(), { cloud })).row('aws')?.ways?.[0]).toBe('mfa');
		expect((await find(needs(), { cloud }, { mfaCode: new Secret('123456') })).found.identity).toEqual(identity);
	});

	describe('the database URL', () => {
		const split = {
			'/collections/dev/database/host': 'db.example',
			'/collections/dev/database/port': '6432',
			'/collections/dev/database/name': 'app db',
			'/collections/dev/database/username': 'app',
			'/collections/dev/database/password': 'p@ss/w:rd',
		};
		it('is put together from its parts, percent-encoded', async () => {
			const { found } = await find(needs({ user: null }), { cloud: { parameters: split } });
			expect(found.target?.reveal()).toBe('postgresql://app:p%40ss%2Fw%3Ard@db.example:6432/app%20db');
		});
		it('names the parts that are missing', async () => {
			const { '/collections/dev/database/password': _password, ...rest } = split;
			const { found } = await find(needs({ user: null }), { cloud: { parameters: rest } });
			expect(found.errors[0]).toMatchObject({ kind: 'usage', code: 'PARAMETER_INCOMPLETE' });
			expect(found.errors[0]?.why).toContain('no password');
			expect(found.errors[0]?.next[0]).toContain('/collections/dev/database/password');
			const withTokens = await find(needs({ user: null, tokens: true }), { cloud: { parameters: rest } });
			expect(withTokens.found.target?.reveal()).toBe('postgresql://app@db.example:6432/app%20db');
		});
		it('is asked for by one name only when that was given', async () => {
			const named: TargetNeed = { kind: 'parameter', name: '/other/url', from: 'flag --url-parameter', folder: null };
			const { found, calls } = await find(needs({ user: null, target: named }), { cloud: { parameters: split } });
			expect(calls.some((call) => call.startsWith('parameters '))).toBe(false);
			expect(found.errors[0]).toMatchObject({ code: 'NO_SUCH_PARAMETER', where: 'flag --url-parameter' });
			expect(found.errors[0]?.next.join('\n')).toContain('--url-parameter /collections/dev/database/host');
		});
		it('may be a folder', async () => {
			const folder: TargetNeed = { kind: 'parameter', name: '/collections/dev/database/', from: 'flag --url-parameter', folder: null };
			expect((await find(needs({ user: null, target: folder }), { cloud: { parameters: split } })).found.target).not.toBeNull();
		});
		it('is not repeated when it is none', async () => {
			const { found, row } = await find(needs({ user: null }), {
				cloud: { parameters: { '/collections/dev/database-url': 'hunter2-not-a-url' } },
			});
			expect(found.errors[0]).toMatchObject({ kind: 'usage', code: 'NOT_A_URL', where: 'ssm /collections/dev/database-url' });
			expect(JSON.stringify([found, row('postgres')])).not.toContain('hunter2');
		});
		it('is refused where this environment may not write, before it is tested', async () => {
			const refuse = async () => {
				throw new RepotError({ kind: 'usage', code: 'TARGET_IS_PROTECTED', message: 'no' });
			};
			let tests = 0;
			const { found } = await find(needs({ user: null }), {
				cloud: everything,
				refuse,
				test: () => {
					tests += 1;
					return healthyTest;
				},
			});
			expect(found.errors[0]?.code).toBe('TARGET_IS_PROTECTED');
			expect(found.target).toBeNull();
			expect(tests).toBe(0);
		});
		it('is not read from a parameter that this environment may not have', async () => {
			const refuseParameter = () => {
				throw new RepotError({ kind: 'usage', code: 'TARGET_IS_PROTECTED', message: 'no' });
			};
			const { found, calls } = await find(needs({ user: null }), { cloud: everything, refuseParameter });
			expect(found.errors[0]?.code).toBe('TARGET_IS_PROTECTED');
			expect(calls.filter((call) => call.includes('database'))).toEqual([]);
		});
	});

	describe('the user', () => {
		it('that does not exist is a question with ways on, and is created when asked', async () => {
			const cloud = { parameters: { '/collections/dev/database-url': url } };
			const memo = new CredentialMemo();
			const without = await find(needs(), { cloud, memo });
			expect(without.row('user')).toMatchObject({ state: 'x', ways: ['create-user', 'user-id', 'pool'], error: { code: 'NO_SUCH_USER' } });
			expect(without.calls.some((call) => call.startsWith('createUser'))).toBe(false);
			const made = await find(needs(), { cloud, memo }, { createUser: true });
			expect(made.found.tenant).toBe('sub-of-migration-test-golden');
			expect(made.row('user')?.notes).toEqual(['created migration-test-golden in us-east-1_Ab12']);
		});
		it('in an unusual state is used and told', async () => {
			const users = { 'us-east-1_Ab12': [poolUser('migration-test-golden', { enabled: false, status: 'UNCONFIRMED' })] };
			const { row, found } = await find(needs(), { cloud: { ...everything, users } });
			expect(found.tenant).toBe('sub-of-migration-test-golden');
			expect(row('user')?.state).toBe('look');
			expect(row('user')?.notes?.join(' ')).toMatch(/disabled.*UNCONFIRMED/);
		});
		it('that cannot be looked for names what to give', async () => {
			const user: UserNeed = { kind: 'missing', why: 'no user pool is known', next: ['--user-id ID'], username: 'migration-test-golden' };
			const { row } = await find(needs({ user }), { cloud: everything });
			expect(row('user')).toMatchObject({ state: 'x', ways: ['user-id', 'pool'], error: { code: 'NO_USER_ID', next: ['--user-id ID'] } });
		});
	});

	it('is remembered until it is asked for afresh', async () => {
		const memo = new CredentialMemo();
		await find(needs(), { cloud: everything, memo });
		expect((await find(needs(), { cloud: everything, memo })).calls).toEqual([]);
		const again = await find(needs(), { cloud: everything, memo }, { fresh: true });
		expect(again.calls).toContain('identify dev -');
		// The session works: it may have taken an MFA code.
		expect(again.calls).not.toContain('forget');
		expect((await find(needs(), { cloud: everything }, { fresh: true })).calls).toContain('forget');
		expect((await find(needs({ access: { profile: 'other', region: null } }), { cloud: everything, memo })).calls).not.toEqual([]);
	});

	it('ends with an interruption, and with nothing else', async () => {
		const interrupted = () => {
			throw new RepotError({ kind: 'interrupted', code: 'INTERRUPTED', message: 'stopped' });
		};
		await expect(find(needs(), { cloud: { ...everything, identify: interrupted } })).rejects.toMatchObject({ kind: 'interrupted' });
	});
});
