import { setTimeout as sleep } from 'node:timers/promises';

export interface RetryPolicy {
	/** Attempts after the first one. */
	readonly maxRetries: number;
	/** Pause before the first retry; doubles up to thirty seconds. */
	readonly delayMilliseconds: number;
}

export interface RetryNotice {
	readonly attempt: number;
	readonly of: number;
	readonly delayMilliseconds: number;
	readonly error: unknown;
}

const longestDelay = 30_000;

/** Runs `work`, again after a transient failure; yields a notice before each pause and returns the result. */
export async function* retrying<T>(
	work: () => Promise<T>,
	isTransient: (error: unknown) => boolean,
	policy: RetryPolicy,
	signal: AbortSignal,
): AsyncGenerator<RetryNotice, T, void> {
	for (let attempt = 1; ; attempt++) {
		try {
			return await work();
		} catch (error) {
			if (signal.aborted || attempt > policy.maxRetries || !isTransient(error)) throw error;
			const delayMilliseconds = Math.min(longestDelay, policy.delayMilliseconds * 2 ** (attempt - 1));
			yield { attempt, of: policy.maxRetries, delayMilliseconds, error };
			await sleep(delayMilliseconds, undefined, { signal });
		}
	}
}
