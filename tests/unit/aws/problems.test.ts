import { describe, expect, it } from 'vitest';
import { endpointOf } from '../../../services/aws/endpoints.js';
import type { Facts } from '../../../services/aws/failed-call.js';
import { toRepotError } from '../../../services/aws/problems.js';
import { createSecrecy } from '../../../services/aws/secrecy.js';
import type { SharedFiles } from '../../../services/aws/shared-files.js';
import { RepotError } from '../../../source/core/errors.js';
import { planted } from '../../contract/cloud-scene.js';

const noFiles: SharedFiles = {
	profiles: new Map(),
	ssoSessions: new Map(),
	services: new Map(),
	configFile: '/home/ana/.aws/config',
	credentialsFile: '/home/ana/.aws/credentials',
};
const secrecy = createSecrecy(undefined);
for (const secret of Object.values(planted)) secrecy.keep(secret);
const facts = (changed: Partial<Facts> = {}): Facts => ({
	asked: {
		service: 'SSM',
		action: 'ssm:GetParameter',
		what: 'Parameter Store for /a',
		resources: ({ partition, region, account }) => [`arn:${partition}:ssm:${region}:${account}:parameter/a`],
	},
	setup: {
		env: {},
		clock: { now: () => Date.parse('2026-01-02T03:04:05Z') },
		secrecy,
		retryDelayMilliseconds: 1,
		requestTimeoutMilliseconds: 1000,
	},
	files: noFiles,
	profile: 'dev',
	kind: 'sso',
	region: 'eu-west-1',
	caller: { account: '111122223333', arn: 'arn:aws:sts::111122223333:assumed-role/Migrate/ana' },
	...changed,
});
const thrown = (name: string, message: string, more: object = {}) =>
	Object.assign(new Error(message), { name, $fault: 'client', $metadata: { httpStatusCode: 400 }, ...more });
const socket = (code: string) => Object.assign(new Error(`connect ${code}`), { code });
const words = (error: unknown, changed: Partial<Facts> = {}): RepotError => {
	const said = toRepotError(error, facts(changed));
	if (!(said instanceof RepotError)) throw said;
	return said;
};

describe('errors of AWS in words', () => {
	it.each([
		['ExpiredTokenException', 'The security token included in the request is expired', 'EXPIRED_CREDENTIALS'],
		['UnrecognizedClientException', 'The security token included in the request is invalid.', 'AWS_KEYS_REFUSED'],
		['InvalidClientTokenId', 'The security token included in the request is invalid', 'AWS_KEYS_REFUSED'],
		['SignatureDoesNotMatch', 'The request signature we calculated does not match', 'AWS_KEYS_REFUSED'],
		['InvalidSignatureException', 'Signature not yet current: 20260102 is still later', 'CLOCK_SKEWED'],
		['RequestTimeTooSkewed', 'The difference is too large', 'CLOCK_SKEWED'],
		['ThrottlingException', 'Rate exceeded', 'AWS_THROTTLED'],
		['TooManyRequestsException', 'Too many requests', 'AWS_THROTTLED'],
		['AccessDeniedException', 'no', 'AWS_ACCESS_DENIED'],
		['UnsupportedParameterType', 'no', 'AWS_REFUSED'],
	])('%s: %s is %s', (name, message, code) => {
		const said = words(thrown(name, message));
		expect(said).toMatchObject({ kind: 'aws', code });
		expect(`${said.why} ${said.where}`).toContain(code === 'AWS_ACCESS_DENIED' ? 'parameter/a' : message);
	});

	it.each([
		['InternalServerError', { $fault: 'server', $metadata: { httpStatusCode: 500 } }, 'AWS_FAILED'],
		['SyntaxError', { $response: {}, $metadata: {} }, 'AWS_ANSWER_UNEXPECTED'],
	])('%s is told', (name, more, code) => {
		expect(words(thrown(name, 'x', more))).toMatchObject({ kind: 'aws', code });
	});

	it.each(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'ECONNRESET', 'SELF_SIGNED_CERT_IN_CHAIN'])('%s is no answer', (code) => {
		expect(words(socket(code))).toMatchObject({ kind: 'aws', code: 'AWS_UNREACHABLE', where: 'SSM in region eu-west-1' });
		const env = { AWS_ENDPOINT_URL: 'http://user:pass@127.0.0.1:9/path?token=x' };
		const said = words(socket(code), { setup: { ...facts().setup, env } });
		expect(said.where).toBe('http://127.0.0.1:9 (from AWS_ENDPOINT_URL)');
		expect(said.next[0]).toContain('AWS_ENDPOINT_URL');
	});

	it.each([
		['sso', 'aws sso login --profile dev'],
		['login', 'aws login --profile dev'],
		['keys', '/home/ana/.aws/credentials'],
		['environment', 'AWS_SESSION_TOKEN'],
		['process', 'credential_process'],
		['assume-role', 'again'],
		['instance', 'again'],
	] as const)('expired credentials of kind %s are renewed in their own way', (kind, way) => {
		expect(words(thrown('ExpiredToken', 'expired'), { kind }).next[0]).toContain(way);
	});

	it('leaves a RepotError and a defect what they are', () => {
		const known = new RepotError({ kind: 'usage', code: 'X', message: 'x' });
		expect(toRepotError(known, facts())).toBe(known);
		const defect = new TypeError('x is not a function');
		expect(toRepotError(defect, facts())).toBe(defect);
	});

	it('repeats no secret, and none of the request that a refused signature is answered with', () => {
		const said = words(
			thrown('SignatureDoesNotMatch', `It does not match ${planted.key}.\n\nx-amz-security-token:unknown-token-of-the-request`),
		);
		expect(said.why).toBe('SignatureDoesNotMatch: It does not match ********.');
		expect(said.cause).toBeUndefined();
	});
});

describe('access denied', () => {
	it('adds kms:Decrypt where the key refuses', () => {
		const key = 'arn:aws:kms:eu-west-1:111122223333:key/k1';
		const message = `User: arn:aws:iam::111122223333:user/ana is not authorized to perform: kms:Decrypt on resource: ${key} because no policy allows it`;
		const said = words(thrown('AccessDeniedException', message));
		expect(said).toMatchObject({ message: 'AWS does not allow kms:Decrypt', where: key });
		expect(said.next[0]).toContain(
			`"Statement":[{"Effect":"Allow","Action":"ssm:GetParameter","Resource":"arn:aws:ssm:eu-west-1:111122223333:parameter/a"},{"Effect":"Allow","Action":"kms:Decrypt","Resource":"${key}"}]`,
		);
	});

	it('stands for the key where AWS does not name it', () => {
		const said = words(
			thrown(
				'AccessDeniedException',
				'The ciphertext refers to a customer master key that does not exist, or you are not allowed to access.',
			),
		);
		expect(said.where).toBe('arn:aws:kms:eu-west-1:111122223333:key/*');
		expect(said.next[1]).toContain('Instead of *');
	});

	it.each([
		[{ account: '1', arn: 'arn:aws-cn:iam::1:user/a' }, 'cn-north-1', 'arn:aws-cn:ssm:cn-north-1:1:parameter/a'],
		[{ account: '1', arn: 'arn:aws-us-gov:iam::1:user/a' }, 'us-gov-west-1', 'arn:aws-us-gov:ssm:us-gov-west-1:1:parameter/a'],
		[null, 'cn-north-1', 'arn:aws-cn:ssm:cn-north-1:*:parameter/a'],
	])("stays in the caller's partition: %#", (caller, region, arn) => {
		expect(words(thrown('AccessDeniedException', 'no'), { caller, region }).where).toBe(arn);
	});

	it('says that an explicit deny is not lifted by a policy', () => {
		const said = words(
			thrown(
				'AccessDeniedException',
				'User: arn:aws:iam::1:user/a is not authorized to perform: ssm:GetParameter with an explicit deny in a service control policy',
			),
		);
		expect(said.next[0]).toMatch(/denies it outright/);
	});
});

describe('endpoints', () => {
	const files: SharedFiles = {
		...noFiles,
		profiles: new Map([['dev', { endpoint_url: 'http://profile', services: 'local' }]]),
		services: new Map([['local', { 'cognito_identity_provider.endpoint_url': 'http://services' }]]),
	};
	it.each([
		['SSM', {}, 'http://profile', 'endpoint_url of profile dev'],
		['Cognito Identity Provider', {}, 'http://services', 'endpoint_url of services local'],
		['SSM', { AWS_ENDPOINT_URL: 'http://all' }, 'http://all', 'AWS_ENDPOINT_URL'],
		[
			'Cognito Identity Provider',
			{ AWS_ENDPOINT_URL: 'http://all', AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER: 'http://one' },
			'http://one',
			'AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER',
		],
	] as const)('of %s with %j', (service, env, url, from) => {
		expect(endpointOf(service, env, files, 'dev')).toEqual({ url, from });
	});
	it('can be ignored', () => {
		const env = { AWS_ENDPOINT_URL: 'http://all', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' };
		expect(endpointOf('SSM', env, files, 'dev')).toBeNull();
	});
});
