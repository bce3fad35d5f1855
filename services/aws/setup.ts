import type { Clock } from '../../source/core/ports.js';
import type { Secret } from '../../source/core/secret.js';
import type { Secrecy } from './secrecy.js';

export interface CloudOptions {
	/** Every variable is read from here, those of the SDK as well: AWS_PROFILE, AWS_CONFIG_FILE, AWS_ENDPOINT_URL, HOME, ... */
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly clock: Clock;
	/** Is told every secret that is loaded, before it is used: keys, session tokens, tokens of SSO and RDS. Not values of parameters. */
	readonly onSecret?: (secret: Secret) => void;
	/** Base of the pauses between attempts; by default a second after throttling. */
	readonly retryDelayMilliseconds?: number;
	/** How long an answer is waited for; by default twenty seconds. */
	readonly requestTimeoutMilliseconds?: number;
}

/** What the rooms of this folder share. */
export interface Setup {
	readonly env: CloudOptions['env'];
	readonly clock: Clock;
	readonly secrecy: Secrecy;
	readonly retryDelayMilliseconds: number;
	readonly requestTimeoutMilliseconds: number;
}
