/**
 * The ways by which a secret reaches the program: each is taken once where it works and once where it is refused, and after each everything
 * that was written, printed or drawn is looked through.
 */

import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AwsFront, startProxy } from '../fakes/aws-front.js';
import { keys } from '../terminal/pty.js';
import { AwsJob, expectNoSecret, missingServers, secrets } from './aws-job-scene.js';

it.runIf(process.env.REPOT_REQUIRE_SERVERS === '1')('has both servers', () => {
	expect(missingServers).toBe('');
});

const plan = ['plan', '--env', 'prod', '--dataset', 'golden', '--log-level', 'debug'];
const ofNobody = ['--user-id', 'ana', '--skip-cognito'];
const ofProfile = { AWS_PROFILE: 'migrator' };
const day = 86_400_000;

describe.skipIf(missingServers !== '')(`a secret (skipped without ${missingServers})`, () => {
	let job: AwsJob;
	let front: AwsFront;

	beforeAll(async () => {
		job = new AwsJob('prod');
		front = await startProxy(process.env.REPOT_TEST_AWS_ENDPOINT ?? '');
	});
	afterAll(async () => {
		await front.close();
		await job.close();
	});
	beforeEach(async () => {
		front.calm();
		await job.begin();
	});
	afterEach(() => job.end());

	/** The URL of the database with another password, or none. */
	const url = (password = ''): string =>
		`postgresql://${job.database}${password === '' ? '' : `:${password}`}@${job.place}/${job.database}`;

	it('is found by the sweep in whatever form it was written', () => {
		for (const text of [
			secrets.mfaCode,
			encodeURIComponent(secrets.password),
			`a\n${secrets.typedPassword.replace('-', '-\n')}`,
			'&X-Amz-Signature=1',
		])
			expect(() => expectNoSecret('a text', Buffer.from(text).toString('latin1'))).toThrow('a planted secret in a text');
		expectNoSecret('a text', 'nothing of the kind');
	});

	it('in parts is put together, and the plan stands', async () => {
		await job.splitParameter();
		const ended = await job.run(plan);
		expect(ended.code, ended.stderr).toBe(0);
		expect(ended.stderr).toContain('ssm /collections/prod/database/');
	});

	it('that is a token of RDS takes the place of the good password, and is refused by a server that asks for one', async () => {
		const withPassword = await job.run(plan);
		expect(withPassword.code, withPassword.stderr).toBe(0);
		const ended = await job.run([...plan, '--json', '--iam-auth']);
		expect(ended.code, ended.stderr).toBe(8);
		expect(ended.stdout + ended.stderr).toContain('IAM_LOGIN_REFUSED');
		expect(ended.stdout + ended.stderr).toContain(`GRANT rds_iam TO \\"${job.database}\\"`);
	});

	it('in the password file of libpq is taken, and refused', async () => {
		await job.writeHome('.pgpass', `127.0.0.1:*:*:${job.database}:${secrets.passFilePassword}\n`);
		const env = { ...ofProfile, PGPASSWORD: '', REPOT_POSTGRES_URL: url() };
		const refused = await job.run([...plan, ...ofNobody], env);
		expect(refused.code, refused.stderr).toBe(8);
		expect(refused.stderr).toContain('The server refused the password');
		await job.setPassword(secrets.passFilePassword);
		const taken = await job.run([...plan, ...ofNobody], env);
		expect(taken.code, taken.stderr).toBe(0);
	});

	it('in the URL of a variable is taken, and refused', async () => {
		const env = { ...ofProfile, REPOT_POSTGRES_URL: url(secrets.variablePassword) };
		const refused = await job.run([...plan, ...ofNobody, '--json'], env);
		expect(refused.code, refused.stderr).toBe(8);
		expect(refused.stdout + refused.stderr).toContain('WRONG_PASSWORD');
		await job.setPassword(secrets.variablePassword);
		const taken = await job.run([...plan, ...ofNobody], env);
		expect(taken.code, taken.stderr).toBe(0);
		expect((await job.run(['config', '--env', 'prod', '--json'], env)).code).toBe(0);
	});

	it('that a command prints is taken, and not shown where the command fails', async () => {
		const printed = {
			Version: 1,
			AccessKeyId: 'ASIAPLANTED0EXAMPLE1',
			SecretAccessKey: secrets.processKey,
			SessionToken: secrets.processToken,
		};
		await job.writeHome('vault.json', JSON.stringify(printed));
		await job.writeHome('broken.json', JSON.stringify({ ...printed, Version: 2 }));
		const profile = (name: string, command: string): string => `[profile ${name}]\ncredential_process = ${command}\nregion = us-east-1\n`;
		const file = (name: string): string => `"${job.home}/${name}.json"`;
		await job.writeHome(
			'.aws/config',
			profile('vault', `cat ${file('vault')}`) +
				profile('broken', `cat ${file('broken')}`) +
				profile('failing', `sh -c 'cat ${file('vault')} >&2; cat ${file('vault')}; exit 3'`),
		);
		const taken = await job.run([...plan, '--aws-profile', 'vault'], {});
		expect(taken.code, taken.stderr).toBe(0);
		for (const name of ['broken', 'failing']) {
			const refused = await job.run([...plan, '--aws-profile', name], {});
			expect(refused.code, refused.stderr).toBe(8);
			expect(refused.stderr).toContain('The command that gives the credentials of profile');
		}
	});

	it('of a login that has ended is not shown, nor those that could renew it', async () => {
		await job.writeHome(
			'.aws/config',
			`[profile corp]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Migrate\nregion = us-east-1\n[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = us-east-1\n`,
		);
		const inDays = (days: number): string => new Date(Date.now() + days * day).toISOString();
		const login = { accessToken: secrets.ssoToken, expiresAt: inDays(-1), startUrl: 'https://corp.awsapps.com/start', region: 'us-east-1' };
		const renewable = {
			...login,
			refreshToken: secrets.ssoRefresh,
			clientId: 'repot-test',
			clientSecret: secrets.ssoClient,
			registrationExpiresAt: inDays(1),
		};
		const cached = `.aws/sso/cache/${createHash('sha1').update('corp').digest('hex')}.json`;
		for (const token of [login, renewable]) {
			await job.writeHome(cached, JSON.stringify(token));
			front.fail('CreateToken', { name: 'InvalidGrantException', message: `refused ${secrets.ssoRefresh}` }, 9);
			const ended = await job.run([...plan, '--aws-profile', 'corp'], { AWS_ENDPOINT_URL: front.url });
			expect(ended.code, ended.stderr).toBe(8);
			expect(ended.stderr).toContain('The SSO session of profile "corp" has expired');
		}
		expect(front.requests.map(({ action }) => action)).toContain('CreateToken');
	});

	it('of an MFA device is taken, and not shown where AWS repeats it', async () => {
		await job.writeHome(
			'.aws/config',
			'[profile guarded]\nrole_arn = arn:aws:iam::123456789012:role/Guarded\nsource_profile = migrator\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\nregion = us-east-1\n',
		);
		const guarded = [...plan, '--aws-profile', 'guarded', '--mfa-code', secrets.mfaCode];
		const env = { AWS_ENDPOINT_URL: front.url };
		const taken = await job.run(guarded, env);
		expect(taken.code, taken.stderr).toBe(0);
		const given = front.requests.find(({ action }) => action === 'AssumeRole');
		expect(new URLSearchParams(given?.body).get('TokenCode')).toBe(secrets.mfaCode);
		const message = `1 validation error detected: Value '${secrets.mfaCode}' at 'tokenCode' failed to satisfy constraint`;
		front.fail('AssumeRole', { name: 'ValidationError', message, status: 400 }, 9);
		const refused = await job.run(guarded, env);
		expect(refused.code, refused.stderr).toBe(2);
		expect(refused.stderr).toContain('AWS refused the MFA code');
		expect(refused.stderr).toContain("Value '********' at 'tokenCode'");
	});

	it('that is typed into the wizard is refused, and taken', async () => {
		const terminal = job.openWizard(ofProfile, ['--env', 'prod', '--dataset', 'golden']);
		await terminal.until(/> prod .*ssm/);
		terminal.send(keys.enter);
		await terminal.until('240 x 256');
		terminal.send(keys.enter);
		await terminal.until(/ok PostgreSQL/);
		for (const words of ['WRONG_PASSWORD', /ok PostgreSQL[\s\S]*typed/]) {
			terminal.send('u');
			await terminal.until('Target URL');
			terminal.paste(url(secrets.typedPassword));
			await terminal.until('*****');
			terminal.send(keys.enter);
			await terminal.until(words);
			await job.setPassword(secrets.typedPassword);
		}
		terminal.send(keys.ctrlC);
		await terminal.exited;
	});
});
