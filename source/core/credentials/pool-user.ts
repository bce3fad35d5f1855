/** What is said of the Cognito user whose id the rows are given. */

import { RepotError } from '../errors.js';

/** States in which a user signs in as usual, or will at the first login. */
const ordinary = ['CONFIRMED', 'FORCE_CHANGE_PASSWORD', 'EXTERNAL_PROVIDER'];

/** Sentences on a user that cannot sign in as usual. */
export function statusNotes(enabled: boolean, status: string): readonly string[] {
	return [
		...(enabled ? [] : ['the user is disabled in Cognito; rows are given its id all the same']),
		...(ordinary.includes(status) ? [] : [`the user is ${status} in Cognito; rows are given its id all the same`]),
	];
}

export const noSuchUser = (pool: string, poolFrom: string, username: string, usernameFrom: string): RepotError =>
	new RepotError({
		kind: 'usage',
		code: 'NO_SUCH_USER',
		message: `User ${username} does not exist in pool ${pool}`,
		where: `cognito ${pool}`,
		why: `the pool is from ${poolFrom}, the name from ${usernameFrom === 'default' ? 'the usual name of a test user' : usernameFrom}`,
		next: [
			'--create-user makes it: no message is sent',
			'--test-user NAME looks for another one, --user-pool-id ID in another pool',
			'--user-id ID --skip-cognito gives the id itself',
		],
	});
