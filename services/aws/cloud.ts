import type { AwsAccess, Cloud } from '../../source/core/ports/cloud.js';
import { identify } from './identity.js';
import { login } from './login.js';
import { parameter, parameterNames, parameters } from './parameter-store.js';
import { profilesOf } from './profiles.js';
import { databaseToken } from './rds-token.js';
import { createSecrecy } from './secrecy.js';
import { openSession, orAborted, type Session } from './session.js';
import type { CloudOptions, Setup } from './setup.js';
import { readSharedFiles } from './shared-files.js';
import { createUser, findUser } from './user-pool.js';
import { userPools } from './user-pools.js';

/** Milliseconds: base of the pauses after throttling; how long an answer is waited for. */
const throttlingDelay = 1000;
const requestTimeout = 20_000;

/** AWS by its SDK, whose packages are loaded by the first call that needs them. */
export function createCloud(options: CloudOptions): Cloud {
	const setup: Setup = {
		env: options.env,
		clock: options.clock,
		secrecy: createSecrecy(options.onSecret),
		retryDelayMilliseconds: options.retryDelayMilliseconds ?? throttlingDelay,
		requestTimeoutMilliseconds: options.requestTimeoutMilliseconds ?? requestTimeout,
	};
	let sessions = new Map<string, Promise<Session>>();
	const sessionOf = (access: AwsAccess, signal?: AbortSignal): Promise<Session> => {
		const held = sessions;
		const key = JSON.stringify([access.profile, access.region]);
		const session = held.get(key) ?? openSession(setup, access);
		held.set(key, session);
		// What failed is tried anew by the next call.
		session.catch(() => held.delete(key));
		return orAborted(() => session, signal);
	};
	const forget = (): void => {
		sessions = new Map();
	};
	return {
		profiles: async () => profilesOf(await readSharedFiles(setup.env)),
		async identify(access, { mfaCode, signal } = {}) {
			const session = await sessionOf(access, signal);
			session.giveCode(mfaCode ?? null);
			try {
				return await identify(session, signal);
			} finally {
				// Minutes later it would be refused.
				session.giveCode(null);
			}
		},
		forget,
		async login(profile, onLine, signal) {
			await login(setup, profile, onLine, signal);
			forget();
		},
		parameter: async (access, name, signal) => await parameter(await sessionOf(access, signal), name, signal),
		parameters: async (access, names, signal) => await parameters(await sessionOf(access, signal), names, signal),
		parameterNames: async (access, near, signal) => await parameterNames(await sessionOf(access, signal), near, signal),
		findUser: async (access, pool, username, signal) => await findUser(await sessionOf(access, signal), pool, username, signal),
		createUser: async (access, pool, username, signal) => await createUser(await sessionOf(access, signal), pool, username, signal),
		userPools: async (access, signal) => await userPools(await sessionOf(access, signal), signal),
		databaseToken: async (access, server) => await databaseToken(await sessionOf(access), server),
	};
}
