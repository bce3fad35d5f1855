import type { Secret } from '../../source/core/secret.js';
import type { Setup } from './setup.js';
import type { SharedFiles } from './shared-files.js';

/** Credentials as the SDK's clients take them. */
export interface Credentials {
	readonly accessKeyId: string;
	readonly secretAccessKey: string;
	readonly sessionToken?: string;
	readonly expiration?: Date;
	/** When they cannot be had anew without a person; absent: nobody knows, or never. */
	readonly sessionEnd?: Date;
}

/** A code of an MFA device, which AWS takes once. */
export interface MfaCode {
	take(): Secret | null;
}

export const mfaCode = (code: Secret | null): MfaCode => {
	let left = code;
	return {
		take() {
			const taken = left;
			left = null;
			return taken;
		},
	};
};

/** What the loading of credentials needs to know beside the profile. */
export interface Loading {
	readonly setup: Setup;
	readonly files: SharedFiles;
	readonly region: string;
	readonly mfa: MfaCode;
	/** Aborted when nobody waits for the credentials any more. */
	readonly signal: AbortSignal;
}

export type Load = (loading: Loading) => Promise<Credentials>;

export interface MemoizedProvider {
	(options?: { readonly forceRefresh?: boolean }): Promise<Credentials>;
	/** The SDK then does not keep a copy of its own. */
	memoized: boolean;
}

/** Milliseconds before their end at which credentials are loaded anew, as the SDK has it. */
const refreshBefore = 300_000;
/** Credentials that are given for a few minutes only are not loaded for every call. */
const refreshPause = 30_000;

/** Loads credentials once for all clients, and again shortly before they end: a run may be longer than a session. A failure is not kept. */
export function memoized(load: () => Promise<Credentials>, setup: Setup): MemoizedProvider {
	let held: Credentials | null = null;
	let loadedAt = 0;
	let loading: Promise<Credentials> | null = null;
	const left = (credentials: Credentials): number =>
		credentials.expiration === undefined ? Number.POSITIVE_INFINITY : credentials.expiration.getTime() - setup.clock.now();
	const loadNew = (): Promise<Credentials> => {
		loading ??= load()
			.then((credentials) => {
				setup.secrecy.keep(credentials.secretAccessKey);
				if (credentials.sessionToken !== undefined) setup.secrecy.keep(credentials.sessionToken);
				held = credentials;
				loadedAt = setup.clock.now();
				return credentials;
			})
			.finally(() => {
				loading = null;
			});
		return loading;
	};
	const provide = async (options?: { readonly forceRefresh?: boolean }): Promise<Credentials> => {
		const current = held;
		if (current !== null && options?.forceRefresh !== true) {
			const isFresh = left(current) > 0 && setup.clock.now() - loadedAt < refreshPause;
			if (isFresh || left(current) > refreshBefore) return current;
		}
		try {
			return await loadNew();
		} catch (error) {
			// What is still good for minutes is used to its end.
			if (current !== null && left(current) > 0) return current;
			throw error;
		}
	};
	return Object.assign(provide, { memoized: true });
}
