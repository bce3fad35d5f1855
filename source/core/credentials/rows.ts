import type { ErrorFact } from '../errors.js';
import type { Origin } from '../origin.js';
import type { AwsIdentity, TargetTest } from '../ports.js';

/** In the order in which they are shown. */
export const credentialNames = ['aws', 'postgres', 'pgvector', 'user'] as const;
export type CredentialName = (typeof credentialNames)[number];

/** What can be done about a row that failed. */
export type Way = 'login' | 'profile' | 'mfa' | 'url' | 'user-id' | 'create-user' | 'pool';

/** One thing that a run needs: what it is, where it came from, whether it works. Holds no secret. */
export interface CredentialRow {
	readonly name: CredentialName;
	/** `waiting`: another row has to be found first. `look`: it works, with something to know. */
	readonly state: 'waiting' | 'working' | 'ok' | 'look' | 'x';
	/** Masked; null: not found, or not yet. */
	readonly shown: string | null;
	readonly from: Origin | null;
	/** Of a parameter, or of a pool's user. ISO 8601. */
	readonly changedAt?: string;
	readonly version?: number;
	/** Of the one call that tested it. */
	readonly latencyMilliseconds?: number;
	/** What the test found, in a few words: `PG 17.5`. */
	readonly found?: string;
	/** Sentences without a period: what to know about it. */
	readonly notes?: readonly string[];
	readonly error?: ErrorFact;
	/** Ways on, most likely first. */
	readonly ways?: readonly Way[];
	readonly identity?: AwsIdentity;
	readonly test?: TargetTest;
}

export const credentialLabels: Readonly<Record<CredentialName, string>> = {
	aws: 'AWS identity',
	postgres: 'PostgreSQL',
	pgvector: 'pgvector',
	user: 'User id',
};
