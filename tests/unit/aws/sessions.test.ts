import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createCloud } from '../../../services/aws/cloud.js';
import { Secret } from '../../../source/core/secret.js';
import { anyone, type Home, keysOf, makeHome, openCloud, planted, refusalOf } from '../../contract/cloud-scene.js';
import { type AwsFront, startFront } from '../../fakes/aws-front.js';
import { startFakeAws } from '../../fakes/aws-server.js';

let front: AwsFront;
let home: Home;
beforeAll(async () => {
	front = await startFakeAws();
});
afterAll(() => front.close());
beforeEach(async () => {
	front.calm();
	home = await makeHome();
});
afterEach(() => home.remove());

const as = (profile: string) => ({ profile, region: null });
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();
const startUrl = 'https://corp.awsapps.com/start';
const ssoConfig = `
[profile dev]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = Migrate
region = us-east-1
[sso-session corp]
sso_start_url = ${startUrl}
sso_region = us-east-1
[profile legacy]
sso_start_url = ${startUrl}
sso_region = us-east-1
sso_account_id = 111122223333
sso_role_name = Migrate
region = us-east-1
[profile above]
role_arn = arn:aws:iam::111122223333:role/Above
source_profile = dev
region = us-east-1
[profile broken]
sso_session = nowhere
sso_account_id = 111122223333
region = us-east-1
`;

describe('SSO', () => {
	beforeEach(() => home.write('.aws/config', ssoConfig));

	it.each([
		['dev', 'corp'],
		['legacy', startUrl],
	])('gives the role credentials of profile %s for the token of its login', async (profile, cached) => {
		await home.writeToken(cached, { accessToken: planted.sso, expiresAt: inAnHour(), startUrl, region: 'us-east-1' });
		const { cloud, told } = openCloud(front.url, home.folder);
		const identity = await cloud.identify(as(profile));
		expect(identity).toMatchObject({ profile, kind: 'sso', from: `profile ${profile} (SSO)`, regionFrom: `profile ${profile}` });
		expect(Date.parse(identity.expiresAt ?? '')).toBeGreaterThan(Date.now());
		// That of the login, which nothing renews here, and not that of the role's keys.
		expect(identity.sessionEndsAt).not.toBeNull();
		expect(identity.sessionEndsAt).not.toBe(identity.expiresAt);
		expect(told.map((secret) => secret.reveal())).toEqual([planted.sso, 'sso-secret-key', 'sso-session-token']);
		const [portal] = front.requests;
		expect(portal?.headers['x-amz-sso_bearer_token']).toBe(planted.sso);
		expect(portal?.path).toContain('account_id=111122223333');
	});

	it('renews a session that has a name, without a login', async () => {
		// The SDK reads and writes the file below the home of the process.
		vi.stubEnv('HOME', home.folder);
		const expired = { accessToken: planted.sso, expiresAt: '2020-06-01T10:00:00Z', region: 'us-east-1' };
		const renewable = {
			refreshToken: planted.refresh,
			clientId: 'client',
			clientSecret: 'client-secret',
			registrationExpiresAt: inAnHour(),
		};
		await home.writeToken('renewed', { ...expired, ...renewable });
		await home.write('.aws/config', ssoConfig.replaceAll('corp\n', 'renewed\n').replace('sso-session corp', 'sso-session renewed'));
		const { cloud, told } = openCloud(front.url, home.folder);
		expect(await cloud.identify(as('dev'))).toMatchObject({ kind: 'sso' });
		expect(front.requests.map(({ action }) => action)).toEqual(['CreateToken', 'GetRoleCredentials', 'GetCallerIdentity']);
		const secrets = told.map((secret) => secret.reveal());
		expect(secrets).toEqual(expect.arrayContaining([planted.sso, planted.refresh, 'renewed-sso-token', 'renewed-refresh-token']));
		vi.unstubAllEnvs();
	});

	it('does not renew one whose registration has ended', async () => {
		const registration = { clientId: 'client', clientSecret: 'client-secret', registrationExpiresAt: '2020-06-01T10:00:00Z' };
		const expired = { accessToken: planted.sso, expiresAt: '2020-06-01T10:00:00Z', refreshToken: planted.refresh };
		await home.writeToken('corp', { ...expired, ...registration });
		expect((await refusalOf(openCloud(front.url, home.folder).cloud.identify(as('dev')))).code).toBe('SSO_EXPIRED');
		expect(front.requests).toEqual([]);
	});

	it('tells that nobody has logged in', async () => {
		const refusal = await refusalOf(openCloud(front.url, home.folder).cloud.identify(as('dev')));
		expect(refusal).toMatchObject({ kind: 'aws', code: 'SSO_LOGGED_OUT', where: `start URL ${startUrl}` });
		expect(refusal.next[0]).toBe('aws sso login --profile dev');
	});

	it('names the profile of the login where a role stands on it, and forgets nothing of it after a login', async () => {
		const { cloud } = openCloud(front.url, home.folder);
		expect((await refusalOf(cloud.identify(as('above')))).next[0]).toBe('aws sso login --profile dev');
		await home.writeToken('corp', { accessToken: planted.sso, expiresAt: inAnHour() });
		expect(await cloud.identify(as('above'))).toMatchObject({ kind: 'assume-role', profile: 'above' });
	});

	it('reads the end that version 1 of the CLI wrote', async () => {
		await home.writeToken(startUrl, { accessToken: planted.sso, expiresAt: '2020-06-01T10:00:00UTC' });
		const refusal = await refusalOf(openCloud(front.url, home.folder).cloud.identify(as('legacy')));
		expect(refusal).toMatchObject({ code: 'SSO_EXPIRED', why: 'it expired at 2020-06-01T10:00:00.000Z' });
	});

	it.each([
		['UnauthorizedException', 401, 'Session token not found or invalid', 'SSO_EXPIRED'],
		['ForbiddenException', 403, 'No access', 'SSO_ROLE_REFUSED'],
	])('tells what %s of the portal means', async (name, status, message, code) => {
		await home.writeToken('corp', { accessToken: planted.sso, expiresAt: inAnHour() });
		front.fail('GetRoleCredentials', { name, status, message });
		expect(await refusalOf(openCloud(front.url, home.folder).cloud.identify(as('dev')))).toMatchObject({ kind: 'aws', code });
	});

	it('names what a profile lacks', async () => {
		const refusal = await refusalOf(openCloud(front.url, home.folder).cloud.identify(as('broken')));
		expect(refusal).toMatchObject({ kind: 'usage', code: 'PROFILE_INCOMPLETE', why: 'there is no section [sso-session nowhere]' });
	});
});

const mfaConfig = `
[base]
aws_access_key_id = AKIABASE
aws_secret_access_key = ${planted.key}
[guarded]
role_arn = arn:aws:iam::123456789012:role/Guarded
source_profile = base
mfa_serial = arn:aws:iam::123456789012:mfa/ana
region = us-east-1
`;

describe('a role with MFA', () => {
	beforeEach(() => home.write('.aws/credentials', mfaConfig));
	const assumed = () => front.requests.filter(({ action }) => action === 'AssumeRole').map(({ body }) => new URLSearchParams(body));

	it('asks for the code of the device before anything is sent', async () => {
		const refusal = await refusalOf(openCloud(front.url, home.folder).cloud.identify(as('guarded')));
		expect(refusal).toMatchObject({ kind: 'usage', code: 'MFA_NEEDED', where: 'arn:aws:iam::123456789012:mfa/ana' });
		expect(refusal.next.join()).toContain('--mfa-code');
		expect(front.requests).toEqual([]);
	});

	it('gives the code once, and the session to all calls after it', async () => {
		const { cloud } = openCloud(front.url, home.folder);
		await cloud.identify(as('guarded'), { mfaCode: new Secret('123456') });
		await cloud.parameter(as('guarded'), '/x');
		await cloud.identify(as('guarded'));
		expect(assumed().map((given) => [given.get('SerialNumber'), given.get('TokenCode')])).toEqual([
			['arn:aws:iam::123456789012:mfa/ana', '123456'],
		]);
		cloud.forget();
		expect((await refusalOf(cloud.identify(as('guarded')))).code).toBe('MFA_NEEDED');
	});

	it('keeps no code for later', async () => {
		let ahead = 0;
		const { cloud } = openCloud(front.url, home.folder, {}, { now: () => Date.now() + ahead });
		await cloud.identify(as('guarded'), { mfaCode: new Secret('123456') });
		await cloud.identify(as('guarded'), { mfaCode: new Secret('234567') });
		ahead = 7_200_000;
		expect((await refusalOf(cloud.parameter(as('guarded'), '/x'))).code).toBe('MFA_NEEDED');
		expect(assumed()).toHaveLength(1);
	});

	it('tells that the code was refused, and takes the next', async () => {
		const { cloud } = openCloud(front.url, home.folder);
		const message = 'MultiFactorAuthentication failed with invalid MFA one time pass code. ';
		front.fail('AssumeRole', { name: 'AccessDenied', message });
		const refusal = await refusalOf(cloud.identify(as('guarded'), { mfaCode: new Secret('654321') }));
		expect(refusal).toMatchObject({ kind: 'usage', code: 'MFA_REFUSED', why: message.trim() });
		expect(JSON.stringify(refusal)).not.toContain('654321');
		expect((await cloud.identify(as('guarded'), { mfaCode: new Secret('123456') })).kind).toBe('assume-role');
	});

	it.each([
		[
			'12345678',
			"1 validation error detected: Value '12345678' at 'tokenCode' failed to satisfy constraint",
			'ValidationError',
			'MFA_REFUSED',
		],
		['12', "Value '12' at 'tokenCode' failed: 12 is not 6 digits, of account 123456789012", 'ValidationError', 'MFA_REFUSED'],
		['12345', 'The code (12345) was refused', 'SomethingElse', 'AWS_REFUSED'],
		['a.c*', "Value 'a.c*' at 'tokenCode', not abcc", 'ValidationError', 'MFA_REFUSED'],
	])('does not repeat the code %s', async (typed, message, name, code) => {
		front.fail('AssumeRole', { name, message, status: 400 });
		const { cloud } = openCloud(front.url, home.folder);
		const refusal = await refusalOf(cloud.identify(as('guarded'), { mfaCode: new Secret(` ${typed} `) }));
		expect(refusal.code).toBe(code);
		expect(refusal.why).toContain('********');
		// What is a part of another number or word is none of the code.
		expect(refusal.why?.split(/[^A-Za-z0-9.*]+/)).not.toContain(typed);
		expect(refusal.why).toContain(message.split(typed).at(-1)?.slice(-12));
	});

	it('names both sides where the role is not given', async () => {
		const [caller, role] = ['arn:aws:iam::123456789012:user/ana', 'arn:aws:iam::123456789012:role/Guarded'];
		const message = `User: ${caller} is not authorized to perform: sts:AssumeRole on resource: ${role}`;
		front.fail('AssumeRole', { name: 'AccessDenied', message });
		const { cloud } = openCloud(front.url, home.folder);
		const refusal = await refusalOf(cloud.identify(as('guarded'), { mfaCode: new Secret('123456') }));
		expect(refusal).toMatchObject({ kind: 'aws', code: 'ROLE_REFUSED', where: role });
		expect(refusal.why).toContain(caller);
		expect(refusal.next[0]).toContain(`"Action":"sts:AssumeRole","Resource":"${role}"`);
	});
});

describe('a command that gives credentials', () => {
	const withCommand = (command: string) =>
		home.write('.aws/config', `[profile vault]\ncredential_process = ${command}\nregion = us-east-1\n`);

	it('is run with the environment that was passed', async () => {
		await withCommand(`printf '{"Version":1,"AccessKeyId":"AKIA%s","SecretAccessKey":"${planted.key}"}' "$OWN"`);
		const { cloud, told } = openCloud(front.url, home.folder, { OWN: 'OWN', PATH: process.env.PATH });
		expect(await cloud.identify(as('vault'))).toMatchObject({ kind: 'process', from: 'profile vault (command)', expiresAt: null });
		expect(front.requests[0]?.headers.authorization).toContain('Credential=AKIAOWN/');
		expect(told.map((secret) => secret.reveal())).toEqual([planted.key]);
	});

	it('is ended when nobody waits for it any more', async () => {
		const abort = new AbortController();
		const waiting = await startFront(() => {
			abort.abort();
			return { status: 200, body: '' };
		});
		await withCommand(`echo $$ > "$HOME/pid"; "${process.execPath}" -e "fetch('${waiting.url}')"; exec sleep 600`);
		const { cloud } = openCloud(front.url, home.folder, { PATH: process.env.PATH });
		expect(await refusalOf(cloud.identify(as('vault'), { signal: abort.signal }))).toMatchObject({ kind: 'interrupted' });
		const pid = Number(await readFile(join(home.folder, 'pid'), 'utf8'));
		await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow());
		await waiting.close();
	});

	it.each([
		[`echo ${planted.key}; echo ${planted.token} >&2; exit 3`, 'it ended with exit code 3'],
		[`echo ${planted.key}`, 'it did not print JSON'],
		[`printf '{"Version":2,"SecretAccessKey":"${planted.key}"}'`, 'its JSON has no "Version": 1'],
		[`printf '{"Version":1,"SecretAccessKey":"${planted.key}"}'`, 'its JSON lacks AccessKeyId or SecretAccessKey'],
		[
			`printf '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"${planted.key}","Expiration":"2020-01-01T00:00:00Z"}'`,
			'the credentials that it gave have expired',
		],
	])('is not repeated when it fails: %#', async (command, why) => {
		await withCommand(command);
		const refusal = await refusalOf(openCloud(front.url, home.folder, { PATH: process.env.PATH }).cloud.identify(as('vault')));
		expect(refusal).toMatchObject({ kind: 'aws', code: 'CREDENTIAL_PROCESS_FAILED', why });
	});
});

describe('a server that takes the request and says nothing', () => {
	it('is given up after a while', async () => {
		const silent = await startFront(() => new Promise(() => undefined));
		const env = { HOME: home.folder, AWS_ENDPOINT_URL: silent.url, ...keysOf() };
		const clock = { now: () => Date.now() };
		const cloud = createCloud({ env, clock, retryDelayMilliseconds: 1, requestTimeoutMilliseconds: 20 });
		const refusal = await refusalOf(cloud.identify(anyone));
		expect(refusal).toMatchObject({ kind: 'aws', code: 'AWS_UNREACHABLE', where: `${silent.url} (from AWS_ENDPOINT_URL)` });
		expect(refusal.why).toMatch(/time/i);
		await silent.close();
	});
});

describe('what is set wrongly', () => {
	it('is told of an endpoint that is no URL', async () => {
		const { cloud } = openCloud('127.0.0.1:5000', home.folder, keysOf());
		expect(await refusalOf(cloud.identify(anyone))).toMatchObject({ kind: 'usage', code: 'BAD_ENDPOINT', where: 'AWS_ENDPOINT_URL' });
	});

	it('is told of a profile that takes keys from an environment without keys', async () => {
		await home.write('.aws/config', '[profile ci]\nrole_arn = arn:r\ncredential_source = Environment\nregion = us-east-1\n');
		const refusal = await refusalOf(openCloud(front.url, home.folder).cloud.identify(as('ci')));
		expect(refusal).toMatchObject({ kind: 'aws', code: 'NO_AWS_CREDENTIALS' });
	});

	it('is told of keys below a role that have expired', async () => {
		await home.write('.aws/credentials', mfaConfig.replace(/mfa_serial.*/, ''));
		front.fail('AssumeRole', { name: 'ExpiredToken', message: 'The security token included in the request is expired' });
		const refusal = await refusalOf(openCloud(front.url, home.folder).cloud.identify(as('guarded')));
		expect(refusal).toMatchObject({ code: 'EXPIRED_CREDENTIALS', where: 'profile base' });
		expect(refusal.next[0]).toContain('profile base');
	});
});

describe('the region', () => {
	it.each([
		[{ profile: null, region: 'eu-west-3' }, { AWS_REGION: 'a' }, 'eu-west-3', 'setting region'],
		[anyone, { AWS_REGION: 'eu-west-2', AWS_DEFAULT_REGION: 'a' }, 'eu-west-2', 'env AWS_REGION'],
		[anyone, { AWS_REGION: '', AWS_DEFAULT_REGION: 'eu-west-1' }, 'eu-west-1', 'env AWS_DEFAULT_REGION'],
		[anyone, { AWS_REGION: '' }, 'us-west-2', 'profile default'],
	])('comes from the first that names one: %#', async (access, env, region, regionFrom) => {
		await home.write('.aws/config', '[default]\nregion = us-west-2\n');
		const { cloud } = openCloud(front.url, home.folder, { ...keysOf(), ...env });
		expect(await cloud.identify(access)).toMatchObject({ region, regionFrom });
	});
});

describe('a profile that is named', () => {
	it('gives way to the keys of the environment where no profile exists at all, and says so', async () => {
		const access = { profile: 'dev', region: 'us-east-1' };
		const identity = await openCloud(front.url, home.folder, keysOf()).cloud.identify(access);
		expect(identity).toMatchObject({ profile: null, kind: 'environment', from: 'env AWS_ACCESS_KEY_ID, as no profile is known here' });
		expect(await refusalOf(openCloud(front.url, home.folder).cloud.identify(access))).toMatchObject({ code: 'NO_SUCH_PROFILE' });
		await home.write('.aws/config', '[profile other]\nregion = us-east-1\n');
		expect(await refusalOf(openCloud(front.url, home.folder, keysOf()).cloud.identify(access))).toMatchObject({ code: 'NO_SUCH_PROFILE' });
	});
});
