/**
 * The whole job from an AWS profile and a file of CDK outputs: headless, in the wizard, and by the wizard's own command with keys of the
 * environment. What is secret is planted in every place that holds secrets, and looked for in everything that the program wrote.
 */

import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keys } from '../terminal/pty.js';
import { AwsJob, missingServers, secrets } from './aws-job-scene.js';

it.runIf(process.env.REPOT_REQUIRE_SERVERS === '1')('has both servers', () => {
	expect(missingServers).toBe('');
});

const ofProfile = { AWS_PROFILE: 'migrator' };

describe.skipIf(missingServers !== '')(`an AWS profile and a file of outputs (skipped without ${missingServers})`, () => {
	let voyage: Server;
	let job: AwsJob;

	beforeAll(async () => {
		job = new AwsJob('dev');
		// A service that repeats what it was sent is where a key gets into messages.
		voyage = createServer((request, response) => {
			response.writeHead(401, { 'content-type': 'application/json' });
			response.end(JSON.stringify({ detail: `the key ${request.headers.authorization ?? ''} is not valid` }));
		});
		await new Promise<void>((resolve) => voyage.listen(0, '127.0.0.1', resolve));
	});

	afterAll(async () => {
		voyage.close();
		await job.close();
	});

	beforeEach(() => job.begin());
	afterEach(() => job.end());

	it('repot migrate does the whole job, and says whose identity, which database and which user before it plans', async () => {
		const ended = await job.run(['migrate', '--env', 'dev', '--dataset', 'golden', '--yes', '--log-level', 'debug']);
		expect(ended.code, ended.stderr).toBe(0);
		const sub = await job.subOf('migration-test-golden');
		const [identity, target, user, first] = ['AWS identity', 'PostgreSQL  ', 'User id', 'Dry run'].map((text) =>
			ended.stderr.indexOf(text),
		);
		expect(identity).toBeGreaterThan(-1);
		expect(ended.stderr).toContain('account 123456789012, us-east-1');
		expect(ended.stderr).toContain('ssm /collections/dev/database-url v');
		for (const later of [target, user]) expect(later).toBeGreaterThan(identity ?? 0);
		expect(first).toBeGreaterThan(Math.max(target ?? 0, user ?? 0));
		await job.expectMigrated(sub);
		const doctor = await job.run(['doctor', '--env', 'dev', '--dataset', 'golden']);
		expect(doctor.code, doctor.stdout).toBe(0);
		for (const line of [/ok {4}AWS +arn:aws/, /ok {4}Target/, /ok {4}User id/]) expect(doctor.stdout).toMatch(line);
		for (const argv of [['config', '--env', 'dev', '--json'], ['runs'], ['verify', '--env', 'dev', '--dataset', 'golden', '--json']])
			expect((await job.run(argv)).code, argv.join(' ')).toBe(0);
	});

	it('the wizard does the same, and its command does it again with keys of the environment alone', async () => {
		// Nobody said which profile: it is picked.
		const terminal = job.openWizard({});
		await terminal.until('ssm /collections/dev/database-url');
		terminal.send(keys.enter);
		await terminal.until('240 x 256');
		terminal.send(keys.enter);
		await terminal.until('NO_AWS_CREDENTIALS');
		terminal.send('p');
		await terminal.until('> migrator');
		terminal.send(keys.enter);
		await terminal.until(/ok AWS identity +arn:aws/);
		await terminal.until(/ok PostgreSQL[\s\S]*ok pgvector[\s\S]*ok User id/);
		await terminal.until(await job.subOf('migration-test-golden'));
		terminal.send(keys.enter);
		await terminal.until('960 records');
		terminal.send(keys.enter);
		await terminal.until('Press Enter to start writing.');
		const command = /repot (migrate --env dev --dataset golden[^\n]*--yes)/.exec(terminal.screen().join('\n'))?.[1];
		expect(command).toBe('migrate --env dev --dataset golden --aws-profile migrator --yes');
		terminal.send(keys.enter);
		await terminal.until('ALL CHECKS PASS');
		terminal.send(keys.enter);
		expect(await terminal.exited).toBe(0);
		await job.expectMigrated(await job.subOf('migration-test-golden'));

		// A computer that knows no profile: another home, and keys in the environment.
		await rm(join(job.home, '.aws'), { recursive: true });
		const again = await job.run((command ?? '').split(' '), {
			AWS_ACCESS_KEY_ID: 'ASIAPLANTED0EXAMPLE0',
			AWS_SECRET_ACCESS_KEY: secrets.secretKey,
			AWS_SESSION_TOKEN: secrets.sessionToken,
			AWS_REGION: 'us-east-1',
		});
		expect(again.code, again.stderr).toBe(0);
		expect(again.stderr).toContain('Nothing to do');
	});

	it('names what is missing, a line each, and creates the user only when asked', async () => {
		const other = ['migrate', '--env', 'dev', '--dataset', 'golden', '--yes', '--test-user', 'nobody-yet'];
		const refused = await job.run(other);
		expect(refused.code).toBe(2);
		expect(refused.stderr).toContain('User nobody-yet does not exist');
		expect(refused.stderr).toContain('--create-user');
		expect(await job.subOf('nobody-yet')).toBe('');
		const made = await job.run([...other, '--create-user']);
		expect(made.code, made.stderr).toBe(0);
		await job.expectMigrated(await job.subOf('nobody-yet'));
		const elsewhere = await job.run(['plan', '--env', 'test', '--dataset', 'golden']);
		expect(elsewhere.code).toBe(2);
		expect(elsewhere.stderr).toContain('Parameter Store has no /collections/test/database-url');
		expect(elsewhere.stderr).toContain('--url-parameter /collections/dev/database-url');
		expect(elsewhere.stderr).toContain('--user-id');
		const unreachable = await job.run(['plan', '--env', 'dev', '--dataset', 'golden'], {
			...ofProfile,
			AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
		});
		expect(unreachable.code).toBe(8);
	});

	it('keeps the key of a service to itself that repeats what it was sent', async () => {
		const ended = await job.run(['migrate', '--env', 'dev', '--dataset', 'golden', '--yes', '--json', '--log-level', 'debug'], {
			...ofProfile,
			VOYAGE_API_KEY: secrets.voyageKey,
			VOYAGE_BASE_URL: `http://127.0.0.1:${(voyage.address() as AddressInfo).port}`,
		});
		// The text queries cannot be embedded, which is told as a failed check.
		expect(ended.code, ended.stderr).toBe(5);
		expect(ended.stderr).toContain('VOYAGE_API_KEY');
	});
});
