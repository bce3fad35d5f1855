import type { SSMClientConfig } from '@aws-sdk/client-ssm';

type Strategy = Extract<NonNullable<SSMClientConfig['retryStrategy']>, { acquireInitialRetryToken: unknown }>;
type Token = Awaited<ReturnType<Strategy['acquireInitialRetryToken']>>;

export const mostAttempts = 6;
/** Where nothing answers, waiting long tells nothing new: a connection is given up after five seconds each time. */
const attemptsWithoutAnswer = 3;
const longestDelay = 20_000;

const tokenOf = (retries: number, delay: number): Token => ({ getRetryCount: () => retries, getRetryDelay: () => delay });

/**
 * The SDK's standard retry ("Retry behavior" of the AWS SDKs and Tools reference guide: exponential backoff with full jitter, a longer base after
 * throttling, Retry-After counts) with a base that can be set. The pause itself is the SDK's and ends with the abort signal.
 * The SDK's `ConfiguredRetryStrategy` is told the attempt alone: neither throttling nor whether anything answered, which the pauses and attempts go by.
 */
export function retryStrategy(throttlingDelay: number): Strategy {
	return {
		acquireInitialRetryToken: async () => tokenOf(0, 0),
		async refreshRetryTokenForRetry(token, { error, errorType, retryAfterHint }) {
			const retries = token.getRetryCount() + 1;
			const answered = error?.$metadata?.httpStatusCode !== undefined;
			if (errorType === 'CLIENT_ERROR' || retries >= (answered ? mostAttempts : attemptsWithoutAnswer)) throw new Error('no retry is left');
			const base = errorType === 'THROTTLING' ? throttlingDelay : throttlingDelay / 10;
			const backoff = Math.floor(Math.random() * Math.min(base * 2 ** token.getRetryCount(), longestDelay));
			const asked = retryAfterHint === undefined ? 0 : retryAfterHint.getTime() - Date.now();
			return tokenOf(retries, Math.max(backoff, Math.min(asked, longestDelay)));
		},
		recordSuccess: () => undefined,
	};
}
