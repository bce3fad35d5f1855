import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RepotError } from '../../source/core/errors.js';
import { clientSettings, quietenNotice } from './client-settings.js';
import type { Credentials, Loading } from './credentials.js';
import { endpointOf } from './endpoints.js';
import { loginCommand } from './login-command.js';
import { awsProblem, usageProblem } from './problem.js';
import { toRepotError } from './problems.js';
import { homeOf } from './shared-files.js';

interface SsoProfile {
	readonly profile: string;
	/** Null: the settings stand in the profile itself, as before `sso-session` came. */
	readonly session: string | null;
	readonly startUrl: string;
	readonly region: string;
	readonly account: string;
	readonly role: string;
}

/** What `aws sso login` keeps of a session. */
interface TokenFile {
	readonly accessToken: string;
	/** Milliseconds since 1970; NaN: not written. */
	readonly expiresAt: number;
	readonly canRefresh: boolean;
	readonly content: Readonly<Record<string, unknown>>;
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** Version 1 of the CLI wrote `2020-06-01T00:00:00UTC`. */
const time = (value: unknown): number => Date.parse((text(value) ?? '').replace(/UTC$/, 'Z'));

/** ~/.aws/sso/cache/SHA-1 of the session's name or of the start URL ("SSO credential provider" of the SDKs and Tools reference guide). */
const tokenPath = (home: string, sso: SsoProfile): string =>
	join(
		home,
		'.aws',
		'sso',
		'cache',
		`${createHash('sha1')
			.update(sso.session ?? sso.startUrl)
			.digest('hex')}.json`,
	);

function ssoProfile(loading: Loading, profile: string): SsoProfile {
	const { files } = loading;
	const section = files.profiles.get(profile) ?? {};
	const session = section.sso_session ?? null;
	const settings = session === null ? section : files.ssoSessions.get(session);
	const wanted = {
		sso_start_url: settings?.sso_start_url,
		sso_region: settings?.sso_region,
		sso_account_id: section.sso_account_id,
		sso_role_name: section.sso_role_name,
	};
	const missing = Object.entries(wanted).flatMap(([name, value]) => (value ? [] : [name]));
	if (missing.length > 0) {
		throw usageProblem({
			code: 'PROFILE_INCOMPLETE',
			message: `Profile "${profile}" lacks settings of SSO`,
			where: files.configFile,
			why: settings === undefined ? `there is no section [sso-session ${session}]` : `missing: ${missing.join(', ')}`,
			next: [`Set it up anew: aws configure sso --profile ${profile}`],
		});
	}
	return {
		profile,
		session,
		startUrl: wanted.sso_start_url ?? '',
		region: wanted.sso_region ?? '',
		account: wanted.sso_account_id ?? '',
		role: wanted.sso_role_name ?? '',
	};
}

/** Null: nobody has logged in here, or has logged out. */
async function readToken(loading: Loading, path: string): Promise<TokenFile | null> {
	const content = await readFile(path, 'utf8')
		.then((read) => JSON.parse(read) as unknown)
		.catch(() => null);
	if (typeof content !== 'object' || content === null) return null;
	const fields = content as Readonly<Record<string, unknown>>;
	const accessToken = text(fields.accessToken);
	if (accessToken === null) return null;
	for (const secret of [accessToken, text(fields.refreshToken), text(fields.clientSecret)])
		if (secret !== null) loading.setup.secrecy.keep(secret);
	const registration = time(fields.registrationExpiresAt);
	const canRefresh = text(fields.refreshToken) !== null && text(fields.clientId) !== null && !(registration <= loading.setup.clock.now());
	return { accessToken, expiresAt: time(fields.expiresAt), canRefresh, content: fields };
}

const waysOn = (profile: string): readonly string[] => [
	loginCommand(profile),
	'Or name another profile with --aws-profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
];

function loggedOut(sso: SsoProfile): RepotError {
	return awsProblem({
		code: 'SSO_LOGGED_OUT',
		message: `Nobody is logged in to SSO for profile "${sso.profile}"`,
		where: `start URL ${sso.startUrl}`,
		why: 'there is no token of a login',
		next: waysOn(sso.profile),
	});
}

function expired(sso: SsoProfile, token: TokenFile, now: number): RepotError {
	const known = Number.isFinite(token.expiresAt) ? new Date(token.expiresAt).toISOString() : null;
	return awsProblem({
		code: 'SSO_EXPIRED',
		message: `The SSO session of profile "${sso.profile}" has expired`,
		where: `start URL ${sso.startUrl}`,
		why: known === null || token.expiresAt > now ? 'the SSO portal no longer takes its token' : `it expired at ${known}`,
		next: waysOn(sso.profile),
	});
}

/** Role credentials of the profile's account and role, for the token of the last login. */
export async function loadSso(loading: Loading, profile: string): Promise<Credentials> {
	const { setup } = loading;
	const sso = ssoProfile(loading, profile);
	const path = tokenPath(homeOf(setup.env), sso);
	const token = await readToken(loading, path);
	if (token === null) throw loggedOut(sso);
	const isOver = !(token.expiresAt > setup.clock.now());
	// A session that has a name can be renewed without a login; the SDK does it.
	if (isOver && (sso.session === null || !token.canRefresh)) throw expired(sso, token, setup.clock.now());
	try {
		const credentials = await askPortal(loading, sso, token, path);
		// The token may have been renewed meanwhile.
		const now = (await readToken(loading, path)) ?? token;
		return endsWithLogin(sso, now) ? { ...credentials, sessionEnd: new Date(now.expiresAt) } : credentials;
	} catch (error) {
		throw portalProblem(loading, sso, token, isOver, error);
	}
}

/** One that is renewed lasts as long as the portal wants, which nobody says here. */
const endsWithLogin = (sso: SsoProfile, token: TokenFile): boolean =>
	(sso.session === null || !token.canRefresh) && Number.isFinite(token.expiresAt);

async function askPortal(loading: Loading, sso: SsoProfile, token: TokenFile, path: string): Promise<Credentials> {
	quietenNotice();
	const [{ fromSSO }, { externalDataInterceptor, getSSOTokenFilepath }] = await Promise.all([
		import('./sdk/credentials.js'),
		import('./sdk/files.js'),
	]);
	const id = sso.session ?? sso.startUrl;
	// The SDK looks for the file below the home of the process, and writes there what it renews. Where the home is another one, it is handed
	// the content, and cannot renew it.
	if (getSSOTokenFilepath(id) !== path) externalDataInterceptor.interceptToken(id, { ...token.content, refreshToken: undefined });
	return await fromSSO({
		profile: sso.profile,
		ssoStartUrl: sso.startUrl,
		ssoAccountId: sso.account,
		ssoRegion: sso.region,
		ssoRoleName: sso.role,
		...(sso.session === null ? {} : { ssoSession: sso.session }),
		filepath: loading.files.credentialsFile,
		configFilepath: loading.files.configFile,
		ignoreCache: true,
		clientConfig: portalSettings(loading, sso),
	})();
}

/** The SDK makes the clients of the portal and of its logins with one set of settings, so an endpoint is given only where both have the same. */
function portalSettings(loading: Loading, sso: SsoProfile) {
	const { setup, files } = loading;
	const settings = clientSettings(setup, files, 'SSO', sso.region, sso.profile);
	const logins = endpointOf('SSO OIDC', setup.env, files, sso.profile);
	if (endpointOf('SSO', setup.env, files, sso.profile)?.url === logins?.url) return settings;
	const {
		endpoint: _,
		ignoreConfiguredEndpointUrls: __,
		...rest
	} = { endpoint: undefined, ignoreConfiguredEndpointUrls: undefined, ...settings };
	return rest;
}

function portalProblem(loading: Loading, sso: SsoProfile, token: TokenFile, isOver: boolean, error: unknown): unknown {
	const { setup, files } = loading;
	const said = error instanceof Error ? error.message : String(error);
	if (isOver || /UnauthorizedException|token is expired|session .*(invalid|expired)|not found or is invalid|Cannot refresh/i.test(said))
		return expired(sso, token, setup.clock.now());
	if (/ForbiddenException|ResourceNotFoundException|InvalidRequestException/.test(said)) {
		return awsProblem({
			code: 'SSO_ROLE_REFUSED',
			message: `SSO gives profile "${sso.profile}" no credentials of role ${sso.role} in account ${sso.account}`,
			where: `start URL ${sso.startUrl}`,
			why: setup.secrecy.words(said),
			next: [
				'Have the permission set assigned to you in IAM Identity Center, or name another profile with --aws-profile',
				`Check sso_account_id and sso_role_name of the profile in ${files.configFile}`,
			],
		});
	}
	// The SDK wraps what the portal said into a text: `NAME: message`.
	const wrapped = /^(\w+): ([\s\S]*)$/.exec(said);
	const shape =
		wrapped === null ? error : Object.assign(new Error(wrapped[2]), { name: wrapped[1], code: /\bE[A-Z]{4,}\b/.exec(said)?.[0] });
	return toRepotError(shape, {
		asked: { service: 'SSO', action: 'sso:GetRoleCredentials', what: `SSO for credentials of profile "${sso.profile}"` },
		setup,
		files,
		profile: sso.profile,
		kind: 'sso',
		region: sso.region,
		caller: null,
	});
}
