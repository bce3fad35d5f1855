import type { UserPool } from '../../source/core/ports/cloud.js';
import { withCognito } from './cognito.js';
import { ask, type Session } from './session.js';

/** The most that ListUserPools and ListUsers give at once. */
export const pageSize = 60;

export async function userPools(session: Session, signal?: AbortSignal): Promise<readonly UserPool[]> {
	const asked = { service: 'Cognito Identity Provider', action: 'cognito-idp:ListUserPools', what: 'Cognito for the pools' } as const;
	return await withCognito(session, async (client) => {
		const { ListUserPoolsCommand } = await import('./sdk/cognito.js');
		const pools: UserPool[] = [];
		let next: string | undefined;
		do {
			const command = new ListUserPoolsCommand({ MaxResults: pageSize, ...(next === undefined ? {} : { NextToken: next }) });
			const page = await ask(session, asked, (options) => client.send(command, options), signal);
			pools.push(...(page.UserPools ?? []).flatMap(({ Id, Name }) => (Id === undefined ? [] : [{ id: Id, name: Name ?? '' }])));
			next = page.NextToken;
		} while (next !== undefined);
		return pools;
	});
}
