import type { Secret } from '../secret.js';

/** By whom and where AWS is asked. Null: as the SDK's usual chain finds it. */
export interface AwsAccess {
	readonly profile: string | null;
	readonly region: string | null;
}

/** How credentials are come by. */
export type CredentialKind =
	| 'sso'
	| 'keys'
	| 'assume-role'
	| 'process'
	| 'login'
	| 'web-identity'
	| 'container'
	| 'instance'
	| 'environment';

/** A profile of the shared config and credentials files, without its secrets. */
export interface AwsProfile {
	readonly name: string;
	readonly kind: CredentialKind;
	readonly region: string | null;
	/** What the profile's owner would know it by: an account and role of SSO, a role's ARN, a command's name; null: nothing. */
	readonly about: string | null;
}

/** Who the credentials belong to, as AWS itself says (STS GetCallerIdentity). */
export interface AwsIdentity {
	/** Twelve digits. */
	readonly account: string;
	readonly arn: string;
	/** The profile that was used; null: none, as with keys of the environment. */
	readonly profile: string | null;
	readonly kind: CredentialKind;
	/** Where the credentials came from: `profile dev (SSO)`, `env AWS_ACCESS_KEY_ID`, `container role`, `instance role`. */
	readonly from: string;
	readonly region: string;
	/** `setting region` (of the access; whoever gave it knows its origin), `env AWS_REGION`, `profile dev`, `instance metadata`. */
	readonly regionFrom: string;
	/** ISO 8601; null: they do not end, or nobody says when. Most kinds are renewed by themselves before. */
	readonly expiresAt: string | null;
	/** When nothing renews them any more without a person: the end of a login, or of a role that took an MFA code. Null: not known, or never. */
	readonly sessionEndsAt: string | null;
	/** Of the one call. */
	readonly latencyMilliseconds: number;
}

/** A parameter of Systems Manager Parameter Store, decrypted. */
export interface CloudParameter {
	readonly name: string;
	readonly value: Secret;
	readonly version: number;
	/** ISO 8601. */
	readonly changedAt: string | null;
	readonly latencyMilliseconds: number;
}

/** A user of a Cognito pool. */
export interface PoolUser {
	readonly username: string;
	/** The attribute `sub`: the id that an application knows the user by. */
	readonly sub: string;
	readonly enabled: boolean;
	/** `CONFIRMED`, `UNCONFIRMED`, `FORCE_CHANGE_PASSWORD`, ... as Cognito names them. */
	readonly status: string;
	/** ISO 8601. */
	readonly createdAt: string | null;
	readonly latencyMilliseconds: number;
}

export interface UserPool {
	readonly id: string;
	readonly name: string;
}

/**
 * What is asked of AWS. Methods throw RepotError (kind `aws`) whose next steps name the profile, the command, or the action, the resource
 * and the policy that would allow it; kind `usage` for what was named wrongly here (`NO_SUCH_PROFILE`, `MFA_NEEDED`, ...). Throttling and
 * passing faults are tried again within each call.
 */
export interface Cloud {
	/** Profiles of the shared files, in their order; empty where there are none. */
	profiles(): Promise<readonly AwsProfile[]>;
	/** Loads credentials, which later calls of the same access use and refresh, and asks whose they are. */
	identify(access: AwsAccess, options?: { readonly mfaCode?: Secret; readonly signal?: AbortSignal }): Promise<AwsIdentity>;
	/** Credentials are loaded anew by the next call: a login or an edited file counts. */
	forget(): void;
	/**
	 * Runs `aws sso login` for the profile, or for the one that its role stands on; `aws login` where the profile is of that kind. Tells each
	 * line that it says. Rejects when it fails or is not installed. What was loaded is forgotten after it.
	 */
	login(profile: string | null, onLine: (line: string) => void, signal?: AbortSignal): Promise<void>;
	/** Null when there is none of the name. */
	parameter(access: AwsAccess, name: string, signal?: AbortSignal): Promise<CloudParameter | null>;
	/** Those of the names that exist, by name. */
	parameters(access: AwsAccess, names: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, CloudParameter>>;
	/** Names that exist and resemble this one, nearest first, at most five; empty also where listing is not allowed. */
	parameterNames(access: AwsAccess, near: string, signal?: AbortSignal): Promise<readonly string[]>;
	/** The user of exactly this name, or of this e-mail address where the name is one; null: there is none. */
	findUser(access: AwsAccess, pool: string, username: string, signal?: AbortSignal): Promise<PoolUser | null>;
	/** Makes the user without sending a message; an e-mail address counts as verified. */
	createUser(access: AwsAccess, pool: string, username: string, signal?: AbortSignal): Promise<PoolUser>;
	userPools(access: AwsAccess, signal?: AbortSignal): Promise<readonly UserPool[]>;
	/** A password for one new connection to RDS (IAM authentication); it is valid for fifteen minutes. Makes no call itself. */
	databaseToken(access: AwsAccess, server: { readonly host: string; readonly port: number; readonly user: string }): Promise<Secret>;
}
