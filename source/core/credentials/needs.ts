import type { Origin } from '../origin.js';
import type { TargetAccess } from '../plan/request.js';
import type { AwsAccess } from '../ports.js';
import type { Secret } from '../secret.js';

/** What a run needs of the outside, as far as settings and choices say: each is given, or says where it is looked for. */
export interface CredentialNeeds {
	readonly environment: string;
	readonly access: AwsAccess;
	/** Where the profile comes from. */
	readonly profileFrom: Origin;
	/** RDS tokens take the place of a password. */
	readonly tokens: boolean;
	readonly tls?: TargetAccess['tls'];
	readonly target: TargetNeed;
	/** Null: no user id is wanted. */
	readonly user: UserNeed | null;
}

export type TargetNeed =
	| { readonly kind: 'given'; readonly url: Secret; readonly from: Origin }
	| {
			readonly kind: 'parameter';
			/** Ending with a slash: the folder of the parts. */
			readonly name: string;
			readonly from: Origin;
			/** Folder that is looked into when there is no such parameter; null: nowhere else. */
			readonly folder: string | null;
	  };

export type UserNeed =
	| { readonly kind: 'given'; readonly id: string; readonly from: Origin }
	| {
			readonly kind: 'cognito';
			readonly pool: string;
			readonly poolFrom: Origin;
			readonly username: string;
			readonly usernameFrom: Origin;
	  }
	| {
			readonly kind: 'missing';
			/** Why it cannot be looked for: one sentence without a period. */
			readonly why: string;
			/** What can be given, each with its flag. */
			readonly next: readonly string[];
			/** Only the pool is unknown: one can be chosen. */
			readonly username: string | null;
	  };

/** Whether AWS has to be asked at all. */
export const needsAws = ({ target, user, tokens }: CredentialNeeds): boolean =>
	tokens || target.kind === 'parameter' || user?.kind === 'cognito';
