import { RepotError } from '../../source/core/errors.js';
import type { AwsIdentity, AwsProfile, Cloud, CloudParameter, PoolUser, UserPool } from '../../source/core/ports.js';
import { Secret } from '../../source/core/secret.js';

/** What an in-memory AWS knows; each function may throw what the real one would. */
export interface CloudScript {
	readonly profiles?: readonly AwsProfile[];
	/** Absent: nobody is logged in. */
	readonly identify?: (mfaCode: string | null) => AwsIdentity;
	/** Values by name; the number of times a name was written is its version. */
	readonly parameters?: Readonly<Record<string, string>>;
	/** Users by pool. */
	readonly users?: Readonly<Record<string, readonly PoolUser[]>>;
	readonly pools?: readonly UserPool[];
	/** Throws what AWS would. */
	readonly createUser?: (pool: string) => void;
	readonly login?: (onLine: (line: string) => void) => Promise<void>;
}

export const identity: AwsIdentity = {
	account: '123456789012',
	arn: 'arn:aws:sts::123456789012:assumed-role/Migrate/ana',
	profile: 'dev',
	kind: 'sso',
	from: 'profile dev (SSO)',
	region: 'us-east-1',
	regionFrom: 'profile dev',
	expiresAt: null,
	sessionEndsAt: null,
	latencyMilliseconds: 91,
};

export const poolUser = (username: string, more: Partial<PoolUser> = {}): PoolUser => ({
	username,
	sub: `sub-of-${username}`,
	enabled: true,
	status: 'CONFIRMED',
	createdAt: '2025-01-01T00:00:00.000Z',
	latencyMilliseconds: 20,
	...more,
});

const nobody = (): RepotError =>
	new RepotError({ kind: 'aws', code: 'NO_AWS_CREDENTIALS', message: 'No AWS credentials were found', next: ['aws configure sso'] });

/** A Cloud without a network, and what was asked of it, in order. */
export function fakeCloud(script: CloudScript = {}): { readonly cloud: Cloud; readonly calls: string[] } {
	const calls: string[] = [];
	const made = new Map<string, PoolUser[]>();
	const parameter = (name: string): CloudParameter | null => {
		const value = script.parameters?.[name];
		if (value === undefined) return null;
		return { name, value: new Secret(value), version: 7, changedAt: '2025-02-26T12:00:00.000Z', latencyMilliseconds: 30 };
	};
	const usersOf = (pool: string): readonly PoolUser[] => [...(script.users?.[pool] ?? []), ...(made.get(pool) ?? [])];
	const cloud: Cloud = {
		profiles: async () => script.profiles ?? [],
		async identify(access, { mfaCode } = {}) {
			calls.push(`identify ${access.profile ?? '-'} ${access.region ?? '-'}`);
			if (script.identify === undefined) throw nobody();
			return script.identify(mfaCode?.reveal() ?? null);
		},
		forget: () => void calls.push('forget'),
		async login(profile, onLine) {
			calls.push(`login ${profile ?? '-'}`);
			await script.login?.(onLine);
		},
		async parameter(_access, name) {
			calls.push(`parameter ${name}`);
			return parameter(name);
		},
		async parameters(_access, names) {
			calls.push(`parameters ${names.join(' ')}`);
			return new Map(names.flatMap((name) => (parameter(name) === null ? [] : [[name, parameter(name) as CloudParameter] as const])));
		},
		parameterNames: async () => Object.keys(script.parameters ?? {}),
		async findUser(_access, pool, username) {
			calls.push(`findUser ${pool} ${username}`);
			return usersOf(pool).find((one) => one.username === username) ?? null;
		},
		async createUser(_access, pool, username) {
			calls.push(`createUser ${pool} ${username}`);
			script.createUser?.(pool);
			const user = poolUser(username, { status: 'FORCE_CHANGE_PASSWORD' });
			made.set(pool, [...(made.get(pool) ?? []), user]);
			return user;
		},
		userPools: async () => script.pools ?? [],
		databaseToken: async ({ profile }) => new Secret(`token-of-${profile ?? 'nobody'}`),
	};
	return { cloud, calls };
}
