/** What is known of a call that failed, for its words. */

import type { CredentialKind } from '../../source/core/ports/cloud.js';
import type { ServiceId } from './endpoints.js';
import type { Setup } from './setup.js';
import type { SharedFiles } from './shared-files.js';

/** The call that failed. */
export interface Asked {
	readonly service: ServiceId;
	/** As IAM names it: `ssm:GetParameter`. */
	readonly action: string;
	/** Of whom and for what, for a sentence: `SSM for parameter /a/b`. */
	readonly what: string;
	/** ARNs that a policy would name. */
	readonly resources?: (place: { readonly partition: string; readonly region: string; readonly account: string }) => readonly string[];
}

/** Who the credentials belong to. */
export interface Caller {
	readonly account: string;
	readonly arn: string;
}

export interface Facts {
	readonly asked: Asked;
	readonly setup: Setup;
	readonly files: SharedFiles;
	readonly profile: string | null;
	readonly kind: CredentialKind;
	readonly region: string;
	readonly caller: Caller | null;
}

/** What an error of the SDK, of a service or of a socket tells of itself. */
export interface ErrorShape {
	readonly name: string;
	readonly message: string;
	readonly code: string | null;
	readonly status: number | null;
	readonly attempts: number | null;
}
