import { formatAgo, formatLatency } from '../format.js';
import type { AwsIdentity } from '../ports.js';
import { type CredentialRow, credentialLabels } from './rows.js';

/** What was found, in one line: `AWS identity   arn:aws:sts::... (profile dev (SSO), 91 ms)`. Null: nothing is known of it yet. */
export function credentialLine(row: CredentialRow, now: number): string | null {
	const { name, shown, state } = row;
	if (state === 'waiting' || state === 'working' || shown === null) return null;
	return `${credentialLabels[name].padEnd(12)}  ${[shown, ...credentialFacts(row, now)].join('  ')}`;
}

/** Account and region; where the region was said only when that is another place than the profile. */
export function identityWords({ account, region, regionFrom }: AwsIdentity): string {
	return regionFrom.startsWith('env ') ? `account ${account}, ${region} (${regionFrom})` : `account ${account}, ${region}`;
}

/** Where it came from, how old it is, how it was tested. */
export function credentialFacts(row: CredentialRow, now: number): readonly string[] {
	const { from, changedAt, latencyMilliseconds, found, identity, name } = row;
	return [
		...(identity === undefined ? [] : [identityWords(identity)]),
		...(from === null ? [] : [from]),
		// A user's age says nothing; that of a password does.
		...(changedAt === undefined || name !== 'postgres' ? [] : [formatAgo(changedAt, now)]),
		...(found === undefined ? [] : [found]),
		...(latencyMilliseconds === undefined ? [] : [formatLatency(latencyMilliseconds)]),
	];
}
