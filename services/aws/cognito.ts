import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { poolRegion } from '../../source/core/aws-places.js';
import type { RepotError } from '../../source/core/errors.js';
import type { Asked } from './failed-call.js';
import { awsProblem } from './problem.js';
import { shapeOf } from './problems.js';
import { ask, type Session, settingsOf } from './session.js';

/** A client of Cognito user pools for one piece of work. */
export async function withCognito<T>(session: Session, work: (client: CognitoIdentityProviderClient) => Promise<T>): Promise<T> {
	const { CognitoIdentityProviderClient } = await import('./sdk/cognito.js');
	const client = new CognitoIdentityProviderClient(settingsOf(session, 'Cognito Identity Provider'));
	try {
		return await work(client);
	} finally {
		client.destroy();
	}
}

const askedOfPool = (action: string, pool: string): Asked => ({
	service: 'Cognito Identity Provider',
	action,
	what: `Cognito for pool ${pool}`,
	resources: ({ partition, region, account }) => [`arn:${partition}:cognito-idp:${region}:${account}:userpool/${pool}`],
});

/** A call to one pool; a pool that there is not is said as such. */
export async function askPool<T>(
	session: Session,
	action: string,
	pool: string,
	call: (options: { readonly abortSignal?: AbortSignal }) => Promise<T>,
	signal?: AbortSignal,
): Promise<T> {
	const checked = async (options: { readonly abortSignal?: AbortSignal }): Promise<T> => {
		try {
			return await call(options);
		} catch (error) {
			const shape = shapeOf(error);
			if (shape?.name === 'ResourceNotFoundException' || (shape?.name === 'InvalidParameterException' && /userPoolId/i.test(shape.message)))
				throw noSuchPool(session, pool, session.setup.secrecy.words(shape.message));
			throw error;
		}
	};
	return await ask(session, askedOfPool(action, pool), checked, signal);
}

function noSuchPool(session: Session, pool: string, why: string): RepotError {
	const region = poolRegion(pool);
	const elsewhere = region !== null && region !== session.region.name;
	return awsProblem({
		code: 'NO_SUCH_POOL',
		message: `There is no Cognito user pool ${pool} in region ${session.region.name}`,
		where: `account ${session.caller?.account ?? 'of the credentials'}, region ${session.region.name} (from ${session.region.from})`,
		why,
		next: [
			...(elsewhere ? [`The id is of region ${region}: --region ${region}`] : []),
			'Name the pool with --user-pool-id ID, or its stack outputs with --cdk-outputs FILE',
			'Check that the credentials are of the account that holds the pool',
		],
	});
}
