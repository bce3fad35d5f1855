import type { AwsIdentity } from '../../source/core/ports/cloud.js';
import { ask, askCaller, type Session } from './session.js';

/** Loads the credentials and asks STS whose they are. */
export async function identify(session: Session, signal?: AbortSignal): Promise<AwsIdentity> {
	const { setup, choice, region } = session;
	const asked = { service: 'STS', action: 'sts:GetCallerIdentity', what: 'STS for the identity' } as const;
	// Loading may run a command or log in: that is no latency of the call.
	await ask(session, asked, () => session.credentials(), signal);
	const started = setup.clock.now();
	const caller = await ask(session, asked, () => askCaller(session, signal), signal);
	const latencyMilliseconds = setup.clock.now() - started;
	const { expiration } = await session.credentials();
	return {
		account: caller.account,
		arn: caller.arn,
		profile: choice.profile,
		kind: choice.kind,
		from: choice.from,
		region: region.name,
		regionFrom: region.from,
		expiresAt: expiration?.toISOString() ?? null,
		latencyMilliseconds,
	};
}
