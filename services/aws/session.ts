import type { AwsAccess } from '../../source/core/ports/cloud.js';
import type { Secret } from '../../source/core/secret.js';
import { type Choice, choose } from './chain.js';
import { clientSettings, quietenNotice } from './client-settings.js';
import { type MemoizedProvider, type MfaCode, memoized, mfaCode } from './credentials.js';
import type { ServiceId } from './endpoints.js';
import type { Asked, Caller, Facts } from './failed-call.js';
import { interrupted } from './problem.js';
import { isDenial, toRepotError } from './problems.js';
import { type Region, regionOf } from './region.js';
import type { Setup } from './setup.js';
import { readSharedFiles, type SharedFiles } from './shared-files.js';

/** Credentials of one access, and how they are used. */
export interface Session {
	readonly setup: Setup;
	readonly files: SharedFiles;
	readonly choice: Choice;
	readonly region: Region;
	readonly credentials: MemoizedProvider;
	/** Gives a code to the next role that asks for one; null: there is none any more. */
	giveCode(code: Secret | null): void;
	/** Ends what is being loaded, such as a command that waits for somebody. */
	stopLoading(): void;
	/** Who the credentials belong to, from the last answer; null: not asked yet. */
	caller: Caller | null;
}

/** Reads the shared files and finds out which credentials are meant; loads none. */
export async function openSession(setup: Setup, access: AwsAccess): Promise<Session> {
	const files = await readSharedFiles(setup.env);
	const choice = choose(setup, files, access);
	const region = await regionOf(setup, files, access, choice);
	let code = mfaCode(null);
	let loading = new AbortController();
	const mfa: MfaCode = { take: () => code.take() };
	return {
		setup,
		files,
		choice,
		region,
		credentials: memoized(() => choice.load({ setup, files, region: region.name, mfa, signal: loading.signal }), setup),
		giveCode(given) {
			code = mfaCode(given);
		},
		stopLoading() {
			loading.abort();
			loading = new AbortController();
		},
		caller: null,
	};
}

export function settingsOf(session: Session, service: ServiceId) {
	quietenNotice();
	const { setup, files, choice, region, credentials } = session;
	return { ...clientSettings(setup, files, service, region.name, choice.profile), credentials };
}

/** Rejects as soon as the signal is aborted, whatever the work is waiting for. */
export async function orAborted<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
	if (signal === undefined) return await work();
	if (signal.aborted) throw interrupted();
	let onAbort = (): void => undefined;
	const aborted = new Promise<never>((_, reject) => {
		onAbort = () => reject(interrupted());
		signal.addEventListener('abort', onAbort, { once: true });
	});
	try {
		return await Promise.race([work(), aborted]);
	} finally {
		signal.removeEventListener('abort', onAbort);
	}
}

const factsOf = (session: Session, asked: Asked): Facts => ({
	asked,
	setup: session.setup,
	files: session.files,
	profile: session.choice.profile,
	kind: session.choice.kind,
	region: session.region.name,
	caller: session.caller,
});

/**
 * Makes one call with the session's credentials. Errors are put into words; `known` may answer for those that the caller of this expects.
 */
export async function ask<T>(
	session: Session,
	asked: Asked,
	call: (options: { readonly abortSignal?: AbortSignal }) => Promise<T>,
	signal?: AbortSignal,
): Promise<T> {
	try {
		return await orAborted(async () => {
			// Here, so that what fails is not taken for a fault of the call.
			await session.credentials();
			return await call(signal === undefined ? {} : { abortSignal: signal });
		}, signal);
	} catch (error) {
		if (signal?.aborted === true) session.stopLoading();
		// Who was refused is a part of the words. Where even that cannot be asked, they go without.
		if (isDenial(error) && session.caller === null) await askCaller(session, signal).catch(() => undefined);
		throw toRepotError(error, factsOf(session, asked));
	}
}

/** STS GetCallerIdentity, which needs no permission. Milliseconds of the call itself, without the loading of the SDK. */
export async function askCaller(session: Session, signal?: AbortSignal): Promise<Caller & { readonly latencyMilliseconds: number }> {
	const { STSClient, GetCallerIdentityCommand } = await import('./sdk/sts.js');
	const client = new STSClient(settingsOf(session, 'STS'));
	const { clock } = session.setup;
	try {
		const started = clock.now();
		const answer = await client.send(new GetCallerIdentityCommand({}), signal === undefined ? {} : { abortSignal: signal });
		session.caller = { account: answer.Account ?? '', arn: answer.Arn ?? '' };
		return { ...session.caller, latencyMilliseconds: clock.now() - started };
	} finally {
		client.destroy();
	}
}
