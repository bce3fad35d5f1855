import type { CognitoIdentityProviderClient, UserType } from '@aws-sdk/client-cognito-identity-provider';
import type { RepotError } from '../../source/core/errors.js';
import type { PoolUser } from '../../source/core/ports/cloud.js';
import { askPool, withCognito } from './cognito.js';
import { awsProblem, usageProblem } from './problem.js';
import { shapeOf } from './problems.js';
import type { Session } from './session.js';
import { pageSize } from './user-pools.js';

type SearchKey = 'username' | 'email';

const isAddress = (name: string): boolean => /^[^@\s]+@[^@\s]+$/.test(name);

/** Quotes within a filter are escaped with a backslash (ListUsers of the Cognito user pools API reference). */
const filterOf = (key: SearchKey, value: string): string => `${key} = "${value.replace(/[\\"]/g, '\\$&')}"`;

const attribute = (user: UserType, name: string): string | undefined => (user.Attributes ?? []).find((one) => one.Name === name)?.Value;

const valueUnder = (user: UserType, key: SearchKey): string | undefined => (key === 'username' ? user.Username : attribute(user, 'email'));

function poolUser(user: UserType, pool: string, latencyMilliseconds: number): PoolUser {
	const sub = attribute(user, 'sub');
	if (sub === undefined) {
		throw awsProblem({
			code: 'USER_WITHOUT_SUB',
			message: `Cognito gives no id (attribute sub) of user ${user.Username ?? ''}`,
			where: `pool ${pool}`,
			next: ['Give the id itself: --user-id ID --skip-cognito'],
		});
	}
	return {
		username: user.Username ?? '',
		sub,
		enabled: user.Enabled ?? true,
		status: user.UserStatus ?? 'UNKNOWN',
		createdAt: user.UserCreateDate?.toISOString() ?? null,
		latencyMilliseconds,
	};
}

interface Search {
	readonly session: Session;
	readonly client: CognitoIdentityProviderClient;
	readonly pool: string;
	readonly signal: AbortSignal | undefined;
}

/**
 * Every user whose name, or address, is exactly this one. The filter is asked for, but not relied on: each page is read to the end and compared,
 * so that a server that ignores the filter gives the same answer, and one that refuses it is asked without.
 */
async function usersWith(search: Search, key: SearchKey, value: string, isFiltered = true): Promise<readonly UserType[]> {
	const { session, client, pool, signal } = search;
	const { ListUsersCommand } = await import('./sdk/cognito.js');
	const found: UserType[] = [];
	let next: string | undefined;
	do {
		const command = new ListUsersCommand({
			UserPoolId: pool,
			Limit: pageSize,
			...(isFiltered ? { Filter: filterOf(key, value) } : {}),
			...(next === undefined ? {} : { PaginationToken: next }),
		});
		const call = async (options: { readonly abortSignal?: AbortSignal }) => {
			try {
				return await client.send(command, options);
			} catch (error) {
				if (isFiltered && refusesFilter(error)) return null;
				throw error;
			}
		};
		const page = await askPool(session, 'cognito-idp:ListUsers', pool, call, signal);
		if (page === null) return await usersWith(search, key, value, false);
		found.push(...(page.Users ?? []).filter((user) => valueUnder(user, key) === value));
		// Names are unique in a pool, addresses need not be.
		if (key === 'username' && found.length > 0) return found;
		next = page.PaginationToken;
	} while (next !== undefined);
	return found;
}

function refusesFilter(error: unknown): boolean {
	const shape = shapeOf(error);
	return shape?.name === 'InvalidParameterException' && /filter/i.test(shape.message);
}

async function search(given: Search, username: string): Promise<PoolUser | null> {
	const { clock } = given.session.setup;
	const started = clock.now();
	const [named] = await usersWith(given, 'username', username);
	if (named !== undefined) return poolUser(named, given.pool, clock.now() - started);
	if (!isAddress(username)) return null;
	const holders = await usersWith(given, 'email', username);
	if (holders.length > 1) throw severalUsers(given.pool, username, holders);
	const [only] = holders;
	return only === undefined ? null : poolUser(only, given.pool, clock.now() - started);
}

const severalUsers = (pool: string, address: string, users: readonly UserType[]): RepotError =>
	usageProblem({
		code: 'SEVERAL_USERS',
		message: `${users.length} users of the pool have the e-mail address ${address}`,
		where: `pool ${pool}`,
		why: users.map((user) => `${user.Username ?? ''} (${user.UserStatus ?? 'UNKNOWN'})`).join(', '),
		next: ['Name one by its username: --test-user NAME', 'Or give the id itself: --user-id ID --skip-cognito'],
	});

export const findUser = (session: Session, pool: string, username: string, signal?: AbortSignal): Promise<PoolUser | null> =>
	withCognito(session, (client) => search({ session, client, pool, signal }, username));

/** The error's own answer to a name that the pool does not take; null: it is about something else. */
function nameProblem(error: unknown, pool: string, username: string, session: Session): RepotError | null {
	const shape = shapeOf(error);
	if (shape?.name !== 'InvalidParameterException') return null;
	const where = `pool ${pool}, user ${username}`;
	const why = session.setup.secrecy.words(shape.message);
	if (/cannot be of email format/i.test(shape.message)) {
		return usageProblem({
			code: 'USER_NOT_BY_EMAIL',
			message: 'The pool takes no e-mail address as a username',
			where,
			why,
			next: ['Name the user otherwise: --test-user NAME', 'Or create it yourself and give its id: --user-id ID --skip-cognito'],
		});
	}
	if (isAddress(username) || !/email/i.test(shape.message)) return null;
	return usageProblem({
		code: 'USER_BY_EMAIL',
		message: 'The pool wants an e-mail address of every user, and this name is none',
		where,
		why,
		next: [
			`Name the user by an address: --test-user ${username}@example.com`,
			'Or create it yourself and give its id: --user-id ID --skip-cognito',
		],
	});
}

/** AdminCreateUser without a message; a user that exists meanwhile is taken as it is. */
export async function createUser(session: Session, pool: string, username: string, signal?: AbortSignal): Promise<PoolUser> {
	const { clock } = session.setup;
	return await withCognito(session, async (client) => {
		const { AdminCreateUserCommand } = await import('./sdk/cognito.js');
		const command = new AdminCreateUserCommand({
			UserPoolId: pool,
			Username: username,
			MessageAction: 'SUPPRESS',
			...(isAddress(username)
				? {
						UserAttributes: [
							{ Name: 'email', Value: username },
							{ Name: 'email_verified', Value: 'true' },
						],
					}
				: {}),
		});
		const started = clock.now();
		const call = async (options: { readonly abortSignal?: AbortSignal }): Promise<UserType | null> => {
			try {
				return (await client.send(command, options)).User ?? null;
			} catch (error) {
				if (['UsernameExistsException', 'AliasExistsException'].includes(shapeOf(error)?.name ?? '')) return null;
				throw nameProblem(error, pool, username, session) ?? error;
			}
		};
		const made = await askPool(session, 'cognito-idp:AdminCreateUser', pool, call, signal);
		if (made !== null) return poolUser(made, pool, clock.now() - started);
		const existing = await search({ session, client, pool, signal }, username);
		if (existing !== null) return existing;
		throw awsProblem({
			code: 'USER_EXISTS_OTHERWISE',
			message: `Cognito says that user ${username} exists, and finds none of exactly this name`,
			where: `pool ${pool}`,
			why: 'it may be spelled with other capitals, or hold this name as an alias',
			next: ['Look it up in the console of Cognito and name it as it stands there: --test-user NAME'],
		});
	});
}
