/**
 * A refusal by moto's own IAM. It is switched on for a whole server, so this one has none beside it. Services of JSON are refused in XML, which no
 * client of theirs can read; STS speaks XML.
 */

import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Home, makeHome, openCloud, refusalOf } from '../contract/cloud-scene.js';
import { root } from '../terminal/pty.js';

const python = process.env.REPOT_TEST_MOTO_PYTHON;

it.runIf(process.env.REPOT_REQUIRE_SERVERS === '1')('has a Python with moto', () => {
	expect(python, 'REPOT_TEST_MOTO_PYTHON').toBeDefined();
});

describe.skipIf(python === undefined)('AWS that enforces its policies, a moto server (skipped without REPOT_TEST_MOTO_PYTHON)', () => {
	let home: Home;
	let endpoint = '';
	let pid = 0;
	let log = '';

	beforeAll(async () => {
		home = await makeHome();
		const { stdout } = await promisify(execFile)(join(root, 'tests/servers/start-moto.sh'), [python ?? '']);
		const given = (name: string): string => new RegExp(`${name}=(\\S+)`).exec(stdout)?.[1] ?? '';
		[endpoint, pid, log] = [given('REPOT_TEST_AWS_ENDPOINT'), Number(given('REPOT_TEST_AWS_PID')), given('REPOT_TEST_AWS_LOG')];
	});
	afterAll(async () => {
		if (pid > 0) process.kill(pid);
		await rm(log, { force: true });
		await home.remove();
	});

	/** A call to IAM, in the query protocol. The server reads no more of the signature than the service. */
	async function iam(parameters: Readonly<Record<string, string>>): Promise<(element: string) => string> {
		const authorization = 'AWS4-HMAC-SHA256 Credential=SETUP/20250101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=none';
		const body = new URLSearchParams({ ...parameters, Version: '2010-05-08' });
		const answer = await (await fetch(endpoint, { method: 'POST', headers: { authorization }, body })).text();
		return (element) => new RegExp(`<${element}>([^<]+)<`).exec(answer)?.[1] ?? '';
	}

	it('tells who may not assume the role, and the policy that would allow it', async () => {
		await iam({ Action: 'CreateUser', UserName: 'ana' });
		const key = await iam({ Action: 'CreateAccessKey', UserName: 'ana' });
		const switched = await fetch(new URL('/moto-api/reset-auth', endpoint), { method: 'POST', body: '0' });
		expect(switched.ok).toBe(true);
		const role = 'arn:aws:iam::123456789012:role/Migrate';
		await home.write(
			'.aws/credentials',
			`[base]\naws_access_key_id = ${key('AccessKeyId')}\naws_secret_access_key = ${key('SecretAccessKey')}\n[role]\nrole_arn = ${role}\nsource_profile = base\nregion = us-east-1\n`,
		);
		const { cloud } = openCloud(endpoint, home.folder);
		const refusal = await refusalOf(cloud.identify({ profile: 'role', region: null }));
		expect(refusal).toMatchObject({ kind: 'aws', code: 'ROLE_REFUSED', where: role });
		expect(refusal.why).toContain('arn:aws:iam::123456789012:user/ana is not trusted by');
		expect(refusal.next[0]).toContain(`"Action":"sts:AssumeRole","Resource":"${role}"`);
	});
});
