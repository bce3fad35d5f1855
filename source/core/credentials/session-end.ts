import { formatDuration } from '../format.js';
import type { AwsIdentity, CredentialKind } from '../ports.js';

/** Credentials of these kinds are renewed by themselves for as long as what stands behind them lasts. */
const renewing: readonly CredentialKind[] = ['keys', 'assume-role', 'process', 'web-identity', 'container', 'instance'];

/**
 * When the session ends for good, in milliseconds since the epoch; null: it does not, or nobody knows. Credentials that an MFA code was
 * given for are not renewed without another one.
 */
export function sessionEnd({ kind, expiresAt }: Pick<AwsIdentity, 'kind' | 'expiresAt'>, withMfa = false): number | null {
	if (expiresAt === null || (renewing.includes(kind) && !withMfa)) return null;
	const at = Date.parse(expiresAt);
	return Number.isNaN(at) ? null : at;
}

/** Sooner than this it is worth saying, whatever the run takes. */
const soonMilliseconds = 15 * 60_000;

/**
 * What to know of a session that ends before the run does, or soon; null: nothing. `runMilliseconds`: the estimate; null: not known yet.
 * `tokens`: each new connection to the database needs the session.
 */
export function sessionWords(
	endsAt: number | null,
	now: number,
	runMilliseconds: number | null,
	tokens: boolean,
): { readonly state: 'look' | 'x'; readonly words: string } | null {
	if (endsAt === null) return null;
	const left = endsAt - now;
	const after = tokens ? 'no new connection can be made then' : 'what runs goes on; a resumed run needs a new login';
	if (left <= 0) return { state: tokens ? 'x' : 'look', words: `the AWS session has ended: ${after}` };
	if (runMilliseconds !== null && left < runMilliseconds) {
		return {
			state: 'look',
			words: `the AWS session ends in ${formatDuration(left)}, before the run of about ${formatDuration(runMilliseconds)} does: ${after}`,
		};
	}
	if (left < soonMilliseconds) return { state: 'look', words: `the AWS session ends in ${formatDuration(left)}` };
	return null;
}
