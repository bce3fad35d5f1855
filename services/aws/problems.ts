import { RepotError } from '../../source/core/errors.js';
import { accessDenied } from './access-denied.js';
import { endpointOf } from './endpoints.js';
import type { ErrorShape, Facts } from './failed-call.js';
import { loginCommand } from './login-command.js';
import { awsProblem, interrupted } from './problem.js';
import { profilesOf } from './profiles.js';
import type { SharedFiles } from './shared-files.js';

const socketCodes = /^(E[A-Z]{3,}|EAI_AGAIN|CERT_\w+|DEPTH_ZERO\w+|SELF_SIGNED\w+|UNABLE_TO\w+|ERR_TLS\w+|ERR_SSL\w+)$/;
const certificateCodes = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL)/;
const providerErrors = new Set(['CredentialsProviderError', 'TokenProviderError', 'ProviderError', 'TimeoutError', 'AbortError']);

/** Null: not of AWS, its SDK or the network, so a defect of this program. */
export function shapeOf(error: unknown): ErrorShape | null {
	if (!(error instanceof Error)) return null;
	const given = error as Error & {
		readonly code?: unknown;
		readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number };
		readonly $fault?: unknown;
		readonly errors?: readonly unknown[];
	};
	// Several addresses of one host were tried.
	const inner = given.errors?.[0];
	const code =
		typeof given.code === 'string' ? given.code : inner instanceof Error ? ((inner as NodeJS.ErrnoException).code ?? null) : null;
	const isSocket = code !== null && socketCodes.test(code);
	// A body that is not of the service's format: the SDK hangs the answer on what its parser threw.
	const isAnswer = '$response' in given || given.$metadata?.httpStatusCode !== undefined;
	const isNamed = given.$fault !== undefined || providerErrors.has(given.name) || given.name.endsWith('Exception');
	if (!isSocket && !isAnswer && !isNamed) return null;
	return {
		name: given.name,
		message: given.message || (inner instanceof Error ? inner.message : ''),
		code: isSocket ? code : null,
		status: given.$metadata?.httpStatusCode ?? null,
		attempts: given.$metadata?.attempts ?? null,
	};
}

const denials = new Set([
	'AccessDenied',
	'AccessDeniedException',
	'NotAuthorizedException',
	'UnauthorizedOperation',
	'InvalidKeyId',
	'ForbiddenException',
]);
const endings = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired']);
const refusals = new Set([
	'UnrecognizedClientException',
	'InvalidClientTokenId',
	'InvalidClientTokenIdException',
	'SignatureDoesNotMatch',
	'InvalidSignatureException',
	'IncompleteSignature',
	'MissingAuthenticationToken',
	'MissingAuthenticationTokenException',
	'AuthFailure',
]);
const throttles =
	/^(Throttling(Exception)?|ThrottledException|TooManyRequestsException|RequestLimitExceeded|RequestThrottled(Exception)?|SlowDown|LimitExceededException)$/;

/** Whether who asked has to be known for the words. */
export const isDenial = (error: unknown): boolean => denials.has(shapeOf(error)?.name ?? '');

/** Puts what AWS, its SDK or the network threw into words. A RepotError and a defect of this program stay what they are. */
export function toRepotError(error: unknown, facts: Facts): unknown {
	if (error instanceof RepotError) return error;
	const shape = shapeOf(error);
	if (shape === null) return error;
	const { asked } = facts;
	const skewed =
		/Time(Too)?Skewed|RequestExpired|RequestInTheFuture/.test(shape.name) || /Signature (expired|not yet current)/i.test(shape.message);
	if (shape.name === 'AbortError') return interrupted();
	if (skewed) return clockIsWrong(shape, facts);
	if (denials.has(shape.name)) return accessDenied(shape, asked, facts);
	if (endings.has(shape.name) || /security token.*expired/i.test(shape.message)) return credentialsEnded(shape, facts);
	if (refusals.has(shape.name)) return keysRefused(shape, facts);
	if (throttles.test(shape.name) || shape.status === 429) return throttled(shape, facts);
	if (shape.code !== null || (shape.name === 'TimeoutError' && shape.status === null)) return unreachable(shape, facts);
	if (shape.name === 'SyntaxError' || /Deserialization error/.test(shape.message)) return unexpected(facts);
	return refused(shape, facts);
}

const said = (shape: ErrorShape, { setup }: Facts): string => setup.secrecy.words(shape.message) || shape.name;

const clockIsWrong = (shape: ErrorShape, facts: Facts): RepotError =>
	awsProblem({
		code: 'CLOCK_SKEWED',
		message: 'AWS refuses the time of this computer',
		why: said(shape, facts),
		next: [`Set its clock: here it is ${new Date(facts.setup.clock.now()).toISOString()}`],
	});

/** The ways to new credentials of a kind. */
function renewals({ kind, profile, files }: Pick<Facts, 'kind' | 'profile' | 'files'>): readonly string[] {
	const name = profile ?? 'default';
	switch (kind) {
		case 'sso':
			return [loginCommand(name)];
		case 'login':
			return [`aws login --profile ${name}`];
		case 'keys':
			return [`Put new keys, and a new session token where there is one, into profile ${name} of ${files.credentialsFile}`];
		case 'environment':
			return [
				'Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN anew, or unset them and name a profile: --aws-profile NAME',
			];
		case 'process':
			return [`See what the command of credential_process of profile ${name} gives`];
		case 'assume-role':
			return ['Run the command again: the role is assumed anew', 'If it persists, renew the credentials that the profile stands on'];
		case 'web-identity':
		case 'container':
		case 'instance':
			return ['Run the command again: this machine is given new credentials from time to time'];
	}
}

const credentialsEnded = (shape: ErrorShape, facts: Facts): RepotError =>
	awsProblem({
		code: 'EXPIRED_CREDENTIALS',
		message: 'The AWS credentials have expired',
		...(facts.profile === null ? {} : { where: `profile ${facts.profile}` }),
		why: said(shape, facts),
		next: renewals(facts),
	});

const keysRefused = (shape: ErrorShape, facts: Facts): RepotError =>
	awsProblem({
		code: 'AWS_KEYS_REFUSED',
		message: 'AWS does not know the credentials, or their secret is wrong',
		where: facts.profile === null ? facts.kind : `profile ${facts.profile}`,
		why: `${shape.name}: ${said(shape, facts)}`,
		next: [
			...renewals(facts),
			`Check that region ${facts.region} is switched on for the account, and that the keys belong to this partition of AWS`,
		],
	});

const throttled = (shape: ErrorShape, facts: Facts): RepotError =>
	awsProblem({
		code: 'AWS_THROTTLED',
		message: `AWS was asked too often: ${facts.asked.action} failed in ${shape.attempts ?? 'all'} attempts`,
		why: said(shape, facts),
		next: ['Run the command again in a minute', "Look what else asks in this account, and at the service's quotas"],
	});

function unreachable(shape: ErrorShape, facts: Facts): RepotError {
	const { asked, setup, files, region, profile } = facts;
	const endpoint = endpointOf(asked.service, setup.env, files, profile);
	const where = endpoint === null ? `${asked.service} in region ${region}` : `${originOf(endpoint.url)} (from ${endpoint.from})`;
	const isCertificate = certificateCodes.test(shape.code ?? '');
	return awsProblem({
		code: 'AWS_UNREACHABLE',
		message: isCertificate ? 'The certificate of the AWS endpoint cannot be checked' : 'AWS does not answer',
		where,
		why: `${shape.code === null ? 'no answer in time' : shape.code}${shape.message === '' ? '' : `: ${said(shape, facts)}`}`,
		next: [
			...(endpoint === null ? [] : [`Check ${endpoint.from}, or unset it`]),
			...(isCertificate ? ['Name the authorities of the network in NODE_EXTRA_CA_CERTS=FILE'] : []),
			...(shape.code === 'ENOTFOUND' ? [`Check the region: ${region}`] : []),
			'Check the network, VPN and firewall of this computer; a proxy of HTTPS_PROXY is not used',
		],
	});
}

/** Without user, password and query. */
function originOf(url: string): string {
	try {
		return new URL(url).origin;
	} catch {
		return 'an endpoint that is no URL';
	}
}

function unexpected(facts: Facts): RepotError {
	const { asked, setup, files, profile } = facts;
	const endpoint = endpointOf(asked.service, setup.env, files, profile);
	return awsProblem({
		code: 'AWS_ANSWER_UNEXPECTED',
		message: 'What answers is not AWS',
		where: endpoint === null ? asked.what : `${originOf(endpoint.url)} (from ${endpoint.from})`,
		why: `${asked.action} was answered with something else than its own format`,
		next: ['Check endpoints that are set, and whether a proxy or a login page of the network stands in between'],
	});
}

const refused = (shape: ErrorShape, facts: Facts): RepotError =>
	awsProblem({
		code: (shape.status ?? 0) >= 500 ? 'AWS_FAILED' : 'AWS_REFUSED',
		message: (shape.status ?? 0) >= 500 ? `AWS failed at ${facts.asked.action}` : `AWS refused ${facts.asked.action}`,
		where: facts.asked.what,
		why: `${shape.name}: ${said(shape, facts)}`,
		...((shape.status ?? 0) >= 500 ? { next: ['Run the command again later; the AWS Health Dashboard tells of disturbances'] } : {}),
	});

/** Nothing that gives credentials was found. */
export function noCredentials(files: SharedFiles, why: string): RepotError {
	const names = profilesOf(files).map(({ name }) => name);
	return awsProblem({
		code: 'NO_AWS_CREDENTIALS',
		message: 'No AWS credentials were found',
		where: `${files.configFile}, ${files.credentialsFile}, environment`,
		why,
		next: [
			...(names.length === 0
				? []
				: [`Name a profile: --aws-profile NAME; there are ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', ...' : ''}`]),
			'Make a profile: aws configure sso',
			'Or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN)',
		],
	});
}
