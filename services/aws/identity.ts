import type { AwsIdentity } from '../../source/core/ports/cloud.js';
import { ask, askCaller, type Session } from './session.js';

/** Loads the credentials and asks STS whose they are. */
export async function identify(session: Session, signal?: AbortSignal): Promise<AwsIdentity> {
	const { choice, region } = session;
	const asked = { service: 'STS', action: 'sts:GetCallerIdentity', what: 'STS for the identity' } as const;
	const caller = await ask(session, asked, () => askCaller(session, signal), signal);
	const { expiration, sessionEnd } = await session.credentials();
	return {
		account: caller.account,
		arn: caller.arn,
		profile: choice.profile,
		kind: choice.kind,
		from: choice.from,
		region: region.name,
		regionFrom: region.from,
		expiresAt: expiration?.toISOString() ?? null,
		sessionEndsAt: sessionEnd?.toISOString() ?? null,
		latencyMilliseconds: caller.latencyMilliseconds,
	};
}
